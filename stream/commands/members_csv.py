# SPDX-License-Identifier: Apache-2.0
"""Read members of the loyalty programme from a CRM's CSV file, as enrolment events. Pure.

The first line names the columns: ``member_id``, ``enrolled_at``, and the person: ``unionid`` with
``open_account``, ``appid`` with ``openid``, or all four. A member with several openids has several
lines. ``enrolled_at`` is a time with a zone, or a day (from midnight in Shanghai).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from schemas import Event, parse_time, time_ms
from schemas.crm import MEMBER_ENROLLED, MemberEnrolled
from schemas.topics import TOPIC_ENROLMENTS
from schemas.validation_errors import describe
from stream.engine.intake.event_to_messages import route
from stream.engine.model.directory import Directory
from stream.engine.model.ids import digest
from stream.engine.model.time_checks import Horizons, Rejected
from stream.wechat.delivery_result import OutboundEvent

WHO: Final = ("unionid", "open_account", "appid", "openid")
COLUMNS: Final = ("member_id", "enrolled_at", *WHO)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class MemberLine:
    """One line of the file: an enrolment, or the problem with it."""

    number: int
    event: OutboundEvent | None = None
    problem: str = ""


def read_members(lines: Iterable[str], directory: Directory, now_ms: int) -> Iterator[MemberLine]:
    """All lines after the first; an event that would become a dead letter is a problem."""
    rows = csv.reader(lines, strict=True)
    try:
        names = [name.strip() for name in next(rows, [])]
        names[:1] = [name.removeprefix("\ufeff") for name in names[:1]]
        if problem := _of_header(names):
            yield MemberLine(1, problem=problem)
            return
        for row in rows:
            if row:
                yield _line(rows.line_num, names, row, directory, now_ms)
    except csv.Error as error:
        yield MemberLine(rows.line_num, problem=f"The file is not CSV from here on: {error}.")


def _of_header(names: list[str]) -> str:
    if len(set(names)) < len(names) or not {"member_id", "enrolled_at"} <= set(names):
        return f"The first line must name the columns, each once: {', '.join(COLUMNS)}."
    if unknown := [name for name in names if name not in COLUMNS]:
        return f"{len(unknown)} columns are none of {', '.join(COLUMNS)}."
    return ""


def _line(
    number: int, names: list[str], row: list[str], directory: Directory, now_ms: int
) -> MemberLine:
    if len(row) != len(names):
        return MemberLine(number, problem=f"It has {len(row)} cells, the first line {len(names)}.")
    cells = {name: cell.strip() for name, cell in zip(names, row, strict=True) if cell.strip()}
    try:
        event = _event(cells)
    except ValidationError as error:
        return MemberLine(number, problem=describe(error))
    except ValueError as error:
        return MemberLine(number, problem=f"enrolled_at {error}.")
    at_ms = time_ms(event.time)
    read = Event(event.id, "urn:members", event.type, event.time, at_ms, event.data)
    routed = route(read, lambda _: None, directory, Horizons(35, 366), now_ms, now_ms)
    if isinstance(routed, Rejected):
        return MemberLine(number, problem=f"{routed.reason}: {routed.message}")
    return MemberLine(number, event)


def _event(cells: Mapping[str, str]) -> OutboundEvent:
    given = cells.get("enrolled_at", "")
    time = parse_time(f"{given}T00:00:00+08:00" if _DAY.fullmatch(given) else given)
    model = MemberEnrolled.model_validate({k: v for k, v in cells.items() if k != "enrolled_at"})
    id_ = digest(*(cells.get(name, "") for name in COLUMNS))
    return OutboundEvent(TOPIC_ENROLMENTS, MEMBER_ENROLLED, f"member:{id_}", time, model)
