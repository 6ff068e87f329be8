# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stream.language.message import Language, speaking
from stream.report.page import ROWS_SHOWN, page
from stream.report.table import Column, Kind, Missing, Table, label, number
from stream.report.tables import tables_of
from stream.report.words import TABLES
from stream.worker.in_process import LocalEngine
from tests.report.brand import counted

AS_OF = "2027-12-01T00:00:00+08:00"
_VOID = {"meta"}


class Parsed(HTMLParser):
    """Elements with their attributes, and the texts of some; raises for tags that do not fit."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.append((self._open[-1], data))

    def named(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)

    def cells(self) -> list[str]:
        return [text for tag, text in self.texts if tag == "td"]


def shown(table: Table, language: Language = Language.EN) -> Parsed:
    with speaking(language):
        return Parsed(page([table], AS_OF))


async def test_a_whole_report_in_both_languages(brand: LocalEngine, tmp_path: Path) -> None:
    tables = tables_of(await counted(brand, tmp_path / "parts"))
    effects = {name for name in TABLES if name.startswith("effect_")}
    assert {table.name for table in tables} == TABLES.keys() - effects
    for language, tag in ((Language.EN, "en"), (Language.ZH, "zh-CN")):
        with speaking(language):
            parsed = Parsed(page(tables, AS_OF))
        assert next(parsed.named("html"))["lang"] == tag
        assert [s["id"] for s in parsed.named("section")] == [table.name for table in tables]
        headings = [text for name, text in parsed.texts if name in ("h1", "h2", "th", "p")]
        chinese = [text for text in headings if re.search(r"[\u4e00-\u9fff]", text)]
        words = {text for text in headings if text.strip() not in ("", "KiB")}
        if language is Language.EN:
            assert chinese == []
        else:
            assert words - set(chinese) == set()


async def test_nothing_runs_and_nothing_is_fetched(brand: LocalEngine, tmp_path: Path) -> None:
    html = page(tables_of(await counted(brand, tmp_path / "parts")), AS_OF)
    parsed = Parsed(html)
    assert {name for name, _ in parsed.elements} <= {
        "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "section", "div",
        "table", "thead", "tbody", "tr", "th", "td", "svg", "desc", "rect", "text",
    }  # fmt: skip
    attributes = {name for _, found in parsed.elements for name in found}
    assert not {name for name in attributes if name in ("style", "src", "href") or name[:2] == "on"}
    (style,) = [text for tag, text in parsed.texts if tag == "style"]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policies = [m["content"] for m in parsed.named("meta") if "http-equiv" in m]
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'"]


def test_what_a_rule_is_called_cannot_become_markup() -> None:
    table = Table("rules", (label("rule"), number("granted")), (("<script>&x", 40),), ("granted",))
    parsed = shown(table)
    assert "script" not in {name for name, _ in parsed.elements}
    assert parsed.cells() == ["<script>&x", "40"]
    assert ("text", "<script>&x") in parsed.texts


def test_a_chart_has_a_title_a_description_and_its_table() -> None:
    rows = (("2026-03", 120, 30), ("2026-04", 60, Missing.HIDDEN), ("2026-05", 0, 0))
    table = Table(
        "offers", (label("month"), number("made"), number("accepted")), rows, ("made", "accepted")
    )
    parsed = shown(table)
    (svg,) = parsed.named("svg")
    assert svg["role"] == "img"
    ids = [found.get("id") for _, found in parsed.elements]
    assert set((svg["aria-labelledby"] or "").split()) <= set(ids)
    bars = [r for r in parsed.named("rect") if r["height"] == "12"]
    widths = [float(bar["width"] or 0) for bar in bars]
    assert widths[1] == pytest.approx(widths[0] / 4, abs=0.1)
    assert widths[2] == pytest.approx(widths[0] / 2, abs=0.1)
    assert widths[3:] == [0, 0]  # what is hidden has no bar
    assert parsed.cells()[3:6] == ["2026-04", "60", "hidden"]


def test_values_are_set_as_what_they_are() -> None:
    columns = (
        label("month"), number("made"), Column("acceptance", Kind.SHARE),
        Column("accepted_after_hours", Kind.HOURS), Column("lapsed_after_hours", Kind.HOURS),
    )  # fmt: skip
    table = Table("offers", columns, (("never", 12_345, 0.2345, 47, 720),))
    assert shown(table).cells() == ["never", "12,345", "23.4%", "47 h", "30 d"]
    assert shown(table, Language.ZH).cells()[0] == "永不过期"


def test_of_a_long_table_the_last_rows_are_shown() -> None:
    rows = tuple((f"day {n}", n) for n in range(ROWS_SHOWN + 5))
    parsed = shown(Table("movements", (label("day"), number("granted")), rows))
    assert parsed.cells()[:2] == ["day 5", "5"]
    more = f"The last {ROWS_SHOWN} rows of {ROWS_SHOWN + 5}; movements.csv has all."
    assert ("p", more) in parsed.texts


def test_a_table_without_rows_says_so() -> None:
    parsed = shown(Table("repeat", (number("buyers"),), ()))
    assert ("p", "Nothing was counted.") in parsed.texts
    assert not list(parsed.named("svg"))
