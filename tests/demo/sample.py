# SPDX-License-Identifier: Apache-2.0
"""The date on which the tests' days are; any would do."""

from datetime import date

DATE = date(2026, 11, 21)
