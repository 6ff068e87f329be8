"""The notation of stories: lines become events, and what the engine publishes becomes lines.

``Mei`` is a Union ID of the brand's Open Platform account and ``Mei/fit`` one of another account.
``Mei@mp`` is an openid in an app, ``Mei@mp=Mei`` names both, ``payer-of-t1`` a payment;
``kin-of-Mei@mp`` is the profile of this openid and of those known to be the same person.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from schemas import Event, format_time, time_from_ms
from stream.engine.decision import Publish
from tests.scenarios.brand import APPS
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
        return {"transaction_id": text.removeprefix("payer-of-")}
    if text.startswith("kin-of-"):
        return {"consumer_id": _of_kin(text)}
    found: dict[str, str] = {}
    for name in text.split("="):
        person, _, app = name.partition("@")
        unionid, _, account = person.partition("/")
        if app:
            found |= {"appid": APPS.get(app, app), "openid": person}
        else:
            found |= {"unionid": unionid, "open_account": account or "brand"}
    return found


def _of_kin(text: str) -> str:
    openid, _, app = text.removeprefix("kin-of-").partition("@")
    return f"union.{APPS[app]}.{openid}"


def _unbind(time: int, m: dict[str, str]) -> dict[str, Any]:
    kin = m["union"].startswith("kin-of-")
    consumer = _of_kin(m["union"]) if kin else f"union.brand.{m['union']}"
    return {**who(m["who"]), "consumer_id": consumer}


def _fen(yuan: str) -> int:
    return round(float(yuan) * 100)


def _payment(time: int, m: dict[str, str]) -> dict[str, Any]:
    origin = who(m["who"])
    return {
        "appid": origin["appid"],
        "mchid": "1900000001",
        "payer": {"openid": origin["openid"]},
        "transaction_id": m["tx"],
        "out_trade_no": f"no-{m['tx']}",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "success_time": format_time(time_from_ms(time)),
        "amount": {"total": _fen(m["yuan"]), "payer_total": _fen(m["paid"] or m["yuan"])},
    }


def _refund(time: int, m: dict[str, str]) -> dict[str, Any]:
    amount = {"refund": _fen(m["yuan"]), "payer_refund": _fen(m["paid"] or m["yuan"])}
    return {
        "mchid": "1900000001",
        "transaction_id": m["tx"],
        "out_trade_no": f"no-{m['tx']}",
        "refund_id": m["refund"],
        "out_refund_no": f"out-{m['refund']}",
        "refund_status": "SUCCESS",
        "success_time": format_time(time_from_ms(time)),
        "amount": {"total": 100_000, "payer_total": 100_000, **amount},
    }


def _mall(time: int, m: dict[str, str]) -> dict[str, Any]:
    return {
        **who(m["who"]),
        "mchid": "1528064319",
        "transaction_id": m["tx"],
        "amount": _fen(m["yuan"]),
        "time_end": format_time(time_from_ms(time)),
    }


def _coupon(time: int, m: dict[str, str]) -> dict[str, Any]:
    found = {"stock_id": "s1", "coupon_code": m["coupon"], **who(m["who"])}
    found |= {"unionid": m["union"]} if m["union"] else {}
    return found | ({"transaction_id": m["tx"]} if m["tx"] else {})


def _card(time: int, m: dict[str, str]) -> dict[str, Any]:
    union = {"unionid": m["union"]} if m["union"] else {}
    return {**who(m["who"]), **union, "card_id": "pCard", "card_code": m["card"]}


def _changed(time: int, m: dict[str, str]) -> dict[str, Any]:
    former = who(m["former"])
    names = {"former_appid": former["appid"], "former_openid": former["openid"]}
    return {**who(m["who"]), **names}


def _login(time: int, m: dict[str, str]) -> dict[str, Any]:
    union = {"unionid": m["union"]} if m["union"] else {}
    return {**who(m["who"]), **union, "is_snapshot_user": bool(m["snapshot"])}


def _ticket(time: int, m: dict[str, str]) -> dict[str, Any]:
    reverted = {"checked_in_at": format_time(time_from_ms(at(m["at"])))} if "at" in m else {}
    ticket = {"event_id": "tasting", "list_id": "door", "ticket_id": m["ticket"]}
    return {**who(m["who"]), **ticket, **reverted}


def _consent(time: int, m: dict[str, str]) -> dict[str, Any]:
    return {**who(m["who"]), "text_version": "v1", "channel": "oa"}


_Maker = Callable[[int, dict[str, str]], dict[str, Any]]
_SENTENCES: list[tuple[str, str, _Maker]] = [
    (r"W pays (?P<yuan>\S+) for (?P<tx>\S+)( \((?P<paid>\S+) after coupons\))?",
     "payment.succeeded.v1", _payment),
    (r"(?P<tx>\S+) is refunded (?P<yuan>\S+) by (?P<refund>\S+)( \((?P<paid>\S+) after coupons\))?",
     "refund.succeeded.v1", _refund),
    (r"W pays (?P<yuan>\S+) in the mall for (?P<tx>\S+)", "payment.succeeded.v1", _mall),
    (r"W receives coupon (?P<coupon>\S+)( as (?P<union>\w+))?( for (?P<tx>\S+))?",
     "coupon.received.v1", _coupon),
    (r"coupon (?P<coupon>\S+) is used in (?P<tx>\S+)", "coupon.used.v1",
     lambda _, m: {"stock_id": "s1", "coupon_code": m["coupon"], "transaction_id": m["tx"]}),
    (r"W takes card (?P<card>\S+)( as (?P<union>\w+))?", "card.accepted.v1", _card),
    (r"W turns out to be (?P<union>\w+)", "unionid.resolved.v1",
     lambda _, m: {**who(m["who"]), "unionid": m["union"], "method": "get_paid_unionid"}),
    (r"W was (?P<former>\S+) before", "openid.changed.v1", _changed),
    (r"W follows", "account.followed.v1", lambda _, m: who(m["who"])),
    (r"W logs in( as (?P<union>\w+))?(?P<snapshot> on a snapshot)?",
     "session.logged_in.v1", _login),
    (r"W shares (?P<path>\S+)", "content.shared.v1",
     lambda _, m: {**who(m["who"]), "path": m["path"]}),
    (r"W checks in with (?P<ticket>\S+)", "attendee.checked_in.v1", _ticket),
    (r"W did not check in with (?P<ticket>\S+) at (?P<at>.+)", "check_in.reverted.v1", _ticket),
    (r"W enrols as (?P<member>\S+)", "member.enrolled.v1",
     lambda _, m: {**who(m["who"]), "member_id": m["member"]}),
    (r"W is not (?P<union>\S+)", "unbind.requested.v1", _unbind),
    (r"W grants consent", "consent.granted.v1", _consent),
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
        kin = "" if kind == "origin" else "kin-of-"
        return f"{kin}{person}@{_NAMES[scope]}"
    return person if scope == "brand" else f"{person}/{scope}"


def _entry(d: Any) -> str:
    rule = f" {d['rule']}@{d['ruleset_version']}" if "rule" in d else ""
    other = f" with {name(d['counterpart'])}" if "counterpart" in d else ""
    return f"{d['kind']} {d['points']:+}{rule}{other}, balance {d['balance']}"


def _offer(word: str) -> Callable[[Any], str]:
    def line(d: Any) -> str:
        reasons = ", ".join(f"{r['count']} {r['touchpoint']}" for r in d["reasons"])
        benefits = "".join(f" + {benefit}" for benefit in d["benefits"])
        until = clock(d["valid_until"])
        return f"offer {word}: {d['points']}{benefits} until {until} for {reasons}"

    return line


def _bound(d: Any) -> str:
    again = f" (generation {d['generation']})" if d["generation"] > 1 else ""
    by = d["evidence"]["type"].removesuffix(".v1")
    return f"bound to {_claim(d)} by {by}{again}"


def _claim(d: Any) -> str:
    return f"{name(d['consumer_id'])} since {clock(d['evidence']['time'])}"


def _payout(d: Any) -> str:
    word = "supplementary payout" if d["supplementary"] else "payout"
    return f"{word} of {d['points']} points to {d['member_id']}"


_WORDS: dict[str, Callable[[Any], str]] = {
    "entry.posted.v1": _entry,
    "offer.issued.v1": _offer("issued"),
    "offer.revised.v1": _offer("revised"),
    "offer.lapsed.v1": lambda d: "offer lapsed",
    "offer.withdrawn.v1": lambda d: f"offer withdrawn: {d['reason']}",
    "offer.accepted.v1": lambda d: f"offer accepted: {d['points']} by {d['member_id']}",
    "payout.issued.v1": _payout,
    "payout.corrected.v1": lambda d: f"payout to {d['member_id']} corrected by {d['points']}",
    "origin.bound.v1": _bound,
    "origin.unbound.v1": lambda d: f"unbound from {name(d['consumer_id'])}",
    "origin.conflicted.v1": lambda d: f"conflict: {_claim(d['kept'])}, not {_claim(d['refused'])}",
}


def written(output: Publish) -> str:
    """What the engine publishes, as a line of the story."""
    return f"{name(output.key)} {_WORDS[output.type](output.data)}"
