"""``shadowpoints gateway``: takes what WeChat sends over HTTP, until SIGTERM."""

from __future__ import annotations

import logging
import os
from functools import partial

import click
import uvloop

from stream.commands.common import sentences
from stream.gateway.brand import brand_doors
from stream.gateway.server import run
from stream.rules.brand import Brand, load_brand
from stream.runtime.logs import start_logging
from stream.runtime.refusals import explained
from stream.settings import Settings, load_settings


@click.command()
def gateway() -> None:
    """Take what WeChat and the brand's systems send over HTTP, until SIGTERM.

    TLS is the reverse proxy's. One process uses one core: start more of them, on other ports.
    """
    with sentences():
        settings = load_settings()
        brand = load_brand(settings.apps, os.environ)
        logging.getLogger("uvicorn").setLevel(logging.ERROR)  # it warns of each bad request
        start_logging(settings.log_level)
        uvloop.run(_serve(settings, brand))


async def _serve(settings: Settings, brand: Brand) -> None:
    async with explained(settings):
        await run(settings, partial(brand_doors, settings, brand))
