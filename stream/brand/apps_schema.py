# SPDX-License-Identifier: Apache-2.0
"""The apps file's schema (apps, merchants, first-party clients) and its cross-field checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from stream.brand.first_party_schema import (
    CLIENTS_MAX,
    SHOPS_MAX,
    ClientEntry,
    SessionsEntry,
    ShopEntry,
    first_party_findings,
)
from stream.brand.web_address import whole_address
from stream.language import apps_messages as say
from stream.language.message import both
from stream.yaml_config.entries import entries, ids_differ
from stream.yaml_config.loader import read, validate
from stream.yaml_config.model import Closed, ListOf
from stream.yaml_config.problems import AppsInvalid, Finding, Loc, shown, suggestion
from stream.yaml_config.reader import Document
from stream.yaml_config.value_types import EnvName, Id, Moment, OriginalId, Text, sized

APPS_MAX = 1000
MERCHANTS_MAX = 1000
KEYS_MAX = 20  # of one merchant; two are in use while one is being changed
CARDS_MAX = 1000

Kind = Literal[
    "official_account",
    "mini_program",
    "shop",
    "payment",
    "mobile_app",
    "website",
    "service_provider",
]
PUSHED = ("official_account", "mini_program", "shop", "mobile_app", "website")

#: With quotes or without: YAML reads some ids as numbers.
Number = Annotated[
    Id,
    BeforeValidator(
        lambda value: str(value) if type(value) is int else value, json_schema_input_type=Id | int
    ),
]


class ForwardedEntry(Closed):
    """Settings of whatever WeChat delivers: another system of the brand's that also gets it."""

    forward_to: Annotated[str, AfterValidator(whole_address)] | None = None
    forward: Literal["everything", "rest"] | None = None


class PushEntry(ForwardedEntry):
    """Message push settings of an app; secrets are in the environment."""

    token_env: EnvName
    aes_key_env: EnvName | None = None
    previous_aes_key_env: EnvName | None = None
    mode: Literal["safe", "compatible", "plain"] = "safe"
    component_appid: Id | None = None
    messages: Literal["customer_service"] | None = None


class AppEntry(Closed):
    """One app: anything with an appid."""

    appid: Id
    name: Text
    kind: Kind
    original_id: OriginalId | None = None
    open_account: Id | None = None
    former_open_account: Id | None = None
    moved_at: Moment | None = None
    push: PushEntry | None = None
    secret_env: EnvName | None = None
    unfollow: Literal["pause", "keep"] = "pause"


class KeyEntry(Closed):
    """A key that WeChat Pay signs with; ``file`` is a path relative to the apps file."""

    serial: Number
    file: Text


class MerchantEntry(ForwardedEntry):
    """A merchant of WeChat Pay; its secrets are in the environment."""

    mchid: Number
    name: Text
    api_v3_key_env: EnvName
    previous_api_v3_key_env: EnvName | None = None
    keys: Annotated[ListOf[KeyEntry], sized(1, KEYS_MAX)]
    card_appids: Annotated[dict[Id, Id], sized(1, CARDS_MAX)] = Field(default_factory=dict)
    mall_appid: Id | None = None
    coupon_appid: Id | None = None
    mall_consent_text: Id | None = None


class AppsFile(Closed):
    """The whole file."""

    apps: Annotated[ListOf[AppEntry], sized(1, APPS_MAX)]
    merchants: Annotated[ListOf[MerchantEntry], sized(1, MERCHANTS_MAX)] = ()
    sessions: SessionsEntry | None = None
    clients: Annotated[ListOf[ClientEntry], sized(1, CLIENTS_MAX)] = ()
    check_in: Annotated[ListOf[ShopEntry], sized(1, SHOPS_MAX)] = ()


def read_apps(path: Path | None) -> tuple[Document, AppsFile]:
    """Read a file, or the bundled sample; raises :class:`AppsInvalid`."""
    return judge_apps(*read(path, __package__, "apps.yaml", AppsInvalid))


def judge_apps(text: str, file: str) -> tuple[Document, AppsFile]:
    """Like :func:`read_apps`, from text; ``file`` names it in messages."""
    return validate(text, file, AppsFile, _findings_in, AppsInvalid)


def _findings_in(tree: object) -> Iterator[Finding]:
    yield from ids_differ(tree, "apps", "appid")
    yield from ids_differ(tree, "apps", "original_id")
    yield from ids_differ(tree, "merchants", "mchid")
    known = {app["appid"] for _, app in entries(tree, "apps") if isinstance(app.get("appid"), str)}
    for at, app in entries(tree, "apps"):
        yield from _accounts_are_no_apps(at, app, known)
        yield from _a_move_is_whole(at, app)
        yield from _pushes_can_be_read(at, app)
        yield from _a_forward_has_an_address((*at, "push"), app.get("push"))
    for at, merchant in entries(tree, "merchants"):
        yield from ids_differ(merchant, "keys", "serial", at)
        yield from _apps_are_listed(at, merchant, known)
        yield from _a_forward_has_an_address(at, merchant)
    yield from first_party_findings(tree)


def _accounts_are_no_apps(
    at: Loc, app: Mapping[str, object], known: set[object]
) -> Iterator[Finding]:
    """Accounts and appids share a namespace in profile keys (stream.engine.identity.aliases)."""
    for name in ("open_account", "former_open_account"):
        if isinstance(account := app.get(name), str) and account in known:
            yield Finding((*at, name), say.ACCOUNT_IS_APPID(account=shown(account)))


def _a_move_is_whole(at: Loc, app: Mapping[str, object]) -> Iterator[Finding]:
    former, moved = "former_open_account" in app, "moved_at" in app
    if former != moved:
        yield Finding(at, say.MOVE_IS_HALF())
    if former and "open_account" not in app:
        yield Finding(at, say.MOVED_TO_NO_ACCOUNT())
    if former and app.get("former_open_account") == app.get("open_account"):
        yield Finding((*at, "former_open_account"), say.MOVED_NOWHERE())


def _pushes_can_be_read(at: Loc, app: Mapping[str, object]) -> Iterator[Finding]:
    push = app.get("push")
    if not isinstance(push, dict):
        return
    if app.get("kind") not in PUSHED:
        yield Finding((*at, "push"), say.NOT_PUSHED(kinds=both(PUSHED)))
    if push.get("mode", "safe") != "plain" and "aes_key_env" not in push:
        yield Finding((*at, "push"), say.PUSH_NEEDS_KEY())
    if "component_appid" in push and "original_id" not in app:
        # A platform has one key for all its accounts, so the message must say whose it is.
        yield Finding((*at, "push", "component_appid"), say.NEEDS_ORIGINAL_ID())


def _a_forward_has_an_address(at: Loc, entry: object) -> Iterator[Finding]:
    if isinstance(entry, dict) and "forward" in entry and "forward_to" not in entry:
        yield Finding((*at, "forward"), say.FORWARD_NOWHERE())


def _apps_are_listed(
    at: Loc, merchant: Mapping[str, object], known: set[object]
) -> Iterator[Finding]:
    named: list[tuple[Loc, object]] = [
        ((*at, name), merchant.get(name)) for name in ("mall_appid", "coupon_appid")
    ]
    cards = merchant.get("card_appids")
    for card, appid in cards.items() if isinstance(cards, dict) else ():
        named.append(((*at, "card_appids", card), appid))
    for loc, appid in named:
        if isinstance(appid, str) and appid not in known:
            listed = sorted(a for a in known if isinstance(a, str))
            near = suggestion(appid, listed)
            yield Finding(loc, say.APP_NOT_LISTED_ABOVE(appid=shown(appid), known=near))
