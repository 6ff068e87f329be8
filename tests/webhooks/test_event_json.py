# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest

import schemas
from schemas import binary_headers, erased_headers
from stream.webhooks.event_json import NotAnEvent, webhook_of

EXAMPLES = Path(schemas.__file__).parent / "examples"
TIME_MS = 1_767_225_600_000
HEADERS = binary_headers("offer.issued.v1", "e-1", "urn:shadowpoints:test", TIME_MS, "union.a.b")


@pytest.mark.parametrize("name", ["offer.issued.v1", "payout.issued.v1"])
def test_the_body_is_the_event_in_structured_mode(name: str) -> None:
    event = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
    headers = [(f"ce_{k}", v.encode()) for k, v in event.items() if isinstance(v, str)]
    headers = [(n.replace("ce_datacontenttype", "content-type"), v) for n, v in headers]
    webhook = webhook_of(headers, orjson.dumps(event["data"]))
    assert (webhook.id, webhook.type, webhook.subject) == (event["id"], name, event["subject"])
    assert json.loads(webhook.body) == event


def test_data_are_not_written_anew() -> None:
    value = b'{"n": 12345678901234567890123, "f": 1.0}'
    assert value in webhook_of([*HEADERS, ("ce_sequence", b"12")], value).body
    assert b'"sequence":"12"' in webhook_of([*HEADERS, ("ce_sequence", b"12")], value).body


def test_a_tombstone_is_an_event_without_data() -> None:
    webhook = webhook_of(erased_headers("t-1", "urn:shadowpoints:test", TIME_MS, "e-1"), None)
    assert (webhook.id, webhook.type, webhook.subject) == ("t-1", "record.erased.v1", "e-1")
    assert {"data", "datacontenttype"}.isdisjoint(json.loads(webhook.body))


@pytest.mark.parametrize(
    ("headers", "value", "said"),
    [
        ([], None, "header ce_specversion must be the string 1.0"),
        ([h for h in HEADERS if h[0] != "ce_time"], b"{}", "header ce_time must be"),
        ([*HEADERS, ("ce_id", "läufer".encode())], b"{}", "none of this engine's ids"),
        ([*HEADERS, ("ce_id", b"a\r\nb: c")], b"{}", "header ce_id must be"),
        ([*HEADERS, ("x", b"\xff")], b"{}", "not UTF-8"),
        (HEADERS, b"secret", "the value is not JSON"),
        (HEADERS, b"", "the value is not JSON"),
    ],
)
def test_what_the_engine_did_not_write_is_no_event(
    headers: list[tuple[str, bytes]], value: bytes | None, said: str
) -> None:
    with pytest.raises(NotAnEvent, match=said) as caught:
        webhook_of(headers, value)
    assert "secret" not in str(caught.value)
