# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
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
    erased_headers,
    known_id,
    time_ms,
)
from schemas.base import MESSAGE_ID_PATTERN
from schemas.erased import RecordErased
from schemas.topics import TOPIC_MINI_PROGRAM, TOPIC_PAY
from tests.schemas.samples import (
    FORMS,
    PAYMENT,
    TYPES,
    WITH_DATA,
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


@pytest.mark.parametrize("event_type", [t for t in WITH_DATA if topic_of(t).startswith("shadow.")])
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
        *(("ce_specversion", b"1.0"), ("ce_type", b"offer.lapsed.v1"), ("ce_id", b"0f3d")),
        *(("ce_source", b"urn:x"), ("ce_time", b"2026-03-01T00:00:00.007Z")),
        *(("ce_subject", b"union.main.u1"), ("content-type", b"application/json")),
    ]
    assert binary_headers("offer.lapsed.v1", "0f3d", "urn:x", 1772323200007, "union.main.u1") == (
        headers
    )
    del headers[5]
    assert binary_headers("offer.lapsed.v1", "0f3d", "urn:x", 1772323200007) == headers


@pytest.mark.parametrize(
    "others",
    [
        {"subject": "somebody", "dataschema": "urn:shadowpoints:schema:payment.succeeded.v1"},
        {"subject": "行" * 9_000, "dataschema": " "},
        {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        {"tracestate": "congo=t61rcWkgMzE", "partitionkey": "oT4nRq0"},
        {"sequence": "7", "sampledrate": "30", "recordedtime": "2026-03-01T08:00:00Z"},
        {"severitytext": "INFO", "correlationid": "7", "dataref": "urn:x", "authtype": "user"},
        {"knativearrivaltime": "2026-03-01T08:00:00Z", "iamtheopenidoneoftheusers": "oMei"},
        {"No-Name-By-The-Spec": "x", "": "", "openid": "oMei"},
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_other_attributes_are_passed_over_and_not_kept(form: str, others: Document) -> None:
    document = example(PAYMENT)
    expected = decode(*FORMS[form](document), TOPIC_PAY)
    assert decode(*FORMS[form](document | others), TOPIC_PAY) == expected


@pytest.mark.parametrize("value", [None, 7, True, ["x"], {"openid": "oMei"}])
def test_in_json_other_attributes_may_be_anything(value: Any) -> None:
    document = example(PAYMENT) | {"subject": value, "sequence": value}
    assert decode(*plain(document), TOPIC_PAY) == decode(*plain(example(PAYMENT)), TOPIC_PAY)


@pytest.mark.parametrize("header", [("ce_colour", b"\xff"), ("ce_subject", b"\xff\x00")])
def test_headers_which_are_not_read_may_be_anything(header: tuple[str, bytes]) -> None:
    value, headers = binary(example(PAYMENT))
    event = decode(value, [header, *headers, header], TOPIC_PAY)
    assert event == decode(value, headers, TOPIC_PAY)
    bare = plain(example(PAYMENT))[0]
    assert decode(bare, [header], TOPIC_PAY) == decode(bare, [], TOPIC_PAY)


# --- ids ------------------------------------------------------------------------------------------

PRINTABLE = [
    *("MDEyMzQ1Njc4OUFCQ0RFRg+/==", "{8D8AC610-566D-4EF0-9C22-186B2A5ED793}", "a/b@c#d e", " "),
    *("订单 7 号", "😀", "x" * 201, "行" * 1024),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("id_", PRINTABLE, ids=lambda id_: ascii(id_)[:24])
def test_an_id_may_have_any_printable_characters(form: str, id_: str) -> None:
    event = decode(*FORMS[form](payment("id", id_)), TOPIC_PAY)
    assert event.id == f"sha256:{sha256(id_.encode()).hexdigest()}"
    assert re.fullmatch(MESSAGE_ID_PATTERN, event.id)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("id_", ["A", "urn:uuid:8d8ac610", "a.b~c-d_e", "x" * 200])
def test_a_plain_id_stays_as_it_is(form: str, id_: str) -> None:
    assert decode(*FORMS[form](payment("id", id_)), TOPIC_PAY).id == id_


@given(st.text(max_size=1100))
def test_what_we_call_an_id_is_bounded_and_plain(id_: str) -> None:
    try:
        event = decode(*plain(payment("id", id_)), TOPIC_PAY)
    except Refused as refusal:
        assert refusal.message == "$.id must be 1 to 1024 printable characters."  # noqa: PT017
    else:
        assert event.id == known_id(id_)
        assert re.fullmatch(MESSAGE_ID_PATTERN, event.id)


# --- data as Base64 -------------------------------------------------------------------------------


def encoded(document: Document, text: bytes | None = None) -> Document:
    """As an SDK writes data which it was given as bytes."""
    data = orjson.dumps(document["data"]) if text is None else text
    rest = {name: value for name, value in document.items() if name != "data"}
    return rest | {"data_base64": b64encode(data).decode()}


@pytest.mark.parametrize("form", [plain, structured])
@pytest.mark.parametrize("event_type", WITH_DATA)
def test_data_may_be_json_in_base64(event_type: str, form: Callable[..., Record]) -> None:
    document = example(event_type)
    expected = decode(*plain(document), topic_of(event_type))
    assert decode(*form(encoded(document)), topic_of(event_type)) == expected
    assert decode(*form(encoded(document) | {"data": None}), topic_of(event_type)) == expected


@pytest.mark.parametrize(
    ("document", "reason", "message"),
    [
        (encoded(example(PAYMENT), b"{"), Reason.MALFORMED_JSON, "$.data_base64 is not JSON"),
        (encoded(example(PAYMENT), b"\xff"), Reason.MALFORMED_JSON, "$.data_base64 is not JSON"),
        (encoded(example(PAYMENT), b""), Reason.MALFORMED_JSON, "$.data_base64 is not JSON"),
        *[
            (encoded(example(PAYMENT), other), Reason.INVALID_ENVELOPE, "$.data_base64 must hold")
            for other in (b"[]", b"null", b'"text"')
        ],
        (encoded(example(PAYMENT), b"{}"), Reason.INVALID_DATA, "$.data.transaction_id is"),
        (
            payment("data_base64", "e30="),
            Reason.INVALID_ENVELOPE,
            "$.data_base64 and data are both",
        ),
        *[
            (encoded(example(PAYMENT)) | {"data_base64": wrong}, Reason.INVALID_ENVELOPE, message)
            for message in ["$.data_base64 must be a string in Base64, with its padding."]
            for wrong in ["e30", "e3-_", "e3 0=", "中", 7, ["e30="], {}]
        ],
    ],
)
def test_base64_which_holds_no_event(document: Document, reason: Reason, message: str) -> None:
    answer = refused(plain(document))
    assert (answer.reason, answer.message[: len(message)]) == (reason, message)
    assert answer.__cause__ is None
    assert answer.__context__ is None


# --- media types ----------------------------------------------------------------------------------

JSON_TYPES = [
    *("application/json", "Application/JSON", "text/json", "application/vnd.example+json"),
    *("APPLICATION/Problem+Json", "application/json; charset=utf-8"),
    *('application/json;charset="UTF-8"', 'application/json ; profile="a;b=\\"c\\"" ; v=1'),
    "application/json\t;\tx=y ",
]
OTHER_TYPES = [
    *("", "json", "text/xml", "application/jsonx", "application/x-json", "application/json+xml"),
    *("application/json; charset=gbk", 'application/json; x=1; Charset="GB18030"'),
    *("application/json; charset", "application/json;" + " " * 50_000, "a" * 50_000 + "/json/"),
    *("application/" + "json+" * 50_000, 'application/json; x="' + "\\" * 50_000),
]


@pytest.mark.parametrize("media_type", JSON_TYPES)
def test_every_media_type_of_json_is_taken(media_type: str) -> None:
    expected = decode(*plain(example(PAYMENT)), TOPIC_PAY)
    document = example(PAYMENT) | {"datacontenttype": media_type}
    assert decode(*plain(document), TOPIC_PAY) == expected
    assert decode(*structured(document), TOPIC_PAY) == expected
    value, headers = binary(example(PAYMENT))
    for name in ("content-type", "Content-Type"):
        given = [*headers[:-1], (name, media_type.encode())]
        assert decode(value, given, TOPIC_PAY) == expected


@pytest.mark.parametrize("media_type", OTHER_TYPES, ids=lambda text: text[:40])
def test_other_media_types_are_refused_by_the_name_they_have_where_they_stand(
    media_type: str,
) -> None:
    said = "must be a media type of JSON in UTF-8, like application/json."
    document = example(PAYMENT) | {"datacontenttype": media_type}
    assert refused(plain(document)).message == f"$.datacontenttype {said}"
    value, headers = binary(example(PAYMENT))
    given = [*headers[:-1], ("content-type", media_type.encode())]
    assert refused((value, given)).message == f"header content-type {said}"
    value, _ = plain(example(PAYMENT))
    given = [("content-type", media_type.encode())]
    assert refused((value, given)).message == f"header content-type {said}"


@pytest.mark.parametrize("charset", ["gbk", "gb18030", "utf-16"])
def test_an_event_in_structured_form_is_in_utf_8(charset: str) -> None:
    value, _ = structured(example(PAYMENT))
    header = ("content-type", f"application/cloudevents+json; charset={charset}".encode())
    assert refused((value, [header])).message.startswith("header content-type must be")


def test_the_content_type_counts_and_a_header_beside_it_does_not() -> None:
    """The JavaScript SDK sends both."""
    value, headers = binary(example(PAYMENT))
    event = decode(value, [*headers, ("ce_datacontenttype", b"Application/JSON")], TOPIC_PAY)
    assert event == decode(value, headers, TOPIC_PAY)


@pytest.mark.parametrize(
    "header",
    [
        b"application/cloudevents+json",
        b"Application/CloudEvents+JSON; charset=UTF-8",
        b'application/cloudevents+json ;charset="utf-8"',
    ],
)
def test_structured_form_is_recognised_by_its_media_type(header: bytes) -> None:
    value = plain(example(PAYMENT))[0]
    event = decode(value, [("content-type", header), ("ce_id", b"another")], TOPIC_PAY)
    assert event.id == example(PAYMENT)["id"]


# --- what was erased ------------------------------------------------------------------------------


def test_an_erasure_mark_has_no_data() -> None:
    headers = erased_headers("e7", "urn:x", 1_772_323_200_007, "0f3d")
    assert headers == [
        *(("ce_specversion", b"1.0"), ("ce_type", b"record.erased.v1"), ("ce_id", b"e7")),
        *(("ce_source", b"urn:x"), ("ce_time", b"2026-03-01T00:00:00.007Z")),
        ("ce_subject", b"0f3d"),
    ]
    about_people = ("shadow.offers", "shadow.ledger", "shadow.identity", "shadow.exports")
    for topic in about_people:
        event = decode(None, headers, topic)
        assert (event.id, event.type, event.data) == ("e7", "record.erased.v1", RecordErased())
    assert refused((None, headers)).reason is Reason.WRONG_TOPIC


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
        *(None, b"", b"NaN", b'{"a": Infinity}', b"\xff\xfe", b'{"a": "\xc3\x28"}'),
        *(b'{"a": "\\ud800"}', b"\xef\xbb\xbf{}", b"{'a': 1}", b'{"a": 1} {"a": 1}'),
        *(b"[" * 100_000, b'{"a":' * 40_000 + b"1" + b"}" * 40_000),
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=lambda value: repr(value)[:24],
)
def test_malformed_json(value: bytes | None) -> None:
    assert refused((value, [])).reason is Reason.MALFORMED_JSON
    _, headers = binary(example(PAYMENT))
    assert refused((value, headers)).reason is Reason.MALFORMED_JSON


def test_values_above_the_limit_are_not_even_parsed() -> None:
    document = orjson.dumps(payment("data.attach", "x" * 100))
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
        *(("specversion", "0.3"), ("id", ""), ("id", "x" * 1025), ("id", "line\nfeed")),
        *(("id", "tab\t"), ("id", "\x85"), ("source", ""), ("source", "not a uri")),
        *(("type", "Payment.Succeeded.v1"), ("time", "2026-03-01T08:12:30")),
        *(("time", "2026-02-30T08:12:30Z"), ("time", "2010-12-31T23:59:59Z")),
        *(("time", "2100-01-01T00:00:00Z"), ("data", []), ("data", "text"), ("data", None)),
    ],
)
def test_invalid_envelopes(form: str, path: str, value: Any) -> None:
    answer = refused(FORMS[form](payment(path, value)))
    assert answer.reason is Reason.INVALID_ENVELOPE
    assert f"ce_{path}" in answer.message or f"$.{path}" in answer.message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(("id", 7), ("id", None), ("time", 1_772_323_950), ("specversion", 1.0), ("data", ...)),
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
    ("headers", "message"),
    [
        ([("ce_id", b"twice")], "header ce_id is given twice; give it once."),
        ([("content-type", b"text/plain")], "header content-type must be a media type of JSON"),
        ([("content-type", b"\xff")], "header content-type must be UTF-8."),
        ([("content-type", None)], "header content-type must be a media type of JSON"),
        (
            [("content-type", b"application/json"), ("Content-Type", b"application/json")],
            "header content-type is given twice; give it once.",
        ),
    ],
)
def test_invalid_headers(headers: Any, message: str) -> None:
    value, given = binary(example(PAYMENT))
    given = [h for h in given if h[0] != "content-type"]
    assert decode(value, given, TOPIC_PAY).type == PAYMENT
    answer = refused((value, [*given, *headers]))
    assert answer.reason is Reason.INVALID_ENVELOPE
    assert answer.message.startswith(message)


@pytest.mark.parametrize("form", FORMS)
def test_a_missing_time_is_said_with_what_it_is(form: str) -> None:
    """The record's own time is not taken: publishing an event again would change when it was."""
    answer = refused(FORMS[form](payment("time", ...)))
    assert "time is missing; it must be an RFC 3339 time with a zone" in answer.message
    assert answer.message.endswith("when the event happened.")


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
