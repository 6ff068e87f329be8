# SPDX-License-Identifier: Apache-2.0
"""A condition is called never true exactly if no value meets it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.ruleset import Condition, EarningRule, Op
from stream.engine.model.touchpoints import Touchpoint
from stream.language import lint_messages as say
from stream.language.message import Said
from stream.rules.lint_conditions import doubtful_conditions

LARGEST = 6
numbers = st.integers(0, LARGEST)
tests = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys((Op.EQ, Op.NE, Op.LT, Op.LTE, Op.GT, Op.GTE), numbers),
        **{op: st.lists(numbers, min_size=1, max_size=4).map(tuple) for op in (Op.IN, Op.NOT_IN)},
    },
)


def meets(value: int, op: Op, operand: object) -> bool:
    if isinstance(operand, tuple):
        return (value in operand) is (op is Op.IN)
    assert isinstance(operand, int)
    return {
        Op.EQ: value == operand,
        Op.NE: value != operand,
        Op.LT: value < operand,
        Op.LTE: value <= operand,
        Op.GT: value > operand,
        Op.GTE: value >= operand,
    }[op]


@given(tests)
def test_a_number_is_never_right_exactly_if_none_is(of_field: dict[Op, int]) -> None:
    when = tuple(Condition("total_fen", op, operand) for op, operand in of_field.items())
    (measure,) = EarningRule("a", Touchpoint.PURCHASE, points=1, when=when).measures
    found = doubtful_conditions(measure, None)
    said = [f.message.message for f in found if isinstance(f.message, Said)]
    possible = any(
        all(meets(value, op, operand) for op, operand in of_field.items())
        for value in range(LARGEST + 2)
    )
    assert said == ([] if possible else [say.NEVER_TRUE])
