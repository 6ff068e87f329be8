# SPDX-License-Identifier: Apache-2.0
"""Helpers that the commands share: readable errors, instants as arguments, printable text."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn, Protocol

import click

from schemas import time_ms
from schemas.base import SHANGHAI
from stream.config.settings import PREFIX, Settings, SettingsInvalid
from stream.language.message import Phrase
from stream.tables.stores import scheme_of, store_of

_log = logging.getLogger(__name__)


@contextmanager
def readable_errors() -> Iterator[None]:
    """Print errors that an operator can fix as sentences, with exit code 1 and no traceback."""
    from stream.kafka.connection_errors import RulesRefused, TopicsUnfit
    from stream.lookup.reward_progress import WorkersBehind
    from stream.tables import TablesUnavailable
    from stream.yaml_config.problems import FileInvalid

    try:
        yield
    except (SettingsInvalid, TopicsUnfit, RulesRefused) as error:
        fail(error.problems)
    except (FileInvalid, TablesUnavailable, WorkersBehind) as error:
        fail([str(error)])


def require_shared_store(settings: Settings) -> None:
    """Fail for a store in memory: no other process can reach the state inside a worker."""
    if not store_of(settings.redis_url).shared:
        scheme = scheme_of(settings.redis_url)
        fail(
            [
                f"This command needs the workers' Redis: with {scheme}:// the state of a worker is "
                f"in its own process. Set {PREFIX}REDIS_URL."
            ]
        )


class Stoppable(Protocol):
    """A service that ends in its own time."""

    async def run(self) -> None:
        """Run until `stop`, and until the requests under way have returned."""

    def stop(self) -> None:
        """Start no more requests."""


async def run_until_signal(service: Stoppable, end_s: float, unfinished: str) -> None:
    """Run until SIGTERM or SIGINT; requests under way have ``end_s`` to return.

    If they do not, it logs ``unfinished``.
    """
    work = asyncio.create_task(service.run())
    loop = asyncio.get_running_loop()

    def end() -> None:
        service.stop()
        loop.call_later(end_s, work.cancel)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        await work
    except asyncio.CancelledError:
        _log.warning("%s", unfinished)


async def compare_topics(settings: Settings, names: Collection[str] | None = None) -> None:
    """Warn about all topics, or these, that are not as they should be, unless that is switched off.

    Raises ``TopicsUnfit`` if they cannot be used.
    """
    from stream.kafka.topic_admin import check_topics

    if settings.check_topics:
        warn(await check_topics(settings, names))


def warn(warnings: Sequence[str]) -> None:
    """Print warnings on stderr."""
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)


def fail(problems: Sequence[str | Phrase]) -> NoReturn:
    """Print the problems and exit with code 1."""
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1)


class Instant(click.ParamType):
    """An ISO 8601 time with a zone; its value is in ms since the Unix epoch."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not an ISO 8601 time.", param, ctx)
        if moment.tzinfo is None:
            self.fail("give the zone, too: 2026-03-01T08:00:00+08:00, or ...Z.", param, ctx)
        return time_ms(moment)


def escaped(text: str) -> str:
    """Escape control characters, so that a text cannot control the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shanghai(ms: int) -> str:
    """An instant in Shanghai's time, with its zone and without fractions."""
    return datetime.fromtimestamp(ms // 1000, SHANGHAI).isoformat()
