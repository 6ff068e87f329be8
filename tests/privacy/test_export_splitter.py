# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson
import pytest

from stream.privacy.export_splitter import parts_of

DOCUMENT: dict[str, Any] = {
    "consumer_id": "union.abc.u1",
    "origins": [{"appid": "wxmp", "openid": "oMei"}],
    "account": {
        "balance": 7,
        "touches": [{"time": n, "by": "x" * 20} for n in range(40)],
        "consents": [{"time": n} for n in range(10)],
    },
    "payments": [{"transaction_id": str(n)} for n in range(30)],
    "ledger": [{"id": "é" * n} for n in range(30)],
    "offers": [],
    "identity": [{"id": n} for n in range(3)],
    "traits": [{"id": n} for n in range(2)],
}


def test_what_fits_is_one_document_as_it_is() -> None:
    assert parts_of(DOCUMENT, len(orjson.dumps(DOCUMENT))) == [DOCUMENT]


@pytest.mark.parametrize("bytes_max", [400, 1_000, len(orjson.dumps(DOCUMENT)) - 1])
def test_parts_fit_and_together_say_the_same(bytes_max: int) -> None:
    parts = parts_of(DOCUMENT, bytes_max)

    assert all(len(orjson.dumps(part)) <= bytes_max for part in parts)
    assert [(part["part"], part["parts"]) for part in parts] == [
        (n, len(parts)) for n in range(1, len(parts) + 1)
    ]
    again = {key: value for key, value in parts[0].items() if key not in ("part", "parts")}
    for part in parts[1:]:
        assert part["origins"] == DOCUMENT["origins"]
        assert part["account"]["balance"] == 7
        for name in ("touches", "consents"):
            again["account"][name] += part["account"][name]
        for name in ("payments", "ledger", "offers", "identity", "traits"):
            again[name] += part[name]
    assert again == DOCUMENT


def test_a_person_without_an_account_has_parts_too() -> None:
    alone = {key: value for key, value in DOCUMENT.items() if key != "account"}
    assert len(parts_of(alone, 400)) > 1


def test_what_has_no_room_for_one_item_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        parts_of(DOCUMENT, 250)
