"""Fit a strategy on all persons, evaluate it on persons it has not seen, and keep it: in a file, in MLflow, in its registry."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import SettingsError
from workbench.evaluation.calibration import reliability
from workbench.evaluation.cross_validation import Evaluator, Scored, plain
from workbench.evaluation.decisions import confusion, from_labels, top_classes
from workbench.evaluation.metrics import Ints
from workbench.evaluation.samples import Samples
from workbench.evaluation.splits import Fold, by_person, fit, fitted
from workbench.fusion.average import Average
from workbench.fusion.network import Hyperparameters
from workbench.fusion.stored import FILE, Stored
from workbench.fusion.strategy import Floats
from workbench.runs import connect, revision
from workbench.settings import tracking_uri
from workbench.training import figures as draw
from workbench.training.benchmark import EQUAL, MODALITIES, Candidate, candidates

EXPERIMENT = "fusion"


@dataclass(frozen=True)
class Fitted:
    """A strategy fitted on all people of a corpus.

    Parameters
    ----------
    name : str
        Of the benchmark's entry.
    stored : Stored
        With what it was fitted on in `about`.
    report : dict
        Held-out figures (``figures``; ``shares_alone`` with face and voice probabilities only, as a live session gives
        them), ``versus_average``, ``gaps`` by grouping, ``reliability`` and ``confusion``; plain values.
    """

    name: str
    stored: Stored
    report: dict[str, Any]


def entry(name: str, samples: Samples | None = None) -> Candidate:
    """A line of the benchmark by name, for the inputs of `samples`.

    Raises
    ------
    SettingsError
        If there is none of that name.
    """
    known = candidates(Hyperparameters(), samples)
    if name not in known:
        raise SettingsError(f"--strategy: {name!r} is not known; choose one of {', '.join(known)}")
    return known[name]


def run(samples: Samples, name: str, seed: int = 0, folds: int = 5, draws: int = 1000) -> Fitted:
    """Cross-validate by person, then fit on all persons.

    Parameters
    ----------
    samples : Samples
    name : str
        A line of the benchmark.
    seed : int
        Of the folds and the strategy.
    folds, draws : int
        Folds by person; bootstrap draws over persons.
    """
    line = entry(name, samples)
    seen = samples.only(line.inputs)
    evaluator = Evaluator(samples, draws, seed)
    whole, alone = _held_out(seen, line, by_person(samples.persons, folds, seed), seed)
    equal = evaluator.score([Average(EQUAL).predict(samples.batch)])
    report = describe(evaluator, whole, equal) | {"shares_alone": None if alone is None else evaluator.score([alone]).summary()}
    return on_all_persons(samples, name, line, seed, report, folds=folds)


def on_all_persons(samples: Samples, name: str, line: Candidate, seed: int, report: Mapping[str, Any], **about: Any) -> Fitted:
    """Fit on all people, and keep the figures of people left out that `report` holds beside it."""
    values = plain(report)
    facts = {
        "corpus": samples.name, "source": samples.source, "fingerprint": samples.fingerprint, "inputs": list(line.inputs),
        "persons": len(np.unique(samples.persons)), "clips": len(samples), "seed": seed, "git_revision": revision(),
        "held_out": values["figures"], "versus_average": values["versus_average"], "shares_alone": values.get("shares_alone"),
    }  # fmt: skip
    inner = fit(samples.only(line.inputs), line.build, seed)
    return Fitted(name, Stored(inner, samples.classes, facts | plain(about)), values)


def _held_out(seen: Samples, line: Candidate, cuts: list[Fold], seed: int) -> tuple[Floats, Floats | None]:
    """Held-out predictions from all inputs, and from the probabilities alone (None where it cannot do with these)."""
    whole, alone = np.full((2, len(seen), len(seen.classes)), np.nan)
    shares = seen.only(MODALITIES)
    lost = False
    for fold, strategy in fitted(seen, line.build, cuts, seed):
        part, few = seen.rows(fold.test), shares.rows(fold.test)
        whole[fold.test] = strategy.predict(part.batch)
        try:
            alone[fold.test] = strategy.predict(few.batch)
        except SettingsError:
            lost = True
    return whole, None if lost else alone


def describe(evaluator: Evaluator, probs: Floats, equal: Scored, predicted: Ints | None = None) -> dict[str, Any]:
    """Figures of held-out predictions, their gain over the equal average, gaps, reliability diagram and confusion matrix."""
    score, samples = evaluator.score([probs], predicted), evaluator.samples
    decided = top_classes(probs) if predicted is None else from_labels(predicted, len(samples.classes))
    return {
        "figures": score.summary(),
        "versus_average": score.versus(equal),
        "gaps": {g: {**score.gap(g).plain(), "worst": score.worst(g)} for g in score.groups},
        "reliability": asdict(reliability(probs, samples.labels)),
        "confusion": confusion(decided, samples.labels),
    }


def log(result: Fitted, parameters: Mapping[str, Any] | None = None, register: str = "", alias: str = "") -> dict[str, str]:
    """Keep a fitted strategy as an MLflow run, and where a name is given in its registry.

    Parameters
    ----------
    result : Fitted
    parameters : mapping, optional
        What else was chosen (a sweep's trial).
    register : str
        Name of the registered model; settings then load it as ``models:/NAME@ALIAS``.
    alias : str
        Moved to this version.

    Returns
    -------
    dict
        `run`, and where it was registered `model` and `version`.

    Raises
    ------
    SettingsError
        If the name or alias is none that can be registered.
    """
    check_names(register, alias)
    mlflow = connect(EXPERIMENT)
    about = result.stored.about
    with mlflow.start_run(run_name=result.name, nested=mlflow.active_run() is not None) as run, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mlflow.log_params(
            {k: about[k] for k in ("corpus", "seed", "folds", "inputs") if k in about} | dict(parameters or {}) | {"strategy": result.name}
        )
        mlflow.set_tags({"data_fingerprint": about["fingerprint"], "git_revision": about["git_revision"], "source": about["source"]})
        mlflow.log_metrics(scalars(result.report))
        result.stored.save(folder / "model" / FILE)
        (folder / "report.json").write_text(json.dumps(result.report, indent=1) + "\n", encoding="utf-8")
        draw.fitted(result.report, result.stored.classes, about["source"], folder)
        mlflow.log_artifacts(str(folder))
        kept = {"run": str(run.info.run_id)}
        if register:
            kept |= _register(mlflow, register, alias, run)
    return kept


def scalars(report: Mapping[str, Any]) -> dict[str, float]:
    """Figures as MLflow takes them: ``accuracy``, ``accuracy.low``, ``versus_average.accuracy``, ``gap.sex`` and so on."""
    parts = {"": report["figures"], "versus_average.": report["versus_average"], "gap.": report["gaps"]}
    if report.get("shares_alone"):
        parts["shares_alone."] = report["shares_alone"]
    out: dict[str, float | None] = {}
    for prefix, values in parts.items():
        for name, v in values.items():
            out |= {f"{prefix}{name}": v["value"], f"{prefix}{name}.low": v["low"], f"{prefix}{name}.high": v["high"]}
    return {k: float(v) for k, v in out.items() if v is not None}


def settings(model: str, path: Path) -> dict[str, Any]:
    """What an experiment says to fuse with a registered model, or where there is none with the file."""
    return {"fusion": {"strategy": Stored.name, "parameters": {"model": model} if model else {"path": str(path)}}}


def check_names(register: str, alias: str, track: bool = True) -> None:
    """Refuse what MLflow's registry would, before anything is fitted.

    Raises
    ------
    SettingsError
        If a name is impossible, an alias has no model, or what is not tracked shall be registered.
    """
    for kind, value in (("--register", register), ("--alias", alias)):
        if value and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value):
            raise SettingsError(f"{kind}: {value!r} cannot be a name; use letters, digits, - and _")
    if re.fullmatch(r"v\d+|latest", alias):
        raise SettingsError(f"--alias: {alias!r} is reserved for versions; choose another, such as champion")
    if alias and not register:
        raise SettingsError("--alias: an alias belongs to a registered model; give --register NAME, too")
    if register and not track:
        raise SettingsError("--register: the registry keeps runs of MLflow; leave --no-track out")


def known() -> dict[str, Any]:
    """The benchmark's strategies, and the registered models, newest version first, as plain values."""
    client = connect(EXPERIMENT).MlflowClient()
    registered = []
    for model in client.search_registered_models():
        for v in sorted(client.search_model_versions(f"name='{model.name}'"), key=lambda v: -int(v.version)):
            run = client.get_run(v.run_id).data
            registered.append(
                {
                    "model": f"models:/{v.name}/{v.version}",
                    "aliases": sorted(a for a, number in model.aliases.items() if int(number) == int(v.version)),
                    "strategy": run.params.get("strategy", ""),
                    "corpus": run.params.get("corpus", ""),
                    "accuracy": run.metrics.get("accuracy"),
                    "run": v.run_id,
                }
            )
    lines = [{"name": n, "inputs": list(e.inputs), "note": e.note} for n, e in candidates(Hyperparameters()).items()]
    return {"strategies": lines, "store": tracking_uri(), "registered": registered}


def _register(mlflow: Any, name: str, alias: str, run: Any) -> dict[str, str]:
    client = mlflow.MlflowClient()
    if not client.search_registered_models(filter_string=f"name='{name}'"):
        client.create_registered_model(name)
    version = client.create_model_version(name, f"{run.info.artifact_uri}/model", run.info.run_id)
    if alias:
        client.set_registered_model_alias(name, alias, version.version)
    return {"model": f"models:/{name}@{alias}" if alias else f"models:/{name}/{version.version}", "version": str(version.version)}
