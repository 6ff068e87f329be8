# SPDX-License-Identifier: Apache-2.0
"""Translates each kind of push into events, by one table.

Sources: WeChat's pages Receiving_event_pushes, Receiving_standard_messages,
Custom_Menu_Push_Events, Coupons_Vouchers_and_Cards_Event_Push_Messages, authorization_change, and
subscribe-message of mini-programs. Fields that are not read here never leave: Content, coordinates,
ScanResult, SessionFrom, StaffOpenId (an employee), FriendUserName (who gave a card).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final

from schemas import member_cards, mini_program, notices, privacy
from schemas import official_account as oa
from schemas.wechat_identity import UNIONID_RESOLVED
from stream.engine.model.ids import digest
from stream.wechat.delivery_result import DeliveryAccepted, OutboundEvent
from stream.wechat.push import payments, shop
from stream.wechat.push.body_parser import Node, malformed
from stream.wechat.push.message import Message, event_of, message_id, real_id
from stream.wechat.push.wanted import DECISIONS


class Kind(StrEnum):
    """The kind of a push, for metrics. Those of the last group give no event."""

    MESSAGE = "message"
    FOLLOWED = "followed"
    UNFOLLOWED = "unfollowed"
    SCANNED = "scanned"
    MENU_CLICKED = "menu_clicked"
    LINK_VIEWED = "link_viewed"
    CARD_ACCEPTED = "card_accepted"
    CARD_DELETED = "card_deleted"
    CARD_USED = "card_used"
    NOTICE_DELIVERED = "notice_delivered"
    SUBSCRIPTION_ANSWERED = "subscription_answered"
    CONVERSATION_ENTERED = "conversation_entered"
    VIRTUAL_PAYMENT = "virtual_payment"
    VIRTUAL_REFUND = "virtual_refund"
    B2B_PAYMENT = "b2b_payment"
    B2B_REFUND = "b2b_refund"
    SHOP_ORDER = "shop_order"  # in a WeChat Shop that the mini-program is linked with
    GIFT_CARD_BOUGHT = "gift_card_bought"
    GIFT_CARD_ACCEPTED = "gift_card_accepted"  # an event where it has a Union ID
    CARD_VIEWED = "card_viewed"  # the same
    AUTHORISATION_REVOKED = "authorisation_revoked"
    AUTHORISATION_CANCELLED = "authorisation_cancelled"
    SHOP_ORDER_PAID = "shop_order_paid"
    SHOP_AFTER_SALE = "shop_after_sale"

    PAYMENT_NOT_MADE = "payment_not_made"
    REFUND_NOT_MADE = "refund_not_made"
    SHOP_NOTICE = "shop_notice"  # the other steps of an order, and coupons of a WeChat Shop
    SANDBOX = "sandbox"  # a trial payment or refund
    VIRTUAL_PAYMENT_NOTICE = "virtual_payment_notice"  # complaints, subscriptions, Apple's queries
    GIFT_CARD_GIVEN = "gift_card_given"
    CARD_GIVEN = "card_given"
    CARD_CHANGED = "card_changed"
    SHIPPING = "shipping"  # of orders paid through WeChat Pay (发货信息管理)
    CUSTOMER_SERVICE = "customer_service"  # WeChat's desk opened, closed, passed on
    INVOICE = "invoice"
    BROADCAST = "broadcast"  # what became of a mass message or a publication
    ACCOUNT = "account"  # reviews, limits and certificates of the account, its cards and releases
    PERMISSION_REVOKED = "permission_revoked"
    PROFILE_CHANGED = "profile_changed"
    LOCATION_DROPPED = "location_dropped"
    ANSWER_WANTED = "answer_wanted"  # a decision that the gateway cannot give
    OTHER = "other"


_Events = Iterable[OutboundEvent]
#: The events of a push, or the kind without events that it turns out to be.
_Reader = Callable[[Message], _Events | Kind]

_follow_key = re.compile(r"qrscene_[^\r\n]{1,64}|last_trade_no_[A-Za-z0-9_-]{1,128}").fullmatch

_order_no = re.compile("[A-Za-z0-9_|*@-]{1,64}").fullmatch

#: RevokeInfo: the permissions that the person revoked. These allow the use of a device and yield
#: no stored data: Bluetooth, microphone, camera (mini-program 4, 5, 7), microphone of a web page
#: (204).
DEVICE_PERMISSIONS: Final = frozenset({"4", "5", "7", "204"})

#: Error codes of a subscription message that the person does not want: must follow, has blocked
#: the account, has not subscribed or has refused (全局返回码).
_UNWANTED: Final = frozenset({"43004", "43019", "43101"})
_LISTS: Final = ("subscribemsgpopupevent", "subscribemsgchangeevent", "subscribemsgsentevent")


def translate(message: Message) -> DeliveryAccepted:
    """The events of a message. Raises `DeliveryRejected` if its fields do not fit its name."""
    if not message.event:
        return DeliveryAccepted(Kind.MESSAGE, (_message(message),))
    kind, read = PUSHES.get(message.event, (Kind.OTHER, _nothing))
    found = read(message)
    return (
        DeliveryAccepted(found) if isinstance(found, Kind) else DeliveryAccepted(kind, tuple(found))
    )


def _nothing(message: Message) -> _Events:
    return ()


def _message(message: Message) -> OutboundEvent:
    return event_of(
        message, oa.MESSAGE_RECEIVED, msg_id=message_id(message.fields), msg_type=message.msg_type
    )


def _followed(message: Message) -> _Events:
    # The key may be absent, empty, or of a form that WeChat does not document.
    key = message.text("eventkey")
    known = key if _follow_key(key) else None
    yield event_of(message, oa.ACCOUNT_FOLLOWED, event_key=known, ticket=message.text("ticket"))


def _unfollowed(message: Message) -> _Events:
    # An EventKey seen here belongs to another event (last_trade_no_ has been).
    yield event_of(message, oa.ACCOUNT_UNFOLLOWED)
    if message.account.unfollow != "keep":
        yield _consent(privacy.CONSENT_PAUSED, message, message.account.appid, message.sender)


def _scanned(message: Message) -> _Events:
    key, ticket = message.text("eventkey"), message.text("ticket")
    yield event_of(message, oa.QRCODE_SCANNED, event_key=key, ticket=ticket)


def _menu_clicked(message: Message) -> _Events:
    yield event_of(message, oa.MENU_CLICKED, event_key=message.text("eventkey"))


def _link_viewed(message: Message) -> _Events:
    key, menu = message.text("eventkey"), message.text("menuid")
    yield event_of(message, oa.LINK_VIEWED, event_key=key, menu_id=menu)


def _conversation_entered(message: Message) -> _Events:
    yield event_of(message, mini_program.CONVERSATION_ENTERED)


# --- cards ----------------------------------------------------------------------------------------


def _card_accepted(message: Message) -> _Events:
    unionid = real_id(message.text("unionid"))
    yield _of_card(message, member_cards.CARD_ACCEPTED, unionid=unionid)


def _card_deleted(message: Message) -> _Events:
    yield _of_card(message, member_cards.CARD_DELETED)


def _card_used(message: Message) -> _Events:
    # TransId is the payment of user_pay_from_pay_cell (微信买单).
    yield _of_card(message, member_cards.CARD_USED, transaction_id=real_id(message.text("transid")))


def _identified(message: Message) -> _Events:
    """The card did not change, but the push may have a Union ID."""
    if unionid := real_id(message.text("unionid")):
        yield event_of(message, UNIONID_RESOLVED, unionid=unionid, method="member_card")


def _gift_card_bought(message: Message) -> _Events:
    yield _order(message, message.text("orderid"))
    yield from _identified(message)


def _of_card(message: Message, type_: str, **more: str | None) -> OutboundEvent:
    card, code = message.text("cardid"), message.text("usercardcode")
    return event_of(message, type_, key=(card, code), card_id=card, card_code=code, **more)


# --- orders and payments --------------------------------------------------------------------------


def _shop_ordered(message: Message) -> _Events:
    order = message.text("order_id")
    for node in message.fields.children("data"):
        order = order or node.text("order_id")
    yield _order(message, order)


def _order(message: Message, number: str) -> OutboundEvent:
    """An order without its amount; its number is opaque, and made an id where it is none."""
    order_id = number if not number or _order_no(number) else digest(number)
    return event_of(message, mini_program.ORDER_PLACED, key=(number,), order_id=order_id)


def _paid(
    read: Callable[[Message], OutboundEvent], is_made: Callable[[Message], bool], otherwise: Kind
) -> _Reader:
    """Reads a payment or a refund of a mini-program, unless no money moved."""

    def reader(message: Message) -> _Events | Kind:
        if payments.is_sandbox(message):
            return Kind.SANDBOX
        return (read(message),) if is_made(message) else otherwise

    return reader


_virtual_payment = _paid(payments.virtual_payment, lambda _: True, Kind.PAYMENT_NOT_MADE)
_virtual_refund = _paid(
    payments.virtual_refund, payments.is_virtual_refund_made, Kind.REFUND_NOT_MADE
)
_b2b_payment = _paid(payments.b2b_payment, payments.is_b2b_payment_made, Kind.PAYMENT_NOT_MADE)
_b2b_refund = _paid(payments.b2b_refund, payments.is_b2b_refund_made, Kind.REFUND_NOT_MADE)


# --- notices --------------------------------------------------------------------------------------


def _template_sent(message: Message) -> _Events:
    # success; failed:user block; failed: system failed
    status_text = message.text("status").lower()
    failure = "blocked" if "block" in status_text else "failed"
    status = "delivered" if status_text == "success" else failure
    yield _notice(message, message.fields, status)


def _subscription_sent(message: Message) -> _Events:
    for item in _listed(message):
        code = item.text("errorcode")
        failure = "blocked" if code in _UNWANTED else "failed"
        yield _notice(message, item, "delivered" if code == "0" else failure)


def _notice(message: Message, item: Node, status: str) -> OutboundEvent:
    msg_id, template = message_id(item), item.text("templateid")
    return event_of(
        message,
        notices.NOTICE_DELIVERED,
        key=(msg_id, template),
        msg_id=msg_id,
        template_id=template,
        status=status,
    )


def _subscription_answered(message: Message) -> _Events:
    for item in _listed(message):
        template, status_text = item.text("templateid"), item.text("subscribestatusstring").lower()
        if not status_text:
            malformed("SubscribeStatusString is missing.")
        yield event_of(
            message,
            notices.SUBSCRIPTION_ANSWERED,
            key=(template, status_text),
            template_id=template,
            accepted=status_text == "accept",
        )


def _listed(message: Message) -> list[Node]:
    """The items of a list, in any of WeChat's nestings.

    XML: ``<SubscribeMsgPopupEvent>`` with one ``<List>`` per item (the page shows that name for a
    change, too). JSON: ``List``, an array or one object; or an array under the event's own name.
    """
    fields = message.fields
    if not any(name in fields for name in ("list", *_LISTS)):
        malformed("List is missing.")
    items = fields.children("list")
    for name in _LISTS:
        for outer in fields.children(name):
            items += outer.children("list") if "list" in outer else [outer]
    return items


# --- privacy --------------------------------------------------------------------------------------


def _is_only_of_devices(message: Message) -> bool:
    taken_back = set(re.findall("[0-9]+", message.text("revokeinfo")))
    return bool(taken_back) and taken_back <= DEVICE_PERMISSIONS


def _revoked(message: Message) -> _Events | Kind:
    if _is_only_of_devices(message):
        return Kind.PERMISSION_REVOKED
    return _authorisation_ended(message)


def _authorisation_ended(message: Message) -> _Events:
    # FromUserName is an account of WeChat's here; the person is in OpenID, the app in AppID.
    appid = message.text("appid") or message.account.appid
    yield _consent(privacy.CONSENT_WITHDRAWN, message, appid, message.text("openid"))


def _consent(type_: str, message: Message, appid: str, openid: str) -> OutboundEvent:
    return event_of(message, type_, appid=appid, openid=openid, channel="wechat")


#: What says nothing of a person and the brand, by kind.
_COUNTED: Final = {
    Kind.VIRTUAL_PAYMENT_NOTICE: "xpay_complaint_notify xpay_wxpay_callback_notify "
    "xpay_subscribe_signing_result_notify xpay_subscribe_pay_fail_notify",
    Kind.SHOP_NOTICE: "channels_ec_order_new channels_ec_order_cancel "
    "channels_ec_order_wait_shipping channels_ec_order_deliver channels_ec_order_confirm "
    "channels_ec_order_settle channels_ec_order_ext_info_update channels_ec_coupon_receive",
    Kind.GIFT_CARD_GIVEN: "giftcard_send_to_friend",
    Kind.CARD_GIVEN: "user_gifting_card",
    Kind.CARD_CHANGED: "update_member_card",
    Kind.SHIPPING: "trade_manage_order_settlement trade_manage_remind_shipping "
    "trade_manage_remind_access_api",
    Kind.CUSTOMER_SERVICE: "kf_create_session kf_close_session kf_switch_session",
    Kind.INVOICE: "user_authorize_invoice update_invoice_status submit_invoice_title",
    Kind.BROADCAST: "masssendjobfinish publishjobfinish",
    Kind.ACCOUNT: "card_pass_check card_not_pass_check card_sku_remind card_pay_order "
    "poi_check_notify weapp_audit_success weapp_audit_fail weapp_audit_delay "
    "qualification_verify_success qualification_verify_fail naming_verify_success "
    "naming_verify_fail annual_renew verify_expired",
}

#: The name of a push in lower case -> its kind, and the function that makes its events.
PUSHES: Final[dict[str, tuple[Kind, _Reader]]] = {
    "subscribe": (Kind.FOLLOWED, _followed),
    "unsubscribe": (Kind.UNFOLLOWED, _unfollowed),
    "scan": (Kind.SCANNED, _scanned),
    "click": (Kind.MENU_CLICKED, _menu_clicked),
    "scancode_push": (Kind.MENU_CLICKED, _menu_clicked),
    "scancode_waitmsg": (Kind.MENU_CLICKED, _menu_clicked),
    "pic_sysphoto": (Kind.MENU_CLICKED, _menu_clicked),
    "pic_photo_or_album": (Kind.MENU_CLICKED, _menu_clicked),
    "pic_weixin": (Kind.MENU_CLICKED, _menu_clicked),
    "location_select": (Kind.MENU_CLICKED, _menu_clicked),
    "view": (Kind.LINK_VIEWED, _link_viewed),
    "view_miniprogram": (Kind.LINK_VIEWED, _link_viewed),
    "user_enter_tempsession": (Kind.CONVERSATION_ENTERED, _conversation_entered),
    "user_get_card": (Kind.CARD_ACCEPTED, _card_accepted),
    "user_del_card": (Kind.CARD_DELETED, _card_deleted),
    "user_consume_card": (Kind.CARD_USED, _card_used),
    "user_pay_from_pay_cell": (Kind.CARD_USED, _card_used),
    "submit_membercard_user_info": (Kind.CARD_ACCEPTED, _card_accepted),  # = activated
    "user_view_card": (Kind.CARD_VIEWED, _identified),
    "user_enter_session_from_card": (Kind.CARD_VIEWED, _identified),
    "giftcard_pay_done": (Kind.GIFT_CARD_BOUGHT, _gift_card_bought),
    "giftcard_user_accept": (Kind.GIFT_CARD_ACCEPTED, _identified),
    "related_shop_order_submission": (Kind.SHOP_ORDER, _shop_ordered),
    "cooperation_shop_order": (Kind.SHOP_ORDER, _shop_ordered),
    "xpay_goods_deliver_notify": (Kind.VIRTUAL_PAYMENT, _virtual_payment),
    "xpay_coin_pay_notify": (Kind.VIRTUAL_PAYMENT, _virtual_payment),
    "xpay_refund_notify": (Kind.VIRTUAL_REFUND, _virtual_refund),
    "retail_pay_notify": (Kind.B2B_PAYMENT, _b2b_payment),
    "retail_refund_notify": (Kind.B2B_REFUND, _b2b_refund),
    "templatesendjobfinish": (Kind.NOTICE_DELIVERED, _template_sent),
    "subscribe_msg_sent_event": (Kind.NOTICE_DELIVERED, _subscription_sent),
    "subscribe_msg_popup_event": (Kind.SUBSCRIPTION_ANSWERED, _subscription_answered),
    "subscribe_msg_change_event": (Kind.SUBSCRIPTION_ANSWERED, _subscription_answered),
    "user_authorization_revoke": (Kind.AUTHORISATION_REVOKED, _revoked),
    "user_authorization_cancellation": (Kind.AUTHORISATION_CANCELLED, _authorisation_ended),
    "channels_ec_order_pay": (Kind.SHOP_ORDER_PAID, shop.order_paid),
    "channels_ec_aftersale_update": (Kind.SHOP_AFTER_SALE, shop.after_sale_changed),
    # Nicknames and pictures: nothing of these is kept here.
    "user_info_modified": (Kind.PROFILE_CHANGED, _nothing),
    # A person's location: sensitive, and of no use here.
    "location": (Kind.LOCATION_DROPPED, _nothing),
    **{name: (kind, _nothing) for kind, names in _COUNTED.items() for name in names.split()},
    **dict.fromkeys(sorted(DECISIONS), (Kind.ANSWER_WANTED, _nothing)),
}
