# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.wechat_identity import OpenidChanged
from stream.wechat.delivery_result import DeliveryRejected
from stream.wechat.openid_changes import Change, Unchanged, read_changes

FORMER, NEW = "wx0000000000000old", "wx0000000000000new"
TIME = datetime(2026, 3, 1, tzinfo=UTC)


def changes(*results: Any, new: str = NEW) -> list[Change]:
    return read_changes({"errcode": 0, "result_list": list(results)}, FORMER, new, TIME)


def test_an_openid_and_its_successor_are_one_person() -> None:
    [change] = changes({"ori_openid": "oOldMei", "new_openid": " oMei", "err_msg": "ok"})
    assert change.event is not None
    assert (change.former, change.event.topic, change.event.type) == (
        "oOldMei",
        "privacy.requests",
        "openid.changed.v1",
    )
    expected = OpenidChanged(appid=NEW, openid="oMei", former_appid=FORMER, former_openid="oOldMei")
    assert change.event.data == expected
    [again] = changes({"ori_openid": "oOldMei", "new_openid": "oMei", "err_msg": "ok"})
    assert again.event is not None
    assert again.event.id == change.event.id


@pytest.mark.parametrize(
    ("result", "unchanged"),
    [
        ({"ori_openid": "oOldLi", "err_msg": "ori_openid error"}, Unchanged.NO_FOLLOWER),
        ({"ori_openid": "oOldLi", "err_msg": "?"}, Unchanged.UNREADABLE),
        ({"ori_openid": "oOldLi", "new_openid": ""}, Unchanged.UNREADABLE),
        ({"ori_openid": "oOldLi", "new_openid": "OPENID"}, Unchanged.UNREADABLE),
        ({"new_openid": "oLi"}, Unchanged.UNREADABLE),
        ("oOldLi", Unchanged.UNREADABLE),
    ],
)
def test_what_has_no_successor_says_why(result: Any, unchanged: Unchanged) -> None:
    [change] = changes(result)
    assert (change.event, change.unchanged) == (None, unchanged)


def test_a_change_into_itself_is_none() -> None:
    [change] = changes({"ori_openid": "oMei", "new_openid": "oMei"}, new=FORMER)
    assert change.unchanged is Unchanged.SAME


def test_another_answer_is_rejected() -> None:
    with pytest.raises(DeliveryRejected, match="result_list"):
        read_changes({"errcode": 0}, FORMER, NEW, TIME)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["ori_openid", "new_openid", "err_msg"]),
            st.one_of(st.text(max_size=8), st.none(), st.integers()),
        )
    )
)
def test_any_results(results: list[Any]) -> None:
    for change in changes(*results):
        assert (change.event is None) == (change.unchanged is not None)
