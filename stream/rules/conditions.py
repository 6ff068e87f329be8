# SPDX-License-Identifier: Apache-2.0
"""Tests as a rule file writes them: ``{gte: 3, lt: 5}``, or one value to be equal to."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator

from stream.engine.model.ruleset import Op
from stream.yaml_config.value_types import Operand, parse_operand, sized


def _as_tests(value: object) -> object:
    """``field: value`` is short for ``field: {eq: value}``."""
    return value if isinstance(value, dict) else {Op.EQ.value: value}


Tests = Annotated[
    dict[
        Annotated[Op, Field(strict=False)],
        Annotated[Operand, PlainValidator(parse_operand, json_schema_input_type=Operand)],
    ],
    sized(1, len(Op)),
    BeforeValidator(_as_tests, json_schema_input_type=Any),  # runs before ``sized``
]
