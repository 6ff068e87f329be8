# SPDX-License-Identifier: Apache-2.0
"""The notation of stories: lines become events, and what the engine publishes becomes lines.

``Mei`` is a Union ID of the brand's Open Platform account and ``Mei/fit`` one of another account.
``Mei@mp`` is an openid in an app, ``Mei@mp=Mei`` names both, ``payer-of-t1`` a payment;
``aliases-of-Mei@mp`` is the profile of this openid and of those known to be the same person.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from schemas import Event, format_time, time_from_ms
from stream.engine.model.decision import Publish
from tests.scenarios.brand import APPS, OFFERS
from tests.support import payloads
from tests.support.events import event

SHANGHAI = timezone(timedelta(hours=8))
_NAMES = {appid: name for name, appid in APPS.items()}


def at(text: str) -> int:
    """The instant ``2026-03-01 08:10`` in Shanghai, in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()) * 1000


def clock(instant: int | str) -> str:
    """An instant, in ms or as it is on the wire, as the story writes it: ``03-01 08:10``."""
    moment = time_from_ms(instant) if isinstance(instant, int) else datetime.fromisoformat(instant)
    return f"{moment.astimezone(SHANGHAI):%m-%d %H:%M}"


# in -----------------------------------------------------------------------------------------------


def who(text: str) -> dict[str, str]:
    """The identifiers which a name of the story stands for."""
    if text.startswith("payer-of-"):
        return {"transaction_id": transaction(text.removeprefix("payer-of-"))}
    if text.startswith("aliases-of-"):
        return {"consumer_id": _of_aliases(text)}
    found: dict[str, str] = {}
    for name in text.split("="):
        person, _, app = name.partition("@")
        unionid, _, account = person.partition("/")
        if app:
            found |= {"appid": APPS.get(app, app), "openid": person}
        else:
            found |= {"unionid": f"u{unionid}", "open_account": account or "brand"}
    return found


def transaction(text: str) -> str:
    """``o-1`` is one of WeChat's; whatever else stands for itself."""
    name, _, number = text.partition("-")
    return f"420000223120260302{number:0>10}" if name == "o" else text


def _of_aliases(text: str) -> str:
    openid, _, app = text.removeprefix("aliases-of-").partition("@")
    return f"union.{APPS[app]}.{openid}"


def _unbind(time: int, m: dict[str, str]) -> dict[str, Any]:
    aliases = m["union"].startswith("aliases-of-")
    consumer = _of_aliases(m["union"]) if aliases else f"union.brand.u{m['union']}"
    return {**who(m["who"]), "consumer_id": consumer}


def _fen(yuan: str) -> int:
    return round(float(yuan) * 100)


def _payment(time: int, m: dict[str, str]) -> dict[str, Any]:
    origin, paid = who(m["who"]), _fen(m["paid"] or m["yuan"])
    tx, fen, trade = transaction(m["tx"]), _fen(m["yuan"]), f"no-{m['tx']}"
    openid, appid = origin["openid"], origin["appid"]
    return payloads.payment(time, tx, openid, fen, paid, appid=appid, trade=trade)


def _refund(time: int, m: dict[str, str]) -> dict[str, Any]:
    tx, fen, paid = transaction(m["tx"]), _fen(m["yuan"]), _fen(m["paid"] or m["yuan"])
    trade = f"no-{m['tx']}"
    return payloads.refund(time, tx, m["refund"], fen, paid, of_fen=100_000, trade=trade)


def _mall(time: int, m: dict[str, str]) -> dict[str, Any]:
    origin, tx = who(m["who"]), transaction(m["tx"])
    return payloads.mall_payment(time, tx, origin["openid"], _fen(m["yuan"]), origin["appid"])


def _in_app(time: int, m: dict[str, str]) -> dict[str, Any]:
    """A payment that a mini-program reports by its own order, and perhaps WeChat Pay, too."""
    fen, at_text = _fen(m["yuan"]), format_time(time_from_ms(time))
    order = {"system": "virtual", "payment_no": f"wxmp-{m['order']}"}
    if "refund" in m:
        return {**order, "refund_id": m["refund"], "refund_fen": fen, "refunded_at": at_text}
    known = {"transaction_id": transaction(m["tx"])} if m["tx"] else {}
    amounts = {"total_fen": fen, "payer_total_fen": fen, "paid_at": at_text}
    return {**order, **who(m["who"]), **known, **amounts}


