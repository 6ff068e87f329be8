# SPDX-License-Identifier: Apache-2.0
"""Names of days, months, ages and sizes in the keys of figures; they sort as they follow."""

from __future__ import annotations

from stream.engine.model.calendar import date_of, month_of

#: Of points and origins that are too old to be kept one by one.
ARCHIVED = "archived"
NEVER = "never"
_AGES = ((30, "000-030"), (90, "031-090"), (180, "091-180"), (365, "181-365"))
_OLDER = "366+"


def day_name(day: int) -> str:
    """A Shanghai day as ``2026-03-01``."""
    return date_of(day).isoformat()


def month_name(day: int) -> str:
    """The month of a Shanghai day as ``2026-03``."""
    year, month = divmod(month_of(day), 12)
    return f"{year:04d}-{month + 1:02d}"


def age_name(days: int) -> str:
    """An age in days as one of five classes."""
    return next((name for most, name in _AGES if days <= most), _OLDER)
