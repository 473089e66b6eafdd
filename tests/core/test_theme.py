"""One palette: told apart with each kind of colour vision, not lost on light or dark, and no colour outside it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import workbench
from tests.support.packages import ROOT
from workbench import theme
from workbench.labels import BASIC
from workbench.scoring.features import FEATURES as MEASURED
from workbench.scoring.scores import SCORES as MADE
from workbench.theme import EMOTION_COLOURS, FEATURES, SCORES

PACKAGE = Path(workbench.__file__).parent
# Machado, Oliveira & Fernandes 2009, severity 1.0; on linear RGB
VISION = {
    "full": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}


def linear(colour: str) -> np.ndarray:
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(a: str, b: str) -> float:
    light = sorted((float(np.array([0.2126, 0.7152, 0.0722]) @ linear(c)) for c in (a, b)), reverse=True)
    return (light[0] + 0.05) / (light[1] + 0.05)


@pytest.mark.parametrize("vision", VISION)
def test_emotions_can_be_told_apart(vision: str) -> None:
    seen = {name: lab(VISION[vision] @ linear(colour)) for name, colour in EMOTION_COLOURS.items()}
    apart = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in itertools.combinations(seen, 2)}
    assert min(apart.values()) > 22, min(apart, key=lambda pair: apart[pair])


DRAWN = EMOTION_COLOURS | {f"score {name}": colour for name, colour in theme.SCORE_COLOURS.items()} | {
    name: getattr(theme, name) for name in ("INK", "ACCENT", "SECOND", "WARNING", "ERROR", "GOOD", "MARK")
}  # fmt: skip
SCHEMES = {"light": theme.LIGHT, "dark": theme.DARK}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_is_not_lost_on_light_or_on_dark(name: str, scheme: str) -> None:
    for surface in ("page", "card", "ground"):
        assert contrast(DRAWN[name], getattr(SCHEMES[scheme], surface)) >= 3, surface  # WCAG 1.4.11


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_read(scheme: str) -> None:
    s = SCHEMES[scheme]
    surfaces = (s.page, s.card, s.ground)
    pairs = [(text, surface) for text in (s.ink, s.soft, s.accent, s.error, s.good) for surface in surfaces]
    pairs += [(getattr(s, f"on_{name}"), getattr(s, name)) for name in ("accent", "warn", "alarm", "mask")]
    pairs += [(theme.ON_STAGE, theme.STAGE)]
    pairs += [(theme.ON_SHADES[scheme][k >= 4], shade) for k, shade in enumerate(theme.SHADES[scheme])]
    assert [pair for pair in pairs if contrast(*pair) < 4.5] == []  # WCAG 1.4.3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_parts_of_a_score_are_not_lost(scheme: str) -> None:
    s = SCHEMES[scheme]
    assert [name for name in (f"part_{k}" for k in range(5)) if contrast(getattr(s, name), s.card) < 3] == []


def test_every_class_has_a_colour_and_style_sheets_get_it() -> None:
    assert set(EMOTION_COLOURS) == set(BASIC)
    assert all(f"--{name}: {colour};" in theme.css() for name, colour in EMOTION_COLOURS.items())


def test_style_sheets_use_only_colours_that_the_theme_gives() -> None:
    given = set(re.findall(r"(--[a-z0-9-]+):", theme.css()))
    unknown = set()
    for path in files():
        text = path.read_text(encoding="utf-8")
        own = set(re.findall(r"(--[a-z0-9-]+)\s*:", text))
        unknown |= {(path.name, name) for name in re.findall(r"var\((--[a-z0-9-]+)\)", text) if name not in given | own}
    assert unknown == set()


def files() -> list[Path]:
    """Modules and style sheets in which a colour could stand, but for the theme itself."""
    folders = (PACKAGE, ROOT / "apps", ROOT / "notebooks")
    endings = ("*.py", "*.css", "*.js", "*.j2", "*.html")
    return [p for f in folders for e in endings for p in f.rglob(e) if p.name != "theme.py"]


def test_no_colour_stands_outside_the_theme() -> None:
    literal = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b(?![\w-])|\brgba?\(")
    here = [(p.relative_to(ROOT).as_posix(), m) for p in files() for m in literal.findall(p.read_text(encoding="utf-8"))]
    assert here == []


def test_every_feature_and_score_has_words() -> None:
    assert {n for n in MEASURED.names() if MEASURED.package(n) == "interview-workbench"} <= set(FEATURES)
    assert {*MADE, "composite"} == set(SCORES)
