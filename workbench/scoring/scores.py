"""Scores as weighted sums whose parts add up to them exactly, for every question and for the whole session (blueprint §6).

`running` gives them as they stood at the end of each window, for timelines and the live page: each looks back, never ahead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from workbench.contracts import Contribution, Evidence, Score
from workbench.errors import SettingsError
from workbench.fusion.observations import Observations
from workbench.fusion.windows import Grid, column_mean, overlap, rows_of, sums
from workbench.scoring import bootstrap, evidence
from workbench.scoring.features import (
    FEATURES,
    TOO_LITTLE,
    Feature,
    Measures,
    Scope,
    added_ranges,
    certainty,
    counted,
    prosody_columns,
)  # fmt: skip
from workbench.scoring.ranges import normalise, resolve
from workbench.settings import Scoring
from workbench.streams import Floats

SCORES: tuple[str, ...] = ("technical", "clarity", "confidence", "engagement")
"""Scores made of features; `composite` is made of them."""
SESSION = "session"
_STRONGEST = 3
LOOKBACK = 30.0
"""How far back a running score looks, s (chosen: a window of one second holds two or three words)."""
MIN_WORDS = 5
"""Fewest words from which a rate is read (chosen)."""


Known = dict[object, dict[tuple[str, float, float, str], Feature]]
"""Features that were measured before: what they depend on → scope and name → feature."""


def score(seen: Observations, settings: Scoring, known: Known | None = None) -> list[Score]:
    """All scores of a session: five for every answer, then five for the session.

    A session with answers is the mean of its answers, feature by feature, by the questions' weights (the interviewer's
    time between answers counts for nothing); without answers it is scored as one stretch. Intervals (95 %) are those of
    the weighted sum of the features' bootstrap draws, features taken as independent. In a session, answers too short to be
    resampled are themselves resampled; a feature with too little material even for that is held fixed and says so.

    Parameters
    ----------
    seen : Observations
    settings : Scoring
    known : dict, optional
        Features that an earlier call measured in the same observations; what is missing in it is added. A feature depends
        on ranges, draws and seed, never on a weight, so that moving a weight measures nothing again.

    Raises
    ------
    SettingsError
        If weights or ranges name something unknown or cannot be used.
    """
    parts = {name: _checked(name, getattr(settings, name), FEATURES.names()) for name in SCORES}
    composite = _checked("composite", settings.composite, SCORES)
    needed = list(dict.fromkeys(f for weights in parts.values() for f in weights))
    ranges = resolve(settings.ranges, added_ranges(needed))
    measures = Measures(seen, ranges, settings.draws, settings.seed)

    before = ({} if known is None else known).setdefault((tuple(ranges.items()), settings.draws, settings.seed), {})

    def measure(scope: Scope, name: str) -> Feature:
        key = (scope.name, scope.start, scope.end, name)
        if key not in before:
            before[key] = measures.measure(scope, name)
        return before[key]

    questions = [Scope(a.question_id, a.start, a.end, a) for a in seen.answers if a.question_id != SESSION]
    whole = next((a for a in seen.answers if a.question_id == SESSION), None)
    found: list[Score] = []
    measured: list[dict[str, Feature]] = []
    for scope in questions:
        measured.append({f: measure(scope, f) for f in needed})
        found += _scores(scope.name, measured[-1], parts, composite)
    if questions:
        weights = [seen.weights.get(q.name, 1.0) for q in questions]
        features = {f: _over_questions([m[f] for m in measured], questions, weights, settings) for f in needed}
    else:
        features = {f: measure(Scope(SESSION, 0.0, seen.duration, whole), f) for f in needed}
    return found + _scores(SESSION, features, parts, composite)


def _checked(name: str, weights: Mapping[str, float], known: Sequence[str]) -> dict[str, float]:
    for key, value in weights.items():
        if key not in known:
            raise SettingsError(f"scoring.{name}: {key!r} is not known; choose from {', '.join(known)}")
        if not (math.isfinite(value) and value >= 0):
            raise SettingsError(f"scoring.{name}.{key}: must be a number of at least 0; got {value!r}")
    return dict(weights)


def _scores(scope: str, features: dict[str, Feature], parts: dict[str, dict[str, float]], composite: dict[str, float]) -> list[Score]:
    made = {name: combine(name, scope, features, weights) for name, weights in parts.items()}
    as_features = {name: _as_feature(*pair) for name, pair in made.items()}
    return [s for s, _ in made.values()] + [combine("composite", scope, as_features, composite)[0]]


def _as_feature(made: Score, draws: Floats | None) -> Feature:
    if made.value is None:
        return Feature(made.name, missing="; ".join(dict.fromkeys(made.missing.values())) or "no feature has a weight")
    telling = [e for c in sorted(made.contributions, key=lambda c: -c.contribution) for e in c.evidence[:_STRONGEST]]
    return Feature(made.name, made.value, "score", made.value, made.low, made.high, draws, tuple(telling[: evidence.CAP]))


def combine(name: str, scope: str, features: Mapping[str, Feature], weights: Mapping[str, float]) -> tuple[Score, Floats | None]:
    """A weighted sum of the features that were measured, their weights renormalised; and its bootstrap draws.

    ``sum(c.contribution for c in score.contributions) == score.value``, bit for bit, adding in the stored order.

    Parameters
    ----------
    name : str
        Of the score.
    scope : str
        'session' or a question's id.
    features : mapping of str to Feature
    weights : mapping of str to float
        Feature → weight, at least 0.
    """
    missing = {f: features[f].missing for f in weights if features[f].normalised is None}
    total = sum(w for f, w in weights.items() if f not in missing)
    if total <= 0:
        return Score(name=name, scope=scope, value=None, missing=missing or dict.fromkeys(weights, "its weight is 0")), None
    contributions: list[Contribution] = []
    draws: list[Floats | float] = []
    value = 0.0
    for f, w in weights.items():
        feature = features[f]
        if feature.normalised is None:
            continue
        share = w / total
        part = share * feature.normalised
        while value + part > 1.0:  # shares that add up to one unit in the last place above 1
            part = math.nextafter(part, 0.0)
        value += part
        contributions.append(
            Contribution(
                feature=f, raw=feature.raw, unit=feature.unit, normalised=feature.normalised, weight=share, contribution=part,
                low=feature.low, high=feature.high, evidence=list(feature.evidence), note=feature.note,
            )
        )  # fmt: skip
        draws.append(share * (feature.normalised if feature.draws is None else feature.draws))
    summed = np.clip(sum(draws), 0.0, 1.0) if any(isinstance(d, np.ndarray) for d in draws) else None
    low, high = bootstrap.interval(summed, value)
    return Score(name=name, scope=scope, value=value, low=low, high=high, contributions=contributions, missing=missing), summed


def _over_questions(found: list[Feature], questions: list[Scope], weights: list[float], settings: Scoring) -> Feature:
    """One feature of several answers: the mean by the questions' weights over those in which it was measured."""
    name = found[0].name
    used = [(f, w) for f, w in zip(found, weights, strict=True) if f.normalised is not None and w > 0]
    if not used:
        return Feature(name, missing="; ".join(dict.fromkeys(f.missing for f in found if f.missing)) or "every question has weight 0")
    shares = np.array([w for _, w in used]) / sum(w for _, w in used)
    raw = float((shares * [f.raw for f, _ in used]).sum())
    normalised = min(1.0, float((shares * [f.normalised for f, _ in used]).sum()))
    if all(f.draws is not None for f, _ in used):
        draws = sum((share * f.draws for share, (f, _) in zip(shares, used, strict=True)), np.zeros(settings.draws))
        spread = ""
    else:  # answers too short to be resampled themselves are what is resampled
        each = np.array([f.normalised for f, _ in used])
        draws = bootstrap.ratio(shares * each, shares, settings.draws, bootstrap.generator(settings.seed, SESSION, name))
        spread = TOO_LITTLE * bool(settings.draws) if draws is None else "interval from the spread between answers"
    without = [q.name for q, f in zip(questions, found, strict=True) if f.normalised is None]
    notes = [f"mean of {counted(len(used), 'answer')} by their weights"]
    if without:
        notes.append(f"not measured in {', '.join(without)}")
    if spread:
        notes.append(spread)
    interval = bootstrap.interval(draws, normalised)
    return Feature(name, raw, used[0][0].unit, normalised, *interval, draws, _merged([f for f, _ in used]), "; ".join(notes))


def _merged(features: list[Feature]) -> tuple[Evidence, ...]:
    """Evidence of several answers in turn, each answer's first pieces before any other's last; in order of time."""
    longest = max(len(f.evidence) for f in features)
    turns = [f.evidence[i] for i in range(longest) for f in features if i < len(f.evidence)]
    return tuple(sorted(turns[: evidence.CAP], key=lambda e: e.start))


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
        From `score`.

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
