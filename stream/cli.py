# SPDX-License-Identifier: Apache-2.0
"""Define the ``shadowpoints`` command line; most commands load only when they run."""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click
from mode import loop

from stream.commands.common import compare_topics, escaped, fail, readable_errors, warn
from stream.commands.language import speak
from stream.config.settings import PREFIX, Settings, load_settings

#: Commands that are imported only when they run: the demo's broker is an optional dependency, and
#: a command should not wait for the imports of the others.
_LAZY = {
    "apps": "stream.commands.apps",
    "desk": "stream.commands.desk",
    "demo": "stream.demo.command",
    "dlq": "stream.commands.dlq",
    "unbind": "stream.commands.unbind",
    "erase": "stream.commands.erase",
    "sweep": "stream.commands.erasure_sweep",
    "explain": "stream.commands.explain",
    "export": "stream.commands.export",
    "gateway": "stream.commands.gateway",
    "privacy": "stream.commands.privacy_service",
    "replay": "stream.commands.replay",
    "import": "stream.commands.import_",
    "report": "stream.commands.report",
    "resolver": "stream.commands.resolver",
    "rules": "stream.commands.rules",
    "changeopenid": "stream.commands.changeopenid",
    "sources": "stream.commands.sources",
    "webhooks": "stream.commands.webhooks",
    "verify": "stream.commands.verify",
}


class _Commands(click.Group):
    """A group that imports its commands when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_LAZY])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if near := get_close_matches(args[0], self.list_commands(ctx), 1):
                error.message += f" Did you mean {near[0]}?"
            raise

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _LAZY:
            return super().get_command(ctx, cmd_name)
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name  # "import" is a keyword
        command: click.Command = getattr(import_module(_LAZY[cmd_name]), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shadowpoints", message="%(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Identity stitching and implicit rewards over WeChat touchpoints.

    Settings are environment variables SHADOWPOINTS_*; `shadowpoints settings` lists them.
    """
    speak(ctx, None, None)


@main.command()
def worker() -> None:
    """Run a worker until SIGTERM.

    Run several to share the load, at most as many as there are partitions.
    """
    from stream.process.logs import quiet_clients

    with readable_errors():
        settings = load_settings()
        quiet_clients(settings.log_level)
        app = _checked_app(settings)
    loop.use("uvloop")  # not earlier: with uvloop a TLS client that is closed at once may hang
    app.finalize()
    app.Worker(loglevel=settings.log_level).execute_from_commandline()


@main.group()
def topics() -> None:
    """Create and check the topics in Kafka."""


@topics.command("create")
@click.option(
    "--print",
    "only_print",
    is_flag=True,
    help="Only print all topics with their configuration; do not connect to Kafka.",
)
def topics_create(only_print: bool) -> None:
    """Create the topics that do not exist."""
    from stream.kafka.topic_admin import check_topics, create_topics
    from stream.kafka.topic_checks import printed

    with readable_errors():
        settings = load_settings()
        if only_print:
            click.echo("\n".join(printed(settings)))
            return
        created = asyncio.run(create_topics(settings))
        warnings = asyncio.run(check_topics(settings))
    for name in created:
        click.echo(f"created {name}")
    if not created:
        click.echo("all topics exist")
    warn(warnings)


@topics.command("check")
def topics_check() -> None:
    """Check the configuration of all topics.

    Prints the commands that correct it. The exit code is 1 if there are any.
    """
    from stream.kafka.topic_admin import check_topics

    with readable_errors():
        warnings = asyncio.run(check_topics(load_settings()))
    if warnings:
        fail(warnings)
    click.echo("all topics are as they must be")


@main.command()
def health() -> None:
    """Check whether the process on this machine is ready.

    The exit code is 1 if it is not.
    """
    from stream.commands.health_client import ask

    with readable_errors():
        settings = load_settings()
    if not settings.web_port:
        fail([f"Set {PREFIX}WEB_PORT for the process and for this command; 0 is no server."])
    if problem := ask(settings.web_port, settings.web_host):
        fail([problem])
    click.echo("ready")


@main.command("settings")
def list_settings() -> None:
    """List the settings in force, and say which of them are defaults."""
    with readable_errors():
        settings = load_settings()
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        origin = "" if name in settings.model_fields_set else "  (default)"
        said = "" if value is None else escaped(str(value))  # of a secret: asterisks
        click.echo(f"{PREFIX}{name.upper()}={said}{origin}\n    {field.description}")


def _checked_app(settings: Settings) -> Any:
    """The app, after all checks that can fail before it starts."""
    from stream.lookup.open_tables import check_tables
    from stream.lookup.rules_in_force import rules_of
    from stream.worker.app import create_app

    app, book = create_app(settings), rules_of(settings)
    asyncio.run(compare_topics(settings))
    asyncio.run(check_tables(settings, book))
    return app


if __name__ == "__main__":
    main()
