"""The comparison of pictures itself: it lets small differences of fonts pass, and nothing that somebody would miss."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter

from tests.support import pictures


def chart(path: Path, curve: bool = True, label: bool = True, blurred: bool = False) -> Path:
    image = Image.new("RGB", (960, 640), "white")
    draw = ImageDraw.Draw(image)
    draw.line([(80, 40), (80, 560), (900, 560)], fill="black", width=3)
    if curve:
        draw.line([(80 + 8 * i, 300 + (i * 37) % 120) for i in range(100)], fill="#0c6dec", width=6)
    if label:
        draw.rectangle((560, 50, 880, 110), fill="#85452f")
    (image.filter(ImageFilter.GaussianBlur(1)) if blurred else image).save(path)
    return path


@pytest.fixture
def baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pictures, "BASELINES", tmp_path / "baselines")
    monkeypatch.setenv("WORKBENCH_RENEW_PICTURES", "1")
    pictures.assert_same(chart(tmp_path / "first.png"), "chart")
    monkeypatch.delenv("WORKBENCH_RENEW_PICTURES")
    return tmp_path


def test_the_same_picture_and_one_with_softer_edges_pass(baseline: Path) -> None:
    pictures.assert_same(chart(baseline / "again.png"), "chart")
    pictures.assert_same(chart(baseline / "soft.png", blurred=True), "chart")


@pytest.mark.parametrize("lost", ["curve", "label"])
def test_a_missing_part_is_found_and_its_place_named(baseline: Path, lost: str) -> None:
    with pytest.raises(AssertionError, match=r"differs from chart\.png by .* in the tile at row"):
        pictures.assert_same(chart(baseline / "broken.png", **{lost: False}), "chart")


def test_without_a_baseline_it_says_how_to_make_one(baseline: Path) -> None:
    with pytest.raises(AssertionError, match="WORKBENCH_RENEW_PICTURES=1"):
        pictures.assert_same(chart(baseline / "other.png"), "unknown")
