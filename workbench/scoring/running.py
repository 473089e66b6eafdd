"""Scores as they stood at the end of each window, for timelines and the live page: each looks back, never ahead."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.contracts import Score
from workbench.fusion.observations import Observations
from workbench.fusion.windows import Grid, column_mean, overlap, rows_of, sums
from workbench.scoring.features import added_ranges, certainty, prosody_columns
from workbench.scoring.ranges import normalise, resolve
from workbench.settings import Scoring
from workbench.streams import Floats

LOOKBACK = 30.0
"""How far back a running score looks, s (chosen: a window of one second holds two or three words)."""
MIN_WORDS = 5
"""Fewest words from which a rate is read (chosen)."""


def running(seen: Observations, windows: Grid, settings: Scoring, scored: list[Score]) -> dict[str, Floats]:
    """Running scores of each window; NaN where there was nothing to measure yet.

    - ``communication``: the filler part of clarity (diversity needs a whole answer).
    - ``confidence``, ``engagement``: as in the blueprint, their weights renormalised over what was measured.
    - ``technical``: of the last answer that was finished by the window's end.

    Parameters
    ----------
    seen : Observations
    windows : Grid
    settings : Scoring
    scored : list of Score
        From `scores.score`.

    Returns
    -------
    dict of ndarray, shape (n,)
        Values in [0, 1].
    """
    ranges = resolve(settings.ranges, added_ranges([*settings.technical, *settings.clarity, *settings.confidence, *settings.engagement]))
    back = Grid(np.maximum(0.0, windows.end - LOOKBACK), windows.end)
    features = {"filler_rate": normalise(_filler_rate(seen, back), ranges["filler_rate"])}
    speech = overlap(seen.segments.start, seen.segments.end, back)
    features["speaking_ratio"] = normalise(speech / np.maximum(back.end - back.start, 1e-9), ranges["speaking_ratio"])
    if "visual_emotion" not in seen.disabled:
        sure = np.where(seen.visual.valid, certainty(seen.visual.values), np.nan)
        features["visual_certainty"] = normalise(column_mean(seen.visual.times, sure, back), ranges["visual_certainty"])
    if "prosodic_affect" not in seen.disabled:
        table = prosody_columns(seen, ranges)
        order = np.argsort(table["end"], kind="stable")  # a segment is measured once it has ended
        for name, column in (("vocal_steadiness", "steadiness"), ("prosodic_variation", "variation")):
            features[name] = normalise(column_mean(table["end"][order], table[column][order], back), ranges[name])
    return {
        "communication": _weighted(features, {"filler_rate": 1.0}, len(windows)),
        "confidence": _weighted(features, settings.confidence, len(windows)),
        "engagement": _weighted(features, settings.engagement, len(windows)),
        "technical": _last_answer(seen, windows, scored),
    }


def _filler_rate(seen: Observations, back: Grid) -> Floats:
    low, high = rows_of(seen.words.middle, back)
    count = high - low
    fillers = sums(seen.words.filler.astype(np.int64), low, high)
    return np.divide(fillers, count, out=np.full(len(back), np.nan), where=count >= MIN_WORDS)


def _weighted(features: Mapping[str, Floats], weights: Mapping[str, float], count: int) -> Floats:
    values, total = np.zeros(count), np.zeros(count)
    for name, weight in weights.items():
        feature = features.get(name, np.full(count, np.nan))
        known = ~np.isnan(feature)
        values += np.where(known, weight * feature, 0.0)
        total += np.where(known, weight, 0.0)
    return np.clip(np.divide(values, total, out=np.full(count, np.nan), where=total > 0), 0.0, 1.0)


def _last_answer(seen: Observations, windows: Grid, scored: list[Score]) -> Floats:
    value = {s.scope: s.value for s in scored if s.name == "technical"}
    answers = sorted(seen.answers, key=lambda a: a.end)
    if not answers:
        return np.full(len(windows), np.nan)
    each = np.array([np.nan if (v := value.get(a.question_id)) is None else v for a in answers])
    last = np.searchsorted([a.end for a in answers], windows.end, "right") - 1
    return np.where(last >= 0, each[np.maximum(last, 0)], np.nan)
