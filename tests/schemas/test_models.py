# SPDX-License-Identifier: Apache-2.0
"""What each contract takes and refuses, as tables over the committed examples."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas import CONTRACTS
from schemas.generate import json_schema
from schemas.identifiers import AnyIdentifier, Origin
from schemas.mall import MallPayment
from schemas.official_account import AccountFollowed
from schemas.pay import DirectPayment, PartnerPayment
from tests.schemas.samples import TYPES, WITH_DATA, changed, example
from tests.support.cases import each

ORIGIN = {"appid": "wx1", "openid": "o1"}
UNION = {"unionid": "u1", "open_account": "main"}
LIST = {"event_id": "e", "list_id": "l", "ticket_id": "t"}
CONSENT = {"text_version": "v1", "channel": "web"}
TX = "4200002918202603015837204916"

PARTNER = {
    "sp_appid": "wxSP",
    "sp_mchid": "1900000100",
    "sub_appid": "wxSUB",
    "sub_mchid": "1900000109",
    "payer": {"sp_openid": "oSP", "sub_openid": "oSUB"},
}


def payment(**fields: Any) -> dict[str, Any]:
    data: dict[str, Any] = example("payment.succeeded.v1")["data"]
    return data | fields


def partner_payment(**fields: Any) -> dict[str, Any]:
    direct = ("appid", "mchid", "payer")
    kept = {key: value for key, value in payment().items() if key not in direct}
    return kept | PARTNER | fields


def data_of(event_type: str, **fields: Any) -> dict[str, Any]:
    """The example's data with other fields; ``...`` takes a field out."""
    data: dict[str, Any] = example(event_type)["data"]
    return {key: value for key, value in (data | fields).items() if value is not ...}


def refund(**fields: Any) -> dict[str, Any]:
    return data_of("refund.succeeded.v1", **fields)


def refund_amount(**fen: int) -> dict[str, Any]:
    return refund(amount=refund()["amount"] | fen)


COUPON = {"stock_id": "18450977", "coupon_code": "SOY2603010042"}
CARD = {"card_id": "pCard-1", "card_code": "318204775190"}
FORMER = {"former_appid": "wx1", "former_openid": "o0"}
MALL = {
    **ORIGIN,
    "mchid": "1528064319",
    "transaction_id": TX,
    "amount": 2300,
    "time_end": "2026-03-01T08:12:30+08:00",
}
MALL_REFUND = {
    **ORIGIN,
    "mchid": "1528064319",
    "transaction_id": TX,
    "refund_id": "50302908412026030268013794205",
    "pay_amount": 2300,
    "refund_amount": 2300,
    "refund_time": "2026-03-02T10:05:11+08:00",
}

