# SPDX-License-Identifier: Apache-2.0
"""Warn about classes of consumers, and tests of them, that can hardly be meant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from stream.engine.model.classes import BEST, Classes, ClassPolicy, Stage, fits
from stream.language import class_messages as say
from stream.rules.class_compile import compile_classes, compile_who
from stream.rules.class_model import Who
from stream.rules.model import VersionEntry
from stream.yaml_config.problems import Finding, Loc


def class_warnings(version: VersionEntry) -> Iterator[Finding]:
    """Findings about one version, relative to it."""
    segments = version.segments
    if segments is not None and segments.lifecycle is None and segments.rfm is None:
        yield Finding(("segments",), say.NO_SEGMENTS(), at_name=True)
    policy = compile_classes(version.tiers, segments, version.tags)
    if policy is None:
        return
    everybody = list(_all_classes(policy))
    asked: list[tuple[Loc, Who]] = [(("tags", i), tag.who) for i, tag in enumerate(version.tags)]
    asked += [(("earn", i), rule.who) for i, rule in enumerate(version.earn) if rule.who]
    asked += [(("offers", i), block.who) for i, block in enumerate(version.offers) if block.who]
    for at, who in asked:
        tested = compile_who(who, version.tiers)
        some = fits(tested, everybody[0])
        if all(fits(tested, classes) is some for classes in everybody):
            message = say.FITS_EVERYBODY() if some else say.FITS_NOBODY()
            yield Finding((*at, "who"), message, at_name=True)


def _all_classes(policy: ClassPolicy) -> Iterator[Classes]:
    """The classes of all who may exist."""
    levels = range(len(policy.tiers.levels) + 1 if policy.tiers else 1)
    stages = [stage.value for stage in Stage] if policy.lifecycle else [""]
    scores = [str(score) for score in range(1, BEST + 1)] if policy.rfm else []
    rfms = ["", *map("".join, product(scores, repeat=3))] if scores else [""]
    for level, stage, rfm in product(levels, stages, rfms):
        yield policy.classes(level, stage, rfm)
