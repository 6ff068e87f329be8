# SPDX-License-Identifier: Apache-2.0
"""Find conditions that no event meets: contradictions, values that do not exist, unknown apps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from stream.engine.model.fields import FIELDS
from stream.engine.model.ruleset import Condition, Measure, Op
from stream.engine.points.earning import holds
from stream.language import lint_messages as say
from stream.rules.known_values import LEAST_NUMBER, choices, is_possible
from stream.yaml_config.lookalikes import is_slip_in_word, lookalikes_in, right_for, sentence_about
from stream.yaml_config.problems import Finding, Loc, shown, suggestion

#: A range of numbers is searched for one that is met if it has no more than so many.
_NUMBERS_MAX: Final = 1_000
_FIRST: Final = {Op.GTE: 0, Op.GT: 1}
_LAST: Final = {Op.LTE: 0, Op.LT: -1}


def doubtful_conditions(measure: Measure, appids: Collection[str] | None) -> Iterator[Finding]:
    """Findings relative to the ``when`` of a rule or a step.

    About apps only if their appids are known.
    """
    by_field: dict[str, list[Condition]] = {}
    for condition in measure.when:
        by_field.setdefault(condition.field, []).append(condition)
        yield from _doubtful_values(measure, condition, appids)
    for name, conditions in by_field.items():
        if FIELDS[measure.touchpoint].get(name) and not _can_be_met(name, conditions):
            yield Finding((name,), say.NEVER_TRUE(field=name), at_name=True)


def _can_be_met(name: str, conditions: Sequence[Condition]) -> bool:
    values = _values(conditions)
    return values is None or any(all(holds(c, {name: v}) for c in conditions) for v in values)


def _values(conditions: Sequence[Condition]) -> Sequence[str | int | bool] | None:
    """Values of which one must meet the conditions if any does; ``None`` if there are too many."""
    tests: Mapping[Op, object] = {c.op: c.value for c in conditions}
    if Op.EQ in tests:
        return [tests[Op.EQ]]  # type: ignore[list-item]  # one value: checked before
    if isinstance(listed := tests.get(Op.IN), tuple):
        return listed
    first = [int(c.value) + _FIRST[c.op] for c in conditions if c.op in _FIRST]  # type: ignore[arg-type]
    last = [int(c.value) + _LAST[c.op] for c in conditions if c.op in _LAST]  # type: ignore[arg-type]
    if not last:
        return None
    numbers = range(max([LEAST_NUMBER, *first]), min(last) + 1)
    return numbers if len(numbers) <= _NUMBERS_MAX else None


def _doubtful_values(
    measure: Measure, condition: Condition, appids: Collection[str] | None
) -> Iterator[Finding]:
    several = isinstance(condition.value, tuple)
    for i, value in enumerate(condition.value if several else (condition.value,)):  # type: ignore[arg-type]
        at: Loc = (condition.field, condition.op.value, *((i,) if several else ()))
        if isinstance(value, str) and (slips := _slips(value)):
            for offset in slips:
                message = sentence_about(value[offset], right_for(value, offset))
                yield Finding(at, message, offset=offset)
        elif condition.field == "appid":
            if appids is not None:
                yield from _unknown_app(at, condition.op, str(value), appids)
        else:
            yield from _unknown_value(at, measure, condition, value)


def _slips(word: str) -> list[int]:
    return [i for i in lookalikes_in(word) if is_slip_in_word(word, i)]


def _unknown_app(at: Loc, op: Op, value: str, appids: Collection[str]) -> Iterator[Finding]:
    begins = op is Op.PREFIX
    if not any(appid.startswith(value) if begins else appid == value for appid in appids):
        sentence = say.NO_APP_BEGINS_SO if begins else say.UNKNOWN_APP
        yield Finding(at, sentence(appid=shown(value), known=suggestion(value, appids)))


def _unknown_value(
    at: Loc, measure: Measure, condition: Condition, value: object
) -> Iterator[Finding]:
    name, label = condition.field, measure.touchpoint.label
    words = choices(measure.touchpoint, name)
    if not words:
        if condition.op in (Op.EQ, Op.IN) and not is_possible(measure.touchpoint, name, value):
            message = say.NO_POSSIBLE_VALUE(touchpoint=label, field=name, value=shown(value))
            yield Finding(at, message)
        return
    begins = condition.op is Op.PREFIX
    if not any(word.startswith(str(value)) if begins else word == value for word in words):
        sentence = say.NO_VALUE_BEGINS_SO if begins else say.NO_SUCH_VALUE
        known = suggestion(str(value), words)
        message = sentence(touchpoint=label, field=name, value=shown(value), known=known)
        yield Finding(at, message)
