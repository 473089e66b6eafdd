"""What the tuning page shows for a setting of its sliders: figures with intervals, the gain on held-out people, the frontier.

A third of the persons is held out. Sliders are tuned on the others: the figures are of these, and calibration is fitted on
them, crosswise: clips of one person are calibrated with the clips of other persons. The gain is of the held-out persons.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from workbench.errors import CorpusError, SettingsError, WorkbenchError
from workbench.evaluation.bootstrap import Interval
from workbench.evaluation.cross_validation import Evaluator
from workbench.evaluation.decisions import TIED, confusion, hits, top_classes
from workbench.evaluation.samples import Samples
from workbench.evaluation.splits import by_person, fit, held_out
from workbench.fusion.average import Average
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.calibrated import CalibratedAverage
from workbench.fusion.calibration import Calibrator, Method
from workbench.fusion.calibration import fit as calibrate
from workbench.fusion.stored import Stored
from workbench.fusion.strategy import STRATEGIES, Floats
from workbench.plugins import OWN
from workbench.runs import connect, revision
from workbench.training.benchmark import MODALITIES, unfitted
from workbench.training.fitting import EXPERIMENT

METHODS: tuple[Method, ...] = ("none", "temperature", "dirichlet")
WEIGHTS = "weights"
"""Fuse by the sliders' weights; otherwise `Point.strategy_name` is a strategy of the registry."""
STEPS = 51
"""Weights on the frontier, from voice alone to face alone."""


@dataclass(frozen=True)
class Point:
    """Where the sliders stand."""

    weights: dict[str, float] = field(default_factory=lambda: {"visual": 0.5, "audio": 0.5})
    temperatures: dict[str, float] = field(default_factory=dict)
    minimum: dict[str, float] = field(default_factory=dict)
    uncertain: float = 0.45
    method: Method = "none"
    grouping: str = "sex"
    strategy_name: str = WEIGHTS

    def strategy(self) -> CalibratedAverage:
        """For features that are calibrated already.

        Raises
        ------
        SettingsError
            If the sliders are impossible together, such as weights that are all 0.
        """
        return CalibratedAverage(self.weights, "none", temperatures=self.temperatures, minimum=self.minimum)


@dataclass(frozen=True)
class PointFigures:
    """Figures of a point.

    Parameters
    ----------
    figures : dict of Interval
        ``accuracy``, ``macro_f1``, ``ece`` and ``gap`` on the persons that are tuned on.
    versus_average : dict of Interval
        The same minus those of the equal average.
    gain : Interval
        Accuracy minus that of the equal average, on the held-out persons.
    worst : str
        Group of the lowest accuracy.
    confusion : ndarray, shape (k, k)
        Clips tuned on; rows are labels.
    certain : tuple of float
        Share of clips that are not called uncertain, and accuracy among them.
    """

    figures: dict[str, Interval]
    versus_average: dict[str, Interval]
    gain: Interval
    worst: str
    confusion: Floats
    certain: tuple[float, float]

    @property
    def sentence(self) -> str:
        """What the figures say of people that nothing was tuned on."""
        low, value, high = (100 * x for x in (self.gain.low, self.gain.value, self.gain.high))
        if low == value == high == 0:
            return "This decides as the equal average does on held-out people."
        if low > 0:
            return f"This beats the equal average by {value:.1f} points [{low:.1f}, {high:.1f}] on held-out people."
        if high < 0:
            return f"This is worse than the equal average by {-value:.1f} points [{-high:.1f}, {-low:.1f}] on held-out people."
        return f"This cannot be told from the equal average: {value:+.1f} points [{low:+.1f}, {high:+.1f}] on held-out people."


