# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints import``: publish payments, refunds and members from files."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, NoReturn, TextIO

import click

from schemas import binary_headers, encode_data, time_ms
from schemas.topics import TOPIC_ENROLMENTS, TOPIC_PAY
from stream.brand.directory import load_apps
from stream.commands.common import escaped, fail, readable_errors, shanghai
from stream.commands.members_csv import MemberLine, read_members
from stream.commands.publishing import publishing
from stream.config.settings import Settings, load_settings
from stream.engine.model.calendar import DAY_MS
from stream.engine.model.directory import Directory
from stream.gateway.event_publisher import key_of
from stream.process.clock import wall_clock_ms
from stream.replay.input_files import blocks
from stream.tables import Record
from stream.wechat.bill.bill_reader import BillReader, Kind, Line
from stream.wechat.delivery_result import OutboundEvent

_BATCH: Final = 1_000  # events published together
_PRINTED_MAX: Final = 20  # problems on stderr; a report has all
_WRONG: Final = (Kind.REFUSED, Kind.UNBALANCED)
_Files = Sequence[Path]


@click.group("import")
def import_() -> None:
    """Import payments, refunds and members from files."""


@import_.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--dry-run", is_flag=True, help="Only read and check; publish nothing.")
@click.option(
    "--report",
    type=click.File("w", encoding="utf-8", lazy=False),
    help="Write every line that was not published to this file, with its number and the reason.",
)
def tradebill(files: tuple[Path, ...], dry_run: bool, report: TextIO | None) -> None:
    """Publish the payments and refunds of WeChat's daily bills.

    A FILE is a bill (ALL, SUCCESS or REFUND) as WeChat sends it, plain or gzip. All files are read
    and checked first. A payment that also came as a notification, or in an earlier import, counts
    once, so an interrupted import is simply repeated. The exit code is 1 if a row was refused or a
    bill is incomplete; the other rows are published.
    """
    with readable_errors():
        settings = load_settings()
        try:
            check = _checked(files, report)
            _print(check, settings)
            if not dry_run and check.events:
                events = (line.event for _, line in _lines(files, _ignored) if line.event)
                asyncio.run(_publish(settings, TOPIC_PAY, "tradebill", events, check.events))
        except (OSError, EOFError) as error:
            _unreadable(error)
    if any(check.kinds[kind] for kind in _WRONG):
        sys.exit(1)


@import_.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only read and check; publish nothing.")
@click.option(
    "--report",
    type=click.File("w", encoding="utf-8", lazy=False),
    help="Write every line that was not published to this file, with its number and the reason.",
)
def members(file: Path, dry_run: bool, report: TextIO | None) -> None:
    """Publish existing members, so that they get no offer to sign up.

    FILE is CSV in UTF-8; its first line names the columns member_id, enrolled_at (a time with a
    zone, or a day), and unionid with open_account, appid with openid, or all four. Import members
    before the first payment. Running it again is harmless. The exit code is 1 if a line was
    refused; the others are published.
    """
    with readable_errors():
        settings = load_settings()
        directory = load_apps(settings.apps)
        try:
            lines = _members(file, directory)
            refused = [line for line in lines if line.event is None]
            _print_refused(file, refused, report)
            click.echo(f"{len(lines) - len(refused):,} members, {len(refused):,} refused")
            events = [line.event for line in lines if line.event is not None]
            if not dry_run and events:
                asyncio.run(_publish(settings, TOPIC_ENROLMENTS, "members", events, len(events)))
        except (OSError, UnicodeDecodeError) as error:
            _unreadable(error)
    if refused:
        sys.exit(1)


def _members(file: Path, directory: Directory) -> list[MemberLine]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(read_members(lines, directory, wall_clock_ms()))


def _print_refused(file: Path, refused: Sequence[MemberLine], report: TextIO | None) -> None:
    for number, line in enumerate(refused):
        said = escaped(f"{file}:{line.number}: refused: {line.problem}")
        if report is not None:
            report.write(said + "\n")
        if number < _PRINTED_MAX:
            click.echo(said, err=True)
    if len(refused) > _PRINTED_MAX:
        _print_rest(len(refused) - _PRINTED_MAX)


def _print_rest(lines: int) -> None:
    click.echo(f"... and {lines:,} more lines; --report FILE has all.", err=True)


def _unreadable(error: Exception) -> NoReturn:
    where = getattr(error, "filename", None) or "A file"
    fail([f"{where} cannot be read: {getattr(error, 'strerror', None) or error}."])


@dataclass
class _Check:
    """The result of checking all files; ``problems`` has the first few."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
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
            if len(check.problems) < _PRINTED_MAX:
                check.problems.append(said)
    return check


def _lines(files: _Files, on_read: Callable[[int], None]) -> Iterator[tuple[Path, Line]]:
    for path in files:
        reader = BillReader()
        for block in blocks([path], on_read):
            for line in reader.read(block.data.removesuffix(b"\n").split(b"\n")):
                yield path, line
        for line in reader.end():
            yield path, line


def _print(check: _Check, settings: Settings) -> None:
    for said in check.problems:
        click.echo(said, err=True)
    not_printed = sum(check.kinds.values()) - check.events - len(check.problems)
    if not_printed:
        _print_rest(not_printed)
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


async def _publish(
    settings: Settings, name: str, what: str, events: Iterable[OutboundEvent], total: int
) -> None:
    """Publish in order and in batches, each acknowledged by every replica.

    The keys are the gateway's, so that a person's events stay in order.
    """
    source = f"urn:shadowpoints:{settings.namespace}:{what}"
    topic = settings.topics.prefix + name
    async with publishing(settings, topic) as publish:
        with _bar("publishing", total) as update:
            for batch in _batches(events):
                await publish([_record(topic, source, event) for event in batch])
                update(len(batch))
    click.echo(f"published {total:,} events on {topic}")


def _batches(events: Iterable[OutboundEvent]) -> Iterator[list[OutboundEvent]]:
    left = iter(events)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _record(topic: str, source: str, event: OutboundEvent) -> Record:
    headers = binary_headers(event.type, event.id, source, event.time)
    return Record(topic, key_of(event).encode(), encode_data(event.data), tuple(headers))


@contextmanager
def _bar(what: str, length: int) -> Iterator[Callable[[int], None]]:
    with ExitStack() as stack:
        bar = click.progressbar(length=length, label=what, file=sys.stderr)
        yield stack.enter_context(bar).update


def _ignored(_: int) -> None:
    """No progress of the second reading: the bar shows what is published."""
