# SPDX-License-Identifier: Apache-2.0
"""The names of the topics, without a deployment's prefix."""

from __future__ import annotations

from typing import Final

TOPIC_PAY: Final = "wechat.pay"
TOPIC_OFFICIAL_ACCOUNT: Final = "wechat.official-account"
TOPIC_MINI_PROGRAM: Final = "wechat.mini-program"
TOPIC_SHOP: Final = "wechat.shop"  # hints: the resolver reads it, the engine does not
TOPIC_CHECK_IN: Final = "event.check-in"
TOPIC_ENROLMENTS: Final = "crm.enrolments"
TOPIC_PRIVACY: Final = "privacy.requests"
TOPIC_RESOLVED: Final = "shadow.resolved"  # the engine's own log; it has no contract
TOPIC_OFFERS: Final = "shadow.offers"
TOPIC_LEDGER: Final = "shadow.ledger"
TOPIC_IDENTITY: Final = "shadow.identity"
TOPIC_TRAITS: Final = "shadow.traits"
TOPIC_EXPORTS: Final = "shadow.exports"
TOPIC_RULES: Final = "shadow.rules"
TOPIC_DEAD_LETTERS: Final = "shadow.dead-letters"
