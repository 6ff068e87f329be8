# SPDX-License-Identifier: Apache-2.0
"""P2 and P3 over long lives: what becomes known after months counts as if it had been known."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from stream.engine.model.ruleset import RuleBook
from tests.support.books import ACCOUNTS, DAY, DIRECTORY
from tests.support.lives import BOOKS, END, Published, arrivals, lives
from tests.support.model import Model, Result
from tests.support.world import World

pytestmark = pytest.mark.slow

GROUPS, LIVES_PER_GROUP = 4, 25
HEAVY = 600  # touches


def lived(book: RuleBook, published: list[Published], random: Random) -> World:
    """The world after all of it, time having passed in between."""
    world = World(book, DIRECTORY, random)
    for at, event in published:
        if at - world.clock > DAY:  # nothing is on its way for longer
            world.settle()
        world.advance(at)
        world.publish(event, at)
        for _ in range(random.randrange(4)):
            world.step()
    world.settle()
    world.advance(END)
    return world


def same(world: World, expected: Result, records: int) -> None:
    assert world.dead == []
    assert world.binds() == expected.binds
    assert world.balances() == expected.balances
    assert world.payouts() == expected.payouts
    assert world.spent() == expected.spent
    assert world.live() == world.announced() == expected.live
    assert Counter({k: n for k, n in world.counts.items() if n}) == expected.outcomes
    assert sum(world.counts.values()) == records
    assert world.violations() == []


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("group", range(GROUPS))
def test_a_long_life_comes_to_what_the_model_says(name: str, group: int) -> None:
    for seed in range(group * LIVES_PER_GROUP, (group + 1) * LIVES_PER_GROUP):
        random = Random(f"{name} {seed}")
        happened = lives(random, random.choice((8, 15, 30, 60)))
        for _ in range(2):  # by two ways to arrive
            published = arrivals(random, happened)
            expected = Model(BOOKS[name], ACCOUNTS).judge([e for _, e in published], END)
            same(lived(BOOKS[name], published, random), expected, len(published))


@pytest.mark.parametrize("name", BOOKS)
def test_a_heavy_account_comes_to_what_the_model_says(name: str) -> None:
    random = Random(name)
    published = arrivals(random, lives(random, HEAVY))
    expected = Model(BOOKS[name], ACCOUNTS).judge([e for _, e in published], END)
    same(lived(BOOKS[name], published, random), expected, len(published))
