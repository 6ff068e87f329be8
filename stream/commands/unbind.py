# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints unbind``: undo a wrong bind, with a request event."""

from __future__ import annotations

import asyncio

import click
from pydantic import ValidationError

from schemas.privacy import UNBIND_REQUESTED, UnbindRequested
from stream.commands.common import fail, readable_errors
from stream.commands.publishing import publish_request
from stream.config.settings import load_settings
from stream.engine.model.ids import digest, origin_key
from stream.process.clock import wall_clock_ms


@click.command()
@click.argument("appid")
@click.argument("openid")
@click.argument("consumer_id")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def unbind(appid: str, openid: str, consumer_id: str, yes: bool) -> None:
    """Declare that an origin does not belong to a consumer.

    The origin is APPID OPENID, the consumer is CONSUMER_ID (union.ACCOUNT.UNIONID). The origin gets
    exactly its own points back, offers are revised, and no event will bind the two again. It cannot
    be undone.
    """
    with readable_errors():
        settings = load_settings()
    try:
        request = UnbindRequested(appid=appid, openid=openid, consumer_id=consumer_id)
    except ValidationError as error:
        fail([f"{problem['loc'][0]}: {problem['msg']}." for problem in error.errors()])
    if not yes:
        click.confirm("They will never be bound again. Continue?", abort=True)
    key = origin_key(request.appid, request.openid)
    with readable_errors():
        topic = asyncio.run(
            publish_request(
                settings,
                UNBIND_REQUESTED,
                request,
                key=key,
                event_id=digest(UNBIND_REQUESTED, key, request.consumer_id),
                time_ms=wall_clock_ms(),
            )
        )
    click.echo(f"published on {topic}")
