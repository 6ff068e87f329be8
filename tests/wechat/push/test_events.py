# SPDX-License-Identifier: Apache-2.0
"""Every push that WeChat documents, in XML and in JSON, and its events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.base import time_from_ms
from stream.engine.model.ids import digest
from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected, RejectReason
from stream.wechat.push.account import PushAccount
from stream.wechat.push.body_parser import parse_body
from stream.wechat.push.events import DEVICE_PERMISSIONS, Kind, translate
from stream.wechat.push.message import read_message
from tests.support.cases import each
from tests.wechat.push.build import APPID, AT, MEI, PLATFORM, account, event, message, xml
from tests.wechat.push.paid import (
    B2B,
    B2B_REFUND,
    VIRTUAL,
    VIRTUAL_REFUND,
    b2b_payment,
    b2b_refund,
    virtual,
)

OA, MINI, PRIVACY = "wechat.official-account", "wechat.mini-program", "privacy.requests"
PAY = "wechat.pay"
SHOP = "wechat.shop"
AFTER_SALE_IDS = {"order_id": "3705115058471208928", "after_sale_order_id": "2000000123456789"}
AFTER_SALE = {"status": "MERCHANT_PROCESSING", **AFTER_SALE_IDS}
MEI_HERE = {"appid": APPID, "openid": MEI}
LI, UNION = "oLi_0000000000000000000000002", "uMei0000000000000000000000001"
CARD, CODE = "pCard000000000000000000000001", "226009850808"
PAYMENT = "4200000000202605290000000001"
TEMPLATE, OTHER_TEMPLATE = (
    "BEwX0BO-T3MqK3Uc5oTU3CGBqzjpndk2jzUf7",
    "hD-ixGOhYmUfjOnI8MCzQMPshzGVeux_2vzy",
)
ACCEPTED = {"TemplateId": TEMPLATE, "SubscribeStatusString": "accept", "PopupScene": "0"}
PAUSED = ("consent.paused.v1", PRIVACY, {**MEI_HERE, "channel": "wechat"})
WITHDRAWN = ("consent.withdrawn.v1", PRIVACY, {**MEI_HERE, "channel": "wechat"})

Summary = tuple[str, str, dict[str, Any]]


def translated(
    content: dict[str, Any], is_json: bool, of: PushAccount | None = None
) -> DeliveryAccepted:
    body = json.dumps(content).encode() if is_json else xml(content)
    return translate(read_message(parse_body(body)[0], of or account()))


def summaries(what: DeliveryAccepted) -> list[Summary]:
    return [
        (e.type, e.topic, e.data.model_dump(mode="json", exclude_none=True)) for e in what.events
    ]


def here(type_: str, **data: Any) -> Summary:
    return type_, OA, {**MEI_HERE, **data}


MESSAGE_ID = "6349323426230210995"
SHAPES: dict[str, tuple[dict[str, Any], str, list[Summary]]] = {
    "text": (
        message("text", Content="call me: 13800000000", BusinessId=1),
        "message",
        [here("message.received.v1", msg_id=MESSAGE_ID, msg_type="text")],
    ),
    "voice": (
        message("voice", MediaId="m", Format="amr", MediaId16K="m"),
        "message",
        [here("message.received.v1", msg_id=MESSAGE_ID, msg_type="voice")],
    ),
    "image": (
        message("image", PicUrl="http://mmbiz.example/0", MediaId="m", MsgDataId="1", Idx=1),
        "message",
        [here("message.received.v1", msg_id=MESSAGE_ID, msg_type="image")],
    ),
    "location message": (
        message("location", Location_X="31.2304", Location_Y="121.4737", Scale=20, Label="外滩"),
        "message",
        [here("message.received.v1", msg_id=MESSAGE_ID, msg_type="location")],
    ),
    "subscribe": (event("subscribe"), "followed", [here("account.followed.v1")]),
    "subscribe with an empty key": (
        event("subscribe", EventKey=""),
        "followed",
        [here("account.followed.v1")],
    ),
    "subscribe by a code": (
        event("subscribe", EventKey="qrscene_table-7", Ticket="gQH47joAAAAA"),
        "followed",
        [here("account.followed.v1", event_key="qrscene_table-7", ticket="gQH47joAAAAA")],
    ),
    "subscribe after a payment": (
        event("subscribe", EventKey=f"last_trade_no_{PAYMENT}"),
        "followed",
        [here("account.followed.v1", event_key=f"last_trade_no_{PAYMENT}")],
    ),
    "subscribe with a key nobody knows": (
        event("subscribe", EventKey="from_somewhere_new"),
        "followed",
        [here("account.followed.v1")],
    ),
    "unsubscribe": (event("unsubscribe"), "unfollowed", [here("account.unfollowed.v1"), PAUSED]),
    "unsubscribe with the key of another event": (
        event("unsubscribe", EventKey=f"last_trade_no_{PAYMENT}"),
        "unfollowed",
        [here("account.unfollowed.v1"), PAUSED],
    ),
    "SCAN": (
        event("SCAN", EventKey="table-7", Ticket="gQH47joAAAAA"),
        "scanned",
        [here("qrcode.scanned.v1", event_key="table-7", ticket="gQH47joAAAAA")],
    ),
    "SCAN of a number": (
        event("SCAN", EventKey=123123, Ticket="gQH47joAAAAA"),
        "scanned",
        [here("qrcode.scanned.v1", event_key="123123", ticket="gQH47joAAAAA")],
    ),
    "CLICK": (
        event("CLICK", EventKey="V1001_TODAY"),
        "menu_clicked",
        [here("menu.clicked.v1", event_key="V1001_TODAY")],
    ),
    "VIEW": (
        event("VIEW", EventKey="https://abc.example/menu", MenuId="410418124"),
        "link_viewed",
        [here("link.viewed.v1", event_key="https://abc.example/menu", menu_id="410418124")],
    ),
    "view_miniprogram": (
        event("view_miniprogram", EventKey="pages/index", MenuId=410418124),
        "link_viewed",
        [here("link.viewed.v1", event_key="pages/index", menu_id="410418124")],
    ),
    "scancode_push": (
        event(
            "scancode_push",
            EventKey="6",
            ScanCodeInfo={"ScanType": "qrcode", "ScanResult": "https://secret.example"},
        ),
        "menu_clicked",
        [here("menu.clicked.v1", event_key="6")],
    ),
    "scancode_waitmsg": (
        event(
            "scancode_waitmsg", EventKey="6", ScanCodeInfo={"ScanType": "qrcode", "ScanResult": "2"}
        ),
        "menu_clicked",
        [here("menu.clicked.v1", event_key="6")],
    ),
    "pic_sysphoto": (
        event(
            "pic_sysphoto",
            EventKey="6",
            SendPicsInfo={"Count": 1, "PicList": {"item": {"PicMd5Sum": "1b5f7c23b5bf"}}},
        ),
        "menu_clicked",
        [here("menu.clicked.v1", event_key="6")],
    ),
    "location_select": (
        event(
            "location_select",
            EventKey="6",
            SendLocationInfo={"Location_X": "23", "Location_Y": "113", "Label": "广州"},
        ),
        "menu_clicked",
        [here("menu.clicked.v1", event_key="6")],
    ),
    "channels_ec_vip_user_info_get": (
        event("channels_ec_vip_user_info_get"),
        "answer_wanted",
        [],
    ),
    "channels_ec_coupon_receive": (event("channels_ec_coupon_receive"), "shop_notice", []),
    "LOCATION": (
        event("LOCATION", Latitude="23.137466", Longitude="113.352425", Precision="119.385040"),
        "location_dropped",
        [],
    ),
    "user_get_card": (
        event(
            "user_get_card",
            CardId=CARD,
            IsGiveByFriend=1,
            UserCardCode=CODE,
            FriendUserName=LI,
            OuterId=0,
            OldUserCardCode="198374613512",
            OuterStr="12b",
            IsRestoreMemberCard=0,
            IsRecommendByFriend=0,
            UnionId=UNION,
        ),
        "card_accepted",
        [here("card.accepted.v1", unionid=UNION, card_id=CARD, card_code=CODE)],
    ),
    "user_get_card without a Union ID": (
        event("user_get_card", CardId=CARD, UserCardCode="", UnionId="UNIONID"),
        "card_accepted",
        [here("card.accepted.v1", card_id=CARD)],
    ),
    "user_del_card": (
        event("user_del_card", CardId=CARD, UserCardCode=CODE),
        "card_deleted",
        [here("card.deleted.v1", card_id=CARD, card_code=CODE)],
    ),
    "user_consume_card": (
        event(
            "user_consume_card",
            CardId=CARD,
            UserCardCode=CODE,
            ConsumeSource="FROM_MOBILE_HELPER",
            LocationName="",
            StaffOpenId=LI,
            VerifyCode="",
            RemarkAmount="",
            OuterStr="xxxxx",
        ),
        "card_used",
        [here("card.used.v1", card_id=CARD, card_code=CODE)],
    ),
    "user_pay_from_pay_cell": (
        event(
            "user_pay_from_pay_cell",
            CardId=CARD,
            UserCardCode=CODE,
            TransId=PAYMENT,
            LocationId=291710000,
            Fee=10000,
            OriginalFee=10000,
        ),
        "card_used",
        [here("card.used.v1", card_id=CARD, card_code=CODE, transaction_id=PAYMENT)],
    ),
    "subscribe_msg_popup_event": (
        event("subscribe_msg_popup_event", List=ACCEPTED),
        "subscription_answered",
        [here("subscription.answered.v1", template_id=TEMPLATE, accepted=True)],
    ),
    "TEMPLATESENDJOBFINISH": (
        event("TEMPLATESENDJOBFINISH", MsgID=200163836, Status="success"),
        "notice_delivered",
        [here("notice.delivered.v1", msg_id="200163836", status="delivered")],
    ),
    "TEMPLATESENDJOBFINISH blocked": (
        event("TEMPLATESENDJOBFINISH", MsgID=200163840, Status="failed:user block"),
        "notice_delivered",
        [here("notice.delivered.v1", msg_id="200163840", status="blocked")],
    ),
    "TEMPLATESENDJOBFINISH failed": (
        event("TEMPLATESENDJOBFINISH", MsgID=200163840, Status="failed: system failed"),
        "notice_delivered",
        [here("notice.delivered.v1", msg_id="200163840", status="failed")],
    ),
    "user_enter_tempsession": (
        event("user_enter_tempsession", SessionFrom="order-17 of 13800000000"),
        "conversation_entered",
        [("conversation.entered.v1", MINI, MEI_HERE)],
    ),
    "user_authorization_cancellation": (
        event("user_authorization_cancellation", openid=PLATFORM, OpenID=MEI, AppID=APPID),
        "authorisation_cancelled",
        [WITHDRAWN],
    ),
    "user_authorization_revoke": (
        event(
            "user_authorization_revoke",
            openid=PLATFORM,
            OpenID=MEI,
            UnionID=UNION,
            AppID=APPID,
            RevokeInfo="201",
        ),
        "authorisation_revoked",
        [WITHDRAWN],
    ),
    "user_authorization_revoke of a plugin": (
        event(
            "user_authorization_revoke",
            openid=PLATFORM,
            OpenID=MEI,
            AppID=APPID,
            RevokeInfo="8",
            PluginID="wxplugin",
            OpenPID=" GMei-plugin",
        ),
        "authorisation_revoked",
        [WITHDRAWN],
    ),
    "user_authorization_revoke of a camera": (
        event(
            "user_authorization_revoke", openid=PLATFORM, OpenID=MEI, AppID=APPID, RevokeInfo="7"
        ),
        "permission_revoked",
        [],
    ),
    "user_info_modified": (
        event("user_info_modified", openid=PLATFORM, OpenID=MEI, AppID=APPID, RevokeInfo="1"),
        "profile_changed",
        [],
    ),
    "channels_ec_order_pay": (
        event("channels_ec_order_pay", order_info={"order_id": 3705115058471208928, "pay_time": 1}),
        "shop_order_paid",
        [("shop_order.changed.v1", SHOP, {"appid": APPID, "order_id": "3705115058471208928"})],
    ),
    "channels_ec_aftersale_update": (
        event("channels_ec_aftersale_update", finder_shop_aftersale_status_update=AFTER_SALE),
        "shop_after_sale",
        [("shop_order.changed.v1", SHOP, {"appid": APPID, **AFTER_SALE_IDS})],
    ),
    "submit_membercard_user_info": (
        event("submit_membercard_user_info", CardId=CARD, UserCardCode=CODE),
        "card_accepted",
        [here("card.accepted.v1", card_id=CARD, card_code=CODE)],
    ),
    "user_view_card": (
        event("user_view_card", CardId=CARD, UserCardCode=CODE, OuterStr=""),
        "card_viewed",
        [],
    ),
    "user_view_card with a Union ID": (
        event("user_view_card", CardId=CARD, UserCardCode=CODE, UnionId=UNION),
        "card_viewed",
        [here("unionid.resolved.v1", unionid=UNION, method="member_card")],
    ),
    "user_gifting_card": (
        event("user_gifting_card", CardId=CARD, UserCardCode=CODE, FriendUserName=LI),
        "card_given",
        [],
    ),
    "update_member_card": (
        event("update_member_card", CardId=CARD, UserCardCode=CODE, ModifyBonus=5),
        "card_changed",
        [],
    ),
    "giftcard_pay_done": (
        event("giftcard_pay_done", PageId="OQK0R3MaFnCm74Phw5hwFJlz5sn=", OrderId="Z2y2rY74ksZX"),
        "gift_card_bought",
        [("order.placed.v1", OA, {**MEI_HERE, "order_id": "Z2y2rY74ksZX", "lines": []})],
    ),
    "giftcard_send_to_friend": (
        event("giftcard_send_to_friend", OrderId="Z2y2rY74ksZX", IsChatRoom="true"),
        "gift_card_given",
        [],
    ),
    "giftcard_user_accept": (
        event("giftcard_user_accept", OrderId="Z2y2rY74ksZX", UnionId=UNION),
        "gift_card_accepted",
        [here("unionid.resolved.v1", unionid=UNION, method="member_card")],
    ),
    "related_shop_order_submission": (
        event("related_shop_order_submission", order_id=3705115058471208928),
        "shop_order",
        [here("order.placed.v1", order_id="3705115058471208928", lines=[])],
    ),
    "cooperation_shop_order": (
        event("cooperation_shop_order", Data={"shop_appid": "wxshop", "order_id": "opaque/id=="}),
        "shop_order",
        [here("order.placed.v1", order_id=digest("opaque/id=="), lines=[])],
    ),
    "xpay_goods_deliver_notify": (
        virtual("xpay_goods_deliver_notify"),
        "virtual_payment",
        [("mini_program_payment.succeeded.v1", PAY, VIRTUAL)],
    ),
    "xpay_goods_deliver_notify in the sandbox": (
        virtual("xpay_goods_deliver_notify", Env=1),
        "sandbox",
        [],
    ),
    "xpay_refund_notify": (
        event(
            "xpay_refund_notify",
            openid=PLATFORM,
            OpenId=MEI,
            MchOrderId="VP20261129000001",
            WxRefundId="5030000001",
            MchRefundId="VR1",
            RefundFee=2800,
            RetCode=0,
            RefundSuccTimestamp=AT,
        ),
        "virtual_refund",
        [("mini_program_refund.succeeded.v1", PAY, VIRTUAL_REFUND)],
    ),
    "xpay_refund_notify that failed": (
        event("xpay_refund_notify", MchOrderId="VP1", RefundFee=1, RetCode=268490004),
        "refund_not_made",
        [],
    ),
    "xpay_complaint_notify": (
        event("xpay_complaint_notify", OpenId=MEI, ComplaintDetail="too sweet"),
        "virtual_payment_notice",
        [],
    ),
    "retail_pay_notify": (
        b2b_payment(),
        "b2b_payment",
        [("mini_program_payment.succeeded.v1", PAY, B2B)],
    ),
    "retail_pay_notify of an order that is not paid": (
        b2b_payment(pay_status="ORDER_PRE_PAY"),
        "payment_not_made",
        [],
    ),
    "retail_refund_notify": (
        b2b_refund(),
        "b2b_refund",
        [("mini_program_refund.succeeded.v1", PAY, B2B_REFUND)],
    ),
    **{
        name: (event(name, transaction_id=PAYMENT, KfAccount=LI, openid=PLATFORM), kind, [])
        for name, kind in (
            ("trade_manage_remind_shipping", "shipping"),
            ("kf_create_session", "customer_service"),
            ("user_authorize_invoice", "invoice"),
            ("MASSSENDJOBFINISH", "broadcast"),
            ("card_sku_remind", "account"),
        )
    },
    "an event nobody knows": (event("some_day_in_2030", Deep={"a": {"b": 1}}), "other", []),
}


@pytest.mark.parametrize("is_json", [False, True], ids=["xml", "json"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_push_becomes(shape: str, is_json: bool) -> None:
    content, kind, events = SHAPES[shape]
    what = translated(content, is_json)
    assert what.kind == kind
    assert summaries(what) == events
    assert all(e.time == time_from_ms(AT * 1000) for e in what.events)


@pytest.mark.parametrize("shape", SHAPES)
def test_xml_and_json_give_the_same_events(shape: str) -> None:
    content, _, _ = SHAPES[shape]
    assert translated(content, False) == translated(content, True)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_that_must_not_be_kept_comes_out(shape: str) -> None:
    content, _, _ = SHAPES[shape]
    out = str(summaries(translated(content, False)))
    for secret in (
        "too sweet",
        *(
            *("13800000000", "31.2304", "121.4737", "外滩", "23.137466", "113.352425"),
            "secret.example",
        ),
        *("1b5f7c23b5bf", "广州", "order-17", LI, PLATFORM, "GMei-plugin", "198374613512"),
    ):
        assert secret not in out


def test_every_kind_has_a_shape() -> None:
    assert {kind for _, kind, _ in SHAPES.values()} == set(Kind)


# --- lists: nested in another way in each format --------------------------------------------------

REFUSED = {"TemplateId": OTHER_TEMPLATE, "SubscribeStatusString": "reject", "PopupScene": 2}
ANSWERS = [
    here("subscription.answered.v1", template_id=TEMPLATE, accepted=True),
    here("subscription.answered.v1", template_id=OTHER_TEMPLATE, accepted=False),
]
SENT = {
    "TemplateId": TEMPLATE,
    "MsgID": "1864323726461255680",
    "ErrorCode": "0",
    "ErrorStatus": "success",
}


@pytest.mark.parametrize(
    ("name", "fields", "is_json"),
    [
        ("subscribe_msg_popup_event", {"List": [ACCEPTED, REFUSED]}, True),
        ("subscribe_msg_change_event", {"SubscribeMsgChangeEvent": [ACCEPTED, REFUSED]}, True),
        (
            "subscribe_msg_popup_event",
            {"SubscribeMsgPopupEvent": {"List": [ACCEPTED, REFUSED]}},
            False,
        ),
        (  # as WeChat's page has it
            "subscribe_msg_change_event",
            {"SubscribeMsgPopupEvent": {"List": [ACCEPTED, REFUSED]}},
            False,
        ),
    ],
)
def test_every_item_of_a_list_is_an_answer(
    name: str, fields: dict[str, Any], is_json: bool
) -> None:
    what = translated(event(name, **fields), is_json)
    assert what.kind == "subscription_answered"
    assert summaries(what) == ANSWERS
    assert len({e.id for e in what.events}) == 2


@pytest.mark.parametrize("of_one", [ACCEPTED, [ACCEPTED]])
def test_a_list_of_one_may_be_the_thing_itself(of_one: Any) -> None:
    for is_json in (True, False):
        what = translated(event("subscribe_msg_popup_event", List=of_one), is_json)
        assert summaries(what) == ANSWERS[:1]


def test_an_empty_list_says_nothing_and_none_is_no_list() -> None:
    for fields, is_json in (
        ({"List": []}, True),
        ({"SubscribeMsgPopupEvent": {"List": ""}}, False),
    ):
        assert translated(event("subscribe_msg_popup_event", **fields), is_json).events == ()
    with pytest.raises(DeliveryRejected, match="List is missing"):
        translated(event("subscribe_msg_popup_event"), True)
    with pytest.raises(DeliveryRejected, match="SubscribeStatusString is missing"):
        translated(event("subscribe_msg_popup_event", List={"TemplateId": TEMPLATE}), True)


@pytest.mark.parametrize(
    ("status", "code"),
    each(
        ("delivered", "0", 0),
        ("blocked", "43101", 43004, "43019"),
        ("failed", "47003", ""),
    ),
)
def test_the_status_of_a_subscription_message(code: str | int, status: str) -> None:
    item = {**SENT, "ErrorCode": code}
    for fields, is_json in (
        ({"List": [item]}, True),
        ({"SubscribeMsgSentEvent": {"List": item}}, False),
    ):
        what = translated(event("subscribe_msg_sent_event", **fields), is_json)
        assert summaries(what) == [
            here(
                "notice.delivered.v1",
                msg_id="1864323726461255680",
                template_id=TEMPLATE,
                status=status,
            )
        ]


def test_a_mini_program_has_a_topic_of_its_own() -> None:
    mini = account(kind="mini_program")
    for content in (
        event("subscribe_msg_popup_event", List=ACCEPTED),
        event("subscribe_msg_sent_event", List=SENT),
        event("user_enter_tempsession"),
        message("miniprogrampage", Title="secret", AppId="wxother", PagePath="p"),
    ):
        assert [e.topic for e in translated(content, True, mini).events] == [MINI]


# --- privacy --------------------------------------------------------------------------------------


def test_an_account_may_keep_consent_when_unfollowed() -> None:
    what = translated(event("unsubscribe"), False, account(unfollow="keep"))
    assert summaries(what) == [here("account.unfollowed.v1")]


def test_the_documented_json_has_blanks_in_its_keys() -> None:
    content = event("user_authorization_revoke", openid=PLATFORM)
    content |= {" OpenID": MEI, " AppID": APPID, " RevokeInfo": "201"}
    assert summaries(translated(content, True)) == [WITHDRAWN]


def test_an_authorisation_names_its_app() -> None:
    content = event("user_authorization_revoke", openid=PLATFORM, openID=MEI, appid="wxapp")
    assert [e[2]["appid"] for e in summaries(translated(content, True))] == ["wxapp"]
    content = event("user_authorization_cancellation", openid=PLATFORM, OpenID=MEI)
    assert [e[2]["appid"] for e in summaries(translated(content, True))] == [APPID]


@pytest.mark.parametrize("name", ["user_authorization_revoke", "user_authorization_cancellation"])
def test_the_platform_account_is_never_taken_for_the_person(name: str) -> None:
    with pytest.raises(DeliveryRejected, match="appid and openid must come together") as caught:
        translated(event(name, openid=PLATFORM, AppID=APPID), True)
    assert caught.value.reason == RejectReason.MALFORMED
    assert PLATFORM not in caught.value.message


@pytest.mark.parametrize("taken_back", [*sorted(DEVICE_PERMISSIONS), "4,5", "7, 204"])
def test_a_device_permission_taken_back_withdraws_nothing(taken_back: str) -> None:
    content = event("user_authorization_revoke", OpenID=MEI, RevokeInfo=taken_back)
    assert translated(content, True) == DeliveryAccepted("permission_revoked")


@pytest.mark.parametrize("taken_back", ["1", "8", "205", "301", "7,8", "999", "", "all", 8])
def test_anything_else_taken_back_withdraws_consent(taken_back: str | int) -> None:
    content = event("user_authorization_revoke", OpenID=MEI, RevokeInfo=taken_back)
    assert summaries(translated(content, True)) == [WITHDRAWN]


# --- ids ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mobile_app", "website"])
def test_apps_and_websites_tell_of_revocations(kind: str) -> None:
    of = account(kind=kind, original_id=None)
    content = event("user_authorization_revoke", openid=PLATFORM, OpenID=MEI, RevokeInfo="301")
    for is_json in (True, False):
        assert summaries(translated(content, is_json, of)) == [WITHDRAWN]


def test_placeholders_never_become_ids() -> None:
    for openid in ("OPENID", "fromUser", "FromUser", "", "toUser", "undefined"):
        with pytest.raises(DeliveryRejected, match="openid") as caught:
            translated(event("subscribe", openid=openid), False)
        assert caught.value.reason == RejectReason.MALFORMED
    for unionid in ("UNIONID", "unionid", "", "null"):
        what = translated(event("user_get_card", CardId=CARD, UnionId=unionid), False)
        assert "unionid" not in summaries(what)[0][2]


def test_names_of_events_are_compared_without_case() -> None:
    for name in ("Subscribe", "SUBSCRIBE", " subscribe "):
        assert translated(event(name), False).kind == "followed"
    assert translated({**event("scan", EventKey="x"), "MsgType": "Event"}, False).kind == "scanned"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (event("SCAN"), "event_key is missing"),
        (event("SCAN", EventKey="x" * 65), "event_key"),
        (event("CLICK"), "event_key is missing"),
        (event("VIEW", EventKey=""), "event_key is missing"),
        (event("user_get_card", UserCardCode=CODE), "card_id is missing"),
        (event("user_del_card", CardId="p/Card"), "card_id"),
        (event("subscribe", EventKey="qrscene_1", Ticket="x" * 600), "ticket"),
        (event("TEMPLATESENDJOBFINISH", MsgID="2" * 40, Status="success"), "MsgId"),
        (event("user_pay_from_pay_cell", CardId=CARD, TransId="4200 1"), "transaction_id"),
        (message("text", MsgId=""), "msg_id is missing"),
        (message("<text>"), "msg_type"),
    ],
)
def test_what_is_not_what_its_name_says_is_rejected(content: Any, what: str) -> None:
    for is_json in (False, True):
        with pytest.raises(DeliveryRejected, match=what) as caught:
            translated(content, is_json)
        assert caught.value.reason == RejectReason.MALFORMED
