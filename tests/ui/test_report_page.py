"""The report in a real browser: nothing is fetched, nothing overflows, everything opens by keyboard and can be read."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.support import accessibility, stored
from tests.support.browser import Watched
from workbench import contracts as c
from workbench.report import build

pytestmark = pytest.mark.ui
NewPage = Callable[..., Watched]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    return build(stored.write(folder / "s", video=stored.clip(folder / "clip.mp4")))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_fetched_and_the_console_stays_silent(report: Path, new_page: NewPage, scheme: str) -> None:
    watched = new_page(offline=True, color_scheme=scheme)
    page = watched.open(report)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.wait_for_load_state("networkidle")
    assert watched.errors == []
    assert [r for r in watched.requests if not r.startswith("data:")] == [report.resolve().as_uri()]
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")


@pytest.mark.parametrize("width", [390, 860, 1440])
def test_only_the_timeline_scrolls_sideways(report: Path, new_page: NewPage, width: int) -> None:
    page = new_page(width, 844).open(report)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    spills = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroller, .wide, pre') && e.offsetParent
            && !e.closest('.stacking thead') && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert spills == []
    figures = ".mini b, .figure strong, .part .contribution, .part .weight"
    assert page.evaluate(f"Math.max(...[...document.querySelectorAll('{figures}')].map(e => e.getClientRects().length))") == 1
    assert page.locator(".mini b").first.bounding_box()["height"] < 26  # on one line
    scroller = page.locator(".scroller").first
    assert scroller.evaluate("e => e.scrollWidth") >= 1104
    name = page.locator(".track-name").first
    scroller.evaluate("e => e.scrollLeft = 400")
    if width < 1104:
        assert name.bounding_box()["x"] >= 0  # a row's name stays in view


def test_long_words_do_not_widen_a_phone(tmp_path: Path, new_page: NewPage) -> None:
    long = "donaudampfschifffahrtsgesellschaft" * 6
    word = c.Word(word=long, start=1.0, end=1.5, conf=0.2)
    said = c.Transcript(segment_id="s0", start=1.0, end=2.0, transcript=long, words=[word], language="de")
    proof = c.Evidence(kind="word", start=1.0, end=1.5, text=long)
    session = stored.write(
        tmp_path / "s",
        transcripts=[said],
        scores=[stored.score("technical", "session", [(long, 0.5, long, 0.5, 1.0, [proof])], other=long)],
        events=[c.Event(timestamp=1.0, kind="stage_error", stage=long, message=long)],
        interview={"questions": [{"id": "queue", "text": long}]},
        media={"name": long},
    )
    page = new_page(390, 844).open(build(session))
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_contributions_add_up_on_the_page(report: Path, new_page: NewPage) -> None:
    page = new_page().open(report)
    cards = page.evaluate(
        """() => [...document.querySelectorAll('.score')].map(card => ({
            parts: [...card.querySelectorAll('summary .contribution data')].map(d => Number(d.value)),
            score: Number(card.querySelector('.figure data').value),
            drawn: [...card.querySelectorAll('.stack span')].reduce((sum, s) => sum + s.getBoundingClientRect().width, 0)
                / card.querySelector('.scale').getBoundingClientRect().width,
        }))"""
    )
    assert len(cards) == 15
    for card in cards:
        total = 0.0
        for part in card["parts"]:
            total += part
        assert total == card["score"]
        assert card["drawn"] == pytest.approx(card["score"], abs=0.01)


def test_evidence_opens_by_keyboard_and_leads_to_the_word(report: Path, new_page: NewPage) -> None:
    page = new_page().open(report)
    details = page.locator('[data-score="clarity"][data-scope="session"] details').first
    proofs = details.locator(".proofs")
    assert not proofs.is_visible()
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    assert proofs.is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "0:01.0"
    page.locator("#transcript details").first.evaluate("d => d.open = false")
    page.keyboard.press("Enter")
    word = page.locator("#transcript mark.filler:target")
    assert word.text_content() == "um"
    assert word.is_visible()  # a folded chapter opens for what is linked to


def test_every_control_can_be_reached_by_keyboard(report: Path, new_page: NewPage) -> None:
    page = new_page().open(report)
    wanted = page.evaluate("[...document.querySelectorAll('a, summary, .scroller')].filter(e => e.checkVisibility()).length")
    page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("[...document.querySelectorAll('a, summary, .scroller')].indexOf(document.activeElement)"))
    assert len(reached - {-1}) == wanted


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(report: Path, new_page: NewPage, scheme: str) -> None:
    page = new_page(color_scheme=scheme).open(report)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert accessibility.weak_texts(page) == []


def test_structure_serves_assistive_technology(report: Path, new_page: NewPage) -> None:
    page = new_page().open(report)
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.evaluate("[...document.images].every(i => i.alt)")
    rows = page.locator("svg.row")
    assert rows.count() == page.locator("svg.row[role=img][aria-label]").count() > 8
    assert page.locator('svg.row[aria-label^="Fused emotion: "]').get_attribute("aria-label").count(" s") >= 3


def test_it_prints_without_cutting_the_timeline(report: Path, new_page: NewPage) -> None:
    page: Page = new_page(794, 1123).open(report)
    page.emulate_media(media="print")
    assert page.evaluate("Math.max(...[...document.querySelectorAll('svg.row')].map(s => s.getBoundingClientRect().right))") <= 794
    assert page.pdf(format="A4").startswith(b"%PDF")
