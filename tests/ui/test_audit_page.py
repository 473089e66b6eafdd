"""The audit page in a real browser, and the exported file without any network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.browser import Watched
from workbench.audit import config
from workbench.audit.present import bundle
from workbench.benchmarks.serving import served

pytestmark = pytest.mark.ui
WAIT = 60_000  # ms; a busy machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, generated_root: Path) -> Path:
    """A working folder with two audit runs of generated votes in it."""
    values = {
        "name": "votes", "source": {"corpus": "crema-d", "root": str(generated_root), "predictions": ["face", "average"]},
        "groupings": ["sex", "race"], "metrics": ["accuracy", "recall_sad"], "audit": {"draws": 200}, "compare": ["face", "average"],
        "costs": {"strategies": ["average", "product"]}, "ll144": {"predictions": "face", "ethnicity": None},
    }  # fmt: skip
    home = tmp_path_factory.mktemp("audits")
    kept = home / "artifacts" / "audits"
    face = {"compare": None, "costs": None, "ll144": None}
    before = values | face | {"name": "before", "source": values["source"] | {"predictions": ["average", "product"]}}
    bundle.run(config.Config(**before)).save(kept / "before")
    bundle.run(config.Config(**values)).save(kept / "votes")  # the newest is shown first
    return home


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served("audit", folder) as server:
        yield server.visit()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_every_tab_shows_its_part_and_fits_the_screen(new_page: Callable[..., Watched], address: str, width: int, height: int) -> None:
    seen = new_page(width, height)
    page = seen.open(address)
    expected = {
        "Findings": "Too few people to say anything",
        "Groups": "Accuracy by sex",
        "Intersections": "Hatched: too few people",
        "Gaps": "against",
        "Modalities": "What each modality adds and what it costs",
        "Local Law 144": "a convention, not a line of this law",
        "Compare": "Choose a run that came before this one",
    }
    for tab, text in expected.items():
        page.get_by_role("tab", name=tab).click(timeout=WAIT)
        expect(page.get_by_text(text).first).to_be_visible(timeout=WAIT)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not seen.errors
    assert all("localhost" in url for url in seen.requests if url.startswith("http"))


def test_choosing_another_figure_changes_what_is_shown(new_page: Callable[..., Watched], address: str) -> None:
    page = new_page().open(address)
    page.get_by_role("tab", name="Groups").click(timeout=WAIT)
    expect(page.get_by_text("Accuracy by sex").first).to_be_visible(timeout=WAIT)
    page.get_by_label("Figure").click()
    page.get_by_role("menuitem", name="recall of sad").click()
    expect(page.get_by_text("Recall of sad by sex").first).to_be_visible(timeout=WAIT)


def test_an_earlier_run_stands_beside(new_page: Callable[..., Watched], address: str) -> None:
    page = new_page().open(address)
    page.get_by_role("tab", name="Compare").click(timeout=WAIT)
    page.get_by_label("Predictions").click()
    page.get_by_role("menuitem", name="average", exact=True).click()
    page.get_by_label("Compare with an earlier run").click()
    page.get_by_role("menuitem", name="before (folder)").click()
    row = page.locator("tr", has_text="everyone").first
    expect(row).to_contain_text("+0.000 [", timeout=WAIT)  # the same predictions on the same people
    expect(page.get_by_text("Stored audits keep no rows").first).to_be_visible()


def test_small_cells_are_greyed_and_say_their_n(new_page: Callable[..., Watched], address: str) -> None:
    page = new_page().open(address)
    page.get_by_role("tab", name="Intersections").click(timeout=WAIT)
    cell = page.locator("td.cell.small").first
    expect(cell).to_be_visible(timeout=WAIT)
    assert "n = 3" in (cell.text_content() or "")  # three female Asian actors
    assert "fewer than 5" in (cell.get_attribute("title") or "")


def test_the_download_is_one_file_with_the_evidence_and_needs_no_network(
    new_page: Callable[..., Watched], address: str, tmp_path: Path
) -> None:
    page = new_page().open(address)
    expect(page.get_by_text("Too few people to say anything").first).to_be_visible(timeout=WAIT)
    with page.expect_download(timeout=WAIT) as taken:
        page.get_by_text("Download all").click()
    file = tmp_path / "audit.html"
    taken.value.save_as(file)
    seen = new_page(390, 844, offline=True)
    alone = seen.open(file)
    assert not seen.errors
    assert seen.requests == [file.resolve().as_uri()]
    assert alone.evaluate("document.documentElement.scrollWidth") <= 390
    stored = json.loads(alone.locator("script[data-name=face]").text_content() or "")
    assert stored["people"] == 72
    assert {"groups", "gaps", "worst"} <= set(stored)
