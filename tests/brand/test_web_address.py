# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from stream.brand.web_address import base_address, whole_address


@pytest.mark.parametrize(
    "text",
    [
        *("ftp://crm.example/", "//crm.example/a", "https://", "https://crm.example:0/", ""),
        *("https://user:password@crm.example/", "https://:password@crm.example/"),
        *("https://crm.example/a b", "https://crm.example/a\nb", "https://crm.example/#a"),
        *("file:///etc/passwd", "gopher://crm.example/", "https://[::1/", "crm.example"),
    ],
)
def test_what_is_no_address_of_a_web_server_is_refused(text: str) -> None:
    for check in (base_address, whole_address):
        with pytest.raises((ValueError, PydanticCustomError)):
            check(text)


@pytest.mark.parametrize(
    "text", ["https://crm.example", "http://10.0.0.7:8080/a/b", "https://[::1]:8443/"]
)
def test_an_address_stays_as_it_is(text: str) -> None:
    assert base_address(text) == whole_address(text) == text


def test_only_a_whole_address_has_a_query() -> None:
    text = "https://crm.example/wechat?tenant=7"
    assert whole_address(text) == text
    with pytest.raises((ValueError, PydanticCustomError)):
        base_address(text)
    with pytest.raises((ValueError, PydanticCustomError)):
        whole_address("https://crm.example/支付")
