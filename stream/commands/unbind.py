"""``shadowpoints unbind``: undo a wrong bind, by an event like any other."""

from __future__ import annotations

import asyncio

import click
from pydantic import ValidationError

from schemas.privacy import UNBIND_REQUESTED, UnbindRequested
from stream.commands.common import fail, sentences
from stream.commands.requests import publish_request
from stream.engine.ids import digest, origin_key
from stream.runtime.housekeeping import wall_clock_ms
from stream.settings import load_settings


@click.command()
@click.argument("appid")
@click.argument("openid")
@click.argument("consumer_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
def unbind(appid: str, openid: str, consumer_id: str, yes: bool) -> None:
    """Declare that the origin APPID OPENID is not CONSUMER_ID (union.ACCOUNT.UNIONID).

    The origin's own points go back to it exactly, offers are revised, and no event will bind the
    two again. It cannot be undone.
    """
    with sentences():
        settings = load_settings()
    try:
        request = UnbindRequested(appid=appid, openid=openid, consumer_id=consumer_id)
    except ValidationError as error:
        fail([f"{problem['loc'][0]}: {problem['msg']}." for problem in error.errors()])
    if not yes:
        click.confirm("They will never be bound again. Go on?", abort=True)
    key = origin_key(request.appid, request.openid)
    with sentences():
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
