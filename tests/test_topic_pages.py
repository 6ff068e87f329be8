# SPDX-License-Identifier: Apache-2.0
"""Pages which name the topics name all of them."""

from __future__ import annotations

from schemas import SOURCE_TOPICS
from tests.support.topic_pages import COMMAND, DOCS, updated


def test_the_pages_list_the_topics_that_the_product_has() -> None:
    changed = [path.name for path, text in updated().items() if path.read_text("utf-8") != text]
    assert not changed, f"{changed} differ. If that is intended, accept it with: {COMMAND}"


def test_the_readme_names_every_source() -> None:
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    assert [topic for topic in SOURCE_TOPICS if topic not in readme] == []