def _shop(time: int, m: dict[str, str]) -> dict[str, Any]:
    origin, tx = who(m["who"]), transaction(m["tx"])
    union = f"u{m['union']}" if m["union"] else ""
    paid = payloads.shop_payment(time, tx, origin["openid"], _fen(m["yuan"]), union)
    return paid | _lines(m)


def _order(time: int, m: dict[str, str]) -> dict[str, Any]:
    order = {**who(m["who"]), "order_id": m["order"], "total_fen": _fen(m["yuan"])}
    return order | _lines(m)


def _lines(m: dict[str, str]) -> dict[str, Any]:
    """``2 coffee, tea``: pieces, where they are known, and category."""
    said = [line.split() for line in (m["lines"] or "").split(", ") if line]
    lines = [
        {"category": category, **({"quantity": int(pieces[0])} if pieces else {})}
        for *pieces, category in said
    ]
    return {"lines": lines} if lines else {}


def _shop_refund(time: int, m: dict[str, str]) -> dict[str, Any]:
    return payloads.shop_refund(time, transaction(m["tx"]), m["refund"], _fen(m["yuan"]))


def _coupon(time: int, m: dict[str, str]) -> dict[str, Any]:
    found = {"stock_id": "s1", "coupon_code": m["coupon"], **who(m["who"])}
    found |= {"unionid": f"u{m['union']}"} if m["union"] else {}
    return found | ({"transaction_id": transaction(m["tx"])} if m["tx"] else {})


def _coupon_used(time: int, m: dict[str, str]) -> dict[str, Any]:
    tx = transaction(m["tx"])
    return {"stock_id": "s1", "coupon_code": m["coupon"], "transaction_id": tx}


def _card(time: int, m: dict[str, str]) -> dict[str, Any]:
    union = {"unionid": f"u{m['union']}"} if m["union"] else {}
    return {**who(m["who"]), **union, "card_id": "pCard", "card_code": m["card"]}


def _changed(time: int, m: dict[str, str]) -> dict[str, Any]:
    former = who(m["former"])
    names = {"former_appid": former["appid"], "former_openid": former["openid"]}
    return {**who(m["who"]), **names}


def _login(time: int, m: dict[str, str]) -> dict[str, Any]:
    union = {"unionid": f"u{m['union']}"} if m["union"] else {}
    return {**who(m["who"]), **union, "is_snapshot_user": bool(m["snapshot"])}


def _ticket(time: int, m: dict[str, str]) -> dict[str, Any]:
    reverted = {"checked_in_at": format_time(time_from_ms(at(m["at"])))} if "at" in m else {}
    ticket = {"event_id": "tasting", "list_id": "door", "ticket_id": m["ticket"]}
    attempt = {"attempt": int(m["attempt"])} if m.get("attempt") else {}
    return {**who(m["who"]), **ticket, **reverted, **attempt}


def _cancelled(time: int, m: dict[str, str]) -> dict[str, Any]:
    placed = format_time(time_from_ms(at(m["at"])))
    return {**who(m["who"]), "order_id": m["order"], "placed_at": placed}


def _consent(time: int, m: dict[str, str]) -> dict[str, Any]:
    return {**who(m["who"]), "text_version": "v1", "channel": "oa"}


def _birthday(time: int, m: dict[str, str]) -> dict[str, Any]:
    day = {"month": int(m["month"]), "day": int(m["day"])}
    return {**who(m["who"]), **day, "calendar": m["calendar"]}


