# SPDX-License-Identifier: Apache-2.0
"""A stand-in for pretix: order positions over REST, and the webhooks it would send about them.

As pretix does (doc/api/resources/orders.rst, src/pretix/api/webhooks.py): a webhook names no
person and no time, and a check-in which is reverted is deleted.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from aiohttp import web

from tests.services.web import serving

_POSITION = "/api/v1/organizers/{organizer}/events/{event}/orderpositions/{id}/"


@dataclass
class Pretix:
    """One organizer's shop. ``faults`` are statuses to answer with first; 0 is no answer at all."""

    organizer: str = "abc"
    event: str = "tasting-2026"
    token: str = "pretix-token"
    positions: dict[int, dict[str, Any]] = field(default_factory=dict)
    faults: deque[int] = field(default_factory=deque)
    requests: int = 0
    url: str = ""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(123_455))

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Self]:
        pretix = cls()
        async with serving("GET", _POSITION, pretix._position) as pretix.url:
            yield pretix

    def sell(self, ticket: int, **answers: str) -> None:
        """A ticket whose buyer answered the questions with these identifiers."""
        self.positions[ticket] = {
            "id": ticket,
            "order": "ABC23",
            "positionid": 1,
            "attendee_name": "Mei",
            "secret": "z3fsn8jyufm5kpk768q69gkbyr5f4h6w",
            "checkins": [],
            "answers": [
                {
                    "question": 12 + number,
                    "question_identifier": identifier,
                    "answer": answer,
                    "options": [],
                    "option_identifiers": [],
                }
                for number, (identifier, answer) in enumerate(answers.items())
            ],
        }

    def check_in(
        self, ticket: int, list_: int, at: datetime, type_: str = "entry"
    ) -> dict[str, Any]:
        """Scan a ticket; the webhook which tells of it."""
        known = self.positions[ticket]["checkins"]
        first = not any(c["list"] == list_ and c["type"] == type_ for c in known)
        known.append({"list": list_, "datetime": at.isoformat(), "type": type_, "gate": None})
        webhook = self.webhook(ticket, list_, "pretix.event.checkin")
        return webhook | {"type": type_, "first_checkin": first}

    def revert(self, ticket: int, list_: int) -> dict[str, Any]:
        """Take back all check-ins of a ticket on a list; the webhook which tells of it."""
        position = self.positions[ticket]
        position["checkins"] = [c for c in position["checkins"] if c["list"] != list_]
        return self.webhook(ticket, list_, "pretix.event.checkin.reverted")

    def webhook(self, ticket: int, list_: int, action: str) -> dict[str, Any]:
        """The body of a call."""
        return {
            "notification_id": next(self._numbers), "organizer": self.organizer,
            "event": self.event, "code": "ABC23", "action": action, "orderposition_id": ticket,
            "orderposition_positionid": 1, "checkin_list": list_, "type": None,
            "first_checkin": None,
        }  # fmt: skip

    async def _position(self, request: web.Request) -> web.Response:
        self.requests += 1
        if self.faults:
            fault = self.faults.popleft()
            if fault:
                return web.json_response({"detail": "Fault."}, status=fault)
            await asyncio.sleep(60)
        if request.headers.get("Authorization") != f"Token {self.token}":
            return web.json_response({"detail": "Invalid token."}, status=401)
        place = request.match_info
        if (place["organizer"], place["event"]) != (self.organizer, self.event):
            return web.json_response({"detail": "No such event."}, status=403)
        position = self.positions.get(int(place["id"]))
        if position is None:
            return web.json_response({"detail": "Not found."}, status=404)
        return web.json_response(position)
