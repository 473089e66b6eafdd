"""Which raw values become 0 and 1: documented, and open to change in ``settings.scoring.ranges``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from workbench.errors import SettingsError
from workbench.streams import Floats


@dataclass(frozen=True)
class Range:
    """A linear map clipped to [0, 1]: raw value `zero` → 0, `one` → 1 (`zero` > `one` where less is better).

    `source` says where the ends come from; "chosen" means that no study sets them.
    """

    zero: float
    one: float
    unit: str
    source: str


RANGES: dict[str, Range] = {
    "semantic_similarity": Range(0.0, 1.0, "cosine", "the cosine itself, as in the blueprint; below 0 counts as 0"),
    "keyword_coverage": Range(0.0, 1.0, "share", "the share itself, as in the blueprint"),
    "filler_rate": Range(
        0.10, 0.0, "fillers/word", "chosen; speakers average about 6 disfluencies of all kinds in 100 words (Bortfeld et al. 2001)"
    ),
    "mtld": Range(20.0, 100.0, "MTLD", "chosen; MTLD: McCarthy & Jarvis 2010"),
    "mattr": Range(0.5, 0.85, "MATTR", "chosen; MATTR: Covington & McFall 2010"),
    "jitter": Range(0.035, 0.010, "fraction", "chosen for running speech; Praat's manual gives 1.04 % as the limit for a sustained vowel"),
    "level_variation": Range(1.2, 0.4, "rms std/mean", "chosen"),
    "vocal_steadiness": Range(0.0, 1.0, "index", "mean of normalised jitter and level_variation"),
    "visual_certainty": Range(0.0, 1.0, "1 - H/ln 7", "the normalised entropy itself"),
    "speaking_ratio": Range(0.0, 1.0, "share", "the share itself, as in the blueprint"),
    "prosodic_variation": Range(1.0, 4.0, "semitones", "chosen; pitch variation goes with perceived liveliness (Hincks 2005)"),
}
"""Range of every feature, and of the parts that a feature is made of."""

A = TypeVar("A", float, Floats)


LEAST: dict[str, tuple[float, str]] = {
    "semantic_similarity": (5, "words"),
    "keyword_coverage": (5, "words"),
    "filler_rate": (10, "words"),
    "vocal_steadiness": (1.0, "s of speech"),
    "prosodic_variation": (1.0, "s of speech"),
    "visual_certainty": (5, "frames with a usable face"),
    "speaking_ratio": (3.0, "s"),
}
"""The least amount of evidence that a feature is measured from (chosen); lexical diversity has its own. Below it is missing."""


def resolve(overrides: Mapping[str, tuple[float, float]], added: Mapping[str, Range] | None = None) -> dict[str, Range]:
    """`RANGES` and those of `added` features, with a settings file's overrides in place.

    ``lexical_diversity`` overrides both of its measures.

    Raises
    ------
    SettingsError
        If a name is not known, or both ends are the same.
    """
    ranges = {**RANGES, **(added or {})}
    found = dict(ranges)
    for name, (zero, one) in overrides.items():
        if name not in ranges and name != "lexical_diversity":
            raise SettingsError(f"scoring.ranges: no feature is called {name!r}; choose from {', '.join(ranges)}, lexical_diversity")
        if zero == one or not np.isfinite([zero, one]).all():
            raise SettingsError(f"scoring.ranges.{name}: needs two different numbers, the raw values of 0 and of 1; got {[zero, one]}")
        for key in ("mtld", "mattr") if name == "lexical_diversity" else (name,):
            found[key] = Range(zero, one, ranges[key].unit, "set for this run")
    return found


def normalise(raw: A, span: Range) -> A:
    """Raw → [0, 1]; NaN in an array stays NaN.

    Parameters
    ----------
    raw : float or ndarray
        In the unit of `span`.
    span : Range

    Examples
    --------
    Ten fillers in a hundred words give 0, none gives 1:

    >>> normalise(0.05, RANGES["filler_rate"])
    0.5
    """
    share = (raw - span.zero) / (span.one - span.zero)
    return np.clip(share, 0.0, 1.0) if isinstance(share, np.ndarray) else min(1.0, max(0.0, share))