TAKEN: list[tuple[str, dict[str, Any]]] = [
    *[("payment.succeeded.v1", payment(trade_type=t)) for t in ("NATIVE", "MICROPAY", "PAP")],
    ("payment.succeeded.v1", payment(attach="", amount={"total": 0, "payer_total": 0})),
    ("payment.succeeded.v1", payment(attach="自" * 128, out_trade_no="a|b*c@d-e_f")),
    ("payment.succeeded.v1", payment(scene_info=None, promotion_detail=[], bank_type=None)),
    ("payment.succeeded.v1", partner_payment()),
    ("payment.succeeded.v1", partner_payment(sub_appid=None, payer={"sp_openid": "oSP"})),
    ("payment.succeeded.v1", partner_payment(payer={"sub_openid": "oSUB"})),
    ("payment.succeeded.v1", payment(trade_type="OTHER", out_trade_no=None)),
    ("refund.succeeded.v1", refund()),
    ("refund.succeeded.v1", refund(out_trade_no=..., out_refund_no=...)),
    ("refund.succeeded.v1", refund(mchid=..., sp_mchid="1", sub_mchid="2")),
    ("payment.succeeded.v1", MALL),
    ("payment.succeeded.v1", MALL | {"shop_name": "一楼豆浆店", "shop_number": "50001"}),
    ("refund.succeeded.v1", MALL_REFUND),
    ("coupon.received.v1", COUPON | ORIGIN),
    ("coupon.received.v1", COUPON | {"appid": "wx1", "unionid": "u1"}),
    ("coupon.received.v1", COUPON | {"transaction_id": TX}),
    ("coupon.received.v1", COUPON | {"transaction_id": TX, "appid": "wx1"}),
    ("coupon.used.v1", COUPON | {"transaction_id": TX}),
    ("card.accepted.v1", ORIGIN | {"card_id": "pCard-1"}),
    ("card.accepted.v1", ORIGIN | CARD | {"unionid": "u1"}),
    ("card.deleted.v1", ORIGIN | CARD),
    ("card.used.v1", ORIGIN | CARD),
    ("card.used.v1", ORIGIN | CARD | {"transaction_id": TX}),
    ("notice.delivered.v1", ORIGIN | {"status": "blocked"}),
    ("conversation.entered.v1", ORIGIN),
    ("unionid.resolved.v1", ORIGIN | {"unionid": "u1", "method": "batchget"}),
    ("openid.changed.v1", ORIGIN | FORMER),
    ("openid.changed.v1", {"appid": "wx2", "openid": "o0"} | FORMER),
    ("account.followed.v1", ORIGIN),
    ("account.followed.v1", ORIGIN | {"event_key": ""}),
    ("account.followed.v1", ORIGIN | {"event_key": "qrscene_门店 12", "ticket": "gQ=="}),
    ("message.received.v1", ORIGIN | {"msg_id": "6349323426230210995", "msg_type": "voice"}),
    ("link.viewed.v1", ORIGIN | {"event_key": "x" * 1024}),
    ("session.logged_in.v1", ORIGIN),
    ("content.uploaded.v1", ORIGIN | {"content_id": "c", "content_type": "text"}),
    ("attendee.checked_in.v1", ORIGIN | LIST),
    ("attendee.checked_in.v1", UNION | LIST),
    ("attendee.checked_in.v1", ORIGIN | UNION | LIST),
    ("member.enrolled.v1", {"member_id": "m", "transaction_id": TX}),
    ("member.enrolled.v1", {"member_id": "m", "consumer_id": "origin.wx1.o1"} | UNION),
    ("consent.granted.v1", CONSENT | UNION),
    ("consent.granted.v1", CONSENT | UNION | {"channel": "mall"}),
    ("consent.withdrawn.v1", CONSENT | UNION),
    ("consent.withdrawn.v1", {"channel": "wechat"} | ORIGIN),
    ("offer.issued.v1", data_of("offer.issued.v1", points=0, benefits=...)),
    ("offer.issued.v1", data_of("offer.issued.v1", origins=[], reasons=[])),
    ("entry.posted.v1", data_of("entry.posted.v1", points=-5, balance=-5, kind="clawback")),
    (
        "entry.posted.v1",
        data_of("entry.posted.v1", kind="transfer_out", counterpart="union.main.u1"),
    ),
]

