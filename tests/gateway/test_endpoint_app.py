# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import logging

import orjson
import pytest

from stream.gateway.dependencies import Unavailable
from stream.gateway.endpoint import TEXT, Delivery, Endpoint, Response
from stream.gateway.endpoint_app import STATUS
from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from tests.gateway.http import NOW_MS, ask, ask_raw, read_answer, served, until


async def echo(delivery: Delivery) -> Response:
    """Says what it was given."""
    seen = {
        "method": delivery.method,
        "place": dict(delivery.path_params),
        "query": dict(delivery.query),
        "token": delivery.headers.get("x-token"),
        "body": delivery.body.decode(),
        "now_ms": delivery.now_ms,
    }
    return Response("echo", orjson.dumps(seen))


ECHO = Endpoint("echo", "/echo/{name}", echo, methods=("GET", "POST"))


def rejecting(reason: RejectReason, challenge: str | None = None) -> Endpoint:
    async def handle(delivery: Delivery) -> Response:
        raise DeliveryRejected(reason, "Say it otherwise.")

    return Endpoint("no", "/no", handle, challenge=challenge)


async def test_a_endpoint_gets_what_was_sent_and_its_answer_goes_back() -> None:
    async with served(ECHO) as gateway:
        said = await ask(
            gateway.port, "/echo/m%C3%A9i?a=1&b=%20x&a=2", b"hello", headers={"X-Token": "t"}
        )

    assert (said.status, said.headers["content-type"]) == (200, "application/json")
    assert orjson.loads(said.body) == {
        "method": "POST",
        "place": {"name": "méi"},
        "query": {"a": "2", "b": " x"},
        "token": "t",
        "body": "hello",
        "now_ms": NOW_MS,
    }
    assert gateway.counts("deliveries") == {("echo", "echo"): 1}
    assert "server" not in said.headers


async def test_an_answer_without_a_body_may_be_204() -> None:
    async def nothing(delivery: Delivery) -> Response:
        return Response("nothing", status=204)

    async with served(Endpoint("n", "/n", nothing)) as gateway:
        said = await ask(gateway.port, "/n")

    assert (said.status, said.body) == (204, b"")


def test_every_rejection_has_a_status() -> None:
    assert STATUS.keys() == set(RejectReason)
    assert all(400 <= status < 600 for status in STATUS.values())


@pytest.mark.parametrize("reason", list(RejectReason))
async def test_a_rejection_is_wechats_error_with_its_status_and_is_counted(
    reason: RejectReason,
) -> None:
    async with served(rejecting(reason)) as gateway:
        said = await ask(gateway.port, "/no", b"{}")

    assert said.status == STATUS[reason]
    assert orjson.loads(said.body) == {"code": "FAIL", "message": "Say it otherwise."}
    assert gateway.counts("rejections") == {("no", reason.value): 1}
    assert "www-authenticate" not in said.headers


async def test_a_rejection_names_the_way_to_authenticate() -> None:
    async with served(rejecting(RejectReason.UNAUTHORISED, "Basic realm=x")) as gateway:
        said = await ask(gateway.port, "/no")

    assert (said.status, said.headers["www-authenticate"]) == (401, "Basic realm=x")


@pytest.mark.parametrize("size", [4096, 4097])
async def test_the_limit_of_a_body_is_exact_declared_or_chunked(size: int) -> None:
    body, rejected = b"x" * size, size > 4096
    async with served(ECHO, GATEWAY_BODY_BYTES_MAX="4096") as gateway:
        declared = await ask(gateway.port, "/echo/a", body)
        chunked = await ask(gateway.port, "/echo/a", chunks=(body[:4000], body[4000:]))

    assert [said.status for said in (declared, chunked)] == [413 if rejected else 200] * 2
    assert declared.headers.get("connection") == ("close" if rejected else None)
    assert gateway.counts("rejections") == ({("echo", "too_large"): 2} if rejected else {})


async def test_a_body_that_never_ends_is_not_read_to_the_end() -> None:
    async with served(ECHO, GATEWAY_BODY_BYTES_MAX="4096") as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"POST /echo/a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n1\r\nx\r\n")
        said = await read_answer(reader)
        assert await reader.read() == b""
        writer.close()

    assert said.status == 413


async def test_a_body_that_is_declared_too_large_is_not_asked_for() -> None:
    async with served(ECHO) as gateway:
        said = await ask_raw(
            gateway.port,
            b"POST /echo/a HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n"
            b"expect: 100-continue\r\n\r\n",
        )
        bare = await ask_raw(
            gateway.port,
            b"POST /echo/a HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999\r\n"
            b"expect: 100-continue\r\n\r\n",
        )

    assert said.status in (400, 413)
    assert bare.status == 413


