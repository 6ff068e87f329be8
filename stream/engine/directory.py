"""Which WeChat apps belong together: the star in whose middle a Union ID is one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Directory:
    """The brand's apps. An app without an Open Platform account never yields a Union ID."""

    open_account_by_appid: Mapping[str, str] = field(hash=False)
    #: The ``gh_...`` id in a plaintext push (``ToUserName``) -> the appid which scopes its openid.
    appid_by_original_id: Mapping[str, str] = field(default_factory=dict, hash=False)
    #: Every listed appid, those without an Open Platform account included.
    appids: frozenset[str] = frozenset()

    def open_account(self, appid: str) -> str | None:
        """The Open Platform account of an app; ``None`` when it has none or is not listed."""
        return self.open_account_by_appid.get(appid)

    def appid_of(self, original_id: str) -> str | None:
        """The appid of a ``gh_...`` original id; ``None`` when it is not listed."""
        return self.appid_by_original_id.get(original_id)

    def knows(self, appid: str) -> bool:
        """Whether the app is listed at all."""
        return appid in self.appids or appid in self.open_account_by_appid
