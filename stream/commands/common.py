"""What all commands share: problems told in sentences, instants and places as arguments."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import NoReturn

import click

from schemas import time_ms
from stream.settings import SettingsInvalid

_SHANGHAI = timezone(timedelta(hours=8))


@contextmanager
def sentences() -> Iterator[None]:
    """What an operator can mend is said in sentences, with exit code 1, not in a traceback."""
    from stream.rules.problems import FileInvalid
    from stream.runtime.refusals import TopicsUnfit
    from stream.runtime.settling import WorkersBehind
    from stream.tables import TablesUnavailable

    try:
        yield
    except (SettingsInvalid, TopicsUnfit) as error:
        fail(error.problems)
    except (FileInvalid, TablesUnavailable, WorkersBehind) as error:
        fail([str(error)])


def fail(problems: list[str]) -> NoReturn:
    """Say what is wrong and end with exit code 1."""
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
            self.fail("say the zone, too: 2026-03-01T08:00:00+08:00, or ...Z.", param, ctx)
        return time_ms(moment)


def escaped(text: str) -> str:
    """Text which cannot move a terminal's cursor: control characters are written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shanghai(ms: int) -> str:
    """An instant as people in Shanghai write it, with its zone and no fractions."""
    return datetime.fromtimestamp(ms // 1000, _SHANGHAI).isoformat()
