"""A refusion kept as an experiment: settings as YAML, and an MLflow run with what they changed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.labels import BASIC
from workbench.runs import connect, revision
from workbench.sessions import files
from workbench.sessions.overview import Overview, of_replay
from workbench.sessions.replay import SECTIONS, Replay
from workbench.theme import ACCENT

if TYPE_CHECKING:
    from workbench.sessions.store import Session

EXPERIMENT = "replays"


def record(session: Session, replay: Replay, found: dict[str, Any], path: Path, before: Overview | None = None) -> str:
    """Log a refusion to MLflow; gives its run id.

    Parameters
    ----------
    session : Session
    replay : Replay
    found : dict
        From `differences.between` or `differences.of_session`.
    path : Path
        The settings file, ``experiments/NAME.yaml``.
    before : Overview, optional
        Windows to draw beneath.
    """
    mlflow = connect(EXPERIMENT)
    sections = {n: replay.settings.echo()[n] for n in SECTIONS}
    with mlflow.start_run(run_name=path.stem) as run:
        mlflow.log_params(flat(sections))
        mlflow.set_tags(
            {
                "session": session.id, "session_fingerprint": files.fingerprint(session.folder),
                "settings_fingerprint": replay.settings.fingerprint(), "git_revision": revision(),
                "generated": str(bool(session.header.media.get("generated", False))),
            }
        )  # fmt: skip
        mlflow.log_metrics(metrics(replay, found))
        mlflow.log_artifact(str(path))
        mlflow.log_dict(found, "differences.json")
        mlflow.log_figure(figure(of_replay(replay), before, session.id), "fused.png")
        return str(run.info.run_id)


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` → ``{"a.b": 1}``."""
    out: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            out |= flat(value, f"{prefix}{key}.")
        else:
            out[prefix + key] = value
    return out


def metrics(replay: Replay, found: dict[str, Any]) -> dict[str, float]:
    """Every score, how far it moved, and how many windows changed label."""
    out = {f"{s.scope}.{s.name}": s.value for s in replay.scores if s.value is not None}
    for m in found["moved_scores"]:
        if m["before"] is not None and m["after"] is not None:
            out[f"moved.{m['scope']}.{m['name']}"] = m["after"] - m["before"]
    out |= {"windows": float(found["windows"]), "changed_labels": float(len(found["changed_labels"]))}
    safe = {"".join(c if c.isalnum() or c in "._- /" else "_" for c in k): float(v) for k, v in out.items()}
    return {k: v for k, v in safe.items() if math.isfinite(v)}


def figure(now: Overview, before: Overview | None, title: str) -> Any:
    """Fused probabilities of every label: before grey, now in colour."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(10, 9), layout="constrained")
    axes = made.subplots(len(BASIC), 1, sharex=True, sharey=True)
    for i, (name, ax) in enumerate(zip(BASIC, axes, strict=True)):
        if before is not None:
            ax.plot(before.middle, before.probs[:, i], color="0.65", linewidth=1, label="before")
        ax.plot(now.middle, now.probs[:, i], color=ACCENT, linewidth=1, label="now")
        ax.set(ylim=(0, 1), ylabel=name)
    axes[0].legend(loc="upper right", ncols=2, frameon=False)
    axes[-1].set_xlabel("s")
    made.suptitle(f"Fused probabilities, session {title}")
    return made
