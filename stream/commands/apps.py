# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints apps``: check an apps file."""

from __future__ import annotations

from pathlib import Path

import click

from stream.brand.apps_schema import read_apps
from stream.commands.common import readable_errors
from stream.commands.language import lang_option
from stream.language import command_messages as say


@click.group()
def apps() -> None:
    """Check apps files."""


@apps.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@lang_option
def check(file: Path | None) -> None:
    """Report every problem of an apps file.

    Reads neither the keys nor the secrets that it names. Without FILE it checks the sample.
    """
    with readable_errors():
        model = read_apps(file)[1]
    name = say.SAMPLE_APPS() if file is None else str(file)
    counts = {"apps": len(model.apps), "merchants": len(model.merchants)}
    click.echo(say.NO_PROBLEMS_IN_APPS(file=name, **counts))
