# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from schemas import Reason, dead_letter_headers
from schemas.dead_letter import KEY, NO_VALUE, dead_letter_key


def headers(
    original: list[tuple[str, bytes]],
    reason: Reason,
    key: bytes | None = None,
    has_value: bool = True,
) -> list[tuple[str, bytes]]:
    return dead_letter_headers(
        original,
        topic="wechat.pay",
        partition=3,
        offset=1024,
        stage="decode",
        reason=reason,
        message="$.data.amount is missing; it is required.",
        key=key,
        has_value=has_value,
    )


def test_place_and_reason_follow_the_original_headers() -> None:
    original = [("ce_id", b"\xff\x00"), ("ce_id", b"twice")]
    assert headers(original, Reason.INVALID_DATA) == [
        *original,
        ("__connect.errors.topic", b"wechat.pay"),
        ("__connect.errors.partition", b"3"),
        ("__connect.errors.offset", b"1024"),
        ("__connect.errors.connector.name", b"shadowpoints"),
        ("__connect.errors.stage", b"decode"),
        ("__connect.errors.exception.class.name", b"invalid_data"),
        ("__connect.errors.exception.message", b"$.data.amount is missing; it is required."),
    ]


def test_a_second_failure_replaces_the_first() -> None:
    once = headers([("k", b"v")], Reason.UNKNOWN_TYPE)
    assert headers(once, Reason.TOO_LATE) == headers([("k", b"v")], Reason.TOO_LATE)


def test_what_the_record_had_instead_of_key_and_value_is_in_headers_of_ours() -> None:
    plain = headers([], Reason.TOO_LATE)
    assert headers([], Reason.TOO_LATE, b"\xff", False) == [*plain, (KEY, b"\xff"), (NO_VALUE, b"")]
    assert headers([], Reason.TOO_LATE, b"") == [*plain, (KEY, b"")]
    assert headers([(KEY, b"forged"), (NO_VALUE, b"")], Reason.TOO_LATE) == plain


def test_the_key_of_a_letter_is_the_place_of_the_original() -> None:
    assert dead_letter_key("wechat.pay", 3, 1024) == b"wechat.pay-3@1024"


def test_the_reasons_are_a_closed_list() -> None:
    assert {reason.value for reason in Reason} == {
        *("unreadable", "malformed_json", "invalid_envelope", "unknown_type", "wrong_topic"),
        *("invalid_data", "unknown_app", "too_large", "too_late", "times_differ", "in_future"),
        *("internal", "output_too_large", "webhook_refused", "webhook_failed"),
    }
