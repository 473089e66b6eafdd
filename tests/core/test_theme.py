"""One palette: told apart with each kind of colour vision, not lost on light or dark, and the only one."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import workbench
from workbench.labels import BASIC
from workbench.scoring.features import FEATURES as MEASURED
from workbench.scoring.scores import SCORES as MADE
from workbench.theme import EMOTION_COLOURS, FEATURES, SCORES, emotion_css

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
    assert min(apart.values()) > 20, min(apart, key=lambda pair: apart[pair])


@pytest.mark.parametrize("name", BASIC)
def test_an_emotion_is_not_lost_on_light_or_on_dark(name: str) -> None:
    assert contrast(EMOTION_COLOURS[name], "#ffffff") > 1.7
    assert contrast(EMOTION_COLOURS[name], "#10141a") > 1.7


def test_every_class_has_a_colour_and_reports_use_it() -> None:
    assert set(EMOTION_COLOURS) == set(BASIC)
    assert all(f"--{name}: {colour};" in emotion_css() for name, colour in EMOTION_COLOURS.items())


def test_there_is_no_second_palette() -> None:
    """No other module or style sheet gives a class of emotion a colour of its own."""
    again = re.compile(rf"(?:{'|'.join(BASIC)})[\"']?\s*:\s*[\"']?#[0-9a-fA-F]{{6}}")
    found = [
        path.relative_to(PACKAGE).as_posix()
        for ending in ("*.py", "*.css", "*.js", "*.j2")
        for path in PACKAGE.rglob(ending)
        if path.name != "theme.py" and again.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_feature_and_score_has_words() -> None:
    assert {n for n in MEASURED.names() if MEASURED.package(n) == "interview-workbench"} <= set(FEATURES)
    assert {*MADE, "composite"} == set(SCORES)
