# SPDX-License-Identifier: Apache-2.0
"""Where a brand's other system gets WeChat's deliveries from the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Forward:
    """``url`` is requested as it is; ``everything``, or only what is not the gateway's alone."""

    url: str = field(repr=False)
    everything: bool = True


@dataclass(frozen=True, slots=True)
class Forwards:
    """``push`` by appid, ``pay`` by merchant number."""

    push: Mapping[str, Forward] = field(default_factory=dict)
    pay: Mapping[str, Forward] = field(default_factory=dict)