_Maker = Callable[[int, dict[str, str]], dict[str, Any]]
_SENTENCES: list[tuple[str, str, _Maker]] = [
    (r"W pays (?P<yuan>\S+) for (?P<tx>\S+)( \((?P<paid>\S+) after coupons\))?",
     "payment.succeeded.v1", _payment),
    (r"(?P<tx>\S+) is refunded (?P<yuan>\S+) by (?P<refund>\S+)( \((?P<paid>\S+) after coupons\))?",
     "refund.succeeded.v1", _refund),
    (r"W pays (?P<yuan>\S+) in the mall for (?P<tx>\S+)", "payment.succeeded.v1", _mall),
    (r"W pays (?P<yuan>\S+) for order (?P<order>\S+)( in (?P<tx>\S+))?",
     "mini_program_payment.succeeded.v1", _in_app),
    (r"order (?P<order>\S+) is refunded (?P<yuan>\S+) by (?P<refund>\S+)",
     "mini_program_refund.succeeded.v1", _in_app),
    (r"W pays (?P<yuan>\S+) in the shop for (?P<tx>\S+)( as (?P<union>\w+))?( with (?P<lines>.+))?",
     "shop_order.paid.v1", _shop),
    (r"the shop refunds (?P<yuan>\S+) of (?P<tx>\S+) by (?P<refund>\S+)",
     "shop_order.refunded.v1", _shop_refund),
    (r"W receives coupon (?P<coupon>\S+)( as (?P<union>\w+))?( for (?P<tx>\S+))?",
     "coupon.received.v1", _coupon),
    (r"coupon (?P<coupon>\S+) is used in (?P<tx>\S+)", "coupon.used.v1",
     _coupon_used),
    (r"W takes card (?P<card>\S+)( as (?P<union>\w+))?", "card.accepted.v1", _card),
    (r"W turns out to be (?P<union>\w+)", "unionid.resolved.v1",
     lambda _, m: {**who(m["who"]), "unionid": f"u{m['union']}", "method": "get_paid_unionid"}),
    (r"W was (?P<former>\S+) before", "openid.changed.v1", _changed),
    (r"W follows", "account.followed.v1", lambda _, m: who(m["who"])),
    (r"W logs in( as (?P<union>\w+))?(?P<snapshot> on a snapshot)?",
     "session.logged_in.v1", _login),
    (r"W shares (?P<path>\S+)", "content.shared.v1",
     lambda _, m: {**who(m["who"]), "path": m["path"]}),
    (r"W checks in with (?P<ticket>\S+)( as attempt (?P<attempt>\d))?",
     "attendee.checked_in.v1", _ticket),
    (r"W orders (?P<order>\S+) for (?P<yuan>\S+)( with (?P<lines>.+))?", "order.placed.v1", _order),
    (r"W did not take order (?P<order>\S+) of (?P<at>.+)", "order.cancelled.v1", _cancelled),
    (r"W did not check in with (?P<ticket>\S+) at (?P<at>.+)", "check_in.reverted.v1", _ticket),
    (r"W puts (?P<product>\S+) in the cart", "cart.added.v1",
     lambda _, m: {**who(m["who"]), "product_id": m["product"], "quantity": 1}),
    (r"W enrols as (?P<member>\S+)", "member.enrolled.v1",
     lambda _, m: {**who(m["who"]), "member_id": m["member"]}),
    (r"W has a (?P<calendar>solar|lunar) birthday on (?P<month>\d+)-(?P<day>\d+)",
     "birthday.reported.v1", _birthday),
    (r"W is not (?P<union>\S+)", "unbind.requested.v1", _unbind),
    (r"W grants consent", "consent.granted.v1", _consent),
    (r"W pauses consent", "consent.paused.v1", lambda _, m: {**who(m["who"]), "channel": "oa"}),
    (r"W withdraws consent", "consent.withdrawn.v1", _consent),
    (r"W asks to be forgotten", "erase.requested.v1", lambda _, m: who(m["who"])),
    (r"W asks for their data", "export.requested.v1", lambda _, m: who(m["who"])),
]  # fmt: skip


def read(sentence: str, time: int, *, id_: str = "") -> Event | None:
    """The event which a sentence tells of; ``None`` for ``time passes``."""
    if sentence == "time passes":
        return None
    for pattern, type_, data in _SENTENCES:
        match = re.fullmatch(re.sub("^W ", r"(?P<who>\\S+) ", pattern), sentence)
        if match:
            return event(type_, time, data(time, match.groupdict()), id_)
    raise ValueError(f"no sentence of the notation: {sentence}")


# out ----------------------------------------------------------------------------------------------


def name(key: str) -> str:
    """A consumer id as the story writes it."""
    kind, scope, person = key.split(".")
    if scope in _NAMES:
        aliases = "" if kind == "origin" else "aliases-of-"
        return f"{aliases}{person}@{_NAMES[scope]}"
    person = person.removeprefix("u")  # Mei's Union ID is uMei
    return person if scope == "brand" else f"{person}/{scope}"


def _entry(d: Any) -> str:
    campaign = f"*{d['campaign']}" if "campaign" in d else ""
    rule = f" {d['rule']}{campaign}@{d['ruleset_version']}" if "rule" in d else ""
    other = f" with {name(d['counterpart'])}" if "counterpart" in d else ""
    return f"{d['kind']} {d['points']:+}{rule}{other}, balance {d['balance']}"


