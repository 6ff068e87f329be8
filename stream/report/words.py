"""What tables, columns and rows are called on the page, in the language that is spoken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stream.language import report_messages as m
from stream.language.message import Message

#: Table -> its title and a note.
TABLES: Final[Mapping[str, tuple[Message, Message]]] = {
    "overview": (m.T_OVERVIEW, m.N_OVERVIEW),
    "liability_by_age": (m.T_LIABILITY_BY_AGE, m.N_LIABILITY_BY_AGE),
    "liability_by_expiry": (m.T_LIABILITY_BY_EXPIRY, m.N_LIABILITY_BY_EXPIRY),
    "movements": (m.T_MOVEMENTS, m.N_MOVEMENTS),
    "movements_by_rule": (m.T_MOVEMENTS_BY_RULE, m.N_MOVEMENTS_BY_RULE),
    "rules": (m.T_RULES, m.N_RULES),
    "breakage": (m.T_BREAKAGE, m.N_BREAKAGE),
    "offers": (m.T_OFFERS, m.N_OFFERS),
    "uplift": (m.T_UPLIFT, m.N_UPLIFT),
    "uplift_effect": (m.T_UPLIFT_EFFECT, m.N_UPLIFT_EFFECT),
    "sample_ratio": (m.T_SAMPLE_RATIO, m.N_SAMPLE_RATIO),
    "not_compared": (m.T_NOT_COMPARED, m.N_NOT_COMPARED),
    "reactivation": (m.T_REACTIVATION, m.N_REACTIVATION),
    "reactivation_effect": (m.T_REACTIVATION_EFFECT, m.N_REACTIVATION_EFFECT),
    "classes": (m.T_CLASSES, m.N_CLASSES),
    "retention": (m.T_RETENTION, m.N_RETENTION),
    "repeat": (m.T_REPEAT, m.N_REPEAT),
    "channels": (m.T_CHANNELS, m.N_CHANNELS),
    "channel_reach": (m.T_CHANNEL_REACH, m.N_CHANNEL_REACH),
    "stitch_by_app": (m.T_STITCH_BY_APP, m.N_STITCH_BY_APP),
    "stitch": (m.T_STITCH, m.N_STITCH),
    "weights": (m.T_WEIGHTS, m.N_WEIGHTS),
    "heaviest": (m.T_HEAVIEST, m.N_HEAVIEST),
}

#: Column -> its heading.
COLUMNS: Final[Mapping[str, Message]] = {
    "measure": m.C_MEASURE,
    "value": m.C_VALUE,
    "age_days": m.C_AGE_DAYS,
    "class": m.C_CLASS,
    "class_value": m.C_CLASS_VALUE,
    "month": m.C_MONTH,
    "day": m.C_DAY,
    "rule": m.C_RULE,
    "points": m.C_POINTS,
    "granted": m.C_GRANTED,
    "clawed_back": m.C_CLAWED_BACK,
    "expired": m.C_EXPIRED,
    "paid": m.C_PAID,
    "corrected": m.C_CORRECTED,
    "outstanding": m.C_OUTSTANDING,
    "pending": m.C_PENDING,
    "share": m.C_SHARE,
    "made": m.C_MADE,
    "live": m.C_LIVE,
    "accepted": m.C_ACCEPTED,
    "lapsed": m.C_LAPSED,
    "withdrawn": m.C_WITHDRAWN,
    "superseded": m.C_SUPERSEDED,
    "acceptance": m.C_ACCEPTANCE,
    "accepted_after_hours": m.C_ACCEPTED_AFTER,
    "lapsed_after_hours": m.C_LAPSED_AFTER,
    "experiment": m.C_EXPERIMENT,
    "group": m.C_GROUP,
    "eligible": m.C_ELIGIBLE,
    "signed_up": m.C_SIGNED_UP,
    "difference": m.C_DIFFERENCE,
    "low": m.C_LOW,
    "high": m.C_HIGH,
    "people_needed": m.C_PEOPLE_NEEDED,
    "p": m.C_P,
    "as_drawn": m.C_AS_DRAWN,
    "too_early": m.C_TOO_EARLY,
    "several": m.C_SEVERAL,
    "crossed": m.C_CROSSED,
    "silent": m.C_SILENT,
    "back": m.C_BACK,
    "cohort": m.C_COHORT,
    "buyers": m.C_BUYERS,
    "day_n": m.C_RETENTION_DAY,
    "old_enough": m.C_OLD_ENOUGH,
    "on_day": m.C_ON_DAY,
    "on_day_or_later": m.C_ON_DAY_OR_LATER,
    "again": m.C_AGAIN,
    "channels": m.C_CHANNELS,
    "consumers": m.C_CONSUMERS,
    "channel": m.C_CHANNEL,
    "appid": m.C_APPID,
    "origins": m.C_ORIGINS,
    "bound": m.C_BOUND,
    "kind": m.C_KIND,
    "up_to_kib": m.C_UP_TO_KIB,
    "entities": m.C_ENTITIES,
    "bytes": m.C_BYTES,
    "kib": m.C_KIB,
}

#: Words in rows, by their column. Any other stands as it is: a rule, a month, an app.
ROWS: Final[Mapping[str, Mapping[str, Message]]] = {
    "measure": {
        "consumers": m.C_CONSUMERS,
        "members": m.R_MEMBERS,
        "consumers_with_points": m.R_WITH_POINTS,
        "points_outstanding": m.R_POINTS_OUTSTANDING,
        "points_pending": m.R_POINTS_PENDING,
        "points_paid": m.R_POINTS_PAID,
        "points_expired": m.R_POINTS_EXPIRED,
        "live_offers": m.R_LIVE_OFFERS,
        "points_offered": m.R_POINTS_OFFERED,
    },
    "age_days": {"archived": m.R_ARCHIVED},
    "cohort": {"archived": m.R_ARCHIVED},
    "month": {"archived": m.R_ARCHIVED, "never": m.R_NEVER},
    "class": {
        "tier": m.R_TIER,
        "lifecycle": m.R_LIFECYCLE,
        "rfm": m.R_RFM,
        "tags": m.R_TAGS,
    },
    "rule": {"forgotten": m.R_FORGOTTEN},
    "group": {"treated": m.R_TREATED, "control": m.R_CONTROL, "all": m.R_ALL},
    "experiment": {"-": m.R_NO_EXPERIMENT},
    "as_drawn": {"yes": m.R_YES, "no": m.R_NO},
    "up_to_kib": {"more": m.R_MORE},
    "kind": {"profile": m.R_PROFILE, "origin": m.R_ORIGIN, "payment": m.R_PAYMENT},
}


def said(column: str, value: str) -> str:
    """A word of a row."""
    message = ROWS.get(column, {}).get(value)
    return value if message is None else str(message())
