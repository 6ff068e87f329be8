# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.support.delivery_table``: write the table of deliveries into docs/gateway.md.

For each kind that the gateway counts: the names of the deliveries, by the code's own tables, and
the events, by what the code makes of an example of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from stream.wechat.pay.kinds import EVENT_TYPES, without_provider
from stream.wechat.pay.kinds import Kind as PayKind
from stream.wechat.push.events import PUSHES
from stream.wechat.push.events import Kind as PushKind
from tests.wechat.pay.shapes import SHAPES as PAY_SHAPES
from tests.wechat.push.test_events import SHAPES as PUSH_SHAPES

COMMAND: Final = "python -m tests.support.delivery_table"
PAGE: Final = Path(__file__).parents[2] / "docs" / "gateway.md"
_BEGIN: Final = f"<!-- written by {COMMAND} -->\n"
_END: Final = "<!-- end -->"
_TABLE: Final = re.compile(f"(?<={re.escape(_BEGIN)}).*?(?={re.escape(_END)})", re.DOTALL)
_UNNAMED: Final = {
    PushKind.MESSAGE: "any message that a person wrote",
    PushKind.OTHER: "any other",
    PayKind.OTHER: "any other",
}
_WHY: Final = "[why](wechat-pay.md#notifications-that-are-only-counted)"
_INCOMPLETE: Final = f"one of the above that gives no event ({_WHY})"


def updated() -> str:
    """The text that the page should have."""
    page = PAGE.read_text("utf-8")
    if not _TABLE.search(page):
        raise ValueError(f"{PAGE.name} has no place for the table: {_BEGIN}")
    return _TABLE.sub(lambda _: "".join(f"{line}\n" for line in _lines()), page)


def _lines() -> Iterator[str]:
    yield "| Endpoint | `kind` | Delivery | Becomes |"
    yield "|---|---|---|---|"
    for pay in PayKind:
        examples = [shape for shape in PAY_SHAPES.values() if shape.kind == pay]
        types = [without_provider(shape.event_type) for shape in examples]
        named = [name for name, kind in EVENT_TYPES.items() if kind is pay]
        events = [type_ for shape in examples for type_ in shape.becomes]
        yield _line("pay", pay, [*types, *named], events)
    for push in PushKind:
        shapes = [shape for shape in PUSH_SHAPES.values() if shape[1] == push]
        named = [name for name, (kind, _) in PUSHES.items() if kind is push]
        heard = [str(content.get("Event", "")).lower() for content, _, _ in shapes]
        events = [type_ for _, _, becomes in shapes for type_, _, _ in becomes]
        yield _line("push", push, [*named, *heard], events)


def _line(
    endpoint: str, kind: PayKind | PushKind, names: Iterable[str], events: Iterable[str]
) -> str:
    what = _UNNAMED.get(kind) or _list(names) or _INCOMPLETE
    return f"| {endpoint} | `{kind}` | {what} | {_list(events) or 'counted only'} |"


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names) if name)


if __name__ == "__main__":
    PAGE.write_text(updated(), "utf-8")
