"""``shadowpoints explain``: why one consumer has these points."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import click
import orjson

from stream.commands.common import escaped, fail, sentences
from stream.engine.ids import origin_key
from stream.engine.ruleset import RuleBook
from stream.runtime.housekeeping import wall_clock_ms
from stream.runtime.people import explanation
from stream.runtime.rulebook import rules_of
from stream.runtime.state import tables_of
from stream.settings import Settings, load_settings


@click.command()
@click.argument("consumer", required=False)
@click.option("--origin", nargs=2, metavar="APPID OPENID", help="Name an origin instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(consumer: str | None, origin: tuple[str, str] | None, as_json: bool) -> None:
    """Explain the points of CONSUMER, a consumer_id, as they are now.

    An origin which is bound leads to its consumer. What is printed is about a person.
    """
    if (consumer is None) == (origin is None):
        raise click.UsageError("Name a CONSUMER, or an --origin.")
    key = consumer or origin_key(*(origin or ("", "")))
    if key.partition(".")[0] not in ("union", "origin") or len(key.split(".")) != 3:
        raise click.UsageError("A CONSUMER is union.OPEN_ACCOUNT.UNIONID or origin.APPID.OPENID.")
    with sentences():
        settings = load_settings()
        answer = asyncio.run(_explained(settings, rules_of(settings), key))
        if answer is None:
            fail(["Nothing is stored about this consumer."])
    if as_json:
        click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
    else:
        for line in lines(answer):
            click.echo(escaped(line))


async def _explained(settings: Settings, book: RuleBook, key: str) -> dict[str, Any] | None:
    tables = tables_of(settings)
    try:
        await tables.open()
        return await explanation(tables, book, settings.partitions, key, wall_clock_ms())
    finally:
        await tables.close()


def lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """The explanation as text."""
    yield f"{answer['consumer_id']} at {answer['as_of']}"
    for origin in answer["origins"]:
        yield f"  origin {origin['appid']} {origin['openid']}: {origin['bound_to'] or 'not bound'}"
        for evidence in origin["evidence"]:
            vetoed = ", unbound by request" if evidence["vetoed"] else ""
            yield (
                f"    {evidence['time']} {evidence['type']} {evidence['event_id']} says "
                f"{evidence['consumer_id']}{vetoed}"
            )
    if answer["account"] is not None:
        yield from _account_lines(answer["account"])


def _account_lines(account: Mapping[str, Any]) -> Iterator[str]:
    yield f"balance: {account['balance']:,}"
    yield "touches, with points before caps:"
    for touch in account["touches"]:
        earned = ", ".join(map(_rule_points, touch["before_caps"])) or "nothing"
        state = "" if touch["outcome"] == "applied" else f" ({touch['outcome']})"
        yield f"  {touch['time']} {touch['touchpoint']}{state}: {earned}"
    for label, count in account["before_horizon"].items():
        yield f"  {count} × {label} beyond the horizon, in the totals"
    for name, title in (("granted", "granted, after caps:"), ("expired", "expired:")):
        if account[name]:
            yield title
            yield from (f"  {_rule_points(row)}" for row in account[name])
    for row in account["expires"]:
        yield f"{row['points']:,} points expire on {row['day']}"
    for consent in account["consents"]:
        yield f"consent {'granted' if consent['granted'] else 'withdrawn'} {consent['time']}"
    for enrolment in account["enrolments"]:
        counts = "" if enrolment["counts"] else ", does not count: an earlier one does"
        yield f"enrolled as {enrolment['member_id']} {enrolment['time']}{counts}"
    for payout in account["payouts"]:
        yield f"paid out to {payout['member_id']}: {payout['points']:,}"
    yield from _offer_lines(account["offer"], account["told"])


def _offer_lines(offer: Mapping[str, Any], told: Mapping[str, Any] | None) -> Iterator[str]:
    if offer["live"]:
        yield f"live offer: {offer['points']:,} points until {offer['valid_until']}"
    else:
        yield f"no live offer: {offer['reason']}"
    if told is not None:
        state = "live" if told["live"] else "ended"
        yield (
            f"last told: offer {told['offer_id']} revision {told['revision']}, "
            f"{told['points']:,} points until {told['valid_until']}, {state}; "
            f"{told['offers']} issued so far"
        )


def _rule_points(row: Mapping[str, Any]) -> str:
    return f"{row['rule']}@{row['ruleset_version']} {row['points']:,}"
