# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints report``: figures about all customers, read from the store and the topics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import click

from stream.commands.common import readable_errors, require_shared_store
from stream.commands.report_write import write
from stream.config.settings import Settings, load_settings
from stream.engine.audit.rfm_borders import PEOPLE_MIN, Histograms, measured
from stream.lookup.customers import customers
from stream.lookup.open_tables import tables_of
from stream.rules.class_model import WINDOW_DAYS_MAX


@click.group()
def report() -> None:
    """Report figures about all customers.

    Reports read every account once and change nothing. They name nobody, and say nothing of fewer
    than 20 people.
    """


report.add_command(write)


@report.command()
@click.option("--suggest", is_flag=True, help="Print the section for the rule file.")
@click.option(
    "--window-days",
    type=click.IntRange(1, WINDOW_DAYS_MAX),
    default=365,
    show_default=True,
    help="Count what was bought in so many days.",
)
def rfm(suggest: bool, window_days: int) -> None:
    """Divide the customers into fifths by recency, frequency and money."""
    with readable_errors():
        settings = load_settings()
        require_shared_store(settings)
        found = asyncio.run(_histograms(settings, window_days))
    for line in lines(found, window_days, suggest=suggest):
        click.echo(line)


async def _histograms(settings: Settings, window_days: int) -> Histograms:
    tables, found = tables_of(settings), Histograms()
    try:
        await tables.open()
        async for customer in customers(tables, settings.partitions):
            one = measured(customer.days, customer.as_of, window_days)
            if one is not None:
                found.add(one)
    finally:
        await tables.close()
    return found


def lines(found: Histograms, window_days: int, *, suggest: bool) -> Iterator[str]:
    """The borders between fifths, for people or for the rule file."""
    borders = found.borders()
    if borders is None:
        yield f"# Fewer than {PEOPLE_MIN} customers bought something in {window_days} days."
        return
    yield f"# {found.people:,} customers bought something in the last {window_days} days."
    if suggest:
        yield "segments:"
        yield "  rfm:"
        yield f"    window_days: {window_days}"
        yield from (f"    {name}: {some}" for name, some in borders._asdict().items())
        return
    for text, some in zip(_TEXTS, borders, strict=True):
        yield text.format(", ".join(f"{border:,}" for border in some))


_TEXTS = (
    "days since the last purchase, fifths end before: {}",
    "purchases, fifths begin with: {}",
    "fen, fifths begin with: {}",
)
