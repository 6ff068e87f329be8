# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints verify``: check that all stored accounts, origins and payments are consistent."""

from __future__ import annotations

import asyncio
import secrets
import sys
from hashlib import blake2b

import click

from stream.commands.common import escaped, readable_errors, require_shared_store
from stream.config.settings import Settings, load_settings
from stream.engine.audit.verify import Violation
from stream.lookup.open_tables import tables_of
from stream.lookup.verifier import SUSPECTS_MAX, Report, Verifier

#: The most rules that a line lists.
_PARTS_MAX = 10
_KINDS = {"union": "profile", "origin": "origin", "tx": "payment"}


@click.command()
@click.option("--show-ids", is_flag=True, help="Print entity ids; they are personal data.")
@click.option(
    "--patience",
    type=click.FloatRange(0.0, 600.0),
    default=5.0,
    show_default=True,
    help="Seconds before a suspect entity is checked again, twice.",
)
def verify(show_ids: bool, patience: float) -> None:
    """Check that the stored state is consistent.

    It can run while the workers run. The exit code is 1 if there is a fault. Entities are named by
    a hash that differs in every run.
    """
    with readable_errors():
        settings = load_settings()
        require_shared_store(settings)
        report = asyncio.run(_verified(settings, patience))
    _print(report, None if show_ids else secrets.token_bytes(16))
    sys.exit(bool(report.violations))


async def _verified(settings: Settings, patience_s: float) -> Report:
    tables = tables_of(settings)
    try:
        await tables.open()
        return await Verifier(tables, settings.partitions, patience_s=patience_s).run()
    finally:
        await tables.close()


def _print(report: Report, secret: bytes | None) -> None:
    click.echo(
        f"{report.accounts:,} accounts, {report.origins:,} origins, {report.payments:,} payments; "
        f"{report.points:,} points, {report.live_offers:,} live offers of {report.offered:,} points"
    )
    heaviest = ", ".join(f"{_named(key, secret)} {size:,}" for size, key in report.heaviest)
    click.echo(f"heaviest, in bytes: {heaviest}" if heaviest else "nothing is stored")
    if report.passing:
        click.echo(f"{report.passing:,} faults disappeared: messages were under way")
    for violation in report.violations:
        click.echo(_line(violation, secret))
    if not report.complete:
        click.echo(f"There may be more: at most {SUSPECTS_MAX:,} entities are checked again.")
    click.echo(f"{len(report.violations):,} faults" if report.violations else "no faults")


def _line(violation: Violation, secret: bytes | None) -> str:
    name = _named(violation.key, secret)
    line = f"{name} {violation.fault}: {violation.found:,}, not {violation.expected:,}"
    parts = [f"{rule} {found:,}, by the rules {due:,}" for rule, found, due in violation.parts]
    if len(parts) > _PARTS_MAX:
        parts = [*parts[:_PARTS_MAX], f"{len(parts) - _PARTS_MAX:,} more"]
    return f"{line} ({'; '.join(parts)})" if parts else line


def _named(key: str, secret: bytes | None) -> str:
    """The kind of an entity, and its key or, with ``secret``, a hash of its key."""
    kind = _KINDS.get(key.partition(".")[0], "entity")
    if secret is None:
        return f"{kind} {escaped(key)}"
    return f"{kind} {blake2b(key.encode(), digest_size=8, key=secret).hexdigest()}"
