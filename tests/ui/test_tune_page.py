"""The tuning page in a real browser, over CREMA-D's votes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Watched
from workbench import settings as tree
from workbench.benchmarks.serving import served

pytestmark = pytest.mark.ui
WAIT = 60_000  # ms; a busy machine


@contextmanager
def serve(folder: Path, data: Path) -> Iterator[str]:
    environment = {"WORKBENCH_DATA": str(data), "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    with served("tune", folder, environment=environment) as server:
        yield server.visit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tuning")


@pytest.fixture(scope="module")
def address(folder: Path, generated_root: Path) -> Iterator[str]:
    with serve(folder, generated_root.parent) as url:
        yield url


def slide(page: Page, name: str, key: str, times: int = 1) -> None:
    """Move a slider with a key, and wait for the figures that belong to it."""
    for _ in range(times):
        before = page.locator(".tune-figures").get_attribute("data-point")
        page.locator(f".tune-{name} input[type=range]").press(key)
        expect(page.locator(".tune-figures")).not_to_have_attribute("data-point", str(before), timeout=WAIT)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_a_slider_changes_figures_and_sentence(new_page: Callable[..., Watched], address: str, width: int, height: int) -> None:
    seen = new_page(width, height)
    page = seen.open(address)
    expect(page.locator(".tune-sentence")).to_contain_text("on held-out people", timeout=WAIT)
    figures = {n: page.locator(f"[data-figure={n}]") for n in ("accuracy", "macro_f1", "ece", "gap")}
    for card in figures.values():
        expect(card).to_contain_text("[")
    assert "(lowest: male)" in str(figures["gap"].text_content())
    if width < 900:
        page.get_by_role("button", name="open drawer").click(timeout=WAIT)
    before = figures["accuracy"].text_content()
    slide(page, "visual", "End")
    slide(page, "audio", "Home")
    assert figures["accuracy"].text_content() != before
    assert re.search(r"points \[[-+]?\d", str(page.locator(".tune-sentence").text_content())), (
        "the gain over the equal average, with its interval"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not seen.errors
    assert all("localhost" in url for url in seen.requests if url.startswith("http"))


def test_weights_that_are_all_zero_are_said_and_the_page_lives(new_page: Callable[..., Watched], address: str) -> None:
    page = new_page().open(address)
    page.locator(".tune-figures").wait_for(timeout=WAIT)
    slide(page, "visual", "Home")
    page.locator(".tune-audio input[type=range]").press("Home")
    expect(page.get_by_text("at least one modality needs a weight above 0")).to_be_visible(timeout=WAIT)
    slide(page, "visual", "End")
    expect(page.get_by_text("at least one modality needs a weight above 0")).to_be_hidden(timeout=WAIT)


def test_a_cell_shows_its_clips(new_page: Callable[..., Watched], address: str) -> None:
    page = new_page().open(address)
    page.locator(".tune-figures").wait_for(timeout=WAIT)
    matrix = page.locator("canvas").last
    matrix.wait_for(timeout=WAIT)
    clicked = page.get_by_text("the surest first")
    for _ in range(20):  # until the chart listens
        box = matrix.bounding_box()
        assert box
        page.mouse.click(box["x"] + 0.33 * box["width"], box["y"] + 0.33 * box["height"])
        if clicked.count():
            break
        page.wait_for_timeout(500)
    expect(clicked).to_contain_text("clips of fear fused as disgust", timeout=WAIT)
    expect(page.locator(".tabulator-row").first).to_contain_text("_FEA_", timeout=WAIT)


def test_sliders_become_an_experiment_and_a_run(new_page: Callable[..., Watched], address: str, folder: Path) -> None:
    page = new_page().open(address)
    page.locator(".tune-figures").wait_for(timeout=WAIT)
    slide(page, "t_visual", "ArrowRight", 2)
    name = page.get_by_label("Save as experiments/NAME.yaml")
    name.fill("tuned")
    page.get_by_role("button", name="Save as experiment").click()
    expect(page.get_by_text("Saved as experiments/tuned.yaml")).to_be_visible(timeout=WAIT)
    saved = tree.load(folder / "experiments" / "tuned.yaml")
    assert saved.fusion.parameters["temperatures"]["visual"] == pytest.approx(1.1)
    page.get_by_role("button", name="Save as experiment").click()
    expect(page.get_by_text("exists already; choose another name")).to_be_visible(timeout=WAIT)
    page.get_by_role("button", name="Log to MLflow").click()
    expect(page.get_by_text("Kept as MLflow run")).to_be_visible(timeout=WAIT)


def test_without_a_corpus_the_page_opens_on_generated_votes_and_a_named_one_is_one_clear_line(
    new_page: Callable[..., Watched], tmp_path: Path
) -> None:
    with serve(tmp_path, tmp_path / "nowhere") as url:
        page = new_page().open(url)
        expect(page.get_by_text("Generated votes: nobody was recorded or judged").first).to_be_visible(timeout=WAIT)
        page = new_page().open(f"{url}?corpus=crema-d")
        expect(page.get_by_text("no such folder")).to_be_visible(timeout=WAIT)
        assert page.locator("input[type=range]").count() == 0
