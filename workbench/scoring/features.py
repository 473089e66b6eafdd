"""Raw measurements → features in [0, 1], each with its interval and evidence, for one stretch of the session.

A feature that could not be measured says why; it is never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.contracts import Answer, Evidence
from workbench.errors import SettingsError
from workbench.fusion.observations import Observations
from workbench.fusion.windows import Grid, overlap
from workbench.plugins import OWN, PluginError, Registry
from workbench.scoring import bootstrap, evidence
from workbench.scoring.ranges import LEAST, RANGES, Range, normalise
from workbench.streams import Bools, Floats

TOO_LITTLE = "too little material for an interval of its own"


@dataclass(frozen=True)
class Feature:
    """One measured feature.

    Parameters
    ----------
    raw : float or None
        In the unit of its range; None where it could not be measured.
    normalised : float or None
        In [0, 1].
    low, high : float or None
        95 % interval of `normalised`.
    draws : ndarray or None
        Bootstrap draws of `normalised`; None where there is too little to resample.
    missing : str
        Why it could not be measured; '' where it was.
    """

    name: str
    raw: float | None = None
    unit: str = ""
    normalised: float | None = None
    low: float | None = None
    high: float | None = None
    draws: Floats | None = None
    evidence: tuple[Evidence, ...] = ()
    note: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Scope:
    """A stretch of a session, and the answer given in it (None where the interview has no questions)."""

    name: str
    start: float
    end: float
    answer: Answer | None = None


class Measures:
    """Measures the features of a session's scopes; what all scopes share is computed once.

    Parameters
    ----------
    seen : Observations
    ranges : dict
        From `ranges.resolve`.
    draws, seed : int
        Bootstrap draws of every interval (0: none) and their seed.
    """

    def __init__(self, seen: Observations, ranges: dict[str, Range], draws: int, seed: int) -> None:
        self.seen, self.ranges, self.draws, self.seed = seen, ranges, draws, seed

    def measure(self, scope: Scope, name: str) -> Feature:
        """The feature called `name` (a key of `FEATURES`) over `scope`."""
        kind = FEATURES.get(name)
        if kind.channel in self.seen.disabled:
            return Feature(name, missing=self.seen.disabled[kind.channel])
        if FEATURES.package(name) == OWN:
            return kind.measure(self, scope)
        try:
            return kind.measure(self, scope)
        except Exception as error:  # another package's fault costs its feature, not the score
            what = f"{type(error).__name__}: {' '.join(str(error).split())}"
            return Feature(name, missing=f"the package {FEATURES.package(name)} could not measure it: {what}")

    # ── what all scopes share ────────────────────────────────────────────────────────────────────────────────────────
    @cached_property
    def certainty(self) -> Floats:
        """1 - H(p) / ln 7 of every row of the visual track, H in nats: 0 for a flat distribution, 1 for a sure one."""
        return certainty(self.seen.visual.values)

    @cached_property
    def prosody(self) -> dict[str, Floats]:
        """Columns of the segments' prosody; NaN where not measured."""
        return prosody_columns(self.seen, self.ranges)

    def feature(
        self, name: str, raw: float, draws: Floats | None, found: list[Evidence], note: str = "", span: Range | None = None
    ) -> Feature:
        """Normalise a measurement and its bootstrap draws.

        Parameters
        ----------
        name : str
        raw : float
            In the unit of its range.
        draws : ndarray, shape (draws,), or None
            Bootstrap draws of `raw`; None where there is too little to resample.
        found : list of Evidence
            The words, spans or frames that it rests on.
        note : str
            Shown beside it.
        span : Range, optional
            The feature's own range where left out.
        """
        span = span or self.ranges[name]
        scaled = None if draws is None else normalise(draws, span)
        if scaled is None and self.draws:
            note = f"{note}; " * bool(note) + TOO_LITTLE
        value = normalise(raw, span)
        return Feature(name, raw, span.unit, value, *bootstrap.interval(scaled, value), scaled, tuple(found), note)

    def lacking(self, scope: Scope, name: str, amount: float) -> Feature | None:
        """The feature as missing where there is too little to measure it (`ranges.LEAST`), or most was not understood; else None.

        Parameters
        ----------
        scope : Scope
        name : str
        amount : float
            Of what `LEAST` counts: words, seconds or frames.
        """
        least, unit = LEAST[name]
        if unit == "words" and (why := self._mostly_doubted(scope)):
            return Feature(name, missing=f"most of it was left out: {why}")
        if amount < least:
            return Feature(name, missing=f"too little to measure: {amount:.3g} {unit}, at least {least:g} are needed")
        return None

    def words_in(self, scope: Scope) -> int:
        low, high = np.searchsorted(self.seen.words.middle, [scope.start, scope.end])
        return int(high - low)

    def random(self, scope: Scope, name: str) -> np.random.Generator:
        """A generator for the draws of the feature `name` in `scope`: the same session and seed give the same draws."""
        return bootstrap.generator(self.seed, scope.name, name)

    def _doubted(self, scope: Scope) -> list[tuple[float, str]]:
        """Seconds and reason of each stretch in the scope that was not understood."""
        spans = [(min(end, scope.end) - max(start, scope.start), why) for start, end, why in self.seen.words.left_out]
        return [(seconds, why) for seconds, why in spans if seconds > 0]

    def _mostly_doubted(self, scope: Scope) -> str:
        """The main reason where more of the scope was left out than understood; '' otherwise."""
        doubted = self._doubted(scope)
        start, end = self.seen.words.start, self.seen.words.end
        clear = float(np.clip(np.minimum(end, scope.end) - np.maximum(start, scope.start), 0, None).sum())
        return max(doubted)[1] if doubted and sum(seconds for seconds, _ in doubted) > clear else ""

    def _no_words(self, scope: Scope, name: str) -> Feature | None:
        """The feature as missing for the reason that its words were left out; None where none were."""
        doubted = self._doubted(scope)
        return Feature(name, missing=f"left out: {max(doubted)[1]}") if doubted else None

    # ── language ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def semantic_similarity(self, scope: Scope) -> Feature:
        answer, name = scope.answer, "semantic_similarity"
        if answer is None or answer.semantic_similarity is None:
            return self._no_words(scope, name) or Feature(name, missing="no answer to a question with a model answer")
        if lacking := self.lacking(scope, name, self.words_in(scope)):
            return lacking
        each = np.array(answer.sentence_similarities)
        drawn = bootstrap.ratio(each, np.ones(len(each)), self.draws, self.random(scope, name))
        # the answer is compared as a whole, so the sentences give the spread and not the place
        draws = None if drawn is None else drawn - each.mean() + answer.semantic_similarity
        found = evidence.sentences(answer, self.seen.words) or [
            evidence.span(answer.start, answer.end, answer.text, answer.semantic_similarity)
        ]
        return self.feature(name, answer.semantic_similarity, draws, found)

    def keyword_coverage(self, scope: Scope) -> Feature:
        answer, name = scope.answer, "keyword_coverage"
        if answer is None or answer.keyword_coverage is None:
            return self._no_words(scope, name) or Feature(name, missing="no answer to a question with keywords")
        if lacking := self.lacking(scope, name, self.words_in(scope)):
            return lacking
        hit, miss = len(answer.keywords_found), len(answer.keywords_missed)
        # Jeffreys interval of a share (Brown, Cai & DasGupta 2001): the keywords as a sample of what could be asked for
        draws = self.random(scope, name).beta(hit + 0.5, miss + 0.5, self.draws) if self.draws and hit + miss else None
        missed = f"not mentioned: {', '.join(answer.keywords_missed)}" if miss else ""
        found = evidence.mentions(answer, self.seen.words) or [evidence.span(answer.start, answer.end, missed)]
        return self.feature(name, answer.keyword_coverage, draws, found, missed)

    def filler_rate(self, scope: Scope) -> Feature:
        name, words = "filler_rate", self.seen.words
        low, high = np.searchsorted(words.middle, [scope.start, scope.end])
        if low == high:
            return self._no_words(scope, name) or Feature(name, missing="no words")
        if lacking := self.lacking(scope, name, high - low):
            return lacking
        filler = words.filler[low:high]
        raw = scope.answer.filler_rate if scope.answer and scope.answer.filler_rate is not None else float(filler.mean())
        total, each = bootstrap.blocked(words.middle[low:high], scope.start, filler.astype(float), np.ones(high - low))
        draws = bootstrap.ratio(total, each, self.draws, self.random(scope, name))
        rows = low + np.flatnonzero(filler)
        trust = np.nan_to_num(words.confidence[rows], nan=0.5)
        best = np.sort(rows[np.argsort(-trust, kind="stable")[: evidence.CAP]])
        found = evidence.words(words, best.tolist()) or [
            evidence.span(scope.start, scope.end, f"no fillers in {counted(high - low, 'word')}", 0.0)
        ]
        return self.feature(name, raw, draws, found, f"{counted(int(filler.sum()), 'filler')} in {counted(high - low, 'word')}")

    def lexical_diversity(self, scope: Scope) -> Feature:
        answer, name = scope.answer, "lexical_diversity"
        if answer is None or answer.lexical_diversity is None:
            why = "too few words to measure it" if answer else "no answer was transcribed"
            return self._no_words(scope, name) or Feature(name, missing=why)
        if self._mostly_doubted(scope):
            return Feature(name, missing=f"most of it was left out: {self._mostly_doubted(scope)}")
        span = self.ranges[answer.lexical_measure or "mtld"]
        found = [evidence.span(answer.start, answer.end, answer.text, answer.lexical_diversity)]
        return self.feature(name, answer.lexical_diversity, None, found, counted(answer.words, "word"), span)

    # ── face and voice ───────────────────────────────────────────────────────────────────────────────────────────────
    def visual_certainty(self, scope: Scope) -> Feature:
        name, track = "visual_certainty", self.seen.visual
        low, high = np.searchsorted(track.times, [scope.start, scope.end])
        rows = low + np.flatnonzero(track.valid[low:high])
        if len(rows) == 0:
            return Feature(name, missing="no usable face")
        if lacking := self.lacking(scope, name, len(rows)):
            return lacking
        sure = self.certainty[rows]
        total, count = bootstrap.blocked(track.times[rows], scope.start, sure, np.ones(len(rows)))
        draws = bootstrap.ratio(total, count, self.draws, self.random(scope, name))
        found = evidence.frames(self.seen, rows, sure, scope.start)
        return self.feature(name, float(sure.mean()), draws, found, f"{counted(len(rows), 'frame')} with a usable face")

    def vocal_steadiness(self, scope: Scope) -> Feature:
        return self._segments(scope, "vocal_steadiness", "steadiness")

    def prosodic_variation(self, scope: Scope) -> Feature:
        return self._segments(scope, "prosodic_variation", "variation")

    def _segments(self, scope: Scope, name: str, column: str) -> Feature:
        """Mean of one prosodic column over the scope's segments of speech, weighted by their length."""
        table = self.prosody
        rows = np.flatnonzero((table["middle"] >= scope.start) & (table["middle"] < scope.end) & ~np.isnan(table[column]))
        seconds, values = table["seconds"][rows], table[column][rows]
        if seconds.sum() <= 0:
            return Feature(name, missing="no segment of speech in which it could be measured")
        if lacking := self.lacking(scope, name, float(seconds.sum())):
            return lacking
        draws = bootstrap.ratio(seconds * values, seconds, self.draws, self.random(scope, name))
        kept = rows[evidence.strongest(values, seconds)]
        found = [evidence.span(table["start"][i], table["end"][i], self._how(column, i), float(table[column][i])) for i in kept.tolist()]
        return self.feature(name, float(np.average(values, weights=seconds)), draws, found, f"{counted(len(rows), 'segment')} of speech")

    def _how(self, column: str, i: int) -> str:
        if column == "variation":
            return f"pitch varies by {self.prosody['variation'][i]:.1f} semitones"
        parts = (("jitter", "jitter {:.2%}"), ("level_variation", "level varies by {:.0%}"))
        return ", ".join(text.format(self.prosody[key][i]) for key, text in parts if not np.isnan(self.prosody[key][i]))

    def speaking_ratio(self, scope: Scope) -> Feature:
        name, said = "speaking_ratio", self.seen.segments
        if scope.end <= scope.start:
            return Feature(name, missing="the answer has no length")
        if len(said.start) == 0:
            return Feature(name, missing="no speech was detected in the whole session, which may be a fault of the recording")
        if lacking := self.lacking(scope, name, scope.end - scope.start):
            return lacking
        edges = np.minimum(np.arange(scope.start, scope.end, bootstrap.BLOCK)[:, None] + [0.0, bootstrap.BLOCK], scope.end)
        pieces = Grid(edges[:, 0], edges[:, 1])
        speech = np.clip(overlap(said.start, said.end, pieces), 0, None)
        length = pieces.end - pieces.start
        raw = min(1.0, float(speech.sum() / length.sum()))
        draws = bootstrap.ratio(speech, length, self.draws, self.random(scope, name))
        inside = np.minimum(said.end, scope.end) - np.maximum(said.start, scope.start)
        longest = sorted([i for i in np.argsort(-inside, kind="stable")[: evidence.CAP].tolist() if inside[i] > 0])
        found = [
            evidence.span(max(said.start[i], scope.start), min(said.end[i], scope.end), f"{inside[i]:.1f} s of speech", float(inside[i]))
            for i in longest
        ] or [evidence.span(scope.start, scope.end, "no speech", 0.0)]
        return self.feature(name, raw, draws, found, f"{speech.sum():.1f} s of speech in {length.sum():.1f} s")