def _offer(word: str) -> Callable[[Any], str]:
    def line(d: Any) -> str:
        reasons = ", ".join(f"{r['count']} {r['touchpoint']}" for r in d["reasons"])
        benefits = "".join(f" + {benefit['id']}" for benefit in d["benefits"])
        until, by = clock(d["valid_until"]), _block(d)
        return f"offer {word}{by}: {d['points']}{_pending(d)}{benefits} until {until} for {reasons}"

    return line


def _block(d: Any) -> str:
    """The block of rules with several."""
    return "" if d["block"] == OFFERS.id else f" by {d['block']}"


def _channels(d: Any) -> str:
    return ", ".join(c["channel"].replace("_", " ") for c in d["channels"]) or "nothing"


def _bound(d: Any) -> str:
    again = f" (generation {d['generation']})" if d["generation"] > 1 else ""
    by = d["evidence"]["type"].removesuffix(".v1")
    return f"bound to {_claim(d)} by {by}{again}"


def _claim(d: Any) -> str:
    return f"{name(d['consumer_id'])} since {clock(d['evidence']['time'])}"


def _payout(d: Any) -> str:
    word = "supplementary payout" if d["supplementary"] else "payout"
    return f"{word} of {d['points']} points{_pending(d)} to {d['member_id']}"


def _pending(d: Any) -> str:
    return f" ({d['pending_points']} pending)" if "pending_points" in d else ""


def _tier(d: Any) -> str:
    change = f"tier {d.get('from', 'none')} -> {d.get('to', 'none')}{_reason(d)}"
    if "spent_fen" not in d:
        return change
    missing = f", {d['missing_fen'] / 100:.2f} to {d['next']}" if "next" in d else ""
    return f"{change} since {clock(d['since'])}: spent {d['spent_fen'] / 100:.2f}{missing}"


def _segment(d: Any) -> str:
    was, now = (d.get(end, {}) for end in ("from", "to"))
    known = [name for name in ("lifecycle", "rfm") if was.get(name) != now.get(name)]
    changes = [f"{name} {was.get(name, '-')} -> {now.get(name, '-')}" for name in known]
    return f"segment {', '.join(changes)}{_reason(d)}"


def _tags(d: Any) -> str:
    changes = [f"+{tag}" for tag in d["added"]] + [f"-{tag}" for tag in d["removed"]]
    return f"tags {' '.join(changes)}{_reason(d)}"


def _nudge(d: Any) -> str:
    span = f"{clock(d['due_at'])} until {clock(d['expires_at'])}"
    return f"nudge {d['nudge']} after {clock(d['anchor_at'])}: {span}"


def _reason(d: Any) -> str:
    return f" ({d['reason']})" if "reason" in d else ""


_WORDS: dict[str, Callable[[Any], str]] = {
    "entry.posted.v1": _entry,
    "offer.issued.v1": _offer("issued"),
    "offer.revised.v1": _offer("revised"),
    "offer.lapsed.v1": lambda d: "offer lapsed",
    "offer.withdrawn.v1": lambda d: f"offer withdrawn: {d['reason']}",
    "offer.accepted.v1": lambda d: (
        f"offer accepted: {d['points']}{_pending(d)} by {d['member_id']}"
    ),
    "consent.invited.v1": lambda d: (
        f"invited to consent until {clock(d['valid_until'])}, by {_channels(d)}"
    ),
    "consent.invitation_closed.v1": lambda d: f"invitation closed: {d['reason']}",
    "payout.issued.v1": _payout,
    "payout.corrected.v1": lambda d: f"payout to {d['member_id']} corrected by {d['points']}",
    "tier.changed.v1": _tier,
    "segment.changed.v1": _segment,
    "tags.changed.v1": _tags,
    "nudge.due.v1": _nudge,
    "nudge.withdrawn.v1": lambda d: f"nudge {d['nudge']} withdrawn{_reason(d)}",
    "origin.bound.v1": _bound,
    "origin.unbound.v1": lambda d: f"unbound from {name(d['consumer_id'])}",
    "origin.conflicted.v1": lambda d: f"conflict: {_claim(d['kept'])}, not {_claim(d['refused'])}",
}


def written(output: Publish) -> str:
    """What the engine publishes, as a line of the story."""
    return f"{name(output.key)} {_WORDS[output.type](output.data)}"
