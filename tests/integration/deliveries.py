# SPDX-License-Identifier: Apache-2.0
"""Everything WeChat sends, as of just now: each shape of the unit tests, for people of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tests.gateway.http import Said
from tests.integration.gateway import MINI_ORIGINAL_ID, Gateway
from tests.wechat.pay import shapes as pay
from tests.wechat.pay.sealed import Platform
from tests.wechat.push import build as push
from tests.wechat.push.test_events import ACCEPTED, OTHER_TEMPLATE, REFUSED, SENT, UNION
from tests.wechat.push.test_events import PAYMENT as PUSHED_PAYMENT
from tests.wechat.push.test_events import SHAPES as PUSHES

#: Shapes of one order, which have the people and the ids of the first.
_SAME_ORDER: Final = {
    "refund": "direct",
    "coupon sent": "direct",
    "coupon used": "direct",
    "profit sharing": "direct",
    "partner refund": "partner",
    "mall refund": "mall payment",
    "mall authorisation": "mall payment",
}
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+08:00")
_LATEST: Final = datetime.fromisoformat("2026-03-02T14:00:00+08:00")  # all shapes are before


@dataclass(frozen=True)
class Story:
    """One delivery. ``people`` are the consumer ids it may be about, ``types`` what it becomes."""

    name: str
    sent: Any
    app: str  # merchant or app in the address
    types: tuple[str, ...]
    people: frozenset[str] = field(default=frozenset())

    async def deliver(self, to: Gateway) -> Said:
        if isinstance(self.sent, push.Sent):
            return await to.push(self.sent, self.app)
        return await to.pay(self.sent, self.app)


def payments(now_s: int) -> Iterator[Story]:
    """Every notification of WeChat Pay, signed by both kinds of key in turn."""
    names = list(pay.SHAPES)
    for index, (name, shape) in enumerate(pay.SHAPES.items()):
        number = names.index(_SAME_ORDER.get(name, name))
        openid, account_openid, unionid = (f"{p}{number:024}" for p in ("oPay", "oAcc", "uPay"))
        text = json.dumps(shape.data)
        for old, new in (
            (pay.OPENID, openid),
            (pay.ACCOUNT_OPENID, account_openid),
            (pay.UNIONID, unionid),
            (pay.CARD_CODE, f"4785{number:08}"),
            (pay.TRANSACTION[:-2], f"420000000020260301{number:08}"),
            ("5000000000202603020000000000", f"50000000002026030200{number:08}"),
            ("12279449590000000000", f"122794495900{number:08}"),
        ):
            text = text.replace(old, new)
        platform = Platform(key_kind=("certificate", "public_key")[index % 2], now_s=now_s)
        created = _moved(pay.CREATED, now_s)
        yield Story(
            name,
            platform.send(shape, json.loads(_moved(text, now_s)), create_time=created),
            pay.MCHID,
            shape.becomes,
            frozenset(
                {
                    f"origin.{pay.MINI_PROGRAM}.{openid}",
                    f"origin.{pay.ACCOUNT}.{account_openid}",
                    f"union.abc-brand.{unionid}",
                }
            ),
        )


def _moved(text: str, now_s: int) -> str:
    """The same with all its times as long ago as they were when it was written."""
    by = datetime.fromtimestamp(now_s, UTC) - _LATEST

    def later(found: re.Match[str]) -> str:
        return (datetime.fromisoformat(found[0]) + by).isoformat(timespec="seconds")

    return _TIME.sub(later, text)


def pushes(now_s: int) -> Iterator[Story]:
    """Every push of an Official Account, as XML in safe mode; those of a mini-program as JSON."""
    for number, (name, (content, _, expected)) in enumerate(PUSHES.items()):
        yield _push(name, number, content, tuple(type_ for type_, _, _ in expected), now_s)
    tasting = push.event("SCAN", EventKey="tasting_7", Ticket="gQH47joAAAAA")
    yield _push("SCAN at a tasting", 100, tasting, ("qrcode.scanned.v1",), now_s)
    answers = {"List": [ACCEPTED, {**REFUSED, "TemplateId": OTHER_TEMPLATE}]}
    in_mini_programs: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
        ("user_enter_tempsession", {"SessionFrom": "x"}, ("conversation.entered.v1",)),
        ("subscribe_msg_popup_event", answers, ("subscription.answered.v1",) * 2),
        ("subscribe_msg_change_event", answers, ("subscription.answered.v1",) * 2),
        ("subscribe_msg_sent_event", {"List": SENT}, ("notice.delivered.v1",)),
    ]
    for number, (name, fields, types) in enumerate(in_mini_programs, start=101):
        yield _push(name, number, push.event(name, **fields), types, now_s, mini=True)


def _push(
    name: str,
    number: int,
    content: dict[str, Any],
    types: tuple[str, ...],
    now_s: int,
    *,
    mini: bool = False,
) -> Story:
    appid = pay.MINI_PROGRAM if mini else push.APPID
    openid, unionid, at = f"oPush{number:023}", f"uPush{number:023}", now_s - 60
    text = json.dumps(content)
    for old, new in (
        (push.MEI, openid),
        (UNION, unionid),
        (PUSHED_PAYMENT, f"42000000002026052900{number:08}"),
        (str(push.AT), str(at)),
    ):
        text = text.replace(old, new)
    if mini:
        text = text.replace(push.ORIGINAL_ID, MINI_ORIGINAL_ID)
    sent = push.sealed(json.loads(text), now_s, is_json=mini, appid=appid, nonce=f"{number:08}")
    people = frozenset({f"origin.{appid}.{openid}", f"union.abc-brand.{unionid}"})
    return Story(name, sent, appid, types, people)