@dataclass(frozen=True)
class FeatureKind:
    """A feature that scores can be made of; what a package's entry point of the group ``workbench.features`` names.

    Parameters
    ----------
    name : str
        By which settings give it a weight, as in ``scoring: {engagement: {NAME: 0.5}}``.
    measure : callable
        ``measure(measures, scope) -> Feature``: over the stretch ``scope.start`` to ``scope.end`` (s), from
        ``measures.seen`` (`fusion.observations.Observations`). `Measures.feature` makes the result from a raw value, its
        bootstrap draws and its evidence.
    range : Range, optional
        Which raw values become 0 and 1; None only for a feature that gives its own to `Measures.feature`.
    channel : str
        "visual_emotion" or "prosodic_affect" where it infers emotion from a face or a voice, and so may be switched off.
    """

    name: str
    measure: Callable[[Measures, Scope], Feature]
    range: Range | None = None
    channel: str = ""


def _check(name: str, thing: object) -> FeatureKind:
    if not isinstance(thing, FeatureKind):
        raise SettingsError("a feature's entry point names a workbench.scoring.features.FeatureKind")
    if thing.name != name:
        raise SettingsError(f"its name is {thing.name!r}; it must be {name!r}, as its entry point says")
    return thing


FEATURES: Registry[FeatureKind] = Registry("feature", "workbench.features", {}, _check)
"""Every feature by name; what installed packages add is among them."""
for _name, _channel, _measure in (
    ("semantic_similarity", "", Measures.semantic_similarity),
    ("keyword_coverage", "", Measures.keyword_coverage),
    ("filler_rate", "", Measures.filler_rate),
    ("lexical_diversity", "", Measures.lexical_diversity),
    ("vocal_steadiness", "prosodic_affect", Measures.vocal_steadiness),
    ("visual_certainty", "visual_emotion", Measures.visual_certainty),
    ("speaking_ratio", "", Measures.speaking_ratio),
    ("prosodic_variation", "prosodic_affect", Measures.prosodic_variation),
):
    FEATURES.own(_name, FeatureKind(_name, _measure, RANGES.get(_name), _channel))


