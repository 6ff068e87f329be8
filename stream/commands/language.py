# SPDX-License-Identifier: Apache-2.0
"""The option ``--lang``, and the language that the environment chooses."""

from __future__ import annotations

import os

import click

from stream.language.message import Language, language_of, speaking


def speak(ctx: click.Context, _: click.Parameter | None, value: str | None) -> None:
    """Show sentences in a language until the command ends; by default the environment's."""
    language = Language(value) if value else language_of(os.environ)
    ctx.with_resource(speaking(language))


lang_option = click.option(
    "--lang",
    type=click.Choice([language.value for language in Language]),
    callback=speak,
    expose_value=False,
    is_eager=True,
    help="The language of what is printed: English or Chinese. By default that of LANG.",
)
