# SPDX-License-Identifier: Apache-2.0
"""First-party configuration with its secrets: API clients, ticket shops, session token keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from stream.brand.clients import KEY_BYTES_MIN, Client
from stream.brand.first_party_schema import ClientEntry, SessionsEntry, ShopEntry
from stream.brand.secrets import Secrets
from stream.brand.ticket_shops import TicketShop
from stream.language import apps_messages as say
from stream.yaml_config.problems import Loc, shown

PASSWORD_CHARS_MIN = 12


@dataclass(frozen=True, slots=True)
class FirstParty:
    """``clients`` by id, ``shops`` by organizer; without ``session_keys`` there are no sessions."""

    clients: Mapping[str, Client] = field(default_factory=dict)
    shops: Mapping[str, TicketShop] = field(default_factory=dict)
    session_keys: tuple[bytes, ...] = field(default=(), repr=False)


class _File(Protocol):
    """The first-party sections of the apps file."""

    @property
    def sessions(self) -> SessionsEntry | None: ...
    @property
    def clients(self) -> Sequence[ClientEntry]: ...
    @property
    def check_in(self) -> Sequence[ShopEntry]: ...


def first_party_of(model: _File, secrets: Secrets) -> FirstParty:
    """The configuration in a valid file; problems with secrets are noted in ``secrets``."""
    keys = secrets.both(model.sessions, "key", ("sessions",), _key) if model.sessions else ()
    clients = [_client(c, secrets, ("clients", i)) for i, c in enumerate(model.clients)]
    _keys_differ(clients, secrets)
    shops = [_shop(s, secrets, ("check_in", i)) for i, s in enumerate(model.check_in)]
    return FirstParty(
        MappingProxyType({client.id: client for client in clients}),
        MappingProxyType({shop.organizer: shop for shop in shops}),
        keys,
    )


def _client(entry: ClientEntry, secrets: Secrets, at: Loc) -> Client:
    keys = secrets.both(entry, "key", at, _key)
    return Client(
        entry.id,
        entry.kind,
        keys,
        frozenset(entry.types),
        frozenset(entry.appids),
        frozenset(entry.mchids),
        frozenset(entry.rights),
    )


def _keys_differ(clients: Sequence[Client], secrets: Secrets) -> None:
    """A client that shares its key could sign as the other client."""
    owners: dict[bytes, str] = {}
    for i, client in enumerate(clients):
        for key in client.keys:
            if owners.setdefault(key, client.id) != client.id:
                secrets.note(
                    ("clients", i, "key_env"),
                    say.KEY_SHARED(client=shown(owners[key])),
                )


def _shop(entry: ShopEntry, secrets: Secrets, at: Loc) -> TicketShop:
    return TicketShop(
        organizer=entry.organizer,
        user=entry.user,
        passwords=secrets.both(entry, "password", at, _password),
        base_url=entry.api_url,
        api_token=secrets.read(entry.api_token_env, (*at, "api_token_env"), _token) or "",
        question=entry.question,
        holds=entry.holds,
        appid=entry.appid,
        open_account=entry.open_account,
    )


def _key(text: str) -> bytes:
    if len(text) < KEY_BYTES_MIN or not text.isascii():
        raise ValueError(f"must have at least {KEY_BYTES_MIN} characters: openssl rand -hex 32")
    return text.encode()


def _password(text: str) -> str:
    if len(text) < PASSWORD_CHARS_MIN or not text.isascii() or not text.isprintable():
        raise ValueError(f"must have at least {PASSWORD_CHARS_MIN} ASCII characters")
    return text


def _token(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("an API token has letters and digits only; copy it from pretix")
    return text
