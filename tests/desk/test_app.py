# SPDX-License-Identifier: Apache-2.0
"""Who gets in, and what every answer says; by HTTP, without Kafka."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import orjson
import pytest

from stream.desk.app import FORM_BYTES_MAX
from stream.desk.sessions import SESSION_S, TRIES_MAX
from stream.report.figures.counts import Counts
from stream.report.files import documents
from stream.report.tables import tables_of
from tests.desk.conftest import TOKEN

Serve = Callable[..., AbstractAsyncContextManager[aiohttp.ClientSession]]


class Said(NamedTuple):
    """An answer that was read."""

    status: int
    headers: Mapping[str, str]
    text: str


async def ask(
    browser: aiohttp.ClientSession,
    path: str,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Said:
    """Get a page, or post a form, without following redirects."""
    method = "GET" if form is None else "POST"
    options: dict[str, Any] = {"data": form, "headers": headers, "allow_redirects": False}
    async with browser.request(method, path, **options) as answer:
        return Said(answer.status, answer.headers, await answer.text())


async def sign_in(browser: aiohttp.ClientSession, token: str = TOKEN) -> Said:
    return await ask(browser, "/login", {"token": token})


async def text_of(browser: aiohttp.ClientSession, path: str, **headers: str) -> str:
    return (await ask(browser, path, headers=headers)).text


@pytest.mark.parametrize("path", ["/", "/offers", "/rules", "/person", "/letters", "/health"])
async def test_without_the_token_there_is_only_the_way_to_sign_in(serve: Serve, path: str) -> None:
    async with serve() as browser:
        answer = await ask(browser, path)
        assert (answer.status, answer.headers["location"]) == (303, "/login")
        answer = await ask(browser, path, {"who": "x"})
        assert answer.status == 303


async def test_the_cookie_is_kept_from_scripts_and_other_sites(serve: Serve) -> None:
    async with serve() as browser:
        cookie = (await sign_in(browser)).headers["set-cookie"]
        assert re.search("HttpOnly", cookie)
        assert re.search("SameSite=strict", cookie, re.I)
        assert "Sign out" in await text_of(browser, "/rules")
        await ask(browser, "/logout", {})
        assert "Sign out" not in await text_of(browser, "/rules")


async def test_a_session_ends_and_a_forged_one_never_begins(serve: Serve) -> None:
    now_s = [1_000.0]
    async with serve(clock_s=lambda: now_s[0]) as browser:
        await sign_in(browser)
        now_s[0] += SESSION_S + 1
        assert await text_of(browser, "/rules") == ""
        for forged in ("", "9999999999.", "9999999999.00", "nan.00", "x"):
            cookie = {"cookie": f"shadowpoints-desk={forged}"}
            assert (await ask(browser, "/", headers=cookie)).status == 303


async def test_guessing_is_slow_and_the_right_token_waits_too(serve: Serve) -> None:
    now_s = [1_000.0]
    async with serve(clock_s=lambda: now_s[0]) as browser:
        for _ in range(TRIES_MAX):
            assert (await sign_in(browser, "wrong")).status == 403
        assert (await sign_in(browser)).status == 429
        now_s[0] += 61
        assert (await sign_in(browser)).status == 303


async def test_every_answer_forbids_scripts_and_frames(serve: Serve) -> None:
    async with serve() as browser:
        await sign_in(browser)
        for path in ("/login", "/", "/nothing-here", "/desk.css"):
            answer = await ask(browser, path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["referrer-policy"] == "same-origin"
            assert not re.search(r"<script|<style| style=| on\w+=", answer.text)
        assert answer.headers["cache-control"] == "no-store"
        assert (await ask(browser, "/nothing-here")).status == 404


async def test_forms_of_other_sites_and_large_ones_do_nothing(serve: Serve) -> None:
    async with serve() as browser:
        other = {"origin": "http://127.0.0.1:1"}
        answer = await ask(browser, "/login", {"token": TOKEN}, other)
        assert answer.status == 403
        answer = await ask(browser, "/login", {"token": "x" * FORM_BYTES_MAX})
        assert answer.status == 403


async def test_it_speaks_as_the_browser_does_until_asked_to_change(serve: Serve) -> None:
    async with serve() as browser:
        await sign_in(browser)
        accepted = {"accept-language": "zh-CN,zh;q=0.9,en;q=0.5"}
        assert '<html lang="zh-CN">' in await text_of(browser, "/rules", **accepted)
        assert '<html lang="en">' in await text_of(browser, "/rules", **{"accept-language": "fr"})
        assert '<html lang="en">' in await text_of(browser, "/rules?lang=en", **accepted)
        assert '<html lang="en">' in await text_of(browser, "/rules", **accepted)


async def test_rules_and_the_calendar(serve: Serve) -> None:
    async with serve() as browser:
        await sign_in(browser)
        page = await text_of(browser, "/rules")
        assert re.search(r"<td>class_check_in</td>\s*<td>check_in</td>\s*<td>120 points</td>", page)
        assert "day 240, month 2,400" in page
        assert re.search(r'<title id="calendar-title">.*</title>', page)
        assert "There are no figures" in page


async def test_figures_come_from_a_report(serve: Serve, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    counts = Counts()
    for name in ("consumers", "not_members"):
        counts.add(("overview", name), 40, 40)
    report.write_text(documents(tables_of(counts), "2026-12-01T00:00:00+08:00")["report.json"])
    async with serve(report=report) as browser:
        await sign_in(browser)
        assert re.search(r"Consumers</td><td class=\"number\">40<", await text_of(browser, "/"))
        report.write_bytes(orjson.dumps({"as_of": "x"}))
        assert "cannot be read" in await text_of(browser, "/offers")


async def test_what_is_typed_is_shown_as_text(serve: Serve) -> None:
    async with serve() as browser:
        await sign_in(browser)
        answer = await ask(browser, "/person", {"who": '"><script>alert(1)</script>'})
        assert "<script" not in answer.text
        assert "Nobody is found" in answer.text
