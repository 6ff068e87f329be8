"""The date on which the tests' days are; any would do."""

from datetime import date

DATE = date(2026, 11, 21)
