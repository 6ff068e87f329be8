# SPDX-License-Identifier: Apache-2.0
"""Base classes of the models of configuration files."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

_T = TypeVar("_T")


#: A YAML list; a tuple, so that the model is frozen at every level.
ListOf = Annotated[tuple[_T, ...], Field(strict=False)]


class Closed(BaseModel):
    """A strict, frozen model: no unknown settings and no silent conversions."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
