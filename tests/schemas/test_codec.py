from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import (
    VALUE_BYTES_MAX,
    Event,
    Reason,
    Refused,
    binary_headers,
    decode,
    encode_data,
    time_ms,
)
from schemas.registry import TOPIC_MINI_PROGRAM, TOPIC_PAY
from tests.schemas.samples import (
    FORMS,
    PAYMENT,
    TYPES,
    Document,
    Record,
    binary,
    changed,
    example,
    plain,
    structured,
    topic_of,
)


def refused(record: Record | tuple[bytes | None, Any], topic: str = TOPIC_PAY) -> Refused:
    with pytest.raises(Refused) as caught:
        decode(record[0], record[1], topic)
    return caught.value


def payment(path: str = "subject", value: Any = "s") -> Document:
    return changed(example(PAYMENT), path, value)


@pytest.mark.parametrize("event_type", TYPES)
def test_the_three_forms_say_the_same(event_type: str) -> None:
    document = example(event_type)
    plainly, *others = [decode(*form(document), topic_of(event_type)) for form in FORMS.values()]
    assert others == [plainly, plainly]
    assert (plainly.id, plainly.source, plainly.type) == (
        document["id"],
        document["source"],
        event_type,
    )
    assert plainly.time_ms == time_ms(plainly.time)


@pytest.mark.parametrize("event_type", TYPES)
def test_what_is_written_is_read_back_equal(event_type: str) -> None:
    event = decode(*plain(example(event_type)), topic_of(event_type))
    headers = binary_headers(event.type, event.id, event.source, event.time, "somebody")
    value = encode_data(event.data)
    again = decode(value, headers, topic_of(event_type))
    assert again == event
    assert encode_data(again.data) == value
    assert b"null" not in value


@pytest.mark.parametrize("event_type", [t for t in TYPES if topic_of(t).startswith("shadow.")])
def test_what_we_emit_is_written_as_the_example_shows(event_type: str) -> None:
    document = example(event_type)
    event = decode(*plain(document), topic_of(event_type))
    assert orjson.loads(encode_data(event.data)) == document["data"]


def test_an_event_has_aware_time_and_milliseconds() -> None:
    event = decode(*plain(payment("time", "2026-03-01T08:12:30.250999+08:00")), TOPIC_PAY)
    assert isinstance(event, Event)
    assert event.time_ms == 1_772_323_950_250
    assert event.time.isoformat() == "2026-03-01T08:12:30.250000+08:00"


def test_binary_headers() -> None:
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", b"offer.lapsed.v1"),
        ("ce_id", b"0f3d"),
        ("ce_source", b"urn:x"),
        ("ce_time", b"2026-03-01T00:00:00.007Z"),
        ("ce_subject", b"union.main.u1"),
        ("content-type", b"application/json"),
    ]
    assert binary_headers("offer.lapsed.v1", "0f3d", "urn:x", 1772323200007, "union.main.u1") == (
        headers
    )
    del headers[5]
    assert binary_headers("offer.lapsed.v1", "0f3d", "urn:x", 1772323200007) == headers


def test_the_known_extensions_and_optional_attributes_are_taken() -> None:
    document = example(PAYMENT) | {
        "subject": "somebody",
        "dataschema": "urn:shadowpoints:schema:payment.succeeded.v1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "congo=t61rcWkgMzE",
        "partitionkey": "oT4nRq0",
    }
    assert decode(*plain(document), TOPIC_PAY) == decode(*plain(example(PAYMENT)), TOPIC_PAY)
    nulled = example(PAYMENT) | {"subject": None, "dataschema": None}
    assert decode(*plain(nulled), TOPIC_PAY) == decode(*binary(document), TOPIC_PAY)


USUAL = ["specversion", "id", "source", "type", "time"]


