# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import unicodedata
from dataclasses import replace

import pytest

from stream.demo.output_totals import LiveOffer
from stream.demo.view import PLAIN_LINES_MAX, Frame, View, block, fit, plain_line

OFFER = LiveOffer(
    "o-1", 1380, {"zh-CN": "立即注册，领取 1,380 积分！", "en": "Sign up now for 1,380 points"}
)
FRAME = Frame(
    elapsed_s=4.25,
    inputs=20_000,
    published=20_000,
    counts={"applied": 9_000, "duplicate": 400, "parked": 590, "dead": 10},
    accounts=1_234,
    bound=321,
    balance=54_321,
    live_offers=17,
    newest=(OFFER,),
)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_block_shows_counts_points_and_the_newest_offers() -> None:
    text = "\n".join(block(FRAME, 200))

    assert "10,000 of 20,000 records" in text
    assert "applied 9,000" in text
    assert "late 0" in text
    assert "accounts 1,234" in text
    assert "binds 321" in text
    assert "points 54,321" in text
    assert "立即注册，领取 1,380 积分！" in text
    assert "Sign up now for 1,380 points" in text


@pytest.mark.parametrize("width", [10, 40, 79])
def test_no_line_of_a_block_is_wider_than_the_screen(width: int) -> None:
    def columns(line: str) -> int:
        return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)

    assert all(columns(line) <= width for line in block(FRAME, width))


def test_a_line_which_fits_is_left_alone() -> None:
    assert fit("积分 12", 7) == "积分 12"
    assert fit("积分 12", 6) == "积分…"


def test_a_screen_is_redrawn_in_place() -> None:
    screen = Screen()
    view = View(screen)
    view.show(FRAME)
    first = screen.getvalue()
    view.show(replace(FRAME, live_offers=18))
    second = screen.getvalue().removeprefix(first)

    assert second.startswith(f"\x1b[{len(block(FRAME, 79))}A")
    assert first.count("\n") == second.count("\n") == len(block(FRAME, 79))


def test_what_is_said_stays_above_the_next_block() -> None:
    screen = Screen()
    view = View(screen)
    view.show(FRAME)
    view.say("done")
    view.show(FRAME)

    assert screen.getvalue().count("\x1b[6A") == 0


def test_a_pipe_gets_a_few_plain_lines_and_the_first_offer() -> None:
    pipe = io.StringIO()
    view = View(pipe)
    for done in range(0, 20_001, 50):
        newest = (OFFER,) if done > 1_000 else ()
        view.show(replace(FRAME, counts={"applied": done}, newest=newest))
    lines = pipe.getvalue().splitlines()

    assert len(lines) <= PLAIN_LINES_MAX + 2
    assert "\x1b" not in pipe.getvalue()
    assert [line for line in lines if line.startswith("first offer")] == [
        "first offer: 立即注册，领取 1,380 积分！",
        "first offer: Sign up now for 1,380 points",
    ]
    assert "20,000 of 20,000 records" in lines[-1]


def test_a_plain_line_is_one_line() -> None:
    assert plain_line(FRAME).startswith("  4.2 s  10,000 of 20,000 records")
