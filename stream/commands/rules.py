# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints rules``: check and publish rule files, and print their JSON Schema."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

import click

from stream.brand.apps_schema import AppsFile, read_apps
from stream.commands.common import fail, readable_errors, require_shared_store
from stream.commands.language import lang_option
from stream.config.settings import Settings, load_settings
from stream.engine.model.rule_versions import objections, shanghai_minute
from stream.engine.model.ruleset import RuleBook
from stream.language import command_messages as say
from stream.language.message import listed
from stream.process.clock import wall_clock_ms
from stream.rules.known_apps import KnownApps
from stream.rules.loader import check_rules
from stream.rules.timetable import lines, timetable
from stream.yaml_config.file_schema import DRAFTS, shipped_schema
from stream.yaml_config.problems import Problem

_FILE = click.Path(path_type=Path)


@click.group()
def rules() -> None:
    """Check and publish rule files."""


@rules.command()
@click.argument("file", required=False, type=_FILE)
@click.option(
    "--against",
    metavar="FILE_IN_FORCE",
    type=_FILE,
    help="The workers' file: FILE may not change its versions that have begun.",
)
@click.option(
    "--apps",
    metavar="FILE",
    type=_FILE,
    help="The apps file whose apps conditions may name; by default that of the settings.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the versions and their dates as JSON.")
@click.option("--strict", is_flag=True, help="Exit with code 1 if there is a warning, too.")
@lang_option
def check(
    file: Path | None, against: Path | None, apps: Path | None, as_json: bool, strict: bool
) -> None:
    """Report every problem of a rule file, warn of what is probably not meant, list when it runs.

    That is when its campaigns run, and when its rules count. Without FILE it checks the shipped
    rules.
    """
    name = say.SHIPPED_RULES() if file is None else str(file)
    with readable_errors():
        settings = load_settings() if apps is None else None
        checked = check_rules(file, _known_apps(settings, apps, sample=file is None))
        known = check_rules(against).book if against is not None else None
    _warn(checked.warnings)
    if known and (problems := list(objections(known, checked.book, wall_clock_ms()))):
        fail([say.IN_FILE(file=name, problem=problem) for problem in problems])
    if strict and checked.warnings:
        fail([say.WARNINGS_ARE_ERRORS(file=name, count=len(checked.warnings))])
    table = timetable(checked.book)
    if as_json:
        click.echo(json.dumps(table, indent=2))
        return
    versions = listed(str(version.version) for version in checked.book.versions)
    for line in (say.NO_PROBLEMS_IN_RULES(file=name, versions=versions), *lines(table)):
        click.echo(line)


@rules.command()
@click.argument("file", required=False, type=_FILE)
@lang_option
def publish(file: Path | None) -> None:
    """Publish the rules of FILE to the workers.

    Each version is in force from its own time on. FILE must have the versions that have begun,
    unchanged. Without FILE the versions stay, and only the horizons, retention and idle days of the
    environment are published.
    """
    from stream.lookup.open_tables import publish_book

    with readable_errors():
        settings = load_settings()
        require_shared_store(settings)
        published = asyncio.run(publish_book(settings, _book_of(file, settings)))
    click.echo(say.PUBLISHED() if published else say.IN_FORCE_ALREADY())


@rules.command()
@lang_option
def budgets() -> None:
    """Print how many points of each campaign's budget are granted, and when it ends."""
    from stream.lookup.open_tables import budgets_of

    with readable_errors():
        settings = load_settings()
        require_shared_store(settings)
        states = asyncio.run(budgets_of(settings))
    for campaign, granted, budget, ends_ms in states:
        if ends_ms is None:
            click.echo(say.BUDGET(campaign=campaign, granted=granted, budget=budget))
        else:
            ends = shanghai_minute(ends_ms)
            click.echo(
                say.BUDGET_ENDED(campaign=campaign, granted=granted, budget=budget, ends=ends)
            )
    if not states:
        click.echo(say.NO_BUDGETS())


@rules.command()
@click.option("--apps", is_flag=True, help="The schema of the apps file.")
@click.option(
    "--draft",
    type=click.Choice(DRAFTS),
    default=DRAFTS[0],
    show_default=True,
    help="The draft of JSON Schema; most editors know 07.",
)
def schema(apps: bool, draft: str) -> None:
    """Print the JSON Schema of the rule file, for editors."""
    room, name = ("stream.brand", "apps") if apps else ("stream.rules", "rules")
    click.echo(shipped_schema(room, name, draft), nl=False)


def _book_of(file: Path | None, settings: Settings) -> RuleBook | None:
    if file is None:
        return None
    checked = check_rules(file, _known_apps(settings, None))
    _warn(checked.warnings)
    return checked.book


def _known_apps(
    settings: Settings | None, path: Path | None, *, sample: bool = False
) -> KnownApps | None:
    """The apps of a file, or of the settings'; the sample's only for the sample rules."""
    path = path or (settings.apps if settings else None)
    if path is None and not sample:
        return None
    return _apps_of(read_apps(path)[1])


def _apps_of(file: AppsFile) -> KnownApps:
    kept = frozenset(app.appid for app in file.apps if app.unfollow == "keep")
    accounts = {a for app in file.apps for a in (app.open_account, app.former_open_account) if a}
    return KnownApps({app.appid: app.kind for app in file.apps}, kept, frozenset(accounts))


def _warn(warnings: Iterable[Problem]) -> None:
    for problem in warnings:
        click.echo(say.WARNING(problem=problem), err=True)
