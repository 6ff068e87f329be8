# SPDX-License-Identifier: Apache-2.0
"""What an apps file says that the warnings about a rule file go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownApps:
    """Appid -> kind, whose unfollow keeps consent, and the Open Platform accounts."""

    kinds: Mapping[str, str]
    keep_consent: frozenset[str] = frozenset()
    open_accounts: frozenset[str] = frozenset()