class Tuner:
    """Evaluates points on one corpus; made once, shared by visitors. `people`: how many are tuned on, and how many held out.

    Parameters
    ----------
    samples : Samples
    draws : int
        Bootstrap draws over persons.
    seed : int

    Raises
    ------
    CorpusError
        If the corpus has fewer than two modalities with class probabilities, or too few persons.
    """

    def __init__(self, samples: Samples, draws: int = 1000, seed: int = 0) -> None:
        self.modalities = [m for m in MODALITIES if m in samples.batch]
        if len(self.modalities) < 2:
            raise CorpusError(f"{samples.name}: tuning needs probabilities of face and voice; it has {', '.join(samples.features)}")
        self.samples = samples.only(self.modalities)
        cut = by_person(samples.persons, 3, seed)[0]
        self.tuned, self.held_out = cut.train, cut.test
        self._seed = seed
        self._evaluator, self._held_out_evaluator = (
            Evaluator(self.samples.rows(rows), draws, seed) for rows in (self.tuned, self.held_out)
        )
        self.groupings = [g for g, members in self._evaluator.members.items() if len(members) > 1]
        if not self.groupings:
            raise CorpusError(
                f"{samples.name}: tuning compares groups, and no grouping has two groups of enough people among those tuned on"
            )
        self.people = len(self._evaluator.person_ids), len(self._held_out_evaluator.person_ids)
        equal = Average(dict.fromkeys(self.modalities, 1.0)).predict(self.samples.batch)
        self._equal, self._equal_held = self._evaluator.score([equal[self.tuned]]), self._held_out_evaluator.score([equal[self.held_out]])
        self.calibrated = lru_cache(len(METHODS))(self._calibrated)
        self.predicted = lru_cache(32)(self._other)
        self._swept = lru_cache(32)(self._sweep)

    def warm(self) -> Tuner:
        """Fit every calibration now, so that choosing one takes no time later."""
        for method in METHODS:
            self.calibrated(method)
        return self

    def _calibrated(self, method: Method) -> tuple[ModalityBatch, dict[str, Calibrator]]:
        """Probabilities after calibration, and the calibrators fitted on all persons that are tuned on."""
        if method == "none":
            return self.samples.batch, {}
        part = self.samples.rows(self.tuned)
        features: dict[str, Floats] = {}
        fitted: dict[str, Calibrator] = {}
        for m in self.modalities:
            usable = part.batch.masks[m]
            fitted[m] = calibrate(part.features[m][usable], part.labels[usable], method)
            features[m] = fitted[m](self.samples.features[m])
            for fold in by_person(part.persons, 4, self._seed):
                rows = fold.train[usable[fold.train]]
                without = calibrate(part.features[m][rows], part.labels[rows], method)
                features[m][self.tuned[fold.test]] = without(part.features[m][fold.test])
        return self.samples.batch.with_features(features), fitted

    @property
    def strategies(self) -> list[str]:
        """What can fuse: the sliders' weights, then every strategy that learns or decides otherwise, of other packages too."""
        return [WEIGHTS, *(n for n in STRATEGIES.names() if n not in (Average.name, CalibratedAverage.name, Stored.name))]

    def _other(self, name: str) -> Floats:
        """Another strategy's probabilities of every clip, each by one that was fitted on other people."""
        part, out = self.samples.rows(self.tuned), np.full((len(self.samples), len(self.samples.classes)), np.nan)
        out[self.tuned] = held_out(part, partial(unfitted, name), by_person(part.persons, 4, self._seed), self._seed)
        out[self.held_out] = fit(part, partial(unfitted, name), self._seed).predict(self.samples.batch.rows(self.held_out))
        return out

    def fused(self, point: Point) -> Floats:
        """Fused probabilities of every clip, shape (n, k).

        Raises
        ------
        SettingsError
            If the point's strategy is not known, or the package that offers it fails.
        """
        if point.strategy_name != WEIGHTS:
            try:
                return self.predicted(point.strategy_name)
            except WorkbenchError as error:
                raise SettingsError(str(error)) from None
            except Exception as error:
                if STRATEGIES.package(point.strategy_name) == OWN:
                    raise
                raise SettingsError(str(STRATEGIES.reject(point.strategy_name, f"{type(error).__name__}: {error}"))) from None
        return point.strategy().predict(self.calibrated(point.method)[0])

    def evaluate(self, point: Point) -> PointFigures:
        """Everything that is shown beside the sliders."""
        probs = self.fused(point)
        mine = probs[self.tuned]
        here, held = self._evaluator.score([mine]), self._held_out_evaluator.score([probs[self.held_out]])
        figures = {n: here.interval(n) for n in ("accuracy", "macro_f1", "ece")}
        versus_average = {n: here.minus(self._equal, n) for n in figures}
        figures["gap"], versus_average["gap"] = here.gap(point.grouping), here.gap_minus(self._equal, point.grouping)
        labels, decided = self._evaluator.samples.labels, top_classes(mine)
        right = hits(decided, labels)
        sure = mine.max(axis=1) >= point.uncertain
        return PointFigures(
            figures, versus_average, held.minus(self._equal_held, "accuracy"), here.worst(point.grouping),
            confusion(decided, labels),
            (float(sure.mean()), float(right[sure].mean()) if sure.any() else float("nan")),
        )  # fmt: skip

    def frontier(self, point: Point) -> pd.DataFrame:
        """Accuracy and worst-group gap of all weights, the other sliders as they stand.

        Returns
        -------
        DataFrame
            A row a weight: `face` (share of the face's weight), `accuracy`, `gap`, and `best`, True where no other weight
            is as good in both and better in one.
        """
        accuracy, groups = self._swept(point.method, tuple(sorted(point.temperatures.items())), tuple(sorted(point.minimum.items())))
        table = groups[point.grouping]
        gap = table.max(axis=1) - table.min(axis=1)
        best = [not np.any((accuracy >= a) & (gap <= g) & ((accuracy > a) | (gap < g))) for a, g in zip(accuracy, gap, strict=True)]
        return pd.DataFrame({"face": np.linspace(0, 1, STEPS), "accuracy": accuracy, "gap": gap, "best": best})

    def _sweep(
        self, method: Method, temperatures: tuple[tuple[str, float], ...], minimum: tuple[tuple[str, float], ...]
    ) -> tuple[Floats, dict[str, Floats]]:
        """Accuracy of every weight, shape (STEPS,), and by grouping that of every group, shape (STEPS, groups)."""
        part, evaluator = self.samples.rows(self.tuned), self._evaluator
        batch = self.calibrated(method)[0].rows(self.tuned)
        people = len(evaluator.person_ids)
        clips = np.bincount(evaluator.person_index, minlength=people)
        half = CalibratedAverage(dict.fromkeys(self.modalities, 0.5), "none", temperatures=dict(temperatures), minimum=dict(minimum))
        known = half.calibrated(batch)
        count = half.shares(known)
        # classes along the first axis: sums and maxima over them are several times as quick
        alone = [np.where(known.masks[m], known.features[m].T, 0.0) for m in self.modalities]
        both = [np.where(count[m] > 0, known.features[m].T, 0.0) for m in self.modalities]
        right = np.empty((STEPS, people))
        for i, face in enumerate(np.linspace(0, 1, STEPS)):
            # alone, a modality counts however unsure it is; the temperature after the average moves no label
            fused = face * both[0] + (1 - face) * both[1] if 0 < face < 1 else alone[0 if face else 1]
            right[i] = np.bincount(evaluator.person_index, weights=_right(fused, part.labels), minlength=people)
        groups = {
            g: np.stack([right[:, who].sum(axis=1) / clips[who].sum() for who in evaluator.members[g].values()], axis=1)
            for g in self.groupings
        }
        return right.sum(axis=1) / clips.sum(), groups

    def clips(self, point: Point, label: int, predicted: int) -> pd.DataFrame:
        """Clips tuned on whose label is class `label` and whose fused class is `predicted`, the surest first."""
        part, probs = self.samples.rows(self.tuned), self.fused(point)[self.tuned]
        rows = np.flatnonzero((part.labels == label) & (top_classes(probs)[:, predicted] > 0))
        rows = rows[np.argsort(-probs[rows].max(axis=1), kind="stable")]
        classes = part.classes

        def votes(x: Floats) -> list[str]:
            return [
                ", ".join(f"{classes[j]} {100 * row[j]:.0f}" for j in np.argsort(-row, kind="stable")[:3] if row[j] > 0) for row in x[rows]
            ]

        table = {"clip": part.clips[rows], "person": part.persons[rows], "fused %": np.rint(100 * probs[rows].max(axis=1)).astype(int)}
        table |= {{"visual": "face %", "audio": "voice %"}[m]: votes(part.features[m]) for m in self.modalities}
        if part.human is not None:
            table["both %"] = votes(part.human)
        return pd.DataFrame(table | {g: part.groups[g].to_numpy()[rows] for g in part.groups})

    def experiment(self, point: Point) -> dict[str, Any]:
        """Settings that fuse as the point does; for `workbench evaluate --settings` and `workbench replay --settings`.

        Raises
        ------
        SettingsError
            If the sliders are impossible together, or the strategy must be fitted first.
        """
        if point.strategy_name != WEIGHTS:
            return self._experiment_of(point)
        point.strategy()
        by_hand = {"temperatures": point.temperatures, "minimum": {m: least for m, least in point.minimum.items() if least > 0}}
        fusion: dict[str, Any] = {"strategy": CalibratedAverage.name, "weights": point.weights, "parameters": {"method": "none"} | by_hand}
        if point.method != "none":
            fitted = self.calibrated(point.method)[1]
            # the temperature that follows a fit is a slider here
            end = identity(len(self.samples.classes))
            whole = CalibratedAverage(
                point.weights, point.method, calibrators=fitted, final=end, temperatures=point.temperatures, minimum=by_hand["minimum"]
            )
            about = {"corpus": self.samples.name, "source": self.samples.source, "fingerprint": self.samples.fingerprint}
            content = Stored(whole, self.samples.classes, about | {"persons": len(self._evaluator.person_ids)}).content()
            fusion |= {"strategy": Stored.name, "parameters": {"content": content}}
        return {"fusion": fusion, "smoothing": {"uncertain": point.uncertain}}

    def _experiment_of(self, point: Point) -> dict[str, Any]:
        chosen = fit(self.samples.rows(self.tuned), partial(unfitted, point.strategy_name), self._seed)
        about = {"corpus": self.samples.name, "source": self.samples.source, "fingerprint": self.samples.fingerprint}
        content = Stored(chosen, self.samples.classes, about | {"persons": len(self._evaluator.person_ids)}).content()
        return {"fusion": {"strategy": Stored.name, "parameters": {"content": content}}, "smoothing": {"uncertain": point.uncertain}}