def added_ranges(names: Sequence[str]) -> dict[str, Range]:
    """The ranges of features that other packages add.

    Raises
    ------
    SettingsError
        If a package cannot be used.
    """
    try:
        kinds = [FEATURES.get(name) for name in names if FEATURES.package(name) != OWN]
    except PluginError as error:
        raise SettingsError(f"scoring: {error}") from None
    return {kind.name: kind.range for kind in kinds if kind.range is not None}


def counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def certainty(probs: Floats) -> Floats:
    """One minus the normalised entropy of each row of `probs`; NaN rows stay NaN."""
    logs = np.log(probs, out=np.zeros_like(probs), where=probs > 0)  # 0 log 0 = 0
    return 1.0 + (probs * logs).sum(axis=1) / np.log(probs.shape[1])


def prosody_columns(seen: Observations, ranges: dict[str, Range]) -> dict[str, Floats]:
    """Prosody as columns, with `variation` (semitones) and `steadiness` (0..1).

    Steadiness is the mean of what is measured of two things: how evenly the vocal folds swing (jitter), and how even
    the level is (spread of the RMS over its mean). Not the spread of pitch: lively intonation must not count as unsteady,
    and a level in absolute terms would score the microphone.
    """

    def column(name: str) -> Floats:
        return np.array([np.nan if (v := getattr(p, name)) is None else v for p in seen.prosody], float)

    with np.errstate(invalid="ignore", divide="ignore"):
        level = column("rms_std") / column("rms_mean")
    jitter = column("jitter")
    parts = np.stack([normalise(jitter, ranges["jitter"]), normalise(level, ranges["level_variation"])])
    known: Bools = ~np.isnan(parts)
    count = known.sum(axis=0)
    steadiness = np.divide(np.where(known, parts, 0).sum(axis=0), count, out=np.full(len(count), np.nan), where=count > 0)
    start, end = column("start"), column("end")
    return {
        "start": start,
        "end": end,
        "middle": (start + end) / 2,
        "seconds": end - start,
        "jitter": jitter,
        "level_variation": level,
        "variation": column("pitch_std_semitones"),
        "steadiness": steadiness,
    }
