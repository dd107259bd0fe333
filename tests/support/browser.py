# SPDX-License-Identifier: MIT
"""Open a page from the disk in Chromium without a network, and record what it says and asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

POLL_MILLISECONDS = 50


@dataclass(frozen=True, slots=True)
class OpenPage:
    """A page. problems: messages of its console and errors. requests: the addresses that it asked for."""

    page: Page
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def start_browser(chromium: str) -> Iterator[Browser]:
    """Start Chromium; chromium: the path of the program."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # tests run in containers as root, where Chromium has no sandbox
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def open_page(browser: Browser, path: Path, *, dark: bool = False) -> Iterator[OpenPage]:
    """Open a file in a window of 1200 x 900 pixels."""
    context = browser.new_context(
        viewport={"width": 1200, "height": 900},
        color_scheme="dark" if dark else "light",
        offline=True,
        accept_downloads=True,
    )
    opened = OpenPage(context.new_page())
    opened.page.on("console", lambda message: opened.problems.append(message.text))
    opened.page.on("pageerror", lambda error: opened.problems.append(str(error)))
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    opened.page.goto(path.as_uri())
    yield opened
    context.close()


def wait_until(page: Page, expression: str) -> None:
    """Wait until an expression of JavaScript is true; the policy of the page forbids playwright's own polling."""
    while not page.evaluate(expression):
        page.wait_for_timeout(POLL_MILLISECONDS)
