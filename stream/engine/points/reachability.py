# SPDX-License-Identifier: Apache-2.0
"""Which channels can still carry a message to a consumer, by the touches of each origin.

WeChat has no way to ask, so the answer is counted from what was heard: who follows, who wrote or
paid lately, which notices were agreed to and sent. What a CRM sent besides is not known here, nor
what is heard of WeCom.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from schemas import format_ms
from stream.engine.model.facts import Fact
from stream.engine.model.ids import origin_parts
from stream.engine.model.limits import SUBSCRIPTIONS_IN_OFFER_MAX
from stream.engine.model.ruleset import MARK
from stream.engine.model.state import Account, OriginFacts
from stream.engine.model.touchpoints import Touchpoint

_MINUTE_MS: Final = 60_000
_TWO_DAYS_MS: Final = 48 * 60 * _MINUTE_MS
#: How long customer-service messages (客服消息) may be sent after what the person did, ms; WeChat's
#: table of the service. Those of a follower are an Official Account's.
_WINDOWS_MS: Final = {Touchpoint.MESSAGE: _TWO_DAYS_MS, Touchpoint.CONVERSATION: _MINUTE_MS}
_FOLLOWERS_WINDOWS_MS: Final = {
    Touchpoint.PURCHASE: _TWO_DAYS_MS,
    Touchpoint.FOLLOW: _MINUTE_MS,
    Touchpoint.SCAN: _MINUTE_MS,
    Touchpoint.MENU_CLICK: _MINUTE_MS,
}
#: What only a follower can do. (A link may be viewed from elsewhere.)
_FOLLOWS: Final = (Touchpoint.FOLLOW, Touchpoint.SCAN, Touchpoint.MENU_CLICK)
#: What happens within a mini-program alone.
_VISITS: Final = (
    Touchpoint.LOGIN,
    Touchpoint.PAGE_VIEW,
    Touchpoint.PRODUCT_VIEW,
    Touchpoint.ADD_TO_CART,
    Touchpoint.LIVE_STREAM,
    Touchpoint.CONVERSATION,
)

_TEMPLATE_CHARS_MAX: Final = 64

_SENT, _ACCEPTED, _ENDED = "sent:", "yes:", "no:"
#: A fact's answer or status -> what it does to the subscription of its template.
_MEANINGS: Final = {
    (Touchpoint.SUBSCRIPTION, "accept"): _ACCEPTED,
    (Touchpoint.SUBSCRIPTION, "reject"): _ENDED,
    (Touchpoint.NOTICE, "delivered"): _SENT,
    (Touchpoint.NOTICE, "blocked"): _ENDED,
}
_MARKED: Final = frozenset(touchpoint for touchpoint, _ in _MEANINGS)


def marks_of(fact: Fact) -> list[tuple[str, int]]:
    """What is kept of an answer to a subscription, or of a notice that was sent."""
    if fact.touchpoint not in _MARKED:
        return []
    said = fact.fields.get("answer") or fact.fields.get("status")
    meaning = _MEANINGS.get((Touchpoint(fact.touchpoint), str(said)))
    template = str(fact.fields.get("template_id", ""))
    if meaning is None or not _is_template(template):
        return []
    return [(f"{MARK}{meaning}{template}", 1)]


def _is_template(id_: str) -> bool:
    """Whether WeChat may have given it; no mark may read like the step of a rule or a campaign."""
    letters = id_.replace("-", "").replace("_", "")
    return id_.isascii() and letters.isalnum() and len(id_) <= _TEMPLATE_CHARS_MAX


def channels_of(account: Account, origins: Iterable[str], as_of: int) -> list[dict[str, Any]]:
    """The channels to a consumer by these origins as of ``as_of`` (ms); none if there are none."""
    found = [
        {"channel": name, "appid": appid, "openid": openid, **more}
        for appid, openid, facts in (
            (*origin_parts(origin), account.facts_by_origin[origin]) for origin in origins
        )
        for name, more in _channels(facts, as_of)
    ]
    subscriptions = [channel for channel in found if channel["channel"] == "subscription"]
    for beyond in subscriptions[SUBSCRIPTIONS_IN_OFFER_MAX:]:
        found.remove(beyond)
    return found


def _channels(facts: OriginFacts, as_of: int) -> Iterator[tuple[str, dict[str, Any]]]:
    last = facts.touches.last_of_each()
    follows = _is_follower(facts, last)
    if follows:
        yield "follower", {}
    unfollowed = last.get(Touchpoint.UNFOLLOW, -1)
    windows = {**_WINDOWS_MS, **_FOLLOWERS_WINDOWS_MS} if follows else _WINDOWS_MS
    ends = (last[t] + ms for t, ms in windows.items() if last.get(t, -1) > unfollowed)
    if (until := max(ends, default=0)) > as_of:
        yield "service_window", {"until": format_ms(until)}
    for template, left in _subscriptions(facts):
        yield "subscription", {"template_id": template, "left": left}
    if visits := [last[t] for t in _VISITS if t in last]:
        yield "mini_program", {"last_visit": format_ms(max(visits))}


def _is_follower(facts: OriginFacts, last: dict[int, int]) -> bool:
    """An unfollow at the same instant has precedence; what is archived is older than the rest."""
    followed = max((last.get(t, -1) for t in _FOLLOWS), default=-1)
    unfollowed = last.get(Touchpoint.UNFOLLOW, -1)
    if followed < 0 and unfollowed < 0 and facts.archived is not None:
        counts = facts.archived.touches
        return counts.get(Touchpoint.FOLLOW, 0) > counts.get(Touchpoint.UNFOLLOW, 0)
    return followed > unfollowed


def _subscriptions(facts: OriginFacts) -> list[tuple[str, int]]:
    """How many notices of each template may still be sent: one for each time it was accepted.

    A refusal, or a notice that the person blocked, ends those before. The latest answer is first.
    """
    order = (_ACCEPTED, _SENT, _ENDED)
    said = []
    for mark, time in facts.touches.marks():
        meaning, _, template = mark.removeprefix(MARK).partition(":")
        said.append((time, order.index(f"{meaning}:"), template))
    left: dict[str, int] = {}
    for _, what, template in sorted(said):
        before = left.pop(template, 0)
        left[template] = (before + 1, max(0, before - 1), 0)[what]
    return [(template, number) for template, number in reversed(left.items()) if number]