REFUSED: list[tuple[str, dict[str, Any]]] = each(
    # neither shape, or both at once
    ("payment.succeeded.v1", payment(sp_appid="wx1"), payment(sub_mchid="1"), payment(**PARTNER)),
    ("payment.succeeded.v1", payment(payer=PARTNER["payer"]), partner_payment(appid="wx1")),
    ("payment.succeeded.v1", partner_payment(payer={"openid": "o1"})),
    ("payment.succeeded.v1", payment(trade_state="NOTPAY"), payment(trade_type="BARTER")),
    ("payment.succeeded.v1", payment(attach="x" * 129)),
    ("payment.succeeded.v1", payment(success_time="2026-03-01T08:12:30")),
    ("payment.succeeded.v1", payment(success_time=1_772_323_950)),
    ("payment.succeeded.v1", payment(amount={"total": -1, "payer_total": 0})),
    ("payment.succeeded.v1", payment(amount={"total": 28.5, "payer_total": 0})),
    ("payment.succeeded.v1", payment(amount={"total": "28", "payer_total": 0})),
    ("payment.succeeded.v1", payment(amount={"total": True, "payer_total": 0})),
    ("payment.succeeded.v1", payment(amount={"total": 1, "payer_total": 1, "currency": "USD"})),
    ("payment.succeeded.v1", payment(payer={"openid": "OPENID"}), payment(payer={"openid": ""})),
    ("payment.succeeded.v1", payment(scene_info={"store_info": {}})),
    ("payment.succeeded.v1", changed(payment(), "promotion_detail.0.scope", "LOCAL")),
    ("payment.succeeded.v1", changed(payment(), "promotion_detail.0.secret", 1)),
    ("refund.succeeded.v1", refund(user_received_account="招商银行信用卡0403")),
    ("refund.succeeded.v1", refund(refund_status="ABNORMAL"), refund(sp_mchid="1", sub_mchid="2")),
    ("refund.succeeded.v1", refund(mchid=..., sp_mchid="1"), refund(openid="o1")),
    ("payment.succeeded.v1", MALL | {"code": "478515832665"}),
    ("payment.succeeded.v1", payment(time_end="2026-03-01T08:12:30+08:00")),
    ("refund.succeeded.v1", MALL_REFUND | {"amount": 2300}),
    ("coupon.received.v1", COUPON, COUPON | {"appid": "wx1"}, COUPON | {"openid": "o1"}),
    ("coupon.received.v1", COUPON | {"unionid": "u1", "transaction_id": TX}),
    ("coupon.used.v1", COUPON | ORIGIN),
    ("card.accepted.v1", ORIGIN),
    ("card.deleted.v1", ORIGIN | CARD | {"unionid": "u1"}),
    ("card.used.v1", ORIGIN | CARD | {"staff_openid": "oStaff"}),
    ("mall.authorised.v1", ORIGIN | {"mchid": "1", "auth_type": "REGISTERED_MODE "}),
    ("notice.delivered.v1", ORIGIN | {"status": "success"}),
    ("subscription.answered.v1", ORIGIN | {"template_id": "t", "accepted": "accept"}),
    ("conversation.entered.v1", ORIGIN | {"session_from": "x"}),
    ("unionid.resolved.v1", ORIGIN | {"method": "batchget"}),
    ("unionid.resolved.v1", ORIGIN | {"unionid": "u1", "method": "guess"}),
    ("openid.changed.v1", ORIGIN),
    ("consent.granted.v1", {"channel": "wechat"} | ORIGIN),
    ("account.followed.v1", {"openid": "o1"}, ORIGIN | {"event_key": "poster-7"}),
    ("account.unfollowed.v1", ORIGIN | {"event_key": "last_trade_no_1"}),
    ("qrcode.scanned.v1", ORIGIN),
    ("menu.clicked.v1", ORIGIN | {"event_key": ""}),
    ("link.viewed.v1", ORIGIN | {"event_key": "x" * 1025}),
    ("message.received.v1", ORIGIN | {"msg_id": 6349323426230210995, "msg_type": "text"}),
    ("message.received.v1", ORIGIN | {"msg_id": "6", "msg_type": "text", "content": "hello"}),
    ("session.logged_in.v1", ORIGIN | {"unionid": "UNIONID"}, ORIGIN | {"session_key": "c2VjcmV0"}),
    ("session.logged_in.v1", ORIGIN | {"is_snapshot_user": 1}),
    ("cart.added.v1", ORIGIN | {"product_id": "p", "quantity": 0}),
    ("livestream.watched.v1", ORIGIN | {"room_id": "r", "watched_s": -1}),
    ("content.uploaded.v1", ORIGIN | {"content_id": "c", "content_type": "audio"}),
    # nobody, or half an identifier
    ("attendee.checked_in.v1", LIST, LIST | {"openid": "o1"}, LIST | {"appid": "wx1"}),
    ("attendee.checked_in.v1", LIST | UNION | {"openid": "o1"}, LIST | ORIGIN | {"unionid": "u1"}),
    ("attendee.checked_in.v1", LIST | {"appid": None, "openid": None}),
    ("attendee.checked_in.v1", LIST | {"transaction_id": TX}),
    ("check_in.reverted.v1", LIST | UNION),
    ("member.enrolled.v1", {"member_id": "m"}, UNION, {"member_id": "m", "offer_id": "x"}),
    ("member.enrolled.v1", {"member_id": "m", "consumer_id": "union.main"}),
    ("member.enrolled.v1", {"member_id": "m", "consumer_id": "origin.wx1.OPENID"}),
    ("consent.granted.v1", CONSENT | UNION | {"channel": "phone"}),
    ("consent.granted.v1", CONSENT | UNION | {"member_id": "m"}),
    ("offer.issued.v1", data_of("offer.issued.v1", revision=0)),
    ("offer.issued.v1", data_of("offer.issued.v1", points=-1)),
    ("offer.issued.v1", data_of("offer.issued.v1", text={"en": "Sign up"})),
    ("offer.issued.v1", data_of("offer.issued.v1", text={"zh_cn": "好", "en": "Sign up"})),
    ("offer.withdrawn.v1", data_of("offer.withdrawn.v1", reason="mood")),
    ("payout.issued.v1", data_of("payout.issued.v1", points=-1)),
    ("payout.issued.v1", data_of("payout.issued.v1", pending_points=0)),
    ("offer.issued.v1", data_of("offer.issued.v1", pending_points=-5)),
    ("payout.corrected.v1", data_of("payout.corrected.v1", points=0)),
    ("entry.posted.v1", data_of("entry.posted.v1", points=0)),
    ("entry.posted.v1", data_of("entry.posted.v1", kind="gift")),
    ("entry.posted.v1", data_of("entry.posted.v1", group="other")),
    ("payout.corrected.v1", data_of("payout.corrected.v1", group="control")),
    ("offer.lapsed.v1", data_of("offer.lapsed.v1", experiment="spring_2026")),
)

#: Rules over two fields, which the JSON Schema files cannot say.
REFUSED_BY_THE_MODEL_ONLY: list[tuple[str, dict[str, Any]]] = [
    ("payment.succeeded.v1", partner_payment(payer={})),
    ("payment.succeeded.v1", partner_payment(sub_appid=None, payer={"sub_openid": "oSUB"})),
    ("refund.succeeded.v1", refund_amount(refund=2801)),
    ("entry.posted.v1", data_of("entry.posted.v1", counterpart="union.main.u1")),
    ("refund.succeeded.v1", MALL_REFUND | {"refund_amount": 2301}),
    ("openid.changed.v1", ORIGIN | {"former_appid": "wx1", "former_openid": "o1"}),
]


