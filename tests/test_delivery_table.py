# SPDX-License-Identifier: Apache-2.0
"""The page of the gateway has every kind of delivery, and what becomes of it."""

from __future__ import annotations

from stream.wechat.pay.kinds import Kind as PayKind
from stream.wechat.push.events import PUSHES
from stream.wechat.push.events import Kind as PushKind
from tests.support.delivery_table import COMMAND, PAGE, updated


def test_the_table_is_that_of_the_code() -> None:
    page = PAGE.read_text("utf-8")
    assert page == updated(), f"It differs. If that is intended, accept it with: {COMMAND}"
    assert all(f"| pay | `{kind}` |" in page for kind in PayKind)
    assert all(f"| push | `{kind}` |" in page for kind in PushKind)
    assert all(f"`{name}`" in page for name in PUSHES)
