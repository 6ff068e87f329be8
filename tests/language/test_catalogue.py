# SPDX-License-Identifier: Apache-2.0
"""Each message has an id and two texts, which are filled with the same."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import stream
from stream.language.catalogue import CATALOGUE, MODULES
from stream.language.message import Message, placeholders

STREAM = Path(stream.__file__).parent
CHINESE = re.compile(r"[\u4e00-\u9fff]")
#: These have no words.
BARE = {"VERBATIM", "CHOICE", "IN_FILE", "TWO_TIMES", "TIMES", "LANGUAGE_TAG"}


def test_both_texts_have_the_same_placeholders() -> None:
    different = {
        name
        for name, message in CATALOGUE.items()
        if placeholders(message.en) != placeholders(message.zh)
    }
    assert different == set()


def test_each_text_is_in_its_language() -> None:
    assert [name for name, message in CATALOGUE.items() if not message.en.isascii()] == []
    without = {name for name, message in CATALOGUE.items() if not CHINESE.search(message.zh)}
    assert without == BARE
    narrow = [name for name, m in CATALOGUE.items() if re.search("[,;?]", _plain(m.zh))]
    assert narrow == [], "Chinese punctuation is wide"


def _plain(text: str) -> str:
    """A text without what is quoted, in brackets or a placeholder."""
    return re.sub(r"「.*?」|\{.*?\}|\[.*?\]", "", text)


def test_no_id_and_no_sentence_stands_twice() -> None:
    names = [n for m in MODULES for n, value in vars(m).items() if isinstance(value, Message)]
    assert len(names) == len(CATALOGUE)
    for texts in ([m.en for m in CATALOGUE.values()], [m.zh for m in CATALOGUE.values()]):
        assert [text for text, count in Counter(texts).items() if count > 1] == []


def test_every_message_is_said_somewhere() -> None:
    sources = "\n".join(
        path.read_text("utf-8")
        for kind in ("*.py", "*.html")
        for path in STREAM.rglob(kind)
        if path.parent.name != "language"
    )
    words = set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", sources))
    assert CATALOGUE.keys() - words == set()
