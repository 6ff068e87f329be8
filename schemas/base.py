# SPDX-License-Identifier: Apache-2.0
"""The building blocks of all contracts: closed models, ids, times, amounts, consumer ids.

Invalid values are rejected, never repaired. No error message repeats a value, because values may
identify a person.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)


class Closed(BaseModel):
    """An immutable model that accepts exactly its own fields, of exactly their types.

    ``null`` stands for an absent optional field; we never write it.
    """

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", serialize_by_alias=True, hide_input_in_errors=True
    )


# --- ids ------------------------------------------------------------------------------------------

ID_CHARS = "[A-Za-z0-9_-]"
ID_LENGTH_MAX = 128  # WeChat Pay v3 allows that much for an openid; no length is promised

#: Values seen where an id should be: the placeholders of documentation, and what a client's
#: missing variable turns into. Compared without regard to case.
PLACEHOLDERS = frozenset(
    {
        *("openid", "open_id", "unionid", "union_id", "fromuser", "touser"),
        *("null", "none", "nil", "nan", "undefined", "empty", "false", "true", "-1"),
        *("anonymous", "default", "guest", "string", "test", "unknown"),
    }
)


def any_case(word: str) -> str:
    """A pattern for the word in any case; JSON Schema has no flag for that."""
    return "".join(f"[{c.upper()}{c}]" if c.isalpha() else c for c in word)


#: Or one character, once or more often.
_PLACEHOLDER_PATTERN = "|".join([*map(any_case, sorted(PLACEHOLDERS)), r"(.)\2*"])


def is_placeholder(value: str) -> bool:
    """Whether a value is a placeholder for an id, such as ``OPENID`` in documentation."""
    return value.lower() in PLACEHOLDERS or value == value[:1] * len(value)


def _refuse_placeholder(value: str) -> str:
    if is_placeholder(value):
        raise ValueError("must be a real id, not a placeholder from documentation or a client")
    return value


Id = Annotated[
    str,
    Field(
        pattern=f"^{ID_CHARS}{{1,{ID_LENGTH_MAX}}}$",
        description="Opaque, case-sensitive id.",
    ),
]

PersonId = Annotated[
    str,
    Field(
        pattern=f"^{ID_CHARS}{{1,{ID_LENGTH_MAX}}}$",
        description="An openid or a Union ID: opaque, case-sensitive, never a placeholder.",
        json_schema_extra={"not": {"pattern": f"^({_PLACEHOLDER_PATTERN})$"}},
    ),
    AfterValidator(_refuse_placeholder),
]

#: As we write ids of messages. They may be URNs or carry dots; ids of people and apps may not.
MESSAGE_ID_PATTERN = "[A-Za-z0-9_.:~-]{1,200}"
MessageId = Annotated[
    str,
    Field(pattern=f"^{MESSAGE_ID_PATTERN}$", description="Id of a message, entry or offer."),
]

MerchantNo = Annotated[
    str,
    Field(
        # WeChat Pay v3, out_trade_no and out_refund_no: letters, digits and _-|*@
        pattern="^[A-Za-z0-9_|*@-]{1,64}$",
        description="Number which the merchant gave to an order or a refund.",
    ),
]

Name = Annotated[
    str,
    Field(
        pattern="^[A-Za-z0-9_.-]{1,128}$",
        description="Name of a rule, a touchpoint or a benefit step, as the rule set writes it.",
    ),
]


# --- consumer ids ---------------------------------------------------------------------------------


class ConsumerRef(NamedTuple):
    """The parts of a consumer id: ``scope`` is the Open Platform account or the appid."""

    kind: Literal["union", "origin"]
    scope: str
    id: str


_CONSUMER_PATTERN = f"(union|origin)(?:\\.{ID_CHARS}{{1,{ID_LENGTH_MAX}}}){{2}}"
_consumer_id = re.compile(_CONSUMER_PATTERN)


def union_consumer_id(open_account: str, unionid: str) -> str:
    """``union.<open_account>.<unionid>``; raises ``ValueError`` for an invalid part."""
    return _checked_consumer_id(f"union.{open_account}.{unionid}")


def origin_consumer_id(appid: str, openid: str) -> str:
    """``origin.<appid>.<openid>``; raises ``ValueError`` for an invalid part."""
    return _checked_consumer_id(f"origin.{appid}.{openid}")


def parse_consumer_id(value: str) -> ConsumerRef:
    """Split a consumer id; raises ``ValueError`` when it is none."""
    kind, scope, person = _checked_consumer_id(value).split(".")
    return ConsumerRef("union" if kind == "union" else "origin", scope, person)


def _checked_consumer_id(value: str) -> str:
    if _consumer_id.fullmatch(value) is None:
        raise ValueError("must be union.<open_account>.<unionid> or origin.<appid>.<openid>")
    _refuse_placeholder(value.rpartition(".")[2])
    return value


ConsumerId = Annotated[
    str,
    Field(
        description="union.<open_account>.<unionid> or origin.<appid>.<openid>. Also the subject "
        "of the offers and ledger entries about the consumer.",
        json_schema_extra={
            "pattern": f"^{_CONSUMER_PATTERN}$",
            "not": {"pattern": f"\\.({_PLACEHOLDER_PATTERN})$"},
        },
    ),
    AfterValidator(_checked_consumer_id),
]


def _checked_union_id(value: str) -> str:
    if not value.startswith("union."):
        raise ValueError("must be union.<open_account>.<unionid>")
    return value


UnionConsumerId = Annotated[
    ConsumerId,
    Field(json_schema_extra={"allOf": [{"pattern": "^union\\."}]}),
    AfterValidator(_checked_union_id),
]


# --- times ----------------------------------------------------------------------------------------

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: China's one time zone: UTC+8 all year round, without daylight saving since 1991.
SHANGHAI = timezone(timedelta(hours=8))
TIME_MIN = datetime(2011, 1, 1, tzinfo=UTC)  # the year WeChat was born
TIME_END = datetime(2100, 1, 1, tzinfo=UTC)  # exclusive

TIME_PATTERN = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_rfc3339 = re.compile(TIME_PATTERN)
_WHAT_A_TIME_IS = (
    "must be an RFC 3339 time with a zone, from 2011 to 2099, like 2026-03-01T08:00:00.000+08:00"
)


def parse_time(value: object) -> datetime:
    """Read an RFC 3339 time with a zone, cut to whole milliseconds; aware datetimes pass too.

    Raises ``ValueError`` for anything else and for times outside 2011-2099.
    """
    if type(value) is str:
        # fromisoformat alone would also take week dates, bare dates and times without a zone.
        if _rfc3339.fullmatch(value) is None:
            raise ValueError(_WHAT_A_TIME_IS)
        return read_time(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return _within_range(value)
    raise ValueError(_WHAT_A_TIME_IS)


def read_time(value: str) -> datetime:
    """`parse_time` for a text that is known to match ``TIME_PATTERN``."""
    try:
        time = datetime.fromisoformat(value.upper())
    except ValueError:
        raise ValueError(_WHAT_A_TIME_IS) from None
    return _within_range(time)


def _within_range(time: datetime) -> datetime:
    # Comparing aware datetimes costs a microsecond; away from the ends the year alone decides.
    if not TIME_MIN.year < time.year < TIME_END.year - 1 and not TIME_MIN <= time < TIME_END:
        raise ValueError(_WHAT_A_TIME_IS)
    excess = time.microsecond % 1000
    return time.replace(microsecond=time.microsecond - excess) if excess else time


def time_ms(time: datetime) -> int:
    """Milliseconds since the Unix epoch, in integer arithmetic."""
    since = time - EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def time_from_ms(ms: int) -> datetime:
    """The inverse of `time_ms`, in UTC."""
    return EPOCH + timedelta(milliseconds=ms)


def format_time(time: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-03-01T00:00:00.000Z``."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=1024)  # what is said at one time is said with it several times
def format_ms(ms: int) -> str:
    """`format_time` of milliseconds since the Unix epoch."""
    second, rest = divmod(ms, 1000)
    return f"{_second(second)}.{rest:03}Z"


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    """Cached, since most events of one moment share a few seconds."""
    return (EPOCH + timedelta(seconds=second)).isoformat()[:19]


Time = Annotated[
    datetime,
    PlainValidator(parse_time),
    PlainSerializer(format_time, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": f"^{TIME_PATTERN}$",
            "description": "RFC 3339 with a zone, kept to the millisecond. We write UTC.",
        }
    ),
]


# --- amounts and texts ----------------------------------------------------------------------------

FEN_MAX = 10**12  # ten billion yuan: far above any order, far below where a double loses fen
POINTS_MAX = 2**53 - 1  # every JSON reader can hold it

Fen = Annotated[int, Field(ge=0, le=FEN_MAX, description="Integer fen (1/100 yuan), CNY.")]
Points = Annotated[int, Field(ge=0, le=POINTS_MAX, description="Points.")]
SignedPoints = Annotated[
    int, Field(ge=-POINTS_MAX, le=POINTS_MAX, description="Points; negative takes away.")
]


def text(max_length: int, *, min_length: int = 0) -> Any:
    """Free text of a bounded length in characters, for use inside ``Annotated[str, …]``."""
    return Field(min_length=min_length or None, max_length=max_length)
