# SPDX-License-Identifier: Apache-2.0
"""Generate the consumers of the sample day: brand, apps and habits. All ids are fictitious."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from random import Random
from typing import Final

from stream.demo.clock import ABC_HOURS, FIT_HOURS
from stream.engine.model.directory import Directory

_ALPHABET = string.ascii_letters + string.digits + "_-"


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand of the sample apps file. ``app`` maps a role to an appid."""

    name: str
    open_account: str
    app: dict[str, str]
    hours: tuple[int, ...]
    mchid: str


ABC: Final = Brand(
    name="abc",
    open_account="abc-brand",
    app={
        "account": "wx1a2b3c4d5e6f7a01",
        "mini": "wx1a2b3c4d5e6f7a02",
        "till": "wx1a2b3c4d5e6f7a03",
    },
    hours=ABC_HOURS,
    mchid="1649206183",
)
FIT: Final = Brand(
    name="fit",
    open_account="fit-brand",
    app={"account": "wx9f8e7d6c5b4a3b01", "mini": "wx9f8e7d6c5b4a3b02"},
    hours=FIT_HOURS,
    mchid="1650337294",
)
BRANDS: Final = (ABC, FIT)
PROVIDER_APP: Final = "wx8888000011112222"  # a payment service provider's own app
PROVIDER_MCHID: Final = "1900008888"
UNLISTED_APP: Final = "wx0000feed0000cafe"  # in no apps file

#: Which apps a consumer has, with weights.
_APPS: Final[dict[str, tuple[tuple[tuple[str, ...], int], ...]]] = {
    "abc": (
        (("till",), 22),
        (("mini",), 14),
        (("till", "mini"), 24),
        (("till", "account"), 14),
        (("mini", "account"), 8),
        (("till", "mini", "account"), 18),
    ),
    "fit": ((("mini",), 40), (("mini", "account"), 52), (("account",), 8)),
}


@dataclass(slots=True)
class Consumer:
    """One person with one brand. ``openids`` maps the role of an app to the openid there."""

    number: int
    brand: Brand
    unionid: str
    openids: dict[str, str]
    liveliness: float  # how often they visit, relative to others
    transactions: list[str] = field(default_factory=list)

    def origin(self, role: str) -> dict[str, str]:
        """The fields of an event which name this origin."""
        return {"appid": self.brand.app[role], "openid": self.openids[role]}

    def union(self) -> dict[str, str]:
        """The fields of an event which name the Union ID."""
        return {"unionid": self.unionid, "open_account": self.brand.open_account}

    @property
    def consumer_id(self) -> str:
        """The consumer id which offers carry, once a Union ID is known."""
        return f"union.{self.brand.open_account}.{self.unionid}"


def missing_apps(directory: Directory) -> list[str]:
    """Apps that the day needs, if they are missing or in another Open Platform account."""
    needed = {appid: b.open_account for b in BRANDS for appid in b.app.values()}
    missing = [appid for appid, own in needed.items() if directory.open_account(appid) != own]
    return missing + ([] if directory.knows(PROVIDER_APP) else [PROVIDER_APP])


def person_id(rng: Random, prefix: str) -> str:
    """An id of 28 characters like WeChat's; ids of one app or one account share a prefix."""
    return prefix + "".join(rng.choices(_ALPHABET, k=28 - len(prefix)))


def crowd(rng: Random, count: int) -> list[Consumer]:
    """``count`` consumers, three in four of them of ABC; a few visit far more than others."""
    prefixes: dict[str, str] = {}
    for brand in BRANDS:
        for scope in (brand.open_account, *brand.app.values()):
            prefixes[scope] = "o" + "".join(rng.choices(_ALPHABET, k=5))
    return [_consumer(rng, number, prefixes) for number in range(count)]


def _consumer(rng: Random, number: int, prefixes: dict[str, str]) -> Consumer:
    brand = FIT if number % 4 == 3 else ABC
    options = _APPS[brand.name]
    roles = rng.choices([o for o, _ in options], [weight for _, weight in options])[0]
    return Consumer(
        number=number,
        brand=brand,
        unionid=person_id(rng, prefixes[brand.open_account]),
        openids={role: person_id(rng, prefixes[brand.app[role]]) for role in roles},
        liveliness=min(rng.paretovariate(1.6), 12.0),
    )
