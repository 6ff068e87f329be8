# SPDX-License-Identifier: Apache-2.0
"""The ids that events name a person by: an origin, a Union ID in an account, our own ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.base import Closed, ConsumerId, Id, PersonId


class Origin(Closed):
    """One WeChat user within one app: an openid means nothing without its appid."""

    appid: Id
    openid: PersonId

    @property
    def origin(self) -> tuple[str, str]:
        """``(appid, openid)``"""
        return self.appid, self.openid


#: Fields which are given together or not at all.
PAIRS = (("appid", "openid"), ("unionid", "open_account"))


def present(fields: Iterable[str]) -> dict[str, Any]:
    """JSON Schema: all of these are given."""
    names = list(fields)
    return {"required": names, "properties": {name: {"type": "string"} for name in names}}


def absent(fields: Iterable[str]) -> dict[str, Any]:
    """JSON Schema: none of these is given."""
    return {"properties": {name: {"type": "null"} for name in fields}}


class AnyIdentifier(Closed):
    """At least one identifier; an openid comes with its appid, a Union ID with its account."""

    #: Each alternative on its own is enough to say who it is.
    alternatives: ClassVar[tuple[tuple[str, ...], ...]] = PAIRS

    appid: Id | None = None
    openid: PersonId | None = None
    unionid: PersonId | None = None
    open_account: Id | None = None

    @property
    def origin(self) -> tuple[str, str] | None:
        """``(appid, openid)`` when given"""
        return (self.appid, self.openid) if self.appid and self.openid else None

    @property
    def union(self) -> tuple[str, str] | None:
        """``(open_account, unionid)`` when given"""
        return (self.open_account, self.unionid) if self.open_account and self.unionid else None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if (self.appid is None) != (self.openid is None):
            raise ValueError("appid and openid must come together: an openid is scoped by its app")
        if (self.unionid is None) != (self.open_account is None):
            raise ValueError(
                "unionid and open_account must come together: a Union ID is scoped by its account"
            )
        if all(getattr(self, names[0]) is None for names in self.alternatives):
            options = ", ".join("+".join(names) for names in self.alternatives)
            raise ValueError(f"needs at least one of: {options}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        model = handler.resolve_ref_schema(schema)
        model["allOf"] = [{"anyOf": [present(pair), absent(pair)]} for pair in PAIRS]
        model["anyOf"] = [present(names) for names in cls.alternatives]
        return schema


class CustomerIdentifier(AnyIdentifier):
    """The ids that a CRM may use: also the consumer id of an offer, or a payment."""

    alternatives: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("consumer_id",),
        *PAIRS,
        ("transaction_id",),
    )

    consumer_id: ConsumerId | None = None
    transaction_id: Id | None = None