def _right(fused: Floats, labels: NDArray[np.int64]) -> Floats:
    """`decisions.hits` of `decisions.top_classes`, shape (n,), for fused sums of shape (k, n) that are not normalised yet."""
    total = fused.sum(axis=0)
    tied = fused >= fused.max(axis=0) - TIED * total
    return np.where(total > 0, tied[labels, np.arange(len(labels))] / tied.sum(axis=0), 0.0)


def identity(k: int) -> Calibrator:
    """A calibrator that changes nothing."""
    return Calibrator("none", np.eye(k), np.zeros(k))


def scalars(result: PointFigures) -> dict[str, float]:
    """Figures as MLflow takes them."""
    out: dict[str, float] = {}
    for prefix, values in (
        ("", result.figures),
        ("versus_average.", result.versus_average),
        ("held_out.", {"versus_average.accuracy": result.gain}),
    ):
        for name, v in values.items():
            out |= {f"{prefix}{name}": v.value, f"{prefix}{name}.low": v.low, f"{prefix}{name}.high": v.high}
    return {k: v for k, v in out.items() if np.isfinite(v)}


def log(tuner: Tuner, point: Point, result: PointFigures) -> str:
    """Keep a point as an MLflow run; gives its id."""
    mlflow = connect(EXPERIMENT)
    with mlflow.start_run(run_name="tuned by hand") as run:
        by_hand: dict[str, Any] = {f"weight.{m}": w for m, w in point.weights.items()}
        by_hand |= {f"temperature.{m}": t for m, t in point.temperatures.items()}
        by_hand |= {f"minimum.{m}": least for m, least in point.minimum.items()}
        sliders = {"method": point.method, "grouping": point.grouping, "uncertain": point.uncertain} | by_hand
        mlflow.log_params({"corpus": tuner.samples.name, "strategy": point.strategy_name} | sliders)
        mlflow.log_metrics(scalars(result))
        tags = {"data_fingerprint": tuner.samples.fingerprint, "git_revision": revision(), "source": tuner.samples.source, "kind": "tuned"}
        mlflow.set_tags(tags)
        mlflow.log_text(yaml.safe_dump(tuner.experiment(point), sort_keys=False), "settings.yaml")
        mlflow.log_table(tuner.frontier(point), "frontier.json")
        return str(run.info.run_id)
