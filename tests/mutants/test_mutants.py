# SPDX-License-Identifier: Apache-2.0
"""The simulation finds bugs: the quick ones here, all of them with ``make mutants``."""

from __future__ import annotations

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.planting import check_fits, plant_and_search

QUICK = [mutant for mutant in MUTANTS if mutant.quick]
SEEDS = 60


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_source(mutant: Mutant) -> None:
    check_fits(mutant)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", QUICK, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_caught(mutant: Mutant) -> None:
    found = plant_and_search(mutant, SEEDS)
    assert found.check is not None, f"survived {found.seeds} seeds"
