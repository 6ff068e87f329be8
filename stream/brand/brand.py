# SPDX-License-Identifier: Apache-2.0
"""Loads the apps file together with the keys and secrets that it names.

Secrets are in the environment (``stream.brand.secrets``). No message shows one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from stream.brand.apps_schema import (
    AppEntry,
    AppsFile,
    ForwardedEntry,
    MerchantEntry,
    read_apps,
)
from stream.brand.directory import directory_of
from stream.brand.first_party import FirstParty, first_party_of
from stream.brand.forwarding import Forward, Forwards
from stream.brand.secrets import Secrets, contents
from stream.engine.model.directory import Directory
from stream.language import yaml_messages as say
from stream.wechat.pay.keys import PEM_BYTES_MAX, load_key
from stream.wechat.pay.merchant import Merchant, check_api_v3_key
from stream.wechat.push.account import Mode, PushAccount, aes_key, checked_token
from stream.yaml_config.problems import AppsInvalid, Finding, Loc


@dataclass(frozen=True, slots=True)
class AppSecret:
    """An app's AppSecret, for calls of WeChat's API."""

    appid: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Brand:
    """The whole file. ``push`` has accounts by appid and by original id."""

    directory: Directory
    push: Mapping[str, PushAccount]
    merchants: Mapping[str, Merchant]
    secrets: Mapping[str, AppSecret]
    first_party: FirstParty = field(default_factory=FirstParty)
    forwards: Forwards = field(default_factory=Forwards)


def load_brand(path: Path | None, environ: Mapping[str, str]) -> Brand:
    """The brand in a file, or in the bundled sample.

    Raises :class:`AppsInvalid` with every problem of the file, the key files and the secrets,
    each at the setting that names it.
    """
    document, model = read_apps(path)
    loader = _Loader(environ, path.parent if path is not None else Path())
    brand = loader.brand(model)
    if loader.findings:
        raise AppsInvalid([document.problem(finding) for finding in loader.findings])
    return brand


class _Loader:
    """Loads the keys and secrets that the file names, and collects problems in ``findings``."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self.findings: list[Finding] = []
        self._folder = folder
        self._secrets = Secrets(environ, self.findings)
        self._secret = self._secrets.read

    def brand(self, model: AppsFile) -> Brand:
        push: dict[str, PushAccount] = {}
        secrets: dict[str, AppSecret] = {}
        for i, app in enumerate(model.apps):
            if account := self._push(app, ("apps", i, "push")):
                push[app.appid] = account
                if app.original_id is not None:
                    push[app.original_id] = account
            if secret := self._secret(app.secret_env, ("apps", i, "secret_env"), app_secret):
                secrets[app.appid] = AppSecret(app.appid, secret)
        merchants = (self._merchant(m, ("merchants", i)) for i, m in enumerate(model.merchants))
        return Brand(
            directory_of(model),
            MappingProxyType(push),
            MappingProxyType({m.mchid: m for m in merchants if m is not None}),
            MappingProxyType(secrets),
            first_party_of(model, self._secrets),
            _forwards(model),
        )

    def _push(self, app: AppEntry, at: Loc) -> PushAccount | None:
        push = app.push
        if push is None:
            return None
        token = self._secret(push.token_env, (*at, "token_env"), checked_token)
        keys = [
            self._secret(push.aes_key_env, (*at, "aes_key_env"), aes_key),
            self._secret(push.previous_aes_key_env, (*at, "previous_aes_key_env"), aes_key),
        ]
        held = tuple(key for key in keys if key is not None)
        mode = Mode(push.mode)
        if token is None or (not held and mode is not Mode.PLAIN):  # already in findings
            return None
        return PushAccount(
            appid=app.appid,
            original_id=app.original_id,
            kind=app.kind,
            token=token,
            aes_keys=held,
            mode=mode,
            unfollow=app.unfollow,
            component_appid=push.component_appid,
            desk_answers=push.messages == "customer_service",
        )

    def _merchant(self, entry: MerchantEntry, at: Loc) -> Merchant | None:
        names = ("api_v3_key_env", "previous_api_v3_key_env")
        secrets = [self._secret(getattr(entry, n), (*at, n), _api_v3_key) for n in names]
        keys = {
            key.serial: read
            for i, key in enumerate(entry.keys)
            if (read := self._key(key.serial, key.file, (*at, "keys", i)))
        }
        if secrets[0] is None or len(keys) < len(entry.keys):  # already in findings
            return None
        return Merchant(
            mchid=entry.mchid,
            api_v3_keys=tuple(secret for secret in secrets if secret is not None),
            keys=keys,
            card_appids=MappingProxyType(dict(entry.card_appids)),
            mall_appid=entry.mall_appid,
            coupon_appid=entry.coupon_appid,
            mall_consent_text=entry.mall_consent_text,
        )

    def _key(self, serial: str, file: str, at: Loc) -> RSAPublicKey | None:
        try:
            return load_key(serial, contents(self._folder / file, PEM_BYTES_MAX))
        except ValueError as error:
            self.findings.append(Finding((*at, "file"), say.VERBATIM(text=str(error))))
            return None


def _forwards(model: AppsFile) -> Forwards:
    push = {app.appid: to for app in model.apps if app.push and (to := _forward(app.push))}
    pay = {entry.mchid: to for entry in model.merchants if (to := _forward(entry))}
    return Forwards(MappingProxyType(push), MappingProxyType(pay))


def _forward(entry: ForwardedEntry) -> Forward | None:
    if entry.forward_to is None:
        return None
    return Forward(entry.forward_to, everything=entry.forward != "rest")


def _api_v3_key(text: str) -> bytes:
    key = text.encode()
    check_api_v3_key(key)
    return key


def app_secret(text: str) -> str:
    """Check an AppSecret; raises ``ValueError``."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("an AppSecret has letters and digits only; copy it from the console")
    return text