@given(
    st.sampled_from([*USUAL, "content-type"]),
    st.one_of(
        st.sampled_from([b"", b"1.0", b"application/json", b"2026-03-01T08:00:00Z", b"a b"]),
        st.binary(max_size=12),
        st.none(),
    ),
)
def test_usual_headers_are_read_as_any_others(name: str, value: bytes | None) -> None:
    """One more header, which is left alone, takes the general way."""
    body, headers = binary({key: example(PAYMENT)[key] for key in [*USUAL, "data"]})
    full = name if name == "content-type" else f"ce_{name}"
    headers = [(n, value if n == full else v) for n, v in headers]  # type: ignore[misc]

    def result(headers: Any) -> object:
        try:
            return decode(body, headers, TOPIC_PAY)
        except Refused as refusal:
            return str(refusal)

    assert result(headers) == result([*headers, ("x", b"")])


def test_headers_of_others_are_left_alone() -> None:
    value, headers = binary(example(PAYMENT))
    others = [("traceparent", b"\xff"), ("__connect.errors.topic", b"x"), ("X", b"")]
    assert decode(value, [*others, *headers], TOPIC_PAY).type == PAYMENT


def test_in_structured_form_the_value_counts_and_not_the_headers() -> None:
    value, headers = structured(example(PAYMENT))
    event = decode(value, [*headers, ("ce_id", b"another"), ("ce_foo", b"")], TOPIC_PAY)
    assert event.id == example(PAYMENT)["id"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"NaN",
        b'{"a": Infinity}',
        b"\xff\xfe",
        b'{"a": "\xc3\x28"}',
        b'{"a": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"{'a': 1}",
        b'{"a": 1} {"a": 1}',
        b"[" * 100_000,
        b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=lambda value: repr(value)[:24],
)
def test_malformed_json(value: bytes | None) -> None:
    assert refused((value, [])).reason is Reason.MALFORMED_JSON
    _, headers = binary(example(PAYMENT))
    assert refused((value, headers)).reason is Reason.MALFORMED_JSON


def test_values_above_the_limit_are_not_even_parsed() -> None:
    document = plain(payment("data.attach", "x" * 100))[0]
    fits = document + b" " * (VALUE_BYTES_MAX - len(document))
    assert decode(fits, [], TOPIC_PAY).type == PAYMENT
    assert refused((fits + b" ", [])).reason is Reason.TOO_LARGE
    assert refused((b"\xff" * (VALUE_BYTES_MAX + 1), [])).reason is Reason.TOO_LARGE
    assert refused((b'"' + b"x" * 1_000_000 + b'"', [])).reason is Reason.TOO_LARGE


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("path", "value"),
    [
        *[(name, ...) for name in ("specversion", "id", "source", "type", "time")],
        ("specversion", "0.3"),
        ("id", ""),
        ("id", "x" * 201),
        ("id", "with space"),
        ("source", ""),
        ("source", "not a uri"),
        ("type", "Payment.Succeeded.v1"),
        ("subject", ""),
        ("subject", "line\nfeed"),
        ("dataschema", " "),
        ("traceparent", "?"),
        ("colour", "red"),
        ("data_base64", "e30="),
        ("time", "2026-03-01T08:12:30"),
        ("time", "2026-02-30T08:12:30Z"),
        ("time", "2010-12-31T23:59:59Z"),
        ("time", "2100-01-01T00:00:00Z"),
        ("data", []),
        ("data", "text"),
        ("data", None),
    ],
)
def test_invalid_envelopes(form: str, path: str, value: Any) -> None:
    answer = refused(FORMS[form](payment(path, value)))
    assert answer.reason is Reason.INVALID_ENVELOPE
    name = "*" if path in ("colour", "data_base64") else path
    assert f"ce_{name}" in answer.message or f"$.{name}" in answer.message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", 7),
        ("id", None),
        ("time", 1_772_323_950),
        ("specversion", 1.0),
        ("subject", ["x"]),
        ("data", ...),
        ("datacontenttype", "text/xml"),
    ],
)
def test_invalid_envelopes_which_only_json_can_say(path: str, value: Any) -> None:
    assert refused(plain(payment(path, value))).reason is Reason.INVALID_ENVELOPE
    assert refused(structured(payment(path, value))).reason is Reason.INVALID_ENVELOPE


@pytest.mark.parametrize("value", [b"null", b"[]", b"[{}]", b'"text"', b"1", b"true", b"{}"])
def test_values_which_are_no_event(value: bytes) -> None:
    assert refused((value, [])).reason is Reason.INVALID_ENVELOPE


