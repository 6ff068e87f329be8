"""``shadowpoints report``: figures about all customers, read from the store and the topics."""

from __future__ import annotations

import click

from stream.commands.report_write import write


@click.group()
def report() -> None:
    """Report figures about all customers.

    Reports read every account once and change nothing. They name nobody, and say nothing of fewer
    than 20 people.
    """


report.add_command(write)
