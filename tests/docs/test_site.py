"""The documentation site: built without a network and without a model library, read without either."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.browser import Watched
from tests.support.packages import ROOT, fresh

HEAVY = ("torch", "tensorflow", "mediapipe", "panel", "pandas")
BUILD = """
import socket, sys
def refuse(*_): raise OSError("the build asked the network")
socket.socket.connect = socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
cli(["build", "--quiet", "--strict", "--site-dir", sys.argv[1]], standalone_mode=False)
print([name for name in {heavy} if name in sys.modules])
""".replace("{heavy}", repr(HEAVY))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    built = fresh("-c", BUILD, folder, folder=ROOT, NO_MKDOCS_2_WARNING="1")
    assert built.returncode == 0, built.stderr
    assert ast.literal_eval(built.stdout.splitlines()[-1]) == []
    return folder


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    loads = re.compile(r"""<(?:script|img|link|iframe|source|video|audio)\b[^>]*?(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)""")
    styles = re.compile(r"""(?:url\(|@import\s)\s*["']?((?:https?:)?//[^"')\s]+)""")
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*") if path.suffix in {".html", ".css"}}
    assert len(pages) > 40
    fetched = {(path.name, *loads.findall(text), *styles.findall(text)) for path, text in pages.items()}
    assert [found for found in fetched if len(found) > 1] == []


def test_every_setting_and_every_command_is_in_the_reference(site: Path) -> None:
    settings = (site / "reference" / "settings.html").read_text(encoding="utf-8")
    keys = re.findall(r"^  (\w+):", fresh("-m", "workbench", "settings").stdout, re.M)
    assert len(keys) > 50
    assert [key for key in keys if f"<code>{key}</code>" not in settings] == []
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for group in ("sessions", "fusion", "audit", "corpora", "models", "bench"):
        names = re.findall(r"^│ ([a-z][\w-]*) ", fresh("-m", "workbench", group, "--help").stdout.partition("Commands")[2], re.M)
        assert names
        assert [name for name in names if f"workbench {group} {name}" not in commands] == []


@pytest.mark.ui
def test_pages_open_from_the_disk_with_a_search_that_works(site: Path, new_page: Callable[..., Watched]) -> None:
    watched = new_page(offline=True)
    for where in ("index.html", "architecture.html", "reference/settings.html", "api/fusion.html"):
        page = watched.open(site / where)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    page.fill("input.md-search__input", "fingerprint")
    page.wait_for_selector(".md-search-result__item")
    assert "matching" in page.locator(".md-search-result__meta").inner_text()
    assert watched.errors == []
    assert [request for request in watched.requests if not request.startswith(("file:", "data:"))] == []


@pytest.mark.ui
@pytest.mark.parametrize("width", [390, 1440])
def test_pages_fit_a_phone_and_a_desk(site: Path, new_page: Callable[..., Watched], width: int) -> None:
    for where in ("index.html", "reference/settings.html", "api/fusion.html"):
        page = new_page(width, 844).open(site / where)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
