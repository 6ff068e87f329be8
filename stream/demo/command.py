"""``shadowpoints demo``: a day of two brands through the real app, and whether it adds up."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import click
import orjson

from stream.access import AccessSettings
from stream.app import create_app
from stream.demo.day import Day, generate, yesterday
from stream.demo.runner import DemoFailed, Result, Run
from stream.demo.summary import lines_of, summary_of
from stream.demo.view import View
from stream.engine.directory import Directory
from stream.engine.ruleset import RuleBook
from stream.rules.apps import load_apps
from stream.rules.loader import load_rules
from stream.rules.problems import FileInvalid
from stream.runtime.admin import create_topics
from stream.runtime.refusals import TopicsUnfit
from stream.runtime.state import tables_of
from stream.settings import PREFIX, Settings, SettingsInvalid, load_settings
from stream.tables import TablesUnavailable

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
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another day.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    envvar="DEMO_JSON",
    help="Write the summary here.",
)
@click.option("--rules", type=_FILE, help="Rule file instead of the shipped one.")
@click.option("--apps", type=_FILE, help="Apps file instead of the shipped one.")
def demo(
    kafka: str | None,
    redis: str | None,
    consumers: int,
    events: int,
    seed: int,
    json_path: Path | None,
    rules: Path | None,
    apps: Path | None,
) -> None:
    """Send a sample day through the engine and check that it adds up.

    Without --kafka and --redis it needs no server: broker and tables live in this process.
    """
    if (kafka is None) != (redis is None):
        raise click.UsageError("Give --kafka and --redis together, or neither.")
    try:
        book, directory = load_rules(rules), load_apps(apps)
        day = generate(
            seed=seed,
            consumers=consumers,
            events=events,
            day=yesterday(_today_in_shanghai()),
            directory=directory,
        )
    except (FileInvalid, ValueError) as error:
        _fail(str(error))
    view = View(sys.stdout)
    view.say(f"A day of {consumers:,} consumers: {events:,} records, seed {seed}.")
    try:
        result = _run(kafka, redis, book, directory, day, view)
    except (DemoFailed, TablesUnavailable, ImportError) as error:
        _fail(str(error))
    except (TopicsUnfit, SettingsInvalid) as error:
        _fail("\n".join(error.problems))
    about = {"seed": seed, "consumers": consumers, "embedded": kafka is None}
    _report(result, about, view, json_path)


def _run(
    kafka: str | None,
    redis: str | None,
    book: RuleBook,
    directory: Directory,
    day: Day,
    view: View,
) -> Result:
    with ExitStack() as stack:
        if kafka is None or redis is None:
            from stream.demo.embedded import PARTITIONS, EmbeddedBroker, RecordsLost

            broker = stack.enter_context(EmbeddedBroker())
            settings = _settings(broker.bootstrap, "memory://", partitions=PARTITIONS)
            broker.create_topics(settings.topics.all())
            view.say(_EMBEDDED)
            try:
                return asyncio.run(
                    _execute(settings, book, directory, day, view, broker.check_nothing_lost)
                )
            except RecordsLost as error:
                raise DemoFailed(str(error)) from None
        settings = _settings(kafka, redis)
        created = asyncio.run(create_topics(settings))
        view.say(
            f"Real servers: {len(created)} topics {settings.topic_prefix}* and the Redis keys of "
            f"{settings.namespace}; they stay."
        )
        return asyncio.run(_execute(settings, book, directory, day, view, None))


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
) -> Result:
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s")
    # aiokafka calls it an error when a topic is younger than what it knows of the cluster
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    tables = tables_of(settings)
    app = create_app(settings, tables, book=book, directory=directory)
    app.finalize()
    return await Run(app, tables, book, day, view, check_nothing_lost).execute()


def _settings(bootstrap: str, redis_url: str, partitions: int | None = None) -> Settings:
    """Settings of a fresh namespace; tuning in the environment holds.

    With ``partitions`` for the embedded broker, where users and TLS of real servers do not.
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
        own["FETCH_WAIT_S"] = "0.05"  # it keeps a fetch so long even if something comes
        for name in AccessSettings.model_fields:
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


def _today_in_shanghai() -> date:
    return (datetime.now(UTC) + timedelta(hours=8)).date()


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)
