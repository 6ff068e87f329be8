"""``shadowpoints import``: what happened before the gateway heard of it."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

import click

from schemas import binary_headers, encode_data, time_ms
from stream.commands.common import escaped, fail, sentences, shanghai
from stream.commands.publishing import publishing
from stream.engine.calendar import DAY_MS
from stream.replay.lines import blocks
from stream.runtime.housekeeping import wall_clock_ms
from stream.settings import Settings, load_settings
from stream.tables import Record
from stream.wechat.bill.reading import BillReader, Kind, Line
from stream.wechat.heard import Outgoing

_BATCH: Final = 1_000  # events published together
_SAID_MAX: Final = 20  # problems told on stderr; a report has all
_WRONG: Final = (Kind.REFUSED, Kind.UNBALANCED)
_Files = Sequence[Path]


@click.group("import")
def import_() -> None:
    """Bring in what happened before."""


@import_.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--dry-run", is_flag=True, help="Read and check alone; publish nothing.")
@click.option(
    "--report",
    type=click.File("w", encoding="utf-8", lazy=False),
    help="Write every line which was not published to this file, with its number and why.",
)
def tradebill(files: tuple[Path, ...], dry_run: bool, report: TextIO | None) -> None:
    """Publish the payments and refunds of WeChat's daily bills (ALL, SUCCESS or REFUND).

    A FILE is as WeChat sends it, plain or gzip. All are read and checked first. What came as a
    live notification, or by an import before, counts once: a broken import is simply repeated.
    The exit code is 1 if a row was refused or a bill is not whole; the other rows are published.
    """
    with sentences():
        settings = load_settings()
        try:
            check = _checked(files, report)
            _tell(check, settings)
            if not dry_run and check.events:
                asyncio.run(_publish(settings, files, check.events))
        except (OSError, EOFError) as error:
            where = getattr(error, "filename", None) or "A file"
            fail([f"{where} cannot be read: {getattr(error, 'strerror', None) or error}."])
    if any(check.kinds[kind] for kind in _WRONG):
        sys.exit(1)


@dataclass
class _Check:
    """What all files come to; ``said`` are the first problems, ``times`` are in ms."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    days: Counter[int] = field(default_factory=Counter)  # events by day, in ms

    @property
    def events(self) -> int:
        return self.kinds[Kind.PAYMENT] + self.kinds[Kind.REFUND]


def _checked(files: _Files, report: TextIO | None) -> _Check:
    check = _Check()
    with _bar("checking", sum(path.stat().st_size for path in files)) as update:
        for path, line in _lines(files, update):
            check.kinds[line.kind] += 1
            if line.event is not None:
                check.days[time_ms(line.event.time) // DAY_MS * DAY_MS] += 1
                continue
            said = escaped(f"{path}:{line.number}: {line.kind}: {line.problem}")
            if report is not None:
                report.write(said + "\n")
            if len(check.said) < _SAID_MAX:
                check.said.append(said)
    return check


def _lines(files: _Files, on_read: Callable[[int], None]) -> Iterator[tuple[Path, Line]]:
    for path in files:
        reader = BillReader()
        for block in blocks([path], on_read):
            for line in reader.read(block.data.removesuffix(b"\n").split(b"\n")):
                yield path, line
        for line in reader.end():
            yield path, line


def _tell(check: _Check, settings: Settings) -> None:
    for said in check.said:
        click.echo(said, err=True)
    untold = sum(check.kinds.values()) - check.events - len(check.said)
    if untold:
        click.echo(f"... and {untold:,} lines more; --report FILE has all.", err=True)
    horizon = wall_clock_ms() - settings.payment_horizon_days * DAY_MS
    if late := sum(number for day, number in check.days.items() if day < horizon):
        click.echo(
            f"{late:,} events are older than {settings.payment_horizon_days} days "
            f"(before {shanghai(horizon)}): each will be a dead letter, too_late.",
            err=True,
        )
    click.echo(", ".join(_counted(kind, check.kinds[kind]) for kind in Kind))


def _counted(kind: Kind, number: int) -> str:
    plural = "s" if kind in (Kind.PAYMENT, Kind.REFUND) and number != 1 else ""
    return f"{number:,} {kind}{plural}"


async def _publish(settings: Settings, files: _Files, total: int) -> None:
    """In the order of the files, some hundreds at a time, each acknowledged by every replica."""
    source = f"urn:shadowpoints:{settings.namespace}:tradebill"
    topic = settings.topics.prefix + "wechat.pay"
    async with publishing(settings, topic) as publish:
        with _bar("publishing", total) as update:
            batch: list[Record] = []
            for _, line in _lines(files, _ignored):
                if line.event is not None:
                    batch.append(_record(topic, source, line.event))
                if len(batch) == _BATCH:
                    await publish(batch)
                    update(len(batch))
                    batch = []
            await publish(batch)
            update(len(batch))
    click.echo(f"published {total:,} events on {topic}")


def _record(topic: str, source: str, event: Outgoing) -> Record:
    headers = binary_headers(event.type, event.id, source, event.time)
    return Record(topic, event.id.encode(), encode_data(event.data), tuple(headers))


@contextmanager
def _bar(what: str, length: int) -> Iterator[Callable[[int], None]]:
    with ExitStack() as stack:
        bar = click.progressbar(length=length, label=what, file=sys.stderr)
        yield stack.enter_context(bar).update


def _ignored(_: int) -> None:
    """The second reading is told by what is published."""
