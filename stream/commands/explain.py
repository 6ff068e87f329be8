# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints explain``: explain a consumer's points."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import click
import orjson

from stream.commands.common import escaped, fail, readable_errors
from stream.config.settings import Settings, load_settings
from stream.engine.model.ids import origin_key
from stream.lookup.consumer_explanation import explanation
from stream.lookup.open_tables import tables_of
from stream.process.clock import wall_clock_ms


@click.command()
@click.argument("consumer", required=False)
@click.option("--origin", nargs=2, metavar="APPID OPENID", help="An origin instead of a CONSUMER.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(consumer: str | None, origin: tuple[str, str] | None, as_json: bool) -> None:
    """Explain a consumer's points as they are now.

    CONSUMER is a consumer_id; a bound origin leads to its consumer. The output is personal data.
    """
    if (consumer is None) == (origin is None):
        raise click.UsageError("Give a CONSUMER, or an --origin.")
    key = consumer or origin_key(*(origin or ("", "")))
    if key.partition(".")[0] not in ("union", "origin") or len(key.split(".")) != 3:
        raise click.UsageError("A CONSUMER is union.OPEN_ACCOUNT.UNIONID or origin.APPID.OPENID.")
    with readable_errors():
        settings = load_settings()
        answer = asyncio.run(_explained(settings, key))
        if answer is None:
            fail(["Nothing is stored about this consumer."])
    if as_json:
        click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
    else:
        for line in lines(answer):
            click.echo(escaped(line))


async def _explained(settings: Settings, key: str) -> dict[str, Any] | None:
    tables = tables_of(settings)
    try:
        await tables.open()
        return await explanation(tables, settings.partitions, key, wall_clock_ms())
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
        said = [*map(_rule_points, touch["before_caps"])]
        said += [f"counts for {rule}" for rule in touch["counts_for"]]
        earned = ", ".join(said) or "nothing"
        state = "" if touch["outcome"] == "applied" else f" ({touch['outcome']})"
        paid = "" if touch["paid_fen"] is None else f", {touch['paid_fen'] / 100:,.2f} yuan"
        yield f"  {touch['time']} {touch['touchpoint']}{paid}{state}: {earned}"
    for label, count in account["before_horizon"].items():
        yield f"  {count} × {label} beyond the horizon, in the totals"
    for name, title in (("granted", "granted, after caps:"), ("expired", "expired:")):
        if account[name]:
            yield title
            yield from (f"  {_rule_points(row)}" for row in account[name])
    for row in account["cuts"]:
        yield (
            f"cap of {row['limit']} per {row['per']}: {row['points']:,} of {row['before_caps']:,} "
            f"points of {row['rule']}@{row['ruleset_version']} on {row['day']}"
        )
    for row in account["expires"]:
        yield f"{row['points']:,} points expire on {row['day']}"
    for row in account["pending"]:
        yield f"{row['points']:,} points may be given back; a member is paid them on {row['day']}"
    for consent in account["consents"]:
        yield f"consent {consent['answer']} {consent['time']}"
    for enrolment in account["enrolments"]:
        counts = "" if enrolment["counts"] else ", does not count: an earlier one does"
        yield f"enrolled as {enrolment['member_id']} {enrolment['time']}{counts}"
    for payout in account["payouts"]:
        yield f"paid out to {payout['member_id']}: {payout['points']:,}"
    yield from _standing_lines(account["classes"], account["progress"])
    yield from map(_nudge_line, account["nudges"])
    yield from _offer_lines(account["offer"], account["last_offer"])


def _standing_lines(
    classes: Mapping[str, Any] | None, progress: list[Mapping[str, Any]]
) -> Iterator[str]:
    if classes is not None:
        for name in ("tier", "lifecycle", "rfm"):
            if name in classes:
                yield f"{name}: {classes[name]}"
        if classes["tags"]:
            yield f"tags: {', '.join(classes['tags'])}"
    if classes is not None and "spent_fen" in classes:
        days = classes["window_days"]
        within = f"the last {days} days" if days else "the calendar year"
        missing = ""
        if "next" in classes:
            missing = f", {classes['missing_fen'] / 100:,.2f} yuan are missing to {classes['next']}"
        yield f"spent in {within}: {classes['spent_fen'] / 100:,.2f} yuan{missing}"
    for row in progress:
        yield f"{row['rule']}: {row['done']:,} of {row['of']:,}"


def _nudge_line(nudge: Mapping[str, Any]) -> str:
    after = f"nudge {nudge['nudge']} after {nudge['anchor_at']}"
    if not nudge["due"]:
        return f"{after}: due at {nudge['due_at']} if nothing happens"
    told = "told" if nudge["told"] else "not told"
    return f"{after}: due since {nudge['due_at']} until {nudge['expires_at']}, {told}"


def _offer_lines(offer: Mapping[str, Any], last: Mapping[str, Any] | None) -> Iterator[str]:
    if offer["live"]:
        yield f"live offer: {offer['points']:,} points until {offer['valid_until']}"
    else:
        yield f"no live offer: {offer['reason']}"
    if last is not None:
        state = "live" if last["live"] else "ended"
        yield (
            f"last announced: offer {last['offer_id']} revision {last['revision']}, "
            f"{last['points']:,} points until {last['valid_until']}, {state}; "
            f"{last['offers']} issued so far"
        )


def _rule_points(row: Mapping[str, Any]) -> str:
    campaign = f"*{row['campaign']}" if "campaign" in row else ""
    return f"{row['rule']}{campaign}@{row['ruleset_version']} {row['points']:,}"
