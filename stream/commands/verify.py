"""``shadowpoints verify``: do all accounts, origins and payments agree with themselves?"""

from __future__ import annotations

import asyncio
import secrets
import sys
from hashlib import blake2b

import click

from stream.commands.common import escaped, fail, sentences
from stream.engine.ruleset import RuleBook
from stream.engine.verify import Violation
from stream.runtime.rulebook import rules_of
from stream.runtime.state import tables_of
from stream.runtime.verifier import SUSPECTS_MAX, Report, Verifier
from stream.settings import Settings, load_settings

_KINDS = {"union": "profile", "origin": "origin", "tx": "payment"}


@click.command()
@click.option("--show-ids", is_flag=True, help="Name the entities; they are people's ids.")
@click.option(
    "--patience",
    type=click.FloatRange(0.0, 600.0),
    default=5.0,
    show_default=True,
    help="Seconds after which what looks wrong is looked at again, twice.",
)
def verify(show_ids: bool, patience: float) -> None:
    """Check the stored state while the workers run; exit code 1 if anything is wrong.

    Entities are named by a hash which is another one in every run.
    """
    with sentences():
        settings = load_settings()
        if settings.redis_url == "memory://":
            fail(["There is nothing to verify in memory://: the state of a worker is its own."])
        report = asyncio.run(_verified(settings, rules_of(settings), patience))
    _tell(report, None if show_ids else secrets.token_bytes(16))
    sys.exit(bool(report.violations))


async def _verified(settings: Settings, book: RuleBook, patience_s: float) -> Report:
    tables = tables_of(settings)
    try:
        await tables.open()
        return await Verifier(tables, book, settings.partitions, patience_s=patience_s).run()
    finally:
        await tables.close()


def _tell(report: Report, secret: bytes | None) -> None:
    click.echo(
        f"{report.accounts:,} accounts, {report.origins:,} origins, {report.payments:,} payments; "
        f"{report.points:,} points, {report.live_offers:,} live offers of {report.offered:,} points"
    )
    if report.passing:
        click.echo(f"{report.passing:,} faults passed: messages were on their way")
    for violation in report.violations:
        click.echo(_line(violation, secret))
    if not report.complete:
        click.echo(f"There are more: no more than {SUSPECTS_MAX:,} entities are looked at again.")
    click.echo(f"{len(report.violations):,} faults" if report.violations else "no faults")


def _line(violation: Violation, secret: bytes | None) -> str:
    kind = _KINDS.get(violation.key.partition(".")[0], "entity")
    name = escaped(violation.key)
    if secret is not None:
        name = blake2b(violation.key.encode(), digest_size=8, key=secret).hexdigest()
    return f"{kind} {name} {violation.fault}: {violation.found:,}, not {violation.expected:,}"
