# SPDX-License-Identifier: Apache-2.0
"""Types of single values in configuration files: amounts, dates, names, texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NoReturn

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    StringConstraints,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from schemas.base import SHANGHAI
from stream.engine.model.touchpoints import Touchpoint
from stream.language import value_messages as say
from stream.language.message import Message, Phrase, listed
from stream.language.yaml_messages import TOO_LONG
from stream.yaml_config.problems import shown, suggestion

OPERANDS_MAX = 100  # values in one ``in`` list
OPERAND_CHARS_MAX = 1024
TEXT_CHARS_MAX = 500
AMOUNT_DECIMALS_MAX = 6

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = range(2011, 2101)  # WeChat appeared in 2011
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
#: Year, month and day, and perhaps a time: 2026/5/1, 2026年5月1日 18:00, 20260501.
_OTHER_DATE = re.compile(
    r"(\d{4})(?:\s?[-/.年]\s?|(?=\d{4}$))(\d{1,2})(?:\s?[-/.月]\s?|(?=\d\d$))(\d{1,2})\s?[日号]?"
    r"(?:(?:T|\s+|(?<=[日号]))(\d{1,2})[:：时点](?:(\d{1,2})分?)?)?",
    re.ASCII,
)
_AMOUNT = re.compile(rf"[0-9]{{1,9}}(\.[0-9]{{1,{AMOUNT_DECIMALS_MAX}}})?", re.ASCII)
_BRACES = re.compile(r"\{[^{}]*\}|[{}]")


#: The type of pydantic's errors that ``refuse`` raises.
REFUSED = "refused"


def refuse(said: Phrase) -> NoReturn:
    """Reject the value being validated, with a sentence."""
    raise PydanticCustomError(REFUSED, "{said}", {"said": said})


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """Part of a type: a check of its values, and what JSON Schema can say of it.

    ``first``: the check comes before the type's own, and sees whatever was written.
    """

    check: Callable[[Any], Any]
    keywords: Callable[[Mapping[str, object]], Mapping[str, object]]  # of the type's own schema
    first: bool = False

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        inner = handler(source)
        if self.first:
            return core_schema.no_info_before_validator_function(self.check, inner)
        return core_schema.no_info_after_validator_function(self.check, inner)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        inner = handler(schema)
        return {**inner, **self.keywords(inner)}


def parse_touchpoint(value: object) -> Touchpoint:
    """The touchpoint of a label such as ``check_in``."""
    for touchpoint in Touchpoint:
        if value == touchpoint.label:
            return touchpoint
    known = [t.label for t in Touchpoint]
    refuse(say.NO_TOUCHPOINT(name=shown(value), known=suggestion(str(value), known)))


def parse_moment(value: object) -> date:
    """A day, or a time with a zone (Shanghai's if none is given)."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        return _existing(value).date()
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        refuse(_no_moment(value))
    moment = _existing(value)
    return moment.replace(tzinfo=SHANGHAI) if moment.tzinfo is None else moment


def _no_moment(value: object) -> Phrase:
    """What to write instead; a date written in another way is repeated in the right form."""
    given = str(value)
    if not (found := _OTHER_DATE.fullmatch(given.strip())):
        return say.NO_DATE(given=shown(given))
    year, month, day, hour, minute = found.groups()
    right = f"{year}-{int(month):02}-{int(day):02}"
    if hour:
        right += f"T{int(hour):02}:{int(minute or 0):02}"
    _existing(right)
    return say.DATE_IN_ANOTHER_FORM(given=shown(given), right=right)


def _existing(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        refuse(say.NOT_IN_THE_CALENDAR(given=shown(value)))
    if moment.year not in _YEARS:
        refuse(say.YEAR_OUT_OF_RANGE(first=_YEARS[0], last=_YEARS[-1]))
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
        refuse(say.NO_AMOUNT(decimals=AMOUNT_DECIMALS_MAX))
    return Decimal(text)


def amount_up_to(largest: int) -> PlainValidator:
    """Read amounts above 0 and up to ``largest``."""

    def parse(value: object) -> Decimal:
        amount = parse_amount(value)
        if not 0 < amount <= largest:
            refuse(say.AMOUNT_OUT_OF_RANGE(largest=largest))
        return amount

    number = Annotated[float, Field(gt=0, le=largest)]
    text = Annotated[str, Field(pattern=f"^{_AMOUNT.pattern}$")]
    return PlainValidator(parse, json_schema_input_type=number | text)


Operand = str | int | bool | tuple[str | int | bool, ...]


def parse_operand(value: object) -> Operand:
    """The operand of a condition: one value, or a list of values."""
    if not isinstance(value, list):
        return _single(value)
    if not 0 < len(value) <= OPERANDS_MAX:
        refuse(say.TOO_MANY_OPERANDS(most=OPERANDS_MAX))
    return tuple(_single(item) for item in value)


def _single(value: object) -> str | int | bool:
    if not isinstance(value, str | int | bool):
        refuse(say.NO_OPERAND())
    if isinstance(value, str) and len(value) > OPERAND_CHARS_MAX:
        refuse(TOO_LONG(max_length=OPERAND_CHARS_MAX))
    return value


def sized(least: int, most: int) -> Check:
    """Check the number of entries of a list or mapping; other types are checked elsewhere."""

    def check(value: object) -> object:
        if isinstance(value, list | dict):
            if len(value) < least:
                refuse(say.NO_ENTRY())
            if len(value) > most:
                refuse(say.TOO_MANY_ENTRIES(count=len(value), most=most))
        return value

    def keywords(schema: Mapping[str, object]) -> Mapping[str, object]:
        things = {"array": "Items", "object": "Properties"}.get(str(schema.get("type")))
        return {f"min{things}": least, f"max{things}": most} if things else {}

    return Check(check, keywords, first=True)


def template(*known: str, needed: str | None = None) -> Check:
    """Check that only the placeholders ``known`` are in braces, and that ``needed`` is."""

    def check(text: str) -> str:
        used = set(_BRACES.findall(text))
        choice = say.USE_ONLY(known=listed(known)) if known else say.NO_PLACEHOLDERS()
        if unknown := sorted(used - set(known)):
            refuse(say.CANNOT_BE_FILLED_IN(found=shown(unknown[0]), choice=choice))
        if needed and needed not in used:
            refuse(say.NEEDS_PLACEHOLDER(needed=needed))
        return text

    parts = "|".join([r"[^{}]", *map(re.escape, known)])
    ahead = rf"(?=[\s\S]*{re.escape(needed)})" if needed else ""
    return Check(check, lambda _: {"pattern": f"^{ahead}({parts})*$"})


def matching(pattern: str, otherwise: Message) -> Check:
    """Check that a text matches ``pattern`` as a whole; ``otherwise`` says what it must be."""
    expression = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not expression.fullmatch(text):
            refuse(otherwise(text=shown(text)))
        return text

    return Check(check, lambda _: {"pattern": f"^({pattern})$"})


def _not_blank(text: str) -> str:
    if not text.strip():
        refuse(say.BLANK())
    return text


Text = Annotated[str, StringConstraints(max_length=TEXT_CHARS_MAX), AfterValidator(_not_blank)]
Name = Annotated[str, matching(r"[a-z0-9_]{1,32}", say.NO_NAME)]
Id = Annotated[str, matching(r"[A-Za-z0-9_-]{1,128}", say.NO_ID)]
OriginalId = Annotated[str, matching(r"gh_[A-Za-z0-9_-]{1,125}", say.NO_ORIGINAL_ID)]
EnvName = Annotated[
    str,
    matching(r"[A-Z][A-Z0-9_]{0,127}(?<!_FILE)", say.NO_VARIABLE),
]
_Label = Literal[tuple(touchpoint.label for touchpoint in Touchpoint)]  # type: ignore[valid-type]
_Written = Annotated[str, Field(pattern=f"^({_DATE.pattern}|{_DATE_TIME.pattern})$")]
TouchpointName = Annotated[
    Touchpoint, PlainValidator(parse_touchpoint, json_schema_input_type=_Label)
]
Moment = Annotated[date, PlainValidator(parse_moment, json_schema_input_type=_Written)]
