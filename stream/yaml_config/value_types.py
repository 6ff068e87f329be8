"""Types of single values in configuration files: amounts, dates, names, texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, NoReturn

from pydantic import AfterValidator, BeforeValidator, PlainValidator, StringConstraints
from pydantic_core import PydanticCustomError

from schemas.base import SHANGHAI
from stream.engine.model.touchpoints import Touchpoint
from stream.yaml_config.problems import quoted, suggestion

OPERANDS_MAX = 100  # values in one ``in`` list
OPERAND_CHARS_MAX = 1024
TEXT_CHARS_MAX = 500
AMOUNT_DECIMALS_MAX = 6

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = range(2011, 2101)  # WeChat appeared in 2011
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_AMOUNT = re.compile(rf"[0-9]{{1,9}}(\.[0-9]{{1,{AMOUNT_DECIMALS_MAX}}})?", re.ASCII)
_BRACES = re.compile(r"\{[^{}]*\}|[{}]")


def refuse(message: str) -> NoReturn:
    """Reject the value being validated, with ``message``."""
    raise PydanticCustomError("rules", "{message}", {"message": message})


def parse_touchpoint(value: object) -> Touchpoint:
    """The touchpoint of a label such as ``check_in``."""
    for touchpoint in Touchpoint:
        if value == touchpoint.label:
            return touchpoint
    known = [t.label for t in Touchpoint]
    refuse(f"there is no touchpoint {quoted(value)}; {suggestion(str(value), known)}")


def parse_moment(value: object) -> date:
    """A day, or a time with a zone (Shanghai's if none is given)."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        return _existing(value).date()
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        refuse("must be a date such as 2026-05-01, or a time such as 2026-05-01T07:30")
    moment = _existing(value)
    return moment.replace(tzinfo=SHANGHAI) if moment.tzinfo is None else moment


def _existing(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        refuse(f"{quoted(value)} is not in the calendar; check year, month, day and time")
    if moment.year not in _YEARS:
        refuse(f"the year must be between {_YEARS[0]} and {_YEARS[-1]}")
    return moment


def start_ms(moment: date) -> int:
    """The first instant of a Shanghai day, or the instant itself."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=SHANGHAI)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def end_ms(moment: date) -> int:
    """The instant at which a period ends: at the end of a day, or at a given time."""
    if isinstance(moment, datetime):
        return start_ms(moment)
    return start_ms(moment + timedelta(days=1))


def parse_amount(value: object) -> Decimal:
    """An exact decimal such as ``12.5``, with or without quotes."""
    text = str(value) if isinstance(value, str | int | Decimal) else ""
    if isinstance(value, bool) or not _AMOUNT.fullmatch(text):
        refuse(f"must be a plain number such as 12.5, with up to {AMOUNT_DECIMALS_MAX} decimals")
    return Decimal(text)


def amount_up_to(largest: int) -> Callable[[object], Decimal]:
    """A parser of amounts above 0 and up to ``largest``."""

    def parse(value: object) -> Decimal:
        amount = parse_amount(value)
        if not 0 < amount <= largest:
            refuse(f"must be more than 0 and at most {largest}")
        return amount

    return parse


Operand = str | int | bool | tuple[str | int | bool, ...]


def parse_operand(value: object) -> Operand:
    """The operand of a condition: one value, or a list of values."""
    if not isinstance(value, list):
        return _single(value)
    if not 0 < len(value) <= OPERANDS_MAX:
        refuse(f"must list between 1 and {OPERANDS_MAX} values")
    return tuple(_single(item) for item in value)


def _single(value: object) -> str | int | bool:
    if not isinstance(value, str | int | bool):
        refuse("must be text or a whole number")
    if isinstance(value, str) and len(value) > OPERAND_CHARS_MAX:
        refuse(f"must have at most {OPERAND_CHARS_MAX} characters")
    return value


def sized(least: int, most: int) -> BeforeValidator:
    """Check the number of entries of a list or mapping; other types are checked elsewhere."""

    def check(value: object) -> object:
        if isinstance(value, list | dict):
            if len(value) < least:
                refuse("is empty; add an entry or remove the line")
            if len(value) > most:
                refuse(f"has {len(value)} entries, of which {most} are allowed; remove some")
        return value

    return BeforeValidator(check)


def template(*known: str, needed: str | None = None) -> AfterValidator:
    """Check that only the placeholders ``known`` are in braces, and that ``needed`` is."""

    def check(text: str) -> str:
        used = set(_BRACES.findall(text))
        choice = f"use only {', '.join(known)}" if known else "no placeholder is filled in here"
        if unknown := sorted(used - set(known)):
            refuse(f"{quoted(unknown[0])} cannot be filled in; {choice}")
        if needed and needed not in used:
            refuse(f"must contain {needed}, the place where the number goes")
        return text

    return AfterValidator(check)


def matching(pattern: str, sentence: str) -> AfterValidator:
    """Check that a text matches ``pattern`` as a whole."""
    expression = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not expression.fullmatch(text):
            refuse(f"{quoted(text)} must {sentence}")
        return text

    return AfterValidator(check)


def _not_blank(text: str) -> str:
    if not text.strip():
        refuse("is blank; write a text or remove the line")
    return text


Text = Annotated[str, StringConstraints(max_length=TEXT_CHARS_MAX), AfterValidator(_not_blank)]
Name = Annotated[str, matching(r"[a-z0-9_]{1,32}", "be 1 to 32 of the characters a-z, 0-9 and _")]
Id = Annotated[
    str, matching(r"[A-Za-z0-9_-]{1,128}", "be an id of the characters A-Z, a-z, 0-9, _ and -")
]
OriginalId = Annotated[
    str, matching(r"gh_[A-Za-z0-9_-]{1,125}", "be an original id such as gh_abc0000001")
]
EnvName = Annotated[
    str,
    matching(
        r"[A-Z][A-Z0-9_]{0,127}(?<!_FILE)", "name a variable such as ABC_TOKEN, without _FILE"
    ),
]
TouchpointName = Annotated[Touchpoint, PlainValidator(parse_touchpoint)]
Moment = Annotated[date, PlainValidator(parse_moment)]
