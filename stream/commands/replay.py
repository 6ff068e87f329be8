# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints replay``: try a rule file on past events."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import orjson

from stream.brand.directory import load_apps
from stream.commands.common import Instant, escaped, fail, readable_errors, shanghai, warn
from stream.commands.replay_report import (
    document,
    foreign_topics,
    lines,
    no_events,
    unused_versions,
)
from stream.config.settings import Settings, load_settings
from stream.language import command_messages as say
from stream.language import report_messages as m
from stream.language.message import Language, language_of, speaking
from stream.lookup.rules_in_force import rules_of
from stream.process.clock import wall_clock_ms
from stream.replay.comparison import comparison, comparison_lines
from stream.replay.drafts import NoSuchVersion, as_if
from stream.replay.event_reader import ReplayPlan
from stream.replay.process_pool import ProcessFailed
from stream.replay.report import Report
from stream.replay.run import replay as replay_all
from stream.replay.topic_export import copy_topics
from stream.report.files import documents, write_all
from stream.report.page import page


class _Yuan(click.ParamType):
    """An amount in yuan that is more than nothing and at most 1,000, to the ten-thousandth."""

    name = "yuan"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            yuan = Decimal(str(value))
            if 0 < yuan <= 1_000 and yuan == yuan.quantize(Decimal("0.0001")):
                return yuan
        except InvalidOperation:
            pass
        self.fail(f"{value!r} is no amount in yuan like 0.01.", param, ctx)


_File = click.Path(exists=True, dir_okay=False, path_type=Path)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # the cores that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE...]", type=_File)
@click.option(
    "--from-kafka", is_flag=True, help="Read what the source topics have now instead of files."
)
@click.option("--rules", type=_File, help="The rule file to try; by default that of the settings.")
@click.option(
    "--against",
    type=_File,
    help="A rule file to compare with: the same events are judged by both, side by side.",
)
@click.option(
    "--write",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the comparison into this directory: a page, JSON, and CSV files.",
)
@click.option(
    "--by",
    type=click.Choice(["day", "week"]),
    default="day",
    show_default=True,
    help="Compare points by day or by week.",
)
@click.option(
    "--point-worth",
    "worth_yuan",
    type=_Yuan(),
    help="What a point is worth in yuan, such as 0.01; then the comparison says costs.",
)
@click.option(
    "--apply-version",
    "draft",
    type=int,
    help="Judge by this version of the rules from --from on, as if it had been in force then.",
)
@click.option("--from", "from_ms", type=Instant(), help="Since when --apply-version holds.")
@click.option(
    "--lang",
    type=click.Choice([language.value for language in Language]),
    help="The language of the page: English or Chinese. By default that of LANG.",
)
@click.option(
    "--as-of", type=Instant(), help="The end of the replay; by default the time of the last event."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--balances",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write each account's balance and live offer to this file, as lines of JSON.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=_cores,
    show_default="one for each core",
    help="The number of processes.",
)
def replay(
    files: tuple[Path, ...],
    from_kafka: bool,
    rules: Path | None,
    against: Path | None,
    directory: Path | None,
    by: str,
    worth_yuan: Decimal | None,
    draft: int | None,
    from_ms: int | None,
    lang: str | None,
    as_of: int | None,
    as_json: bool,
    balances: Path | None,
    processes: int,
) -> None:
    """Try rules on past events, and report balances and offers.

    A FILE, plain or gzip, has one event in structured form a line, or what kcat -J prints. Nothing
    is read from Redis, and nothing is published; Kafka is asked with --from-kafka only.
    """
    if from_kafka == bool(files):
        raise click.UsageError("Give FILEs or --from-kafka, one of the two.")
    if (draft is None) != (from_ms is None):
        raise click.UsageError("--apply-version and --from need one another.")
    if against is None and (directory is not None or worth_yuan is not None):
        raise click.UsageError("--write and --point-worth are for a comparison: add --against.")
    with readable_errors():
        settings = load_settings()
        if rules is not None:
            settings = settings.model_copy(update={"rules": rules})
        plan = replace(_plan(settings, as_of), weekly=by == "week")
        if against is not None:
            old = settings.model_copy(update={"rules": against})
            plan = replace(plan, against=rules_of(old))
    try:
        if draft is not None and from_ms is not None:
            plan = replace(plan, book=as_if(plan.book, draft, from_ms))
        with (
            readable_errors(),
            TemporaryDirectory(prefix="shadowpoints-") as name,
            ExitStack() as stack,
        ):

            def watch(what: str, length: int) -> Callable[[int], None]:
                stack.close()  # ends the bar of the step before
                bar = click.progressbar(length=length, label=what, file=sys.stderr)
                return stack.enter_context(bar).update

            if from_kafka:
                files = tuple(asyncio.run(copy_topics(settings, Path(name), watch)))
            report = replay_all(files, plan, processes=processes, balances=balances, watch=watch)
    except (ProcessFailed, NoSuchVersion) as error:
        fail([str(error)])
    except (OSError, EOFError) as error:
        fail([_what_failed(error)])
    if rules is not None or draft is not None:
        warn([str(sentence) for sentence in unused_versions(plan.book, report.read)])
    if plan.against is not None and plan.against != plan.book:
        known = set(plan.book.versions)
        others = replace(
            plan.against, versions=tuple(v for v in plan.against.versions if v not in known)
        )
        warn([str(sentence) for sentence in unused_versions(others, report.read)])
    warn([escaped(str(one)) for one in foreign_topics(report.read, settings.topics.prefix)])
    _print(report, files, worth_yuan, as_json=as_json)
    if directory is not None:
        with speaking(Language(lang) if lang else language_of(os.environ)):
            _write(report, directory, worth_yuan)
    if no_events(report.read):
        fail([say.NO_EVENTS_READ()])


def _print(
    report: Report, files: tuple[Path, ...], worth_yuan: Decimal | None, *, as_json: bool
) -> None:
    if as_json:
        option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        click.echo(orjson.dumps(document(report, files), option=option), nl=False)
    else:
        for line in lines(report, files):
            click.echo(escaped(line))
        if report.against is not None:
            click.echo()
            for line in comparison_lines(comparison(report, worth_yuan)):
                click.echo(escaped(line))


def _write(report: Report, directory: Path, worth_yuan: Decimal | None) -> None:
    """Write the comparison as files that everybody may read who may read the directory."""
    tables, time = comparison(report, worth_yuan), shanghai(report.as_of)
    html = page(tables, time, m.WHAT_IF_TITLE, m.WHAT_IF_INTRO)
    try:
        write_all(directory, {**documents(tables, time), "report.html": html})
    except OSError as error:
        fail([_what_failed(error)])


def _plan(settings: Settings, as_of: int | None) -> ReplayPlan:
    now = wall_clock_ms() if as_of is None else as_of
    book, directory = rules_of(settings), load_apps(settings.apps)
    return ReplayPlan(book, directory, settings.topics, now, as_of)


def _what_failed(error: OSError | EOFError) -> str:
    where = getattr(error, "filename", None)
    why = getattr(error, "strerror", None) or str(error)
    return f"{where}: {why}." if where else f"A file cannot be read or written: {why}."
