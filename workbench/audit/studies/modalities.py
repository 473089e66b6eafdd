"""What each modality adds and what it costs: accuracy and worst-group gap of every strategy on every set of modalities."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.audit.options import AuditError, Options, options
from workbench.audit.stats import core, families
from workbench.audit.stats import groups as grouping
from workbench.evaluation import bootstrap, gaps, metrics
from workbench.evaluation.decisions import top_classes
from workbench.evaluation.metrics import Floats, Metric

if TYPE_CHECKING:
    import pandas as pd


COLUMNS = [
    "strategy", "modalities", "accuracy", "low", "high", "change", "change_low", "change_high", "grouping", "highest", "lowest",
    "gap", "gap_low", "gap_high", "gap_change", "gap_change_low", "gap_change_high", "frontier",
]  # fmt: skip


@dataclass(frozen=True)
class Fused:
    """Held-out predictions of one strategy on one set of modalities."""

    strategy: str
    modalities: tuple[str, ...]
    probabilities: Floats

    @property
    def name(self) -> str:
        return f"{self.strategy} ({' + '.join(self.modalities)})"


def subsets(modalities: Sequence[str]) -> list[tuple[str, ...]]:
    """Every set of modalities, the smallest first."""
    return [s for size in range(1, len(modalities) + 1) for s in itertools.combinations(modalities, size)]


def costs(
    fused: Iterable[Fused],
    labels: Sequence[str],
    groups: Any,
    people: Sequence[Any],
    classes: Sequence[str],
    baseline: str | None = None,
    base: Options | None = None,
    **changes: Any,
) -> pd.DataFrame:
    """Accuracy and worst-group gap of each, and their change against a baseline on the same people.

    Parameters
    ----------
    baseline : str, optional
        Name of the `Fused` that the others are compared with; the first where left out.

    Returns
    -------
    DataFrame
        A row a strategy, set of modalities and grouping (`COLUMNS`); `frontier` is True where no other has both a
        higher accuracy and a smaller gap.
    """
    import pandas as pd

    o = options(base, **{"intersections": 1, **changes})
    listed = list(fused)
    if not listed:
        raise AuditError("modality costs: no predictions given")
    named = {f.name: f for f in listed}
    if baseline is not None and baseline not in named:
        raise AuditError(f"baseline: {baseline!r} not among {', '.join(named)}")
    start = named[baseline] if baseline else listed[0]
    rows = []
    for f in listed:
        found = core.run(f.probabilities, labels, groups, people=people, classes=classes, metrics=["accuracy"], base=o)
        whole = found.groups.iloc[0]
        accuracy, change = (whole["value"], whole["low"], whole["high"]), (0.0, 0.0, 0.0)
        before, after = _right(start.probabilities, labels, classes), _right(f.probabilities, labels, classes)
        if f is not start:
            moved = core.change(
                start.probabilities, f.probabilities, labels, groups, people=people, classes=classes, metrics=["accuracy"], base=o
            )
            first = moved.groups.iloc[0]
            if (before.sums != after.sums).any():  # where no answer changed there is nothing to estimate
                change = (first["value"], first["low"], first["high"])
        shift = {} if f is start else gap_change(before, after, groups, people, o)
        for w in found.worst.to_dict("records"):
            cells = [f.strategy, " + ".join(f.modalities), *accuracy, *change, w["grouping"], w["highest"], w["lowest"]]
            cells += [w["gap"], w["low"], w["high"], *shift.get(w["grouping"], (0.0, 0.0, 0.0)), False]
            rows.append(dict(zip(COLUMNS, cells, strict=True)))
    table = pd.DataFrame(rows, columns=COLUMNS)
    for _, part in table.groupby("grouping"):
        table.loc[part.index, "frontier"] = _frontier(part["accuracy"].to_numpy(), part["gap"].to_numpy())
    return table


def _right(probabilities: Floats, labels: Sequence[str], classes: Sequence[str]) -> Metric:
    place = {c: i for i, c in enumerate(classes)}
    return metrics.accuracy(np.array([place[x] for x in labels]), top_classes(probabilities), np.ones(len(labels)))


def _frontier(accuracy: Floats, gap: Floats) -> list[bool]:
    """Whether no other is at least as good in both and better in one."""
    return [
        not any((accuracy >= a) & (gap <= g) & ((accuracy > a) | (gap < g)))
        for a, g in zip(accuracy, gap, strict=True)
    ]  # fmt: skip


def gap_change(
    before: Metric, after: Metric, groups: Any, people: Sequence[Any] | None, o: Options
) -> dict[str, tuple[float, float, float]]:
    """Change of each grouping's largest gap with its interval, people drawn once for both models."""
    who = grouping.people(groups, people, len(before.sums), o)
    pair = metrics.paired(before, after)
    cells = families.summed(pair.sums, who.row_person, len(who))
    k = before.sums.shape[1]
    out = {}
    for column in who.table.columns:
        member = who.table[column].to_numpy()
        kinds = [g for g in sorted(set(member)) if g != grouping.MISSING and (member == g).sum() >= o.min_people]
        if len(kinds) < 2:
            continue
        drawn = [
            bootstrap.sample([cells[member == g]], [int((member == g).sum())], o.draws, families.generator(o, column, g, "change"))[0]
            for g in kinds
        ]
        totals = [np.vstack([d.totals, d.draw_totals]) for d in drawn]
        first = np.stack([before.value(t[:, :k]) for t in totals], axis=1)
        second = np.stack([after.value(t[:, k:]) for t in totals], axis=1)
        change = gaps.gap_change(first, second, o.level)
        out[column] = (change.value, change.low, change.high)
    return out
