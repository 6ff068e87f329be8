# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.support.topic_pages``: write the lists of topics into the pages in docs.

They are in docs/security.md, in the commands that give rights in Kafka, and in
docs/operations.md, in the loop that exports the sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from schemas.topics import (
    TOPIC_ENROLMENTS,
    TOPIC_EXPORTS,
    TOPIC_MINI_PROGRAM,
    TOPIC_OFFERS,
    TOPIC_OFFICIAL_ACCOUNT,
    TOPIC_PAY,
    TOPIC_PRIVACY,
    TOPIC_TRAITS,
)
from stream.addressing.topics import CHANNELS, TopicNames
from stream.gateway import server as gateway
from stream.resolver import source_reader as resolver

COMMAND: Final = "python -m tests.support.topic_pages"
DOCS: Final = Path(__file__).parents[2] / "docs"
SECURITY, OPERATIONS = DOCS / "security.md", DOCS / "operations.md"
_WIDTH: Final = 100

_NAMES: Final = TopicNames()
_CHANNELS: Final = tuple(map(_NAMES.channel, CHANNELS))
_ALL: Final = (*_NAMES.sources, *_NAMES.hints, *_NAMES.written, _NAMES.rules)
#: The commands in the order of the page, with their topics.
RIGHTS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (
        "allow shadowpoints-worker --operation Read --group shadowpoints",
        (*_NAMES.sources, _NAMES.resolved),
    ),
    (
        "allow shadowpoints-worker --operation Write",
        (_NAMES.resolved, *_CHANNELS, _NAMES.dead_letters, _NAMES.rules),
    ),
    ("allow shadowpoints-worker --operation Describe --operation DescribeConfigs", _ALL),
    ("allow shadowpoints-topics --operation Create --operation Describe", _ALL),
    ("allow shadowpoints-rules --operation Write", (_NAMES.resolved, _NAMES.rules)),
    (
        "allow shadowpoints-privacy --operation Read --group shadowpoints-privacy",
        (TOPIC_PRIVACY, *_NAMES.written),
    ),
    ("allow shadowpoints-privacy --operation Write", _NAMES.written),
    ("allow shadowpoints-gateway --operation Write", gateway.TOPICS),
    ("allow shadowpoints-gateway --operation Describe", (*_NAMES.sources, _NAMES.resolved)),
    ("allow shadowpoints-resolver --operation Read --group shadowpoints-resolver", resolver.TOPICS),
    (
        "allow shadowpoints-resolver --operation Write",
        (TOPIC_OFFICIAL_ACCOUNT, TOPIC_MINI_PROGRAM, TOPIC_PAY),
    ),
    (
        "allow shadowpoints-webhooks --operation Read --group shadowpoints-webhooks",
        _NAMES.webhooks,
    ),
    ("allow shadowpoints-webhooks --operation Write", (_NAMES.dead_letters,)),
    ("allow shadowpoints-eraser --operation Read", _NAMES.written),
    ("allow shadowpoints-eraser --operation Write", (TOPIC_PRIVACY, *_NAMES.written)),
    ("allow shadowpoints-operator --operation Read", _CHANNELS),
    ("allow shadowpoints-desk --operation Read", (*_CHANNELS, _NAMES.dead_letters)),
    ("allow shadowpoints-desk --operation Describe", (*_NAMES.sources, _NAMES.resolved)),
    ("allow shadowpoints-operator --operation Read", (_NAMES.dead_letters,)),
    ("allow shadowpoints-operator --operation Write", (_NAMES.dead_letters,)),
    ("allow shadowpoints-operator --operation Write", _NAMES.sources),
    ("allow till --operation Write", (TOPIC_PAY,)),
    ("allow crm --operation Read --group crm", (TOPIC_OFFERS, TOPIC_TRAITS, TOPIC_EXPORTS)),
    ("allow crm --operation Write", (TOPIC_ENROLMENTS, TOPIC_PRIVACY)),
)
_RIGHT: Final = re.compile(r"^allow [^\\\n]*(?:\\\n[^\\\n]*)*$", re.MULTILINE)
_LOOP: Final = re.compile(r"^for topic in [^;]*; do$", re.MULTILINE)


def updated() -> dict[Path, str]:
    """The text the pages should have; raises ``ValueError`` for unknown commands."""
    security, operations = SECURITY.read_text("utf-8"), OPERATIONS.read_text("utf-8")
    known = iter(RIGHTS)
    page = _RIGHT.sub(lambda found: _right(found[0], known), security)
    if left := [head for head, _ in known]:
        raise ValueError(f"{SECURITY.name} has no command {left}")
    loop = "".join(_wrapped("for topic in", _NAMES.sources, " " * 13)) + "; do"
    return {SECURITY: page, OPERATIONS: _LOOP.sub(lambda _: loop, operations)}


def _right(command: str, known: Iterator[tuple[str, tuple[str, ...]]]) -> str:
    head, topic, _ = command.partition(" --topic ")
    if not topic:
        return command
    wanted, topics = next(known, ("", ()))
    if " ".join(head.replace("\\\n", "").split()) != wanted:
        raise ValueError(f"{SECURITY.name}: expected {wanted!r}, not {head!r}")
    options = [f"--topic {name}" for name in topics]
    line = " ".join([wanted, *options])
    return line if len(line) <= _WIDTH else f"{wanted} \\\n{_wrapped(' ', options, '  ')}"


def _wrapped(begin: str, words: Iterable[str], indent: str) -> str:
    """The words in lines of a shell command, each continued in the next."""
    lines = [begin]
    for word in words:
        if len(lines[-1]) + len(word) > _WIDTH - len(" ; do"):
            lines.append(indent[:-1])
        lines[-1] += f" {word}"
    return " \\\n".join(lines)


if __name__ == "__main__":
    for path, text in updated().items():
        path.write_text(text, "utf-8")
