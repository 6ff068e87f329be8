# SPDX-License-Identifier: Apache-2.0
"""What the gateway is measured against: the same server, which publishes bodies and no more.

python -m benchmarks.bare HOST:PORT-OF-KAFKA TOPIC PORT
"""

from __future__ import annotations

import sys

import uvicorn
import uvloop
from aiokafka import AIOKafkaProducer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def main(bootstrap: str, topic: str, port: int) -> None:
    """Answer 204 to every POST, once Kafka has acknowledged its body."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=262_144)

    async def publish(request: Request) -> Response:
        await producer.send_and_wait(topic, await request.body())
        return Response(status_code=204)

    app = Starlette(routes=[Route("/{path:path}", publish, methods=["POST"])])
    config = uvicorn.Config(
        app,
        port=port,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    async with producer:
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
