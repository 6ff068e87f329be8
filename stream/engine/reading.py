"""From an event to a fact: what happened, when, and what makes two records the same event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas import Event, answers, cards, check_in, coupons, crm, mall, mini_program, notices, pay
from schemas import official_account as oa
from schemas.base import time_ms
from stream.engine.facts import RANK_STEP, Fact
from stream.engine.fields import FIELDS
from stream.engine.messages import Refunded
from stream.engine.ruleset import Value
from stream.engine.touchpoints import Touchpoint

_Key = Callable[[Event], str]


def _of_instant(event: Event) -> str:
    # WeChat's own advice (FromUserName + CreateTime), which has a resolution of a second;
    # type and key tell two pushes of one second apart.
    data: Any = event.data
    where = getattr(data, "event_key", None) or ""
    return f"{event.type}:{data.appid}:{data.openid}:{event.time_ms}:{where}"


def _of_id(event: Event) -> str:
    return f"{event.type}:{event.source}:{event.id}"


def _of_fields(*names: str) -> _Key:
    """Of one origin: what has the same values there is the same event."""

    def key(event: Event) -> str:
        data: Any = event.data
        values = ":".join(str(getattr(data, name) or "") for name in names)
        return f"{event.type}:{data.appid}:{data.openid}:{values}"

    return key


def _of_card_use(event: Event) -> str:
    data: Any = event.data
    when = data.transaction_id or event.time_ms
    return f"{event.type}:{data.appid}:{data.openid}:{data.card_id}:{data.card_code or ''}:{when}"


def _of_notice(event: Event) -> str:
    data: Any = event.data
    which = data.msg_id or f"{event.time_ms}:{data.template_id or ''}"
    return f"{event.type}:{data.appid}:{data.openid}:{which}"


def _of_subscription(event: Event) -> str:
    data: Any = event.data
    return f"{event.type}:{data.appid}:{data.openid}:{event.time_ms}:{data.template_id}"


def _of_coupon(event: Event) -> str:
    data: Any = event.data
    return f"{event.type}:{data.stock_id}:{data.coupon_code}"


def _of_attendance(event: Event) -> str:
    return attendance_key(event.data, event.type, event.time_ms)


def attendance_key(data: Any, type_: str, at_ms: int) -> str:
    """The business key of a check-in or a check-out at ``at_ms``."""
    return f"{type_}:{data.event_id}:{data.list_id}:{data.ticket_id}:{at_ms}"


def _of_registration(event: Event) -> str:
    data: Any = event.data
    return f"{event.type}:{data.event_id}:{data.ticket_id}"


#: Event type -> the touchpoint it stands for, and what makes two of them the same event.
_TOUCHPOINTS: dict[str, tuple[Touchpoint, _Key]] = {
    oa.ACCOUNT_FOLLOWED: (Touchpoint.FOLLOW, _of_instant),
    oa.ACCOUNT_UNFOLLOWED: (Touchpoint.UNFOLLOW, _of_instant),
    oa.QRCODE_SCANNED: (Touchpoint.SCAN, _of_instant),
    oa.MENU_CLICKED: (Touchpoint.MENU_CLICK, _of_instant),
    oa.LINK_VIEWED: (Touchpoint.LINK_VIEW, _of_instant),
    oa.MESSAGE_RECEIVED: (Touchpoint.MESSAGE, _of_fields("msg_id")),
    mini_program.SESSION_LOGGED_IN: (Touchpoint.LOGIN, _of_id),
    mini_program.PAGE_VIEWED: (Touchpoint.PAGE_VIEW, _of_id),
    mini_program.PRODUCT_VIEWED: (Touchpoint.PRODUCT_VIEW, _of_id),
    mini_program.CART_ADDED: (Touchpoint.ADD_TO_CART, _of_id),
    mini_program.ORDER_PLACED: (Touchpoint.ORDER, _of_fields("order_id")),
    mini_program.CONTENT_SHARED: (Touchpoint.SHARE, _of_id),
    mini_program.LIVESTREAM_WATCHED: (Touchpoint.LIVE_STREAM, _of_id),
    mini_program.CONTENT_UPLOADED: (Touchpoint.UPLOAD, _of_fields("content_id")),
    mini_program.CONVERSATION_ENTERED: (Touchpoint.CONVERSATION, _of_instant),
    check_in.ATTENDEE_REGISTERED: (Touchpoint.REGISTRATION, _of_registration),
    check_in.ATTENDEE_CHECKED_IN: (Touchpoint.CHECK_IN, _of_attendance),
    check_in.ATTENDEE_CHECKED_OUT: (Touchpoint.CHECK_OUT, _of_attendance),
    coupons.COUPON_RECEIVED: (Touchpoint.COUPON_RECEIVED, _of_coupon),
    coupons.COUPON_USED: (Touchpoint.COUPON_USED, _of_coupon),
    cards.CARD_ACCEPTED: (Touchpoint.CARD_ACCEPTED, _of_fields("card_id", "card_code")),
    cards.CARD_DELETED: (Touchpoint.CARD_DELETED, _of_fields("card_id", "card_code")),
    cards.CARD_USED: (Touchpoint.CARD_USED, _of_card_use),
    mall.MALL_AUTHORISED: (Touchpoint.MALL_AUTHORISED, _of_fields("mchid")),
    notices.NOTICE_DELIVERED: (Touchpoint.NOTICE, _of_notice),
    notices.SUBSCRIPTION_ANSWERED: (Touchpoint.SUBSCRIPTION, _of_subscription),
    answers.UNIONID_RESOLVED: (Touchpoint.IDENTIFIED, _of_fields("unionid")),
    answers.OPENID_CHANGED: (Touchpoint.IDENTIFIED, _of_fields("former_appid", "former_openid")),
}


def fact_of(event: Event) -> Fact:
    """The fact behind any event but a refund and an unbind, which are none of their own."""
    data: Any = event.data
    if event.type == pay.PAYMENT_SUCCEEDED:
        return _payment(event)
    if event.type == crm.MEMBER_ENROLLED:
        key = f"{event.type}:{data.member_id}"
        return Fact(key, event.type, event.id, event.time_ms, member_id=data.member_id)
    if event.type == check_in.CHECK_IN_REVERTED:
        at = time_ms(data.checked_in_at)
        return Fact(
            key=attendance_key(data, check_in.ATTENDEE_CHECKED_IN, at),
            type=event.type,
            event_id=event.id,
            time=at,
            touchpoint=Touchpoint.CHECK_IN,
            fields=_fields(Touchpoint.CHECK_IN, data),
            rank=1,
            reversal=True,
        )
    if event.type not in _TOUCHPOINTS:  # a request or an answer about consent
        return Fact(_of_id(event), event.type, event.id, event.time_ms)
    touchpoint, key_of = _TOUCHPOINTS[event.type]
    return Fact(
        key=key_of(event),
        type=event.type,
        event_id=event.id,
        time=event.time_ms,
        touchpoint=touchpoint,
        fields=_fields(touchpoint, data),
    )


def refund_of(event: Event) -> Refunded:
    """What a refund tells its payment; a mall hears of what the payer paid, and no other amount."""
    data: Any = event.data
    if isinstance(data, mall.MallRefund):
        at, fen = time_ms(data.refund_time), data.refund_amount
        return Refunded(data.refund_id, event.id, at, fen, fen)
    at, amount = time_ms(data.success_time), data.amount
    return Refunded(data.refund_id, event.id, at, amount.refund, amount.payer_refund)


def _fields(touchpoint: Touchpoint, data: Any) -> dict[str, Value]:
    values = ((name, getattr(data, name, None)) for name in FIELDS[touchpoint])
    return {name: value for name, value in values if value is not None}


def _payment(event: Event) -> Fact:
    data: Any = event.data
    of_mall = isinstance(data, mall.MallPayment)
    return Fact(
        key=f"payment:{data.transaction_id}",
        type=event.type,
        event_id=event.id,
        time=time_ms(data.time_end if of_mall else data.success_time),
        touchpoint=Touchpoint.PURCHASE,
        fields=_mall_fields(data) if of_mall else _payment_fields(data),
        rank=-RANK_STEP if of_mall else 0,  # the merchant's own report says more
    )


def _mall_fields(data: mall.MallPayment) -> dict[str, Value]:
    fields: dict[str, Value] = {
        "appid": data.appid,
        "mchid": data.mchid,
        "total_fen": data.amount,
        "payer_total_fen": data.amount,
    }
    return fields if data.shop_number is None else fields | {"shop_number": data.shop_number}


def _payment_fields(data: Any) -> dict[str, Value]:
    partner = isinstance(data, pay.PartnerPayment)
    fields: dict[str, Value | None] = {
        "appid": data.origin[0],
        "mchid": data.sub_mchid if partner else data.mchid,
        "total_fen": data.amount.total,
        "payer_total_fen": data.amount.payer_total,
        "trade_type": data.trade_type,
        "attach": data.attach,
        "device_id": data.scene_info.device_id if data.scene_info else None,
    }
    return {name: value for name, value in fields.items() if value is not None}
