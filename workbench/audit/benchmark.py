"""What the audit takes and how far it can be trusted: time, memory, coverage of its intervals, false alarms."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workbench.audit.config import DataSource
from workbench.audit.stats import core, simulation
from workbench.evaluation.gaps import adjust

CASES: tuple[tuple[dict[str, int], dict[str, float]], ...] = (
    ({"a": 60, "b": 22, "c": 7}, {"a": 0.75, "b": 0.65, "c": 0.6}),
    ({"a": 40, "b": 50, "c": 10}, {"a": 0.9, "b": 0.85, "c": 0.92}),
    ({"a": 6, "b": 12, "c": 80}, {"a": 0.6, "b": 0.8, "c": 0.7}),
)
"""Simulated sizes and true accuracies by group: uneven, some of few people, some near the edge of the scale."""


def crema_d(root: Path | None = None) -> dict[str, Any]:
    """Seconds of a full audit of CREMA-D's votes: three channels, four groupings and their crossings, 1,000 draws."""
    from workbench.audit.data import of_corpus as read

    m = read(DataSource(corpus="crema-d", root=root, predictions=("voice", "face", "av")), ("sex", "race", "ethnicity", "age_band"))
    start = time.perf_counter()
    for name, p in m.predictions.items():
        core.run(p, m.labels, m.groups, people=m.people, classes=m.classes, name=name, draws=1000)
    seconds = time.perf_counter() - start
    return {"crema_d_s": round(seconds, 2), "rows": len(m.labels), "people": len(set(m.people)), "channels": len(m.predictions)}


def many_rows(rows: int = 1_000_000, groups: int = 20, draws: int = 200) -> dict[str, Any]:
    """Seconds and peak memory (MB, of the whole process) of an audit of many rows, every row a person of its own."""
    random = np.random.default_rng(0)
    classes = list("abcdef")
    p = random.dirichlet(np.ones(len(classes)), rows)
    truth = np.array(classes)[random.integers(0, len(classes), rows)]
    member = np.array([f"group {i}" for i in range(groups)])[random.integers(0, groups, rows)]
    start = time.perf_counter()
    core.run(p, truth, {"group": member}, classes=classes, draws=draws)
    seconds = time.perf_counter() - start
    return {"many_rows_s": round(seconds, 2), "many_rows_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


def coverage(runs: int = 300, draws: int = 200, seed: int = 11) -> dict[str, float]:
    """Share of 95 % intervals that hold the simulated truth: of group figures, differences, ratios, and largest gaps."""
    random = np.random.default_rng(seed)
    hits: dict[str, list[bool]] = {"value": [], "difference": [], "ratio": [], "worst": []}
    for turn in range(runs):
        sizes, accuracy = CASES[turn % len(CASES)]
        s = simulation.people(sizes, accuracy, random=random)
        found = core.run(
            s.probabilities, s.labels, s.groups, people=list(s.people), classes=simulation.CLASSES, draws=draws, seed=turn,
            metrics=("accuracy", "overconfidence", "recall_sad"),
        )  # fmt: skip
        for r in found.groups.query("grouping == 'group'").to_dict("records"):
            hits["value"].append(r["low"] <= s.truth[r["group"]][r["metric"]] <= r["high"])
        for r in found.gaps.to_dict("records"):
            own, others = s.truth[r["group"]][r["metric"]], [g for g in sizes if g != r["group"]]
            other = float(np.average([s.truth[g][r["metric"]] for g in others], weights=[sizes[g] for g in others]))
            hits["difference"].append(r["low"] <= own - other <= r["high"])
            if r["metric"] != "overconfidence":  # a signed figure has no ratio
                hits["ratio"].append(r["ratio_low"] <= own / other <= r["ratio_high"])
        for r in found.worst.to_dict("records"):
            values = [s.truth[g][r["metric"]] for g in sizes]
            hits["worst"].append(r["low"] <= max(values) - min(values) <= r["high"])
    return {name: round(float(np.mean(h)), 4) for name, h in hits.items()}


def false_alarms(
    runs: int = 200, draws: int = 200, seed: int = 5, controls: tuple[str, ...] = ("bh", "holm", "none")
) -> Mapping[str, float]:
    """Share of audits of samples without gaps in which any gap was called real, by control of the list of gaps."""
    random = np.random.default_rng(seed)
    seen = dict.fromkeys(controls, 0)
    for turn in range(runs):
        s = simulation.people({"a": 61, "b": 22, "c": 7}, 0.7, random=random, others={"sex": ("f", "m"), "age": ("20s", "30s", "40s")})
        found = core.run(
            s.probabilities, s.labels, s.groups, people=list(s.people), classes=simulation.CLASSES, draws=draws, seed=turn,
            metrics=("accuracy", "log_loss", "recall_sad", "ece"),
        )  # fmt: skip
        p = found.gaps.loc[found.gaps["tested"], "p"].to_numpy()
        for control in seen:
            seen[control] += bool((adjust(p, control) < 0.05).any())
    return {control: n / runs for control, n in seen.items()}


def measure(coverage_runs: int = 300, alarm_runs: int = 200) -> dict[str, Any]:
    """All of it; the runs of the simulations can be lowered for a quick look."""
    found: dict[str, Any] = {**crema_d(), **many_rows()}
    found["coverage"] = coverage(coverage_runs)
    found["false_alarms"] = dict(false_alarms(alarm_runs))
    return found | {"simulated_audits": {"coverage": coverage_runs, "false_alarms": alarm_runs}}