async def test_a_slow_body_is_given_up() -> None:
    async with served(ECHO, GATEWAY_ANSWER_WITHIN_S="0.5") as gateway:
        head = b"POST /echo/a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc"
        said = await ask_raw(gateway.port, head)

    assert (said.status, said.headers["connection"]) == (408, "close")
    assert gateway.counts("rejections") == {("echo", "too_slow"): 1}


async def test_a_endpoint_that_does_not_answer_in_time_is_503() -> None:
    async def late(delivery: Delivery) -> Response:
        await asyncio.sleep(60)
        return Response("late")

    async with served(Endpoint("late", "/late", late), GATEWAY_ANSWER_WITHIN_S="0.5") as gateway:
        said = await ask(gateway.port, "/late")

    assert (said.status, orjson.loads(said.body)["message"]) == (503, Unavailable().message)
    assert gateway.counts("rejections") == {("late", "unavailable"): 1}


async def test_one_request_too_many_is_503_at_once_and_the_others_are_served() -> None:
    go_on = asyncio.Event()

    async def waiting(delivery: Delivery) -> Response:
        await go_on.wait()
        return Response("served")

    async with served(Endpoint("w", "/w", waiting), GATEWAY_REQUESTS_MAX="2") as gateway:
        first = [asyncio.create_task(ask(gateway.port, "/w")) for _ in range(2)]
        await until(lambda: gateway.context.requests == 2)
        over = await ask(gateway.port, "/w", b"x" * 1000)
        go_on.set()
        statuses = [said.status for said in await asyncio.gather(*first)]

    assert (over.status, over.headers["connection"]) == (503, "close")
    assert statuses == [200, 200]
    assert gateway.counts("rejections") == {("w", "overloaded"): 1}
    assert gateway.context.requests == 0


async def test_connections_are_bounded() -> None:
    async with served(ECHO, GATEWAY_CONNECTIONS_MAX="2") as gateway:
        idle = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(2)]
        said = await ask(gateway.port, "/echo/a")
        for _, writer in idle:
            writer.close()

    assert said.status == 503


async def test_a_mistake_of_ours_is_500_without_a_trace_of_what_was_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(delivery: Delivery) -> Response:
        raise ValueError(f"openid {delivery.body.decode()}")

    caplog.set_level(logging.DEBUG)
    async with served(Endpoint("broken", "/broken", broken)) as gateway:
        said = await ask(gateway.port, "/broken?openid=s3cret", b"s3cret")

    assert said.status == 500
    assert "s3cret" not in caplog.text + said.body.decode()
    assert "broken: ValueError in" in caplog.text
    assert "Traceback" not in caplog.text
    assert gateway.counts("rejections") == {("broken", "internal"): 1}


async def test_a_flood_of_rejections_is_one_line_of_log(caplog: pytest.LogCaptureFixture) -> None:
    async with served(rejecting(RejectReason.BAD_SIGNATURE)) as gateway:
        for _ in range(5):
            await ask(gateway.port, "/no")

    assert [r.message for r in caplog.records if "rejected" in r.message] == [
        "no: rejected, bad_signature: Say it otherwise."
    ]


async def test_who_hangs_up_is_counted_and_harms_nobody() -> None:
    async with served(ECHO) as gateway:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"POST /echo/a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
        await until(lambda: gateway.context.requests)
        writer.close()
        await until(lambda: gateway.counts("disconnects"))
        assert (await ask(gateway.port, "/echo/a")).status == 200


@pytest.mark.parametrize("query", ["a=%ff", "&".join(f"a{n}=1" for n in range(40)), "%zz", "==&&"])
async def test_any_query_is_read_or_rejected(query: str) -> None:
    async with served(ECHO) as gateway:
        said = await ask(gateway.port, f"/echo/a?{query}")

    assert said.status in (200, 400)


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with served(ECHO, rejecting(RejectReason.STALE)) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        statuses = []
        for path in ("/echo/a", "/no", "/nowhere", "/echo/b"):
            writer.write(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".encode())
            statuses.append((await read_answer(reader)).status)
        writer.close()

    assert statuses == [200, 401, 404, 200]


async def test_a_running_request_is_answered_before_the_end() -> None:
    go_on = asyncio.Event()

    async def waiting(delivery: Delivery) -> Response:
        await go_on.wait()
        return Response("served")

    async with served(Endpoint("w", "/w", waiting)) as gateway:
        asked = asyncio.create_task(ask(gateway.port, "/w"))
        await until(lambda: gateway.context.requests)
        gateway.server.should_exit = True
        await asyncio.sleep(0.5)
        with pytest.raises(OSError, match="Connect"):
            await ask(gateway.port, "/w")
        go_on.set()
        assert (await asked).status == 200


def test_the_media_types_are_what_they_say() -> None:
    assert Response("x", content_type=TEXT).content_type == "text/plain"
