from __future__ import annotations

import orjson
import pytest

from stream.gateway.ports import Answer, Delivery, Door
from tests.gateway.http import ask, served


async def hello(delivery: Delivery) -> Answer:
    return Answer("hello", delivery.place.get("name", "").encode())


DOORS = (
    Door("named", "/named/{name}", hello, methods=("GET", "POST")),
    Door("other", "/other", hello),
)


async def test_each_door_has_its_path() -> None:
    async with served(*DOORS) as gateway:
        said = [await ask(gateway.port, path) for path in ("/named/mei", "/other")]

    assert [(s.status, s.body) for s in said] == [(200, b"mei"), (200, b"")]
    assert set(gateway.counts("deliveries")) == {("named", "hello"), ("other", "hello")}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("POST", "/named/a/b"), ("PUT", "/named/a"), ("POST", "/other/")],
)
async def test_nothing_else_is_there(method: str, path: str) -> None:
    async with served(*DOORS) as gateway:
        said = await ask(gateway.port, path, method=method)

    assert said.status == 404
    assert orjson.loads(said.body)["code"] == "FAIL"
    assert gateway.counts("refusals") == {("none", "unknown_place"): 1}
