# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints demo``: run a sample day of two brands through the real app, and audit it."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click
import orjson

from schemas.base import SHANGHAI
from stream.brand.directory import load_apps
from stream.config.connections import ConnectionSettings
from stream.config.settings import PREFIX, Settings, SettingsInvalid, load_settings
from stream.demo.day import Day, generate, yesterday
from stream.demo.desk import DESK_URL, keep
from stream.demo.runner import DemoFailed, Result, Run
from stream.demo.summary import lines_of, summary_of
from stream.demo.view import View
from stream.engine.model.directory import Directory
from stream.engine.model.ruleset import RuleBook
from stream.kafka.connection_errors import TopicsUnfit
from stream.kafka.topic_admin import create_topics
from stream.lookup.open_tables import tables_of
from stream.lookup.rules_in_force import settle_rules, with_days
from stream.process.clock import wall_clock_ms
from stream.rules.loader import load_rules
from stream.tables import TablesUnavailable
from stream.worker.app import create_app
from stream.yaml_config.problems import FileInvalid

_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--kafka", metavar="BOOTSTRAP", help="A real Kafka instead of the embedded broker.")
@click.option("--redis", metavar="URL", help="A real Redis instead of tables in memory.")
@click.option("--consumers", type=click.IntRange(20), default=2_000, show_default=True)
@click.option(
    "--events",
    type=click.IntRange(80),
    default=20_000,
    show_default=True,
    help="The embedded broker holds about 30,000.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another seed gives another day."
)
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    envvar="DEMO_JSON",
    help="Write the summary to this file.",
)
@click.option("--stay", is_flag=True, help="Then tell one person's story, and serve the desk.")
@click.option("--rules", type=_FILE, help="A rule file instead of the default one.")
@click.option("--apps", type=_FILE, help="An apps file instead of the sample one.")
def demo(
    kafka: str | None,
    redis: str | None,
    consumers: int,
    events: int,
    seed: int,
    json_path: Path | None,
    stay: bool,
    rules: Path | None,
    apps: Path | None,
) -> None:
    """Run a sample day through the engine, and audit the result.

    Without --kafka and --redis it needs no server: the broker and the tables are in this process.
    """
    if (kafka is None) != (redis is None):
        raise click.UsageError("Give --kafka and --redis together, or neither.")
    try:
        book, directory = load_rules(rules), load_apps(apps)
        day = generate(
            seed=seed,
            consumers=consumers,
            events=events,
            day=yesterday(datetime.now(SHANGHAI).date()),
            directory=directory,
        )
    except (FileInvalid, ValueError) as error:
        _fail(str(error))
    view = View(sys.stdout)
    view.say(f"A day of {consumers:,} consumers: {events:,} records, seed {seed}.")
    about = {"seed": seed, "consumers": consumers, "embedded": kafka is None}

    def report(result: Result) -> None:
        _report(result, about, view, json_path)
        if not stay:
            view.say(_DESK)

    try:
        _run(kafka, redis, book, directory, day, view, report, stay=stay)
    except (DemoFailed, TablesUnavailable, ImportError) as error:
        _fail(str(error))
    except (TopicsUnfit, SettingsInvalid) as error:
        _fail("\n".join(error.problems))


def _run(
    kafka: str | None,
    redis: str | None,
    book: RuleBook,
    directory: Directory,
    day: Day,
    view: View,
    report: Callable[[Result], None],
    *,
    stay: bool,
) -> None:
    with ExitStack() as stack:
        if kafka is None or redis is None:
            from stream.demo.embedded import PARTITIONS, EmbeddedBroker, RecordsLost

            broker = stack.enter_context(EmbeddedBroker())
            settings = _settings(broker.bootstrap, "memory://", partitions=PARTITIONS)
            broker.create_topics(settings.topics.all())
            view.say(_EMBEDDED)
            lost = broker.check_nothing_lost
            try:
                asyncio.run(_execute(settings, book, directory, day, view, lost, report, stay=stay))
            except RecordsLost as error:
                raise DemoFailed(str(error)) from None
            return
        settings = _settings(kafka, redis)
        created = asyncio.run(create_topics(settings))
        view.say(
            f"Real servers: {len(created)} topics {settings.topic_prefix}* and the Redis keys of "
            f"{settings.namespace}; they stay."
        )
        asyncio.run(_execute(settings, book, directory, day, view, None, report, stay=stay))


_DESK = "desk      shadowpoints demo --stay keeps this day, and serves the desk at " + DESK_URL
_EMBEDDED = (
    "Broker: librdkafka's mock cluster inside this process. It is not Apache Kafka: no disk, no\n"
    "replication, nothing about delivery is shown here. Tables: in memory, gone at the end."
)


async def _execute(
    settings: Settings,
    book: RuleBook,
    directory: Directory,
    day: Day,
    view: View,
    check_nothing_lost: Callable[[], None] | None,
    report: Callable[[Result], None],
    *,
    stay: bool,
) -> None:
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s")
    # aiokafka logs an error for a topic that is newer than its cluster metadata
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    tables = tables_of(settings)
    await tables.open()
    await settle_rules(settings, tables, with_days(book, settings), wall_clock_ms())
    app = create_app(settings, tables, directory=directory)
    app.finalize()

    async def then(result: Result) -> None:
        report(result)
        if stay:
            await keep(settings, tables, directory, view)

    await Run(app, tables, book, day, view, check_nothing_lost).execute(then)


def _settings(bootstrap: str, redis_url: str, partitions: int | None = None) -> Settings:
    """Settings of a new namespace; others come from the environment.

    With ``partitions`` they are for the embedded broker, without users and TLS of real servers.
    """
    name = f"demo-{secrets.token_hex(4)}"
    own = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "REDIS_URL": redis_url,
        "NAMESPACE": name,
        "TOPIC_PREFIX": f"{name}.",
        "CHECK_TOPICS": "false",
        "WEB_PORT": "0",
    }
    environ = dict(os.environ)
    if partitions is not None:
        own["PARTITIONS"] = str(partitions)
        own["FETCH_WAIT_S"] = "0.05"  # it holds a fetch for so long even if there are records
        for name in ConnectionSettings.model_fields:
            environ.pop(PREFIX + name.upper(), None)
    return load_settings(environ | {PREFIX + key: value for key, value in own.items()})


def _report(result: Result, about: dict[str, Any], view: View, json_path: Path | None) -> None:
    summary = {**about, **summary_of(result)}
    for line in lines_of(summary):
        view.say(line)
    if json_path is not None:
        json_path.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2) + b"\n")
    if not summary["ok"]:
        sys.exit(1)


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)
