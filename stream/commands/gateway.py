# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints gateway``: receive HTTP requests from WeChat and from the brand's systems."""

from __future__ import annotations

import asyncio
import logging
import os
from functools import partial

import click
import uvloop

from stream.brand.brand import Brand, load_brand
from stream.commands.common import compare_topics, readable_errors
from stream.config.settings import Settings, load_settings
from stream.gateway.app import brand_endpoints
from stream.gateway.server import TOPICS, run
from stream.kafka.connection_errors import explained
from stream.process.logs import start_logging


@click.command()
def gateway() -> None:
    """Run an HTTP gateway for WeChat and the brand's systems.

    It runs until SIGTERM. TLS is the reverse proxy's job. One process uses one core: start more of
    them, on other ports.
    """
    with readable_errors():
        settings = load_settings()
        brand = load_brand(settings.apps, os.environ)
        logging.getLogger("uvicorn").setLevel(logging.ERROR)  # it warns about every bad request
        start_logging(settings.log_level)
        asyncio.run(compare_topics(settings, [settings.topics.prefix + name for name in TOPICS]))
        uvloop.run(_serve(settings, brand))


async def _serve(settings: Settings, brand: Brand) -> None:
    async with explained(settings):
        await run(settings, partial(brand_endpoints, settings, brand))