@cache
def validator(event_type: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(CONTRACTS[event_type]))


def schema_accepts(event_type: str, data: object) -> bool:
    return bool(validator(event_type).is_valid(data))


@pytest.mark.parametrize(("event_type", "data"), TAKEN)
def test_taken(event_type: str, data: dict[str, Any]) -> None:
    CONTRACTS[event_type].validate(data)
    assert schema_accepts(event_type, data)


@pytest.mark.parametrize(("event_type", "data"), REFUSED)
def test_refused(event_type: str, data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CONTRACTS[event_type].validate(data)
    assert not schema_accepts(event_type, data)


@pytest.mark.parametrize(("event_type", "data"), REFUSED_BY_THE_MODEL_ONLY)
def test_refused_by_the_model_only(event_type: str, data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CONTRACTS[event_type].validate(data)
    assert schema_accepts(event_type, data)


def inside(schema: Any) -> list[Any]:
    """Every part of a schema which describes an object."""
    found = [schema] if isinstance(schema, dict) and "properties" in schema else []
    children = schema.values() if isinstance(schema, dict) else schema
    return found + [o for c in children if isinstance(c, dict | list) for o in inside(c)]


@pytest.mark.parametrize("event_type", TYPES)
def test_what_is_read_is_closed_and_what_is_emitted_leaves_room_for_its_readers(
    event_type: str,
) -> None:
    contract, data = CONTRACTS[event_type], example(event_type).get("data", {})
    more = data | {"unheard_of": 1}
    with pytest.raises(ValidationError, match="Extra inputs"):
        contract.adapter.validate_python(more)  # what we write is exact
    objects = inside(json_schema(contract))
    rooms = {part.get("additionalProperties", True) for part in objects if part.get("type")}
    if contract.direction == "out":
        assert contract.validate(more) == contract.validate(data)
        assert schema_accepts(event_type, more)
        assert rooms == {True}
    else:
        with pytest.raises(ValidationError, match="Extra inputs"):
            contract.validate(more)
        assert not schema_accepts(event_type, more)
        assert rooms == {False}


@pytest.mark.parametrize("event_type", WITH_DATA)
def test_every_required_field_is_required(event_type: str) -> None:
    contract, data = CONTRACTS[event_type], example(event_type)["data"]
    required = [
        name
        for name in data
        if not schema_accepts(event_type, {k: v for k, v in data.items() if k != name})
    ]
    for name in required:
        with pytest.raises(ValidationError):
            contract.validate({k: v for k, v in data.items() if k != name})
    assert required


def test_the_origin_of_a_payment() -> None:
    validate = CONTRACTS["payment.succeeded.v1"].validate

    def origin(data: dict[str, Any]) -> tuple[str, str]:
        model = validate(data)
        assert isinstance(model, DirectPayment | PartnerPayment | MallPayment)
        return model.origin

    assert origin(payment(appid="wx1", payer={"openid": "o1"})) == ("wx1", "o1")
    assert origin(MALL) == ("wx1", "o1")
    assert origin(partner_payment()) == ("wxSUB", "oSUB")
    assert origin(partner_payment(sub_appid=None)) == ("wxSP", "oSP")
    assert origin(partner_payment(payer={"sp_openid": "oSP"})) == ("wxSP", "oSP")


def test_who_is_named() -> None:
    followed = AccountFollowed.model_validate(ORIGIN | {"event_key": f"last_trade_no_{TX}"})
    assert (followed.origin, followed.transaction_id) == (("wx1", "o1"), TX)
    assert (
        AccountFollowed.model_validate(ORIGIN | {"event_key": "qrscene_1"}).transaction_id is None
    )
    assert AccountFollowed.model_validate(ORIGIN).transaction_id is None
    assert AnyIdentifier.model_validate(ORIGIN).union is None
    assert AnyIdentifier.model_validate(UNION).origin is None
    assert AnyIdentifier.model_validate(UNION).union == ("main", "u1")


def test_models_are_frozen_and_equal_by_value() -> None:
    origin = Origin(appid="wx1", openid="o1")
    with pytest.raises(ValidationError, match="frozen"):
        origin.appid = "wx2"  # type: ignore[misc]
    assert origin == Origin(appid="wx1", openid="o1")
    issued = example("offer.issued.v1")["data"]
    validate = CONTRACTS["offer.issued.v1"].validate
    assert len({validate(issued), validate(orjson.loads(orjson.dumps(issued)))}) == 1
