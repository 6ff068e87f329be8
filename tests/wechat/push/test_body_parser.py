# SPDX-License-Identifier: Apache-2.0
"""Bodies in XML and JSON give the same tree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.push.body_parser import DEPTH_MAX, ELEMENTS_MAX, Node, parse_body
from tests.wechat.push.build import xml


def rejection(body: bytes | str) -> str:
    with pytest.raises(DeliveryRejected) as caught:
        parse_body(body.encode() if isinstance(body, str) else body)
    assert caught.value.reason == RejectReason.MALFORMED
    return caught.value.message


def part(body: str) -> Node:
    return parse_body(body.encode())[0]


def test_xml_and_json_read_alike() -> None:
    content = {"Event": "SCAN", "CreateTime": 1780000000, "EventKey": "七", "Empty": ""}
    for body, is_json in ((xml(content), False), (json.dumps(content).encode(), True)):
        fields, was_json = parse_body(body)
        assert was_json is is_json
        assert fields.text("event") == "SCAN"
        assert fields.text("createtime") == "1780000000"
        assert fields.text("eventkey") == "七"
        assert fields.text("empty") == ""
        assert fields.text("absent") == ""
        assert "empty" in fields
        assert "absent" not in fields


def test_names_are_read_without_case_and_blanks() -> None:
    assert part('{" OpenID": "oMei"}').text("openid") == "oMei"
    assert part('{"openid\\t": "oMei"}').text("openid") == "oMei"
    assert part("<xml><openID>oMei</openID></xml>").text("openid") == "oMei"


def test_values_are_read_without_blanks_round_them() -> None:
    assert part("<xml><A> <![CDATA[ oMei ]]>\n</A></xml>").text("a") == "oMei"
    assert part("<xml><A> o<![CDATA[M]]>ei </A></xml>").text("a") == "oMei"
    assert part('{"A": " oMei\\n"}').text("a") == "oMei"


def test_cdata_holds_what_looks_like_markup() -> None:
    assert part("<xml><A><![CDATA[<b>&amp;]]></A></xml>").text("a") == "<b>&amp;"
    assert part("<xml><A>&lt;b&gt;&#65;</A></xml>").text("a") == "<b>A"


def test_json_values_of_any_kind_are_texts() -> None:
    fields = part('{"i": 6349323426230210995, "f": 23.1, "t": true, "n": null, "m": -1}')
    assert fields.text("i") == "6349323426230210995"
    assert fields.text("f") == "23.1"
    assert fields.text("t") == "true"
    assert fields.text("n") == ""
    assert fields.text("m") == "-1"


@pytest.mark.parametrize(
    "body",
    [
        "<xml><List><A>1</A></List><List><A>2</A></List></xml>",
        '{"List": [{"A": 1}, {"A": 2}]}',
        '{"List": {"A": 1}, "list": {"A": 2}}',  # names differ in case only
        '{"List": [[{"A": 1}], {"A": 2}]}',
    ],
)
def test_parts_may_be_repeated_or_in_an_array(body: str) -> None:
    assert [item.text("a") for item in part(body).children("list")] == ["1", "2"]


@pytest.mark.parametrize(
    "body", ["<xml><List><A>1</A></List></xml>", '{"List": {"A": 1}}', '{"List": [{"A": 1}]}']
)
def test_one_part_is_one_in_either_format(body: str) -> None:
    assert [item.text("a") for item in part(body).children("list")] == ["1"]


@pytest.mark.parametrize("body", ["<xml><List/></xml>", '{"List": []}', '{"List": ""}', "{}"])
def test_no_part_is_none(body: str) -> None:
    assert part(body).children("list") == []


def test_a_text_is_no_part_and_a_part_no_text() -> None:
    with pytest.raises(DeliveryRejected, match="a is an object; it must be a text"):
        part("<xml><A><B>1</B></A></xml>").text("a")
    with pytest.raises(DeliveryRejected, match="a is a text; it must be an object"):
        part('{"A": "1"}').children("a")
    with pytest.raises(DeliveryRejected, match="a is given more than once"):
        part("<xml><A>1</A><a>1</a></xml>").text("a")


def test_an_empty_root_has_nothing() -> None:
    assert part("<xml/>").text("a") == ""
    assert part("<xml>text</xml>").text("a") == ""


def test_a_byte_order_mark_and_a_declaration_are_fine() -> None:
    body = '\ufeff<?xml version="1.0" encoding="GBK"?>\n<xml><A>七</A></xml>\n'
    assert part(body).text("a") == "七"  # what is declared does not matter: WeChat sends UTF-8
    assert part('\ufeff {"A": "七"}').text("a") == "七"


@pytest.mark.parametrize(
    "body", [b"", b" ", b"text", b"[]", b"null", b'"text"', b"\x00", b"a=1&b=2"]
)
def test_what_is_neither_is_rejected(body: bytes) -> None:
    assert "XML element or a JSON object" in rejection(body)


@pytest.mark.parametrize("body", ["<xml>七</xml>".encode("gbk"), b"<xml>\xff</xml>"])
def test_xml_that_is_not_utf_8_is_rejected(body: bytes) -> None:
    assert rejection(body) == "The XML is not in UTF-8."


@pytest.mark.parametrize(
    "body",
    [
        *("<xml>", "<xml></b>", "<xml></xml><xml></xml>", "<xml>&nbsp;</xml>", "<xml>\x01</xml>"),
        *("<xml>&#0;</xml>", "<xml><a b=1/></xml>", "<xml><n:a/></xml>", "< xml/>"),
        *("<xml>]]></xml>", "<!-- nothing -->", "<xml/>trailing"),
    ],
)
def test_broken_xml_is_rejected(body: str) -> None:
    assert rejection(body) == "The body is not well-formed XML."


@pytest.mark.parametrize(
    "body",
    [
        "<!DOCTYPE xml><xml/>",
        '<!DOCTYPE xml SYSTEM "http://example.org/x.dtd"><xml/>',
        '<!DOCTYPE xml [<!ENTITY a "b">]><xml><A>&a;</A></xml>',
        '<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><A>&a;</A></xml>',
        '<!DOCTYPE xml [<!ENTITY % a SYSTEM "http://example.org/a"> %a;]><xml/>',
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><x><A>&b;</A></x>',
    ],
    ids=["dtd", "dtd-external", "entity", "entity-file", "entity-parameter", "laughs"],
)
def test_a_dtd_or_an_entity_is_rejected(body: str) -> None:
    assert rejection(body).startswith("The XML has a DTD, an entity or an external reference")


@pytest.mark.parametrize(
    "body",
    [
        *("{", "{'a': 1}", '{"a": 1,}', '{"a": 1} {', '{"a": 1, "a": 1}', '{"a": NaN}'),
        *('{"a": "\\ud800"}', '{"a": 9223372036854775808}'),
    ],
)
def test_json_is_read_strictly(body: str) -> None:
    assert rejection(body).startswith("The body ")


def nested_xml(depth: int) -> str:
    return "<a>" * depth + "</a>" * depth


def nested_json(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize("nested", [nested_xml, nested_json])
def test_depth_has_a_limit(nested: Any) -> None:
    parse_body(nested(DEPTH_MAX).encode())
    assert rejection(nested(DEPTH_MAX + 1)) == f"The body is nested more than {DEPTH_MAX} deep."
    for depth in (100, 1_000, 9_000):
        assert "is nested more than" in rejection(nested(depth))


def test_deep_arrays_are_no_way_round_it() -> None:
    for depth in (DEPTH_MAX + 1, 30_000):
        assert "is nested more than" in rejection('{"a":' + "[" * depth + "]" * depth + "}")


def test_the_number_of_elements_has_a_limit() -> None:
    inside = ELEMENTS_MAX - 1
    parse_body(f"<xml>{'<a/>' * inside}</xml>".encode())
    parse_body(f'{{"a": [{",".join("1" * inside)}]}}'.encode())
    expected = f"The body has more than {ELEMENTS_MAX} elements."
    assert rejection(f"<xml>{'<a/>' * ELEMENTS_MAX}</xml>") == expected
    assert rejection(f'{{"a": [{",".join("1" * ELEMENTS_MAX)}]}}') == expected


def test_no_message_repeats_the_input() -> None:
    for body in ("<oMeiSecret>", '{"oMeiSecret', "oMeiSecret", "<xml>&oMeiSecret;</xml>"):
        assert "Secret" not in rejection(body)


names = st.text("abcXYZ_", min_size=1, max_size=6)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
flat = st.dictionaries(names, texts.filter(lambda t: "]]>" not in t), max_size=6)


@given(flat)
def test_any_texts_come_back(content: dict[str, str]) -> None:
    unique = {name.lower(): text for name, text in content.items()}
    for body in (xml(unique), json.dumps(unique).encode()):
        fields, _ = parse_body(body)
        assert {name: fields.text(name) for name in unique} == {
            name: text.strip() for name, text in unique.items()
        }
