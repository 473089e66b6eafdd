"""Sweeps: Optuna over weights, smoothing and network settings, from a YAML file; resumable, in parallel, tracked.

A fifth of the persons is held out first. Trials are evaluated by cross-validation among the others. The best one is fitted
on these and evaluated once on the held-out persons: that figure is reported. Then it is fitted on all persons and registered.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from workbench import settings as tree
from workbench.errors import SettingsError
from workbench.evaluation.cross_validation import Evaluator
from workbench.evaluation.metrics import NAMES
from workbench.evaluation.samples import Samples
from workbench.evaluation.splits import by_person, fit, held_out
from workbench.fusion import fuse
from workbench.fusion.average import Average
from workbench.fusion.strategy import Floats, Strategy
from workbench.runs import connect, revision
from workbench.training import fitting, sequences
from workbench.training.benchmark import EQUAL, Candidate, Progress
from workbench.training.plan import Plan, Range

FOLDER = Path("artifacts") / "sweeps"
"""Where studies (``NAME.db``) and the best settings (``NAME.yaml``) are kept."""


@dataclass(frozen=True)
class _Trial:
    """Evaluates one set of values on the tuning persons; made once in each process."""

    plan: Plan
    samples: Samples

    def __call__(self, values: Mapping[str, Any]) -> tuple[dict[str, float], float]:
        """Figures by name, and the seconds that it took."""
        begun = time.perf_counter()
        settings = self.plan.tree(values)
        seen = self.samples.only(self.plan.inputs)
        probs = held_out(seen, builder(settings, seen), by_person(seen.persons, self.plan.folds, self.plan.seed), self.plan.seed)
        probs, predicted = shown(seen, probs, settings, self.plan)
        score = Evaluator(seen, 0).score([probs], predicted)
        return {name: score.value(name) for name in NAMES}, time.perf_counter() - begun


def builder(settings: tree.Settings, samples: Samples) -> Callable[[int], Strategy]:
    """An unfitted strategy for some samples from a seed, as the settings say it."""
    chosen = settings.fusion

    def build(seed: int) -> Strategy:
        return fuse.build(chosen.model_copy(update={"parameters": {"seed": seed, "sources": dict(samples.sources), **chosen.parameters}}))

    return build


def shown(samples: Samples, probs: Floats, settings: tree.Settings, plan: Plan) -> tuple[Floats, Any]:
    """What a session would show for fused clips: probabilities and labels, smoothed where the sweep varies smoothing."""
    if not plan.smooths:
        return probs, None
    smoothed = sequences.smoothed(samples, probs, settings.smoothing, plan.seed)
    return smoothed.probs, smoothed.label


_here: _Trial | None = None
"""The trial of a worker process."""


def _begin(plan: Plan, samples: Samples) -> None:
    global _here
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # they are for the sweep, which lets running trials end
        signal.signal(number, signal.SIG_IGN)
    _here = _Trial(plan, samples)


def _work(values: Mapping[str, Any]) -> tuple[dict[str, float], float]:
    assert _here is not None
    return _here(values)


def run(
    plan: Plan,
    samples: Samples,
    trials: int | None = None,
    jobs: int = 1,
    folder: Path = FOLDER,
    say: Progress = lambda name, done, total: None,
) -> dict[str, Any]:
    """Run a sweep, or what is left of it.

    Parameters
    ----------
    plan : Plan
    samples : Samples
    trials : int, optional
        In all, those of earlier calls included; the plan's number where left out.
    jobs : int
        Processes.
    folder : Path
        Of the study, which later calls go on with.
    say : callable
        Told ``(the best so far, trials done, trials in all)``.

    Returns
    -------
    dict
        Plain values: `best` (values and cross-validated figures), `held_out` (figures of the held-out persons),
        `versus_average` (on them), `settings`, and `model` where the plan registers it.

    Raises
    ------
    SettingsError
        If the study in the folder was made with another plan or other data, or no trial worked.
    """
    total = trials or plan.trials
    outer = by_person(samples.persons, 5, plan.seed)[0]
    study = _study(plan, samples, folder)
    mlflow = connect(fitting.EXPERIMENT)
    with mlflow.start_run(run_id=_known_run(mlflow, study), run_name=plan.name) as parent:
        study.set_user_attr("run", parent.info.run_id)
        mlflow.set_tags({"data_fingerprint": samples.fingerprint, "git_revision": revision(), "source": samples.source, "kind": "sweep"})
        mlflow.log_dict(plan.model_dump(mode="json"), "plan.json")
        for number, values, outcome in _outcomes(study, plan, samples.rows(outer.train), total, jobs, say):
            _log_trial(mlflow, number, values, outcome, samples)
        best = _best(study)
        best_fit = _kept(plan, samples, outer, best.params)
        settings = plan.tree(best.params)
        kept = fitting.log(
            best_fit, best.params | {"sweep": plan.name}, *((plan.register_as.name, plan.register_as.alias) if plan.register_as else ())
        )
        file = best_fit.stored.save(folder / f"{plan.name}.json")
        chosen = fitting.settings(kept.get("model", ""), file) | ({"smoothing": settings.smoothing.model_dump()} if plan.smooths else {})
        (folder / f"{plan.name}.yaml").write_text(yaml.safe_dump(chosen, sort_keys=False), encoding="utf-8")
        mlflow.log_metrics({f"best.{plan.objective}": float(best.value)} | fitting.scalars(best_fit.report))
    return {
        "sweep": plan.name,
        "objective": plan.objective,
        "judged_on": sequences.LABEL if plan.smooths else "clips",
        "trials": len(study.trials),
        "failed": sum(t.state.name == "FAIL" for t in study.trials),
        "best": {"trial": best.number, "values": best.params, "cross_validated": best.user_attrs["figures"]},
        "held_out": best_fit.report["figures"],
        "versus_average": best_fit.report["versus_average"],
        "persons_held_out": len(np.unique(samples.persons[outer.test])),
        "settings": chosen,
        "settings_file": str(folder / f"{plan.name}.yaml"),
        "sweep_run": parent.info.run_id,
        **kept,
    }


def _study(plan: Plan, samples: Samples, folder: Path) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{plan.name}.db"
    direction = "minimize" if plan.objective in ("log_loss", "ece", "brier") else "maximize"
    study = optuna.create_study(storage=f"sqlite:///{file}", study_name=plan.name, direction=direction, load_if_exists=True)
    study.sampler = optuna.samplers.TPESampler(seed=plan.seed + len(study.trials))
    mark = plan.fingerprint(samples.fingerprint)
    if study.user_attrs.setdefault("plan", mark) != mark:
        raise SettingsError(f"{file}: was made with another plan or other data; remove it, or give the sweep another name")
    study.set_user_attr("plan", mark)
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):  # of a call that was stopped
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(trial.params, user_attrs={"again": trial.number})
    return study


def _outcomes(
    study: Any, plan: Plan, tuning: Samples, total: int, jobs: int, say: Progress
) -> Iterator[tuple[int, dict[str, Any], dict[str, float]]]:
    """Ask for values, evaluate them in other processes, tell the study; (number, values, figures) of each trial that worked."""
    import optuna

    space = {name: _distribution(given) for name, given in plan.search.items()}
    finished = [t for t in study.trials if t.state.name == "COMPLETE" or (t.state.name == "FAIL" and "reason" in t.user_attrs)]
    done, begun = len(finished), len(finished)
    running: dict[Future[Any], Any] = {}
    with _pool(jobs, plan, tuning) as pool:
        while done < total:
            while begun < total and len(running) < jobs:
                trial = study.ask(space)
                running[pool.submit(_work, trial.params)] = trial
                begun += 1
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                trial = running.pop(future)
                done += 1
                try:
                    figures, seconds = future.result()
                except SettingsError as error:  # values that are impossible together, such as weights that are all 0
                    trial.set_user_attr("reason", str(error))
                    study.tell(trial, state=optuna.trial.TrialState.FAIL)
                else:
                    trial.set_user_attr("figures", figures)
                    study.tell(trial, figures[plan.objective])
                    yield trial.number, trial.params, figures | {"seconds": seconds}
                say(_so_far(study, plan), done, total)


def _pool(jobs: int, plan: Plan, tuning: Samples) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (plan, tuning))


def _distribution(given: Range | list[Any]) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(given, list):
        return CategoricalDistribution(given)
    if isinstance(given.low, int) and isinstance(given.high, int):
        return IntDistribution(given.low, given.high, log=given.log)
    return FloatDistribution(given.low, given.high, log=given.log)


def _so_far(study: Any, plan: Plan) -> str:
    known = [t.value for t in study.trials if t.value is not None]
    return f"best {plan.objective} {study.best_value:.4f}" if known else "none worked yet"


def _best(study: Any) -> Any:
    if any(t.value is not None for t in study.trials):
        return study.best_trial
    reasons = [t.user_attrs.get("reason") for t in study.trials]
    raise SettingsError(
        f"sweep {study.study_name}: no trial worked; the first failed with: {reasons[0] if reasons else 'no trial was run'}"
    )


def _known_run(mlflow: Any, study: Any) -> str | None:
    """The run of earlier calls, where this store knows it."""
    run = study.user_attrs.get("run")
    known = mlflow.search_runs(
        experiment_names=[fitting.EXPERIMENT], filter_string=f"attributes.run_id = '{run}'", output_format="list"
    ) if run else []  # fmt: skip
    return run if known else None


def _log_trial(mlflow: Any, number: int, values: Mapping[str, Any], figures: Mapping[str, float], samples: Samples) -> None:
    with mlflow.start_run(run_name=f"trial {number}", nested=True):
        mlflow.log_params(values)
        mlflow.log_metrics(figures)
        mlflow.set_tags({"data_fingerprint": samples.fingerprint, "git_revision": revision(), "kind": "trial"})


def _kept(plan: Plan, samples: Samples, outer: Any, values: Mapping[str, Any]) -> fitting.Fitted:
    """The best values, fitted on the tuning persons and evaluated once on the held-out ones; then fitted on all persons."""
    settings = plan.tree(values)
    line = Candidate(builder(settings, samples), plan.inputs)
    unseen = samples.rows(outer.test)
    strategy = fit(samples.only(plan.inputs).rows(outer.train), line.build, plan.seed)
    given = unseen.only(plan.inputs)
    evaluator = Evaluator(unseen, plan.draws, plan.seed)
    probs, predicted = shown(unseen, strategy.predict(given.batch), settings, plan)
    equal = evaluator.score([Average(EQUAL).predict(unseen.batch)])
    if plan.smooths:
        same, label = shown(unseen, Average(EQUAL).predict(unseen.batch), tree.Settings(), plan)
        equal = evaluator.score([same], label)
    report = fitting.describe(evaluator, probs, equal, predicted)
    return fitting.on_all_persons(
        samples, settings.fusion.strategy, line, plan.seed, report, sweep=plan.name, persons_held_out=len(evaluator.person_ids)
    )
