# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.engine.model.touchpoints import UNREWARDABLE, Touchpoint


def test_stored_numbers_never_change() -> None:
    assert {t.label: int(t) for t in Touchpoint} == {
        "purchase": 1, "follow": 2, "unfollow": 3, "scan": 4, "menu_click": 5, "link_view": 6,
        "message": 7, "login": 8, "page_view": 9, "product_view": 10, "add_to_cart": 11,
        "order": 12, "share": 13, "live_stream": 14, "upload": 15, "registration": 16,
        "check_in": 17, "check_out": 18, "coupon_received": 19, "coupon_used": 20,
        "card_accepted": 21, "card_deleted": 22, "card_used": 23, "mall_authorised": 24,
        "conversation": 25, "notice": 26, "subscription": 27, "identified": 28, "birthday": 29,
    }  # fmt: skip


def test_what_wechat_forbids_to_reward() -> None:
    assert {t.label for t in UNREWARDABLE} == {"follow", "share"}
