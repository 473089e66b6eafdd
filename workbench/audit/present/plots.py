"""An audit's figures for notebooks and for MLflow, by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.audit.result import Audit
from workbench.audit.stats.groups import CROSS
from workbench.theme import ACCENT, INK

if TYPE_CHECKING:
    import pandas as pd


def forest(audit: Audit, metric: str | None = None, groupings: list[str] | None = None) -> Any:
    """Every group with its n and its interval; groups that are too small are named, with no figure.

    Parameters
    ----------
    audit : Audit
    metric : str, optional
        The audit's first where left out.
    groupings : list of str, optional
        Those that are not crossed where left out.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    metric = metric or audit.metrics[0]
    chosen = groupings or [g for g in audit.groupings if CROSS not in g]
    table = audit.groups[(audit.groups["metric"] == metric) & audit.groups["grouping"].isin(["overall", *chosen])]
    rows = table.to_dict("records")
    figure = Figure(figsize=(8, 0.6 + 0.32 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, r in enumerate(rows):
        if r["reason"]:
            axes.text(0.01, place, f"not shown: {r['reason']}", va="center", color=INK, transform=axes.get_yaxis_transform())
            continue
        axes.plot([r["low"], r["high"]], [place, place], color=ACCENT, linewidth=2)
        axes.plot(r["value"], place, "o", color=ACCENT)
    whole = next(r for r in rows if r["grouping"] == "overall")
    if not whole["reason"]:
        axes.axvline(whole["value"], color=INK, linestyle="--", linewidth=1)
    names = [r["group"] if r["grouping"] == "overall" else f"{r['grouping'].replace('_', ' ')}: {r['group']}" for r in rows]
    axes.set_yticks(range(len(rows)), [f"{name} (n = {r['n_people']})" for name, r in zip(names, rows, strict=True)])
    axes.invert_yaxis()
    axes.set_xlabel(f"{audit.label(metric)}, {audit.options.level:.0%} interval over {audit.about.get('people_are', 'people')}")
    axes.set_title("\n".join(x for x in (audit.name, audit.about.get("label")) if x), fontsize=10)
    return figure


def frontier(costs: pd.DataFrame, grouping: str) -> Any:
    """Accuracy against the largest gap of one grouping, both with intervals; the frontier is filled.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for r in costs[costs["grouping"] == grouping].to_dict("records"):
        colour = ACCENT if r["frontier"] else INK
        reach_x = [[r["gap"] - r["gap_low"]], [r["gap_high"] - r["gap"]]]
        reach_y = [[r["accuracy"] - r["low"]], [r["high"] - r["accuracy"]]]
        fill = colour if r["frontier"] else "none"
        axes.errorbar(r["gap"], r["accuracy"], reach_y, reach_x, "o", color=colour, markerfacecolor=fill, alpha=1 if r["frontier"] else 0.5)
        if r["frontier"]:
            axes.annotate(f"{r['strategy']} ({r['modalities']})", (r["gap"], r["accuracy"]), (6, 6), textcoords="offset points", fontsize=8)
    axes.set_xlabel(f"largest gap in accuracy between groups of {grouping.replace('_', ' ')}")
    axes.set_ylabel("accuracy")
    return figure
