# SPDX-License-Identifier: Apache-2.0
"""Generate visits: each is a few touchpoints of one consumer that belong together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas import check_in, mini_program
from schemas import official_account as oa
from stream.demo.clock import HOUR_MS, MINUTE_MS, rfc3339
from stream.demo.journal import Journal
from stream.demo.payments import breakfast_fen, pay
from stream.demo.people import Consumer
from stream.engine.model.calendar import DAY_MS

Visit = Callable[[Journal, Consumer], None]

_PAGES = ("pages/index/index", "pages/menu/index", "pages/store/nearby", "pages/me/index")
_SCENES = (1001, 1011, 1035, 1047, 1089)
_MENU = ("MENU_OFFERS", "MENU_STORES", "MENU_MINE", "MENU_CLASSES")
_MESSAGES = ("text", "image", "voice")
_PRICES_FEN = (9900, 15900, 25900, 4500, 39900)


def till_purchase(journal: Journal, consumer: Consumer) -> None:
    """Breakfast or lunch at the till."""
    at = journal.clock.moment(consumer.brand.hours)
    pay(journal, consumer, "till", at, breakfast_fen(journal))


def takings_of_former_days(journal: Journal, consumer: Consumer) -> None:
    """Payments that a till kept while it was offline, uploaded at night."""
    for _ in range(journal.rng.randint(2, 9)):
        at = journal.clock.earlier(27, consumer.brand.hours)
        night = journal.clock.start + journal.rng.randrange(1 * HOUR_MS, 5 * HOUR_MS)
        price = breakfast_fen(journal)
        pay(journal, consumer, "till", at, price, arrives_ms=night, trade_type="MICROPAY")


def order_ahead(journal: Journal, consumer: Consumer) -> None:
    """From the menu to the paid order, in the mini-program."""
    at = browse(journal, consumer)
    price = breakfast_fen(journal) if consumer.brand.name == "abc" else _price(journal)
    _buy(journal, consumer, at, price)


def browse(journal: Journal, consumer: Consumer) -> int:
    """Browse in the mini-program; return when it ended (ms)."""
    rng, who = journal.rng, consumer.origin("mini")
    at = journal.clock.moment(consumer.brand.hours) + rng.randrange(1000)
    for _ in range(rng.randint(1, 2)):
        page = {**who, "path": rng.choice(_PAGES), "scene": rng.choice(_SCENES)}
        journal.note(consumer, mini_program.PAGE_VIEWED, at, page, key=who["openid"])
        at += rng.randrange(2_000, 40_000)
    product = {
        **who,
        "product_id": f"P-{rng.randrange(300):04d}",
        "price_fen": _price(journal),
        "path": "pages/product/index",
    }
    journal.note(consumer, mini_program.PRODUCT_VIEWED, at, product, key=who["openid"])
    if journal.chance(0.08):
        shared = {**who, "path": "pages/product/index", "share_method": "app_message"}
        journal.note(consumer, mini_program.CONTENT_SHARED, at + 5_000, shared)
    return at + rng.randrange(3_000, 30_000)


def tasting(journal: Journal, consumer: Consumer) -> None:
    """An ABC tasting: scan the code at the table, then be checked in by the staff."""
    at = journal.clock.moment(consumer.brand.hours, 9, 21)
    scanned = {
        **consumer.origin("account"),
        "event_key": f"tasting_{consumer.number % 12:02d}",
        "ticket": f"gQ{journal.rng.getrandbits(64):016x}",
    }
    journal.note(consumer, oa.QRCODE_SCANNED, at, scanned)
    if journal.chance(0.5):
        _attend(journal, consumer, at + MINUTE_MS, "tasting")


def fitness_class(journal: Journal, consumer: Consumer) -> None:
    """Register, check in, mostly check out; sometimes a check-in was a mistake."""
    _attend(journal, consumer, journal.clock.moment(consumer.brand.hours, 6, 22), "class")


def live_stream(journal: Journal, consumer: Consumer) -> None:
    """An evening live stream, watched for a while."""
    rng, who = journal.rng, consumer.origin("mini")
    at = journal.clock.moment(consumer.brand.hours, 18, 24) + rng.randrange(1000)
    seen = {**who, "room_id": f"room-{rng.randint(1, 5)}", "watched_s": rng.randrange(20, 3600)}
    journal.note(consumer, mini_program.LIVESTREAM_WATCHED, at, seen, key=who["openid"])


def upload(journal: Journal, consumer: Consumer) -> None:
    """Upload a picture, a video or a review of a training."""
    rng, who = journal.rng, consumer.origin("mini")
    at = journal.clock.moment(consumer.brand.hours) + rng.randrange(1000)
    kind = rng.choice(("image", "image", "video", "review", "text"))
    sent = {**who, "content_id": f"c{rng.getrandbits(60):015x}", "content_type": kind}
    journal.note(consumer, mini_program.CONTENT_UPLOADED, at, sent, key=who["openid"])


def account_menu(journal: Journal, consumer: Consumer) -> None:
    """In the Official Account: the menu, a link, a message to the shop."""
    rng, who = journal.rng, consumer.origin("account")
    at = journal.clock.moment(consumer.brand.hours)
    clicked = {**who, "event_key": rng.choice(_MENU)}
    journal.note(consumer, oa.MENU_CLICKED, at, clicked, key=who["openid"])
    if journal.chance(0.5):
        viewed = {**who, "event_key": "https://example.com/offers", "menu_id": "430001"}
        journal.note(consumer, oa.LINK_VIEWED, at + 4_000, viewed, key=who["openid"])
    if journal.chance(0.3):
        sent = str(rng.randrange(2**62, 2**63))
        message = {**who, "msg_id": sent, "msg_type": rng.choice(_MESSAGES)}
        journal.note(consumer, oa.MESSAGE_RECEIVED, at + 9_000, message)


#: Brand -> app it needs -> visits with their weights.
VISITS: dict[str, tuple[tuple[str, Visit, int], ...]] = {
    "abc": (
        ("till", till_purchase, 46),
        ("till", takings_of_former_days, 5),
        ("mini", order_ahead, 14),
        ("mini", lambda journal, consumer: _ignore(browse(journal, consumer)), 10),
        ("account", tasting, 9),
        ("account", account_menu, 12),
    ),
    "fit": (
        ("mini", fitness_class, 30),
        ("account", fitness_class, 12),
        ("mini", live_stream, 16),
        ("mini", upload, 9),
        ("mini", order_ahead, 9),
        ("mini", lambda journal, consumer: _ignore(browse(journal, consumer)), 12),
        ("account", account_menu, 10),
    ),
}


def visit(journal: Journal, consumer: Consumer) -> None:
    """One visit that this consumer can make."""
    options = [(v, w) for role, v, w in VISITS[consumer.brand.name] if role in consumer.openids]
    journal.rng.choices([v for v, _ in options], [w for _, w in options])[0](journal, consumer)


def _ignore(_: int) -> None:
    """Drop the result, so that the function fits `Visit`."""


def _price(journal: Journal) -> int:
    return journal.rng.choice(_PRICES_FEN)


def _buy(journal: Journal, consumer: Consumer, at: int, total_fen: int) -> None:
    rng, who = journal.rng, consumer.origin("mini")
    added = {**who, "product_id": f"P-{rng.randrange(300):04d}", "quantity": rng.randint(1, 3)}
    journal.note(consumer, mini_program.CART_ADDED, at, added, key=who["openid"])
    if journal.chance(0.25):
        return  # left behind
    order = journal.order_number()
    placed = {**who, "order_id": order, "total_fen": total_fen}
    journal.note(consumer, mini_program.ORDER_PLACED, at + 20_000, placed, key=order)
    if journal.chance(0.85):
        paid_at = (at + 45_000) // 1000 * 1000
        if paid_at < journal.clock.end:
            pay(journal, consumer, "mini", paid_at, total_fen, order=order, trade_type="JSAPI")


def _attend(journal: Journal, consumer: Consumer, at: int, event: str) -> None:
    """Events of a ticket system, with those of the consumer's ids that it knows."""
    rng = journal.rng
    origin = consumer.origin(next(iter(consumer.openids)))
    who = rng.choice((consumer.union(), origin, consumer.union() | origin))
    ticket: dict[str, Any] = {
        **who,
        "event_id": f"{event}-{consumer.brand.name}-{at // DAY_MS}",
        "ticket_id": f"TK-{rng.getrandbits(48):012x}",
    }
    registered_at = at - rng.randrange(1, 72) * HOUR_MS
    word = journal.clock.start + (at - journal.clock.start) // 2
    journal.note(consumer, check_in.ATTENDEE_REGISTERED, registered_at, ticket, arrives_ms=word)
    at_door = {**ticket, "list_id": "main-door"}
    journal.note(consumer, check_in.ATTENDEE_CHECKED_IN, at, at_door, key=ticket["ticket_id"])
    if journal.chance(0.06):
        taken_back = at + 3 * MINUTE_MS
        data = {**at_door, "checked_in_at": rfc3339(at)}
        journal.note(consumer, check_in.CHECK_IN_REVERTED, taken_back, data)
    elif journal.chance(0.7):
        journal.note(consumer, check_in.ATTENDEE_CHECKED_OUT, at + HOUR_MS, at_door)
