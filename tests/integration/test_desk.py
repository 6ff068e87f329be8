# SPDX-License-Identifier: Apache-2.0
"""The desk as a process beside a worker: by HTTP, and in a real Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from stream.engine.model.decision import Channel
from tests.conftest import unavailable
from tests.integration.cluster import Cluster
from tests.integration.test_day import sample_day, sources
from tests.services.process import free_ports
from tests.support.commands import SHADOWPOINTS, running
from tests.support.desk import page, signed_in

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

TOKEN, SECOND = "the-token-of-the-desk", "the-second-token-of-it"
PATHS = ("/", "/offers", "/rules", "/person", "/letters", "/health")
PATIENCE_MS = 60_000


@pytest.fixture
async def cluster(new_cluster: Callable[..., Cluster]) -> Cluster:
    """A deployment in which a day has happened."""
    made = new_cluster(3)
    made.start_worker()
    await made.publish(sources(sample_day(2_000)))
    await made.settled()
    return made


@contextmanager
def desk_of(cluster: Cluster, directory: Path, **settings: str) -> Iterator[str]:
    """The desk's process; its address."""
    for name, token in (("token", TOKEN), ("second", SECOND)):
        (directory / name).write_text(token)
    (port,) = free_ports(1)
    environment = cluster.environment | {
        "SHADOWPOINTS_DESK_PORT": str(port),
        "SHADOWPOINTS_DESK_TOKEN_FILE": str(directory / "token"),
        "SHADOWPOINTS_DESK_REPLAY_TOKEN_FILE": str(directory / "second"),
        **{f"SHADOWPOINTS_{name}": value for name, value in settings.items()},
    }
    with running([*SHADOWPOINTS, "desk"], environment, directory / "desk.log"):
        yield f"http://127.0.0.1:{port}"


async def offers_of(cluster: Cluster, kind: str) -> list[dict[str, Any]]:
    return [
        orjson.loads(record.value or b"")
        for record in await cluster.read_channel(Channel.OFFERS)
        if record.headers["ce_type"] == kind.encode()
    ]


async def test_a_person_is_found_by_whatever_names_them(cluster: Cluster, tmp_path: Path) -> None:
    accepted = (await offers_of(cluster, "offer.accepted.v1"))[0]
    payouts = await offers_of(cluster, "payout.issued.v1")
    key = accepted["consumer_id"]
    member = next(one["member_id"] for one in payouts if one["consumer_id"] == key)
    with desk_of(cluster, tmp_path) as url:
        async with signed_in(url, TOKEN) as browser:
            found = await page(browser, "/person", who=key, whole="on")
            assert key in found
            assert f"{accepted['points']:,} points" in found
            masked = await page(browser, "/person", who=key)
            assert key.rpartition(".")[2] not in masked.partition("<table")[2]
            for name in (member, accepted["offer_id"], key.rpartition(".")[2]):
                by_name = await page(browser, "/person", who=name, whole="on")
                assert key in by_name.partition("<table")[2], name
            nobody = await page(browser, "/person", who="nobody")
            assert "Nobody is found" in nobody
    log = (tmp_path / "desk.log").read_text("utf-8")
    assert log.count("Looked at a person") == 5
    assert key.rpartition(".")[2] not in log


async def test_dead_letters_are_replayed_with_the_second_token(
    cluster: Cluster, tmp_path: Path
) -> None:
    before = len(await cluster.dead_letters())
    assert before
    cluster.stop_workers()  # or they would fail again
    with desk_of(cluster, tmp_path) as url:
        async with signed_in(url, TOKEN) as browser:
            assert "not replayed" in await page(browser, "/letters")
            asked = await page(browser, "/replay", reason="", topic="")
            assert f"Replay {before:,} dead letters?" in asked
            async with browser.post("/replay", data={"token": TOKEN}) as refused:
                assert refused.status == 403
            assert len(await cluster.dead_letters()) == before
            done = await page(browser, "/replay", token=SECOND)
            assert f"{before:,} were replayed" in done
            again = await page(browser, "/replay", reason="", topic="")
            assert "Replay 0 dead letters?" in again
            assert "replayed</td>" in await page(browser, "/letters")


def chromium_path() -> str:
    return shutil.which("chromium") or unavailable("chromium is not installed")


async def test_in_a_real_browser_with_the_keyboard_alone(cluster: Cluster, tmp_path: Path) -> None:
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    path = chromium_path()
    cluster.run("report", "write", str(tmp_path / "report"))
    with desk_of(cluster, tmp_path, DESK_REPORT=str(tmp_path / "report/report.json")) as url:
        async with signed_in(url, TOKEN):
            pass  # it listens
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(executable_path=path, args=options)
            for locale, title in (("en-GB", "Health"), ("zh-CN", "运行状况")):
                await walk(chromium, url, locale, title)
            tab = await chromium.new_page()
            await tab.goto((tmp_path / "report/report.html").as_uri())
            await sound(tab)
            await chromium.close()


async def walk(chromium: Browser, url: str, locale: str, health: str) -> None:
    """Sign in and go to every page; each is sound to axe, and nothing is said on the console."""
    context = await chromium.new_context(locale=locale, base_url=url)
    context.set_default_timeout(PATIENCE_MS)
    tab, trouble = await context.new_page(), list[str]()
    tab.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    await tab.goto("/")
    await tab.keyboard.press("Tab")
    assert await tab.evaluate("document.activeElement.className") == "skip"
    await tab.keyboard.press("Enter")
    await tab.keyboard.press("Tab")
    await tab.keyboard.type(TOKEN)
    await tab.keyboard.press("Enter")
    await tab.wait_for_url(f"{url}/")
    for path in PATHS:
        await tab.goto(path)
        await check(tab)
    assert await tab.locator("h1").inner_text() == health
    await tab.goto("/person")
    await tab.locator("#who").fill("nobody")
    await tab.keyboard.press("Enter")
    await tab.locator("[role=status]").wait_for()
    await check(tab)
    assert trouble == []
    await context.close()


async def sound(tab: Page) -> None:
    """Nothing in the page keeps a keyboard or a screen reader out."""
    found = await Axe().run(tab)
    assert found.violations_count == 0, (tab.url, found.generate_report())


async def check(tab: Page) -> None:
    await sound(tab)
    assert await tab.locator("main h1").count() == 1
    assert await tab.locator("nav a[aria-current=page]").count() == 1
    charts = tab.locator("main svg[role=img]")
    assert await charts.count() <= await tab.locator("main table").count()
