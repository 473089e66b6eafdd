"""A real browser for tests: Debian's Chromium driven by Playwright. Loaded as a plugin by ``tests/conftest.py``."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    """Playwright's driver: a process can have one at a time."""
    with sync_playwright() as playwright:
        yield playwright


@contextmanager
def chromium(driver: Playwright, *flags: str) -> Iterator[Browser]:
    """A Chromium with a profile folder of its own, removed afterwards; `flags` are added to `FLAGS`."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.fail("browser tests need Chromium: install the Debian package `chromium` (apt-get install chromium)", pytrace=False)
    browser = driver.chromium.launch(executable_path=executable, headless=True, args=[*FLAGS, *flags])
    try:
        yield browser
    finally:
        browser.close()


@dataclass
class Watched:
    """A page with what went wrong on it and what it asked the network for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, target: Path | str) -> Page:
        """Go to a file or an address."""
        self.page.goto(target.resolve().as_uri() if isinstance(target, Path) else target)
        return self.page


def watch(page: Page) -> Watched:
    """Collect console errors, uncaught exceptions, and every request of `page`."""
    seen = Watched(page)
    page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: seen.errors.append(str(e)))
    page.on("request", lambda r: seen.requests.append(r.url))
    return seen


@pytest.fixture(scope="session")
def browser(driver: Playwright) -> Iterator[Browser]:
    with chromium(driver) as started:
        yield started


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Opens watched pages: ``new_page(width=390, height=844, color_scheme="dark", offline=True)``."""
    contexts = []

    def build(width: int = 1440, height: int = 900, **options: Any) -> Watched:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        return watch(contexts[-1].new_page())

    yield build
    for context in contexts:
        context.close()
