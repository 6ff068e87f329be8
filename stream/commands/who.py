"""How commands name one consumer: by consumer id, by an origin, or by a Union ID."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from schemas import parse_consumer_id
from stream.engine.ids import origin_key, union_key

_OPTIONS = (
    click.argument("consumer", required=False),
    click.option("--origin", nargs=2, metavar="APPID OPENID", help="Name an origin instead."),
    click.option("--union", nargs=2, metavar="ACCOUNT UNIONID", help="Or a Union ID."),
)


def naming_a_consumer(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options as one ``key``, a consumer id; nothing else is a usage error."""

    @wraps(command)
    def run(
        consumer: str | None,
        origin: tuple[str, str] | None,
        union: tuple[str, str] | None,
        **more: Any,
    ) -> None:
        keys = [consumer] if consumer is not None else []
        keys += [origin_key(*origin)] if origin else []
        keys += [union_key(*union)] if union else []
        if len(keys) != 1:
            raise click.UsageError("Name one CONSUMER, or an --origin, or a --union.")
        try:
            parse_consumer_id(keys[0])
        except ValueError as error:
            raise click.UsageError(f"A CONSUMER {error}.") from None
        command(key=keys[0], **more)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run
