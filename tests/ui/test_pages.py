"""Every page on a large light and a small dark screen: it looks as it did, can be read, and asks no other host for anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import accessibility, pages, pictures
from tests.support.browser import Watched

pytestmark = [pytest.mark.ui, pytest.mark.media]
SCREENS = {"large_light": (1440, 900, "light"), "small_dark": (390, 844, "dark")}
OWN = ("data:", "blob:")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with pages.serve(folder) as running:
        yield running


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("state", [*pages.STATES, "report"])
def test_a_page_looks_as_it_did_and_can_be_read(
    new_page: Callable[..., Watched], address: str, folder: Path, tmp_path: Path, state: str, screen: str
) -> None:
    width, height, scheme = SCREENS[screen]
    watched = new_page(width, height, color_scheme=scheme, reduced_motion="reduce")
    page = watched.page
    if state == "report":
        page.goto((folder / "invented" / "report.html").as_uri())
    else:
        pages.STATES[state](page, address)
    pages.settle(page)
    own = (*OWN, address, (folder / "invented").as_uri())
    assert [url for url in watched.requests if not url.startswith(own)] == [], "asked another host"
    assert watched.errors == []
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert accessibility.weak_texts(page) == []
    assert accessibility.nameless(page) == []
    picture = tmp_path / f"{state}.png"
    page.screenshot(path=picture)
    if scheme == "dark":
        with Image.open(picture) as drawn:
            grey = np.asarray(drawn.convert("L"), float) / 255
        assert (grey > 0.8).mean() < 0.1, "something is white on a dark page"
    if state != "sessions":  # rows of that table are as high as the fonts were when it was measured: chance
        pictures.assert_same(picture, f"page_{state}_{screen}")


def test_a_weak_text_and_a_nameless_control_would_be_noticed(new_page: Callable[..., Watched]) -> None:
    page = new_page().page
    page.set_content(
        "<body style='background:#eee'><p style='opacity:.4'>pale</p><p>plain</p><input><label>named <input></label><div id='host'></div>"
        "<script>host.attachShadow({mode: 'open'}).innerHTML = `<button></button><b style='color:#999'>weak</b>`</script>"
    )
    assert [text.split(" (")[0] for text in accessibility.weak_texts(page)] == ["pale", "weak"]
    assert accessibility.nameless(page) == ["<input>", "<button></button>"]
