# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.support.desk_screenshots``: take the pictures in docs/desk of a demo."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from stream.demo.desk import DESK_URL
from tests.support.commands import SHADOWPOINTS, others

PICTURES: Final = Path(__file__).parents[2] / "docs" / "desk"
PAGES: Final = {
    "overview": "/", "offers": "/offers", "rules": "/rules", "person": "/person",
    "letters": "/letters", "health": "/health",
}  # fmt: skip
LOCALES: Final = {"en": "en-GB", "zh": "zh-CN"}


@contextmanager
def demo() -> Iterator[tuple[str, str]]:
    """The demo with its desk: the token, and the person of its story."""
    command = [*SHADOWPOINTS, "demo", "--stay", "--consumers=400", "--events=4000"]
    with subprocess.Popen(command, env=others(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("desk "):
                break
        token = re.search(r"^token +(\w+)", said, re.M)
        person = re.search(r"^story +(\S+)", said, re.M)
        assert token, said
        assert person, said
        try:
            yield token[1], person[1]
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


def take(browser: Browser, token: str, person: str) -> None:
    for language, locale in LOCALES.items():
        options = {"width": 960, "height": 720}
        context = browser.new_context(locale=locale, base_url=DESK_URL, viewport=options)  # type: ignore[arg-type]
        tab = context.new_page()
        tab.goto("/login")
        tab.screenshot(path=PICTURES / f"login.{language}.png")
        tab.fill("#token", token)
        tab.keyboard.press("Enter")
        tab.wait_for_url(DESK_URL)
        for name, path in PAGES.items():
            tab.goto(path)
            if name == "person":
                tab.fill("#who", person)
                tab.keyboard.press("Enter")
                tab.locator("#timeline").wait_for()
            tab.screenshot(path=PICTURES / f"{name}.{language}.png")
        context.close()


def main() -> int:
    PICTURES.mkdir(exist_ok=True)
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with demo() as (token, person), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        take(browser, token, person)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
