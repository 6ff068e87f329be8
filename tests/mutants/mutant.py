# SPDX-License-Identifier: Apache-2.0
"""A planted bug: a change of the product's code, addressed by its structure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """Within ``place`` of ``file``, the code ``old`` becomes ``new``.

    ``place`` is the qualified name of a function, a class or a constant. ``old`` and ``new`` are
    Python: two expressions, or statements (``new`` may be empty). ``...`` as the whole body of a
    statement stands for the body that the product has there. Layout and comments do not matter.
    """

    file: str
    place: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """One planted bug.

    The simulation finds it, or the ``test`` (a file) where it needs what no simulated history has.
    ``quick``: found within a few seeds, so that ``make test`` plants it.
    """

    name: str
    edits: tuple[Edit, ...]
    quick: bool = False
    test: str = ""
