"""``workbench fusion benchmark``: every fusion strategy on held-out persons, with intervals, differences and ablation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.contracts import EMOTION_MODALITIES
from workbench.errors import CorpusError
from workbench.evaluation.bootstrap import Interval
from workbench.evaluation.calibration import BINS, reliability
from workbench.evaluation.cross_validation import Evaluator, Scored, plain
from workbench.evaluation.decisions import hits, top_classes
from workbench.evaluation.metrics import FLOOR
from workbench.evaluation.samples import STRENGTHS, Samples
from workbench.evaluation.splits import Build, Fold, by_person, held_out
from workbench.fusion.average import Average
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.calibrated import CalibratedAverage
from workbench.fusion.logistic import Logistic
from workbench.fusion.network import Hyperparameters, Learned
from workbench.fusion.product import Product
from workbench.fusion.rules import Rules
from workbench.fusion.strategy import STRATEGIES, Strategy
from workbench.plugins import OWN
from workbench.streams import Floats

EQUAL: dict[str, float] = {"visual": 0.5, "audio": 0.5}
MODALITIES = EMOTION_MODALITIES
Progress = Callable[[str, int, int], None]


class BestWeight(Average):
    """Weighted average of two modalities whose weight is the most accurate one (of 0, 0.01 … 1) on the training rows."""

    def fit(self, batch: ModalityBatch, labels: NDArray[np.int64], persons: NDArray[Any] | None = None) -> BestWeight:
        first, second = self.base
        grid = np.linspace(0, 1, 101)
        right = [np.mean(hits(top_classes(Average({first: 1 - w, second: w}).predict(batch)), labels)) for w in grid]
        best = float(grid[int(np.argmax(right))])
        self.base = {first: 1 - best, second: best}
        return self


@dataclass(frozen=True)
class Candidate:
    """A line of the benchmark: how to build the strategy, what it may see, and a remark."""

    build: Build
    inputs: tuple[str, ...] = MODALITIES
    note: str = ""


def candidates(hyper: Hyperparameters, samples: Samples | None = None) -> dict[str, Candidate]:
    """Every strategy of the benchmark, by name, for the inputs that `samples` have (CREMA-D's votes where left out).

    Logistic regression takes no further inputs where a clip that has the modality lacks one of them: it has no flags for that.

    Parameters
    ----------
    hyper : Hyperparameters
        Of the learned network.
    samples : Samples, optional

    Examples
    --------
    >>> list(candidates(Hyperparameters()))[:2]
    ['voice', 'face']
    """
    sources = STRENGTHS if samples is None else {n: s for n, s in samples.sources.items() if n in samples.batch}
    everything = (*MODALITIES, *sources)
    extras = {source: [name for name, s in sources.items() if s == source] for source in MODALITIES}
    votes = samples is None or samples.human is not None
    shares, further = ("shares", "rated strengths") if votes else ("probabilities", ", ".join(sources) or "nothing else")
    whole = samples is None or all(np.all(samples.batch.masks[n] >= samples.batch.masks[s]) for n, s in sources.items())

    def alone(modality: str, method: str) -> Build:
        return lambda seed: CalibratedAverage({modality: 1.0}, method)  # type: ignore[arg-type]

    lines = {
        "voice": Candidate(lambda seed: Average({"audio": 1.0}), ("audio",), f"{shares} as they are"),
        "face": Candidate(lambda seed: Average({"visual": 1.0}), ("visual",), f"{shares} as they are"),
        "voice_calibrated": Candidate(alone("audio", "dirichlet"), ("audio",)),
        "face_calibrated": Candidate(alone("visual", "dirichlet"), ("visual",)),
        "average": Candidate(lambda seed: Average(EQUAL), note="equal weights, nothing learned"),
        "weighted_average": Candidate(lambda seed: BestWeight(EQUAL), note="one weight, the best on training persons"),
        "rules": Candidate(lambda seed: Rules(), note="clips have no SNR and no face size: no rule fires, the weights stay 0.6 and 0.4"),
        "product": Candidate(lambda seed: Product(MODALITIES), note="log-linear pool, exponents learned"),
        "calibrated_average": Candidate(lambda seed: CalibratedAverage(EQUAL), note="Dirichlet calibration of each modality"),
        "calibrated_product": Candidate(lambda seed: Product(MODALITIES, "dirichlet"), note="Dirichlet calibration, then the pool"),
        "logistic": Candidate(lambda seed: Logistic(MODALITIES), note=f"on the {shares}"),
        "logistic_strength": Candidate(lambda seed: Logistic(MODALITIES, extras), everything, "on the same inputs as the learned network"),
        "learned_shares": Candidate(lambda seed: Learned(dict(sources), seed, hyper), note=f"the network on the {shares} alone"),
        "learned": Candidate(lambda seed: Learned(dict(sources), seed, hyper), everything, f"the network on {shares} and {further}"),
    }
    lines |= {name: added(name) for name in STRATEGIES.names() if STRATEGIES.package(name) != OWN}
    return lines if whole else {name: candidate for name, candidate in lines.items() if name != "logistic_strength"}


def unfitted(name: str, seed: int = 0) -> Strategy:
    """A strategy of the registry with its default settings, ready to be fitted."""
    strategy: Any = STRATEGIES.get(name)
    return strategy.for_benchmark(seed) if hasattr(strategy, "for_benchmark") else strategy.from_dict({})


def added(name: str) -> Candidate:
    """The benchmark's line for a strategy that another package offers: on the probabilities of face and voice."""
    return Candidate(partial(unfitted, name), note=f"from the package {STRATEGIES.package(name)}")


ABLATED: tuple[str, ...] = ("average", "calibrated_average", "logistic", "learned")
"""Strategies that are fitted anew with each modality left out."""


def run(
    samples: Samples,
    folds: int = 5,
    seeds: int = 3,
    draws: int = 1000,
    hyper: Hyperparameters | None = None,
    jobs: int = -1,
    say: Progress = lambda name, done, total: None,
) -> dict[str, Any]:
    """Fit and evaluate every strategy.

    Parameters
    ----------
    samples : Samples
    folds : int
        By person.
    seeds : int
        Shufflings of persons into folds (and initial weights of the network); figures are their mean.
    draws : int
        Bootstrap draws over persons.
    hyper : Hyperparameters, optional
        Of the learned network.
    jobs : int
        Processes; -1 is one a core.
    say : callable
        Told ``(strategy, fits done, fits in all)``.

    Returns
    -------
    dict
        Plain values for JSON: `strategies`, a list of `name` and of `accuracy`, `macro_f1`, `log_loss` (nats), `ece` and
        `brier`, each with `value`, `low` and `high` (all but log-loss and Brier score are fractions), paired differences,
        the reliability diagram and `fit_seconds` (all folds, one process, mean over seeds); `ceiling`; `ablation`.

    Raises
    ------
    CorpusError
        If there are fewer people than folds, or no clip has one of the modalities.
    """
    begun = time.perf_counter()
    evaluator = Evaluator(samples, draws)
    if lost := [m for m in MODALITIES if m not in samples.batch]:
        raise CorpusError(f"{samples.name}: no clip has usable {' and '.join(lost)} probabilities; fusion is evaluated on face and voice")
    lines = candidates(hyper or Hyperparameters(), samples)
    work = {name: (entry.build, samples.only(entry.inputs)) for name, entry in lines.items()}
    work |= {f"{name} without {gone}": _without(name, lines[name], samples, gone) for name in ABLATED for gone in MODALITIES}
    if samples.human is not None:
        work["human_av_calibrated"] = _human(samples)
    scored, seconds, diagrams, left_out = _evaluate(work, evaluator, folds, seeds, jobs, say)
    single = max(("voice", "face"), key=lambda n: scored[n].value("accuracy"))
    ceiling = {}
    if samples.human is not None:
        ceiling = {"human_av": evaluator.score([samples.human]), "human_av_calibrated": scored["human_av_calibrated"]}
    report = {
        "corpus": samples.name,
        "source": samples.source,
        "fingerprint": samples.fingerprint,
        "clips": len(samples),
        "persons": len(evaluator.person_ids),
        "folds": folds,
        "seeds": seeds,
        "draws": draws,
        "interval": "95 %, studentised bootstrap over people",
        "ece_bins": BINS,
        "log_loss_floor": FLOOR,
        "best_single": single,
        "strategies": [
            {
                "name": name,
                "inputs": list(entry.inputs),
                "note": entry.note,
                **scored[name].summary(),
                "versus_average": scored[name].versus(scored["average"]),
                "versus_best_single": scored[name].versus(scored[single]),
                "reliability": diagrams[name],
                "fit_seconds": round(seconds[name], 2),
            }
            for name, entry in lines.items()
            if name in scored
        ],
        "ceiling": [{"name": n, **s.summary(), "versus_learned": s.versus(scored["learned"])} for n, s in ceiling.items()],
        "ablation": [
            _ablation_row(name, gone, scored[f"{name} without {gone}" if gone else name], scored[name])
            for name in ABLATED
            for gone in ("", *MODALITIES)
        ],
        "suppressed": evaluator.suppressed,
        "notes": [*samples.notes, *left_out],
        "seconds": round(time.perf_counter() - begun, 1),
    }
    return dict(plain(report))


def _evaluate(
    work: Mapping[str, tuple[Build, Samples]], evaluator: Evaluator, folds: int, seeds: int, jobs: int, say: Progress
) -> tuple[dict[str, Scored], dict[str, float], dict[str, dict[str, Any]], list[str]]:
    """Figures, seconds of all folds (mean over seeds) and reliability diagram of each candidate; and why one was left out."""
    from joblib import Parallel, delayed

    cuts = [by_person(evaluator.samples.persons, folds, seed) for seed in range(seeds)]
    # the longest first: the last process to finish decides
    tasks = sorted(((name, seed) for name in work for seed in range(seeds)), key=lambda t: "learned" not in t[0])
    runs: dict[str, list[tuple[Floats, float]]] = {name: [] for name in work}
    failed: dict[str, str] = {}
    calls = (delayed(_timed)(name, work[name][1], work[name][0], cuts[seed], seed) for name, seed in tasks)
    for i, (name, probs, took) in enumerate(Parallel(n_jobs=jobs, return_as="generator")(calls)):
        if isinstance(probs, str):
            failed[name] = str(STRATEGIES.reject(name, f"it fails in the benchmark: {probs}"))
        else:
            runs[name].append((probs, took))
        say(name, i + 1, len(tasks))
    runs = {name: done for name, done in runs.items() if name not in failed}
    scored = {name: evaluator.score([probs for probs, _ in done]) for name, done in runs.items()}
    labels = np.tile(evaluator.samples.labels, seeds)
    diagrams = {name: asdict(reliability(np.concatenate([probs for probs, _ in done]), labels)) for name, done in runs.items()}
    return scored, {name: float(np.mean([took for _, took in done])) for name, done in runs.items()}, diagrams, list(failed.values())


def _timed(name: str, samples: Samples, build: Build, cuts: list[Fold], seed: int) -> tuple[str, Floats | str, float]:
    """Held-out predictions, or the error in one line where another package's strategy fails, and the seconds it took."""
    start = time.perf_counter()
    try:
        return name, held_out(samples, build, cuts, seed), time.perf_counter() - start
    except Exception as error:
        if name in STRATEGIES and STRATEGIES.package(name) != OWN:
            return name, f"{type(error).__name__}: {' '.join(str(error).split())}", 0.0
        raise


def _human(samples: Samples) -> tuple[Build, Samples]:
    """Human audio-visual shares, calibrated on training persons like a modality."""
    human = np.asarray(samples.human)
    alone = replace(samples, batch=ModalityBatch.of({"human": human}))
    return lambda seed: Logistic(("human",)), alone


def _without(name: str, entry: Candidate, samples: Samples, gone: str) -> tuple[Build, Samples]:
    """The strategy fitted anew without a modality and all that comes from it; strategies with weights get theirs anew."""
    (left,) = (m for m in MODALITIES if m != gone)
    builds: dict[str, Build] = {
        "average": lambda seed: Average({left: 1.0}),
        "calibrated_average": lambda seed: CalibratedAverage({left: 1.0}),
        "logistic": lambda seed: Logistic((left,)),
    }
    return builds.get(name, entry.build), samples.only([m for m in entry.inputs if samples.sources.get(m, m) != gone])


def _ablation_row(name: str, gone: str, score: Scored, whole: Scored) -> dict[str, Any]:
    def change(value: Interval) -> dict[str, float] | None:
        return value.plain() if gone else None

    return {
        "strategy": name,
        "without": gone or None,
        "accuracy": score.interval("accuracy").plain(),
        "accuracy_change": change(score.minus(whole, "accuracy")),
        "gaps": {g: {**score.gap(g).plain(), "worst": score.worst(g), "change": change(score.gap_minus(whole, g))} for g in score.groups},
    }
