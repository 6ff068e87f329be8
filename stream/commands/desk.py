# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints desk``: pages for the people who operate a deployment."""

from __future__ import annotations

import asyncio

import click

from stream.brand.directory import load_apps
from stream.commands.common import fail, readable_errors, require_shared_store, run_until_signal
from stream.config.settings import PREFIX, Settings, load_settings
from stream.desk.server import desk_server
from stream.desk.sessions import read_token
from stream.desk.sources import Sources
from stream.lookup.open_tables import tables_of
from stream.process.logs import start_logging

_END_S = 5.0


@click.command()
def desk() -> None:
    """Serve pages about the state of the engine to operators, until SIGTERM.

    It reads Redis and the topics, and changes nothing. Who opens it needs the token in the file
    SHADOWPOINTS_DESK_TOKEN_FILE.
    """
    with readable_errors():
        settings = load_settings()
        require_shared_store(settings)
        if settings.desk_token_file is None:
            fail([f"Set {PREFIX}DESK_TOKEN_FILE: docs/desk.md."])
        token, second_file = read_token(settings.desk_token_file), settings.desk_replay_token_file
        second = None if second_file is None else read_token(second_file)
        if second == token:
            fail([f"{PREFIX}DESK_REPLAY_TOKEN_FILE must hold another token than the first."])
        start_logging(settings.log_level)
        asyncio.run(_serve(settings, token, second))


async def _serve(settings: Settings, token: str, second: str | None) -> None:
    tables = tables_of(settings, read_only=True)
    try:
        await tables.open()
        sources = Sources(settings, tables, load_apps(settings.apps), settings.desk_report)
        server = desk_server(sources, token, second, settings.desk_port)
        click.echo(f"The desk is at {server.address}", err=True)
        await run_until_signal(server, _END_S, "Ended before all pages were shown")
    finally:
        await tables.close()
