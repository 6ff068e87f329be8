"""The ``shadowpoints`` command."""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from importlib.metadata import version as installed_version
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click
from mode import loop

from stream.commands.common import fail, sentences
from stream.settings import PREFIX, Settings, load_settings

#: Commands in files of their own, imported when asked for: the demo's broker is an optional
#: dependency, and the others need not wait for what only one of them imports.
_ELSEWHERE = {
    "demo": "stream.demo.command",
    "dlq": "stream.commands.dlq",
    "unbind": "stream.commands.unbind",
    "erase": "stream.commands.erase",
    "sweep": "stream.commands.sweep",
    "explain": "stream.commands.explain",
    "export": "stream.commands.export",
    "gateway": "stream.commands.gateway",
    "privacy": "stream.commands.privacy",
    "replay": "stream.commands.replay",
    "import": "stream.commands.import_",
    "resolver": "stream.commands.resolver",
    "changeopenid": "stream.commands.changeopenid",
    "verify": "stream.commands.verify",
}


class _Commands(click.Group):
    """A group which knows the names of commands that are not imported yet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name  # "import" is Python's own word
        command: click.Command = getattr(import_module(_ELSEWHERE[cmd_name]), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Identity stitching and implicit rewards over WeChat touchpoints.

    Settings are environment variables SHADOWPOINTS_*; `shadowpoints settings` lists them.
    """


@main.command()
def worker() -> None:
    """Run a worker until SIGTERM; start as many as there are partitions at most."""
    from stream.runtime.logs import quiet_clients

    loop.use("uvloop")
    with sentences():
        settings = load_settings()
        quiet_clients(settings.log_level)
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

    with sentences():
        created = asyncio.run(create_topics(load_settings()))
    for name in created:
        click.echo(f"created {name}")
    if not created:
        click.echo("all topics exist")


@topics.command("check")
def topics_check() -> None:
    """Say whether all topics are there, with the right number of partitions."""
    from stream.runtime.admin import check_topics

    with sentences():
        asyncio.run(check_topics(load_settings()))
    click.echo("all topics are as they must be")


@main.command()
def health() -> None:
    """Say whether the process of ours on this machine is ready; exit code 1 if it is not."""
    from stream.runtime.health import ask

    with sentences():
        port = load_settings().web_port
    if not port:
        fail([f"Set {PREFIX}WEB_PORT, for the process as for this command; 0 is no web server."])
    if problem := ask(port):
        fail([problem])
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
    with sentences():
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
    from stream.runtime.state import check_tables

    app = create_app(settings)
    if settings.check_topics:
        asyncio.run(check_topics(settings))
    asyncio.run(check_tables(settings))
    return app


if __name__ == "__main__":
    main()
