# SPDX-License-Identifier: Apache-2.0
"""The command-line arguments that name one consumer: a consumer id, an origin or a Union ID."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from schemas import parse_consumer_id
from stream.engine.model.ids import origin_key, union_key

_OPTIONS = (
    click.argument("consumer", required=False),
    click.option(
        "--origin", nargs=2, metavar="APPID OPENID", help="An origin instead of a CONSUMER."
    ),
    click.option(
        "--union", nargs=2, metavar="ACCOUNT UNIONID", help="A Union ID instead of a CONSUMER."
    ),
)


def consumer_argument(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these arguments as one ``key``, a consumer id; exactly one must be given."""

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
            raise click.UsageError("Give one CONSUMER, or an --origin, or a --union.")
        try:
            parse_consumer_id(keys[0])
        except ValueError as error:
            raise click.UsageError(f"A CONSUMER {error}.") from None
        command(key=keys[0], **more)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run
