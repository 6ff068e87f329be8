# SPDX-License-Identifier: Apache-2.0
"""Source events for the tests of the shell: small, valid, with ids that are easy to read."""

from __future__ import annotations

from typing import Any

from tests.support import payloads

MINI_PROGRAM = "wx1a2b3c4d5e6f7a02"
TILL = "wx1a2b3c4d5e6f7a03"
MERCHANT = "1649206183"
DAY_MS = 86_400_000


def openid(number: int) -> str:
    return f"oTest{number:023d}"


def unionid(number: int) -> str:
    return f"uTest{number:023d}"


def envelope(id_: str, type_: str, time_ms: int, data: dict[str, Any]) -> bytes:
    """A plain JSON event."""
    return payloads.structured(type_, id_, time_ms, data, "urn:example:tests")


def consent(person: int, time_ms: int) -> tuple[str, bytes]:
    data = {
        "appid": MINI_PROGRAM,
        "openid": openid(person),
        "text_version": "1",
        "channel": "mini_program",
    }
    return "privacy.requests", envelope(f"consent-{person}", "consent.granted.v1", time_ms, data)


def login(person: int, number: int, time_ms: int) -> tuple[str, bytes]:
    data = {"appid": MINI_PROGRAM, "openid": openid(person), "unionid": unionid(person)}
    event = envelope(f"login-{person}-{number}", "session.logged_in.v1", time_ms, data)
    return "wechat.mini-program", event


def payment(
    person: int, number: int, time_ms: int, fen: int = 2000, appid: str = MINI_PROGRAM
) -> tuple[str, bytes]:
    transaction, trade = f"4200{person:08d}{number:08d}", f"T{person}-{number}"
    data = payloads.payment(
        time_ms, transaction, openid(person), fen, appid=appid, mchid=MERCHANT, trade=trade
    )
    event = envelope(f"pay-{person}-{number}", "payment.succeeded.v1", time_ms, data)
    return "wechat.pay", event


def follow(person: int, time_ms: int, appid: str = "wx1a2b3c4d5e6f7a01") -> tuple[str, bytes]:
    data = {"appid": appid, "openid": openid(person)}
    event = envelope(f"follow-{person}", "account.followed.v1", time_ms, data)
    return "wechat.official-account", event


def shopper(person: int, now_ms: int, days: int = 20) -> list[tuple[str, bytes]]:
    """Somebody who agrees, logs in, buys breakfast every day, and opens the mini-program."""
    events = [consent(person, now_ms - (days + 2) * DAY_MS)]
    events.append(login(person, 0, now_ms - (days + 1) * DAY_MS))
    events += [payment(person, n, now_ms - (days - n) * DAY_MS) for n in range(days)]
    events.append(login(person, 1, now_ms - 1000))
    return events
