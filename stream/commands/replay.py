"""``shadowpoints replay``: try a rule file on past events."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click
import orjson

from stream.brand.directory import load_apps
from stream.commands.common import Instant, escaped, fail, readable_errors, warn
from stream.commands.replay_report import document, lines, unused_versions
from stream.config.settings import Settings, load_settings
from stream.lookup.rules_in_force import rules_of
from stream.process.clock import wall_clock_ms
from stream.replay.event_reader import ReplayPlan
from stream.replay.process_pool import ProcessFailed
from stream.replay.run import replay as replay_all

_File = click.Path(exists=True, dir_okay=False, path_type=Path)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # the cores that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=_File)
@click.option("--rules", type=_File, help="The rule file to try; by default that of the settings.")
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
    rules: Path | None,
    as_of: int | None,
    as_json: bool,
    balances: Path | None,
    processes: int,
) -> None:
    """Try rules on past events, and report balances and offers.

    A FILE, plain or gzip, has one event in structured form a line, or what kcat -J prints. Nothing
    is read from Kafka or Redis, and nothing is published.
    """
    with readable_errors():
        settings = load_settings()
        if rules is not None:
            settings = settings.model_copy(update={"rules": rules})
        plan = _plan(settings, as_of)
    try:
        with ExitStack() as stack:

            def watch(what: str, length: int) -> Callable[[int], None]:
                stack.close()  # ends the bar of the step before
                bar = click.progressbar(length=length, label=what, file=sys.stderr)
                return stack.enter_context(bar).update

            report = replay_all(files, plan, processes=processes, balances=balances, watch=watch)
    except ProcessFailed as error:
        fail([str(error)])
    except (OSError, EOFError) as error:
        fail([_what_failed(error)])
    if rules is not None:
        warn([str(sentence) for sentence in unused_versions(plan.book, report)])
    if as_json:
        option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        click.echo(orjson.dumps(document(report, files), option=option), nl=False)
    else:
        for line in lines(report, files):
            click.echo(escaped(line))


def _plan(settings: Settings, as_of: int | None) -> ReplayPlan:
    now = wall_clock_ms() if as_of is None else as_of
    book, directory = rules_of(settings), load_apps(settings.apps)
    return ReplayPlan(book, directory, settings.topics, now, as_of)


def _what_failed(error: OSError | EOFError) -> str:
    where = getattr(error, "filename", None)
    why = getattr(error, "strerror", None) or str(error)
    return f"{where}: {why}." if where else f"A file cannot be read or written: {why}."