def test_a_batch_is_refused() -> None:
    value = orjson.dumps([example(PAYMENT)])
    header = [("content-type", b"application/cloudevents-batch+json")]
    assert refused((value, header)).reason is Reason.INVALID_ENVELOPE


@pytest.mark.parametrize(
    "header",
    [
        ("ce_id", b"twice"),
        ("ce_subject", b"\xff"),
        ("ce_subject", None),
        ("content-type", b"text/plain"),
        ("content-type", b"\xff"),
        ("ce_colour", b"red"),
    ],
)
def test_invalid_headers(header: Any) -> None:
    value, headers = binary(example(PAYMENT))
    headers = [h for h in headers if h[0] != "content-type"]
    assert decode(value, headers, TOPIC_PAY).type == PAYMENT
    assert refused((value, [*headers, header])).reason is Reason.INVALID_ENVELOPE


def test_unknown_types_and_wrong_topics() -> None:
    assert refused(plain(payment("type", "payment.dreamt.v1"))).reason is Reason.UNKNOWN_TYPE
    assert refused(plain(payment("type", "payment.succeeded.v2"))).reason is Reason.UNKNOWN_TYPE
    answer = refused(plain(example(PAYMENT)), TOPIC_MINI_PROGRAM)
    assert answer.reason is Reason.WRONG_TOPIC
    assert TOPIC_PAY in answer.message
    assert refused(plain(example("offer.issued.v1"))).reason is Reason.WRONG_TOPIC


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("data.amount", ..., "$.data.amount is missing; it is required."),
        ("data.amount.total", "12", "$.data.amount.total: must be an integer"),
        ("data.payer", [1], "$.data.payer: must be a JSON object."),
        ("data.appid", 5, "$.data.appid: must be a string."),
        ("data.promotion_detail", {}, "$.data.promotion_detail: must be an array."),
        ("data.promotion_detail.0.amount", -1, "$.data.promotion_detail[0].amount: should be"),
        ("data.unionid", "u1", "$.data.unionid does not belong to this type: remove it."),
        ("data.u1", 1, "$.data has a field which this type does not have: remove it."),
        ("data.user_received_account", "x", "bank account: remove it before publishing."),
        ("data.trade_state", "NOTPAY", "$.data.trade_state: should be 'SUCCESS'."),
    ],
)
def test_messages_say_where_and_what_to_do(path: str, value: Any, message: str) -> None:
    answer = refused(plain(payment(path, value)))
    assert answer.reason is Reason.INVALID_DATA
    assert message in answer.message
    assert str(answer) == f"invalid_data: {answer.message}"


def test_rules_over_several_fields_have_a_message_too() -> None:
    document = changed(example("attendee.checked_in.v1"), "data.unionid", ...)
    answer = refused(plain(document), "event.check-in")
    assert "unionid and open_account must come together" in answer.message


def test_many_problems_are_counted_not_listed() -> None:
    fields = {f"made_up_{n}": n for n in range(2000)}
    answer = refused(plain(payment("data", fields)))
    assert len(answer.message) < 500
    assert "more." in answer.message


@pytest.mark.parametrize("digits", [str(2**64), str(10**30), "1e400", "-" + str(2**63 + 1)])
def test_integers_beyond_64_bits_are_refused(digits: str) -> None:
    text = json.dumps(payment("data.amount.total", 77_777))
    answer = refused((text.replace("77777", digits).encode(), []))
    assert answer.reason in (Reason.INVALID_DATA, Reason.MALFORMED_JSON)


def test_of_two_fields_with_one_name_the_last_counts() -> None:
    text = json.dumps(payment("data.attach", "first"))
    twice = text.replace('"attach": "first"', '"attach": "first", "attach": "last"')
    event = decode(twice.encode(), [], TOPIC_PAY)
    assert event == decode(*plain(payment("data.attach", "last")), TOPIC_PAY)


def test_a_refusal_holds_no_trace_of_the_payload() -> None:
    answer = refused(plain(payment("data.amount.total", "secret")))
    assert answer.__cause__ is None
    assert answer.__context__ is None
