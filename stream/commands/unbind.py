"""``shadowpoints unbind``: undo a wrong bind, by an event like any other."""

from __future__ import annotations

import asyncio

import click
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas import binary_headers, encode_data
from schemas.privacy import UNBIND_REQUESTED, UnbindRequested
from schemas.registry import TOPIC_PRIVACY
from stream.commands.common import fail, sentences
from stream.engine.ids import digest, origin_key
from stream.runtime.admin import TopicsUnfit
from stream.runtime.housekeeping import wall_clock_ms
from stream.runtime.publisher import Publisher
from stream.runtime.refusals import why_unusable
from stream.runtime.security import kafka_options
from stream.settings import Settings, load_settings
from stream.tables import Record


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
    with sentences():
        asyncio.run(_publish(settings, request))
    click.echo(f"published on {settings.topics.prefix}{TOPIC_PRIVACY}")


async def _publish(settings: Settings, request: UnbindRequested) -> None:
    now_ms = wall_clock_ms()
    key = origin_key(request.appid, request.openid)
    event_id = digest(UNBIND_REQUESTED, key, request.consumer_id)
    source = f"urn:shadowpoints:{settings.namespace}:operator"
    headers = binary_headers(UNBIND_REQUESTED, event_id, source, now_ms, key)
    record = Record(
        settings.topics.prefix + TOPIC_PRIVACY, key.encode(), encode_data(request), tuple(headers)
    )
    try:
        publisher = Publisher(settings.kafka_bootstrap_servers, security=kafka_options(settings))
        async with publisher:
            await publisher.publish([record])
    except KafkaError as error:
        raise TopicsUnfit([await why_unusable(settings, error)]) from None
