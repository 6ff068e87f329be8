# SPDX-License-Identifier: Apache-2.0
"""Schema and checks of the apps file's first-party sections (docs/first-party.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from stream.brand.clients import OF_MERCHANTS, RIGHT_FOR, TYPES, ClientKind, Right
from stream.brand.ticket_shops import Holds
from stream.brand.web_address import base_address
from stream.language import apps_messages as say
from stream.language.message import Message, Said
from stream.yaml_config.entries import entries, ids_differ, list_of
from stream.yaml_config.model import Closed, ListOf
from stream.yaml_config.problems import Finding, Loc, shown, suggestion
from stream.yaml_config.value_types import EnvName, Id, Text, matching, sized

CLIENTS_MAX = 1000
SHOPS_MAX = 100
TYPES_MAX = 100
APPIDS_MAX = 1000
MCHIDS_MAX = 1000


ClientId = Annotated[str, matching(r"[A-Za-z0-9_-]{1,32}", say.NO_CLIENT_ID)]
Slug = Annotated[str, matching(r"[A-Za-z0-9][A-Za-z0-9.-]{0,49}", say.NO_ORGANIZER)]
UserName = Annotated[str, matching(r"[A-Za-z0-9_.@-]{1,64}", say.NO_USER_NAME)]
Question = Annotated[str, matching(r"[A-Za-z0-9._-]{1,190}", say.NO_QUESTION)]
Address = Annotated[str, AfterValidator(base_address)]


class SessionsEntry(Closed):
    """The key of session tokens; without it no tokens are issued."""

    key_env: EnvName
    previous_key_env: EnvName | None = None


class ClientEntry(Closed):
    """One API client."""

    id: ClientId
    name: Text
    kind: Annotated[ClientKind, Field(strict=False)]
    key_env: EnvName
    previous_key_env: EnvName | None = None
    types: Annotated[ListOf[str], sized(1, TYPES_MAX)]
    appids: Annotated[ListOf[Id], sized(1, APPIDS_MAX)]
    mchids: Annotated[ListOf[Id], sized(1, MCHIDS_MAX)] = ()
    rights: Annotated[ListOf[Annotated[Right, Field(strict=False)]], sized(1, len(Right))] = ()


class ShopEntry(Closed):
    """One organizer in pretix."""

    organizer: Slug
    user: UserName
    password_env: EnvName
    previous_password_env: EnvName | None = None
    api_url: Address
    api_token_env: EnvName
    question: Question
    holds: Annotated[Holds, Field(strict=False)]
    appid: Id | None = None
    open_account: Id | None = None


#: The setting that a shop also needs, by what its question holds.
_SCOPES = {Holds.OPENID: "appid", Holds.UNIONID: "open_account"}


def first_party_findings(tree: object) -> Iterator[Finding]:
    """Checks across these sections and the rest of the file."""
    yield from ids_differ(tree, "clients", "id")
    yield from ids_differ(tree, "check_in", "organizer")
    apps = _listed(tree, "appid")
    accounts = _listed(tree, "open_account") | _listed(tree, "former_open_account")
    for at, client in entries(tree, "clients"):
        yield from _types_are_of_the_kind(at, client)
        for i, appid in enumerate(list_of(client, "appids")):
            yield from _is_listed((*at, "appids", i), appid, say.APP_NOT_LISTED, apps)
        if client.get("kind") == ClientKind.SDK:
            yield from _has_sessions(tree, (*at, "kind"), say.SDK_NEEDS_SESSIONS())
    for at, shop in entries(tree, "check_in"):
        account = shop.get("open_account")
        yield from _is_listed((*at, "appid"), shop.get("appid"), say.APP_NOT_LISTED, apps)
        yield from _is_listed((*at, "open_account"), account, say.ACCOUNT_NOT_LISTED, accounts)
        yield from _scope_is_said(at, shop)
        if shop.get("holds") == Holds.SESSION_TOKEN:
            yield from _has_sessions(tree, (*at, "holds"), say.TOKENS_NEED_SESSIONS())


def _listed(tree: object, name: str) -> set[str]:
    return {v for _, app in entries(tree, "apps") if isinstance(v := app.get(name), str)}


def _types_are_of_the_kind(at: Loc, client: Mapping[str, object]) -> Iterator[Finding]:
    kind = next((k for k in ClientKind if k == client.get("kind")), None)
    for i, type_ in enumerate(list_of(client, "types")):
        if kind is not None and isinstance(type_, str) and type_ not in TYPES[kind]:
            known = suggestion(type_, TYPES[kind])
            message = say.NOT_OF_THE_KIND(kind=kind.value, type=shown(type_), known=known)
            yield Finding((*at, "types", i), message)
        elif isinstance(type_, str) and type_ in OF_MERCHANTS and "mchids" not in client:
            yield Finding((*at, "types", i), say.NEEDS_MERCHANTS(type=shown(type_)))
        elif (right := RIGHT_FOR.get(str(type_))) and right not in list_of(client, "rights"):
            message = say.NEEDS_RIGHT(type=shown(type_), right=right.value)
            yield Finding((*at, "types", i), message)


def _is_listed(
    loc: Loc, value: object, otherwise: Message, known: Collection[str]
) -> Iterator[Finding]:
    if isinstance(value, str) and value not in known:
        yield Finding(loc, otherwise(name=shown(value), known=suggestion(value, known)))


def _scope_is_said(at: Loc, shop: Mapping[str, object]) -> Iterator[Finding]:
    holds = next((h for h in Holds if h == shop.get("holds")), None)
    if holds in _SCOPES and _SCOPES[holds] not in shop:
        message = say.HOLDS_NEEDS(holds=holds.value, setting=_SCOPES[holds])
        yield Finding((*at, "holds"), message)


def _has_sessions(tree: object, loc: Loc, otherwise: Said) -> Iterator[Finding]:
    if not isinstance(tree, dict) or "sessions" not in tree:
        yield Finding(loc, otherwise)
