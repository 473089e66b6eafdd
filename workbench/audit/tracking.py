"""Audits in MLflow: scalars as metrics, tables and the page as artifacts, fingerprints and the audited model's run as tags."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from workbench import extras, settings
from workbench.audit.config import Config, file_name
from workbench.audit.options import AuditError
from workbench.audit.present import bundle, plots
from workbench.audit.present.bundle import Bundle
from workbench.audit.stats.groups import CROSS
from workbench.runs import connect, revision

EXPERIMENT = "audits"


def log(found: Bundle, config: Config) -> str:
    """Keep an audit run; gives its MLflow run id."""
    mlflow = connect(EXPERIMENT)
    if config.model_run is not None:
        _run(mlflow, config.model_run, "model_run")
    first = next(iter(found.audits.values()))
    with mlflow.start_run(run_name=found.name) as run, tempfile.TemporaryDirectory() as folder:
        mlflow.log_params({k: v for k, v in config.audit.model_dump(mode="json").items() if isinstance(v, str | int | float)})
        tags = {
            **{f"fingerprint.{k.replace(' ', '.')}": v for k, v in found.fingerprints.items()},
            "git_revision": revision(), "predictions": ", ".join(found.audits),
            "model_run": config.model_run or "", "exceeded": str(len(found.exceeded)), **first.about,
        }  # fmt: skip
        mlflow.set_tags({k: v for k, v in tags.items() if v})
        mlflow.log_metrics(scalars(found))
        mlflow.log_dict(config.model_dump(mode="json"), "config.json")
        found.save(Path(folder))
        mlflow.log_artifacts(folder)
        for name, audit in found.audits.items():
            mlflow.log_figure(plots.forest(audit), f"figures/{file_name(name)}.png")
        if found.costs is not None:
            for grouping in found.costs["grouping"].unique():
                mlflow.log_figure(plots.frontier(found.costs, grouping), f"figures/frontier-{file_name(grouping)}.png")
        if config.model_run is not None:
            mlflow.MlflowClient().set_tag(config.model_run, "audit_run", run.info.run_id)
        return str(run.info.run_id)


def scalars(found: Bundle) -> dict[str, float]:
    """Largest gaps with their intervals and overall figures, by names that MLflow takes."""
    out: dict[str, float] = {}
    for name, audit in found.audits.items():
        whole = audit.groups[audit.groups["grouping"] == "overall"]
        for r in whole.to_dict("records"):
            out |= {f"{name}.{r['metric']}": r["value"], f"{name}.{r['metric']}.low": r["low"], f"{name}.{r['metric']}.high": r["high"]}
        for r in audit.worst.to_dict("records"):
            key = f"{name}.gap.{r['grouping'].replace(CROSS, '_x_')}.{r['metric']}"
            out |= {key: r["gap"], f"{key}.low": r["low"], f"{key}.high": r["high"]}
        out[f"{name}.gaps_that_stand"] = float(audit.gaps["found"].sum())
    return {re.sub(r"[^\w.\- /]", "_", k): float(v) for k, v in out.items() if np.isfinite(v)}


def find(run: str) -> Bundle:
    """An audit run from a folder or an MLflow run id.

    Raises
    ------
    AuditError
        If there is neither.
    """
    if Path(run).is_dir():
        return bundle.load(Path(run))
    if not _is_store():
        raise AuditError(
            f"{run}: no such folder, and no MLflow store at {settings.tracking_uri()}; make an audit with `workbench audit run`"
        )
    mlflow = connect(EXPERIMENT)
    _run(mlflow, run, "neither a folder nor an MLflow run")
    with tempfile.TemporaryDirectory() as folder:
        return bundle.load(Path(mlflow.artifacts.download_artifacts(run_id=run, dst_path=folder)))


def _is_store() -> bool:
    """Looking must not make a store where there is none."""
    place = settings.tracking_uri()
    return not place.startswith("sqlite:///") or Path(place.removeprefix("sqlite:///")).exists()


def _run(mlflow: Any, run: str, what: str) -> None:
    try:
        mlflow.get_run(run)
    except mlflow.exceptions.MlflowException as error:
        raise AuditError(f"{what}: {run!r} ({str(error).splitlines()[0]}); `workbench audit list` shows the audits that are kept") from None


def runs() -> list[dict[str, Any]]:
    """Kept audit runs, newest first."""
    if not _is_store() or not extras.installed("mlflow"):
        return []
    mlflow = connect(EXPERIMENT)
    found = mlflow.search_runs(experiment_names=[EXPERIMENT], output_format="list", order_by=["start_time DESC"])
    return [_row(r) for r in found]


def _row(run: Any) -> dict[str, Any]:
    tags = run.data.tags
    return {
        "run": run.info.run_id,
        "name": run.info.run_name,
        "started": run.info.start_time / 1000,
        "predictions": tags.get("predictions", ""),
        "exceeded": int(tags.get("exceeded", 0)),
        "model_run": tags.get("model_run", ""),
    }
