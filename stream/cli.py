"""The ``shadowpoints`` command."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, NoReturn

import click

from stream.settings import PREFIX, Settings, SettingsInvalid, load_settings


class _Commands(click.Group):
    """Imports the demo only when it is asked for: its broker is an optional dependency."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), "demo"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name != "demo":
            return super().get_command(ctx, cmd_name)
        from stream.demo.command import demo

        command: click.Command = demo
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Identity stitching and implicit rewards over WeChat touchpoints.

    Settings are environment variables SHADOWPOINTS_*; `shadowpoints settings` lists them.
    """


@main.command()
def worker() -> None:
    """Run a worker until SIGTERM; start as many as there are partitions at most."""
    with _sentences():
        settings = load_settings()
        app = _checked_app(settings)
    app.finalize()
    app.Worker(loglevel=settings.log_level).execute_from_commandline()


@main.group()
def topics() -> None:
    """The topics on the broker."""


@topics.command("create")
def topics_create() -> None:
    """Create the topics which do not exist."""
    from stream.runtime.admin import create_topics

    with _sentences():
        created = asyncio.run(create_topics(load_settings()))
    for name in created:
        click.echo(f"created {name}")
    if not created:
        click.echo("all topics exist")


@topics.command("check")
def topics_check() -> None:
    """Say whether all topics are there, with the right number of partitions."""
    from stream.runtime.admin import check_topics

    with _sentences():
        asyncio.run(check_topics(load_settings()))
    click.echo("all topics are as they must be")


@main.command()
def health() -> None:
    """Say whether the worker on this machine is ready; exit code 1 if it is not."""
    from stream.runtime.health import ask

    with _sentences():
        port = load_settings().web_port
    if not port:
        _fail([f"Set {PREFIX}WEB_PORT, for the worker as for this command; 0 is no web server."])
    if problem := ask(port):
        _fail([problem])
    click.echo("ready")


@main.group()
def rules() -> None:
    """Earning rules and offers."""


@rules.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def rules_check(file: Path | None) -> None:
    """Report every problem of a rule FILE; the shipped one without FILE."""
    from stream.rules.loader import load_rules

    logging.basicConfig(format="%(levelname)s: %(message)s")
    with _sentences():
        book = load_rules(file)
    found = ", ".join(str(ruleset.version) for ruleset in book.versions)
    click.echo(f"{file or 'the shipped rules'}: no problems; versions {found}")


@main.command("settings")
def list_settings() -> None:
    """List the settings with their defaults."""
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else field.default
        click.echo(f"{PREFIX}{name.upper()}={default}\n    {field.description}")


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(installed_version("shadowpoints"))


def _checked_app(settings: Settings) -> Any:
    """The app, after everything that can be wrong before it starts."""
    from stream.app import create_app
    from stream.runtime.admin import check_topics

    app = create_app(settings)
    if settings.check_topics:
        asyncio.run(check_topics(settings))
    return app


@contextmanager
def _sentences() -> Iterator[None]:
    """What an operator can mend is said in sentences, with exit code 1, not in a traceback."""
    from stream.rules.problems import FileInvalid
    from stream.runtime.admin import TopicsUnfit
    from stream.tables import TablesUnavailable

    try:
        yield
    except (SettingsInvalid, TopicsUnfit) as error:
        _fail(error.problems)
    except (FileInvalid, TablesUnavailable) as error:
        _fail([str(error)])


def _fail(problems: list[str]) -> NoReturn:
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
