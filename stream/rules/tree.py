# SPDX-License-Identifier: Apache-2.0
"""Walk through the plain tree of a rule file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stream.yaml_config.entries import entries
from stream.yaml_config.problems import Loc


def rules_and_steps(
    version: Mapping[str, object], at: Loc
) -> Iterator[tuple[Loc, Mapping[str, object]]]:
    """All that names what earns, and when: rules, and steps of rules."""
    for loc, rule in entries(version, "earn", at):
        yield loc, rule
        yield from entries(rule, "steps", loc)
