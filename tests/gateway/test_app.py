# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import orjson
import pytest

from stream.gateway.endpoint import Delivery, Endpoint, Response
from tests.gateway.http import ask, served


async def hello(delivery: Delivery) -> Response:
    return Response("hello", delivery.path_params.get("name", "").encode())


ENDPOINTS = (
    Endpoint("named", "/named/{name}", hello, methods=("GET", "POST")),
    Endpoint("other", "/other", hello),
)


async def test_each_endpoint_has_its_path() -> None:
    async with served(*ENDPOINTS) as gateway:
        said = [await ask(gateway.port, path) for path in ("/named/mei", "/other")]

    assert [(s.status, s.body) for s in said] == [(200, b"mei"), (200, b"")]
    assert set(gateway.counts("deliveries")) == {("named", "hello"), ("other", "hello")}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("POST", "/named/a/b"), ("POST", "/other/")],
)
async def test_nothing_else_is_there(method: str, path: str) -> None:
    async with served(*ENDPOINTS) as gateway:
        said = await ask(gateway.port, path, method=method)

    assert said.status == 404
    assert orjson.loads(said.body)["code"] == "FAIL"
    assert gateway.counts("rejections") == {("none", "unknown_path"): 1}


async def test_a_path_says_which_methods_it_has() -> None:
    async with served(*ENDPOINTS) as gateway:
        said = await ask(gateway.port, "/named/a", method="PUT")

    assert said.status == 405
    assert {*said.headers["allow"].split(", ")} == {"GET", "HEAD", "POST"}
    assert gateway.counts("rejections") == {("none", "wrong_method"): 1}
