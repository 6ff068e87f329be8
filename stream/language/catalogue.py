# SPDX-License-Identifier: Apache-2.0
"""The catalogue: every message by its id."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from stream.language import (
    apps_messages,
    class_messages,
    command_messages,
    desk_messages,
    lint_messages,
    nudge_messages,
    report_messages,
    rule_messages,
    value_messages,
    yaml_messages,
)
from stream.language.message import Message

MODULES: Final = (
    yaml_messages,
    value_messages,
    rule_messages,
    class_messages,
    nudge_messages,
    lint_messages,
    apps_messages,
    command_messages,
    report_messages,
    desk_messages,
)

#: Id -> message, over all modules; an id names one message.
CATALOGUE: Final[Mapping[str, Message]] = MappingProxyType(
    {
        name: message
        for module in MODULES
        for name, message in vars(module).items()
        if isinstance(message, Message)
    }
)
