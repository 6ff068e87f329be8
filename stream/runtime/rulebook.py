"""The rules by which a deployment works, as its settings say."""

from __future__ import annotations

from dataclasses import replace

from stream.engine.ruleset import RuleBook
from stream.rules.loader import load_rules
from stream.settings import Settings


def rules_of(settings: Settings) -> RuleBook:
    """The same for workers and for whoever looks at their state; raises ``FileInvalid``."""
    return replace(
        load_rules(settings.rules),
        horizon_days=settings.horizon_days,
        payment_horizon_days=settings.payment_horizon_days,
        idle_days=settings.idle_days,
    )
