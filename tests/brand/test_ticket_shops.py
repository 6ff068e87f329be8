# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.brand.ticket_shops import Holds, TicketShop


def test_a_shop_shows_no_secret() -> None:
    shop = TicketShop(
        organizer="abc",
        user="pretix",
        passwords=("first-secret", "second-secret"),
        base_url="https://tickets.abc.example",
        api_token="third-secret",
        question="WECHAT",
        holds=Holds.OPENID,
        appid="wxa",
    )

    assert "secret" not in repr(shop)
    assert "tickets.abc.example" in repr(shop)
