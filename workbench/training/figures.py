"""Pictures of a benchmark: reliability diagrams, strategies with their intervals, and what leaving a modality out costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.theme import ACCENT, INK, SECOND


def save(report: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw the figures of a benchmark.

    Parameters
    ----------
    report : mapping
        As `benchmark.run` gave it.
    folder : Path
        Made where it is not there.

    Returns
    -------
    list of Path
        ``reliability.png``, ``strategies.png`` and ``ablation.png``.
    """
    from matplotlib import rc_context

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": INK, "text.color": INK}
    with rc_context(style):
        for name, draw in {"reliability": _reliability, "strategies": _strategies, "ablation": _ablation}.items():
            figure = draw(report)
            figure.text(0.01, 0.005, f"{report['source']}. {report['persons']} people, folds by person.", fontsize=7, va="bottom")
            drawn.append(folder / f"{name}.png")
            figure.savefig(drawn[-1], dpi=130)
    return drawn


def fitted(report: Mapping[str, Any], classes: Sequence[str], source: str, folder: Path) -> Path:
    """Reliability diagram and confusion matrix of one strategy on held-out people, as ``held_out.png``."""
    figure, (left, right) = _figure(9, 4.2, 1, 2)
    _diagram(left, report["reliability"])
    left.set(xlabel="confidence", ylabel="accuracy", title=f"ECE {report['figures']['ece']['value']:.3f}")
    table = np.array(report["confusion"], float)
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    right.imshow(share, cmap="Blues", vmin=0, vmax=1)
    right.set_xticks(range(len(classes)), classes, rotation=40)
    right.set_yticks(range(len(classes)), classes)
    right.set(xlabel="fused", ylabel="label", title=f"accuracy {100 * report['figures']['accuracy']['value']:.1f} %")
    for (i, j), value in np.ndenumerate(share):
        right.text(j, i, f"{100 * value:.0f}", ha="center", va="center", fontsize=7, color="white" if value > 0.5 else INK)
    figure.text(0.01, 0.005, f"{source}. Held-out people.", fontsize=7, va="bottom")
    path = folder / "held_out.png"
    figure.savefig(path, dpi=130)
    return path


def _diagram(ax: Any, bins: Mapping[str, Any]) -> None:
    values = {k: np.array(v, float) for k, v in bins.items()}  # null becomes NaN: not drawn
    ax.plot([0, 1], [0, 1], color=INK, lw=0.7, ls=":")
    ax.plot(values["confidence"], values["accuracy"], color=ACCENT, lw=1)
    ax.scatter(values["confidence"], values["accuracy"], s=3 + 150 * values["count"] / values["count"].sum(), color=ACCENT, alpha=0.6)
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")


def _figure(width: float, height: float, *shape: int, **options: Any) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # not pyplot: no global state, any thread

    figure = Figure(figsize=(width, height))
    foot = 0.22 / height  # room for the line that says what the figures came from
    figure.set_layout_engine("constrained", rect=(0, foot, 1, 1 - foot))
    return figure, figure.subplots(*shape, **options)


def _reliability(report: Mapping[str, Any]) -> Any:
    """Confidence against accuracy, a panel a strategy; the size of a point is its share of the clips."""
    lines = report["strategies"]
    rows = -(-len(lines) // 5)
    figure, axes = _figure(12, 2.5 * rows, rows, 5, sharex=True, sharey=True, squeeze=False)
    for ax, line in zip(axes.flat, lines, strict=False):
        _diagram(ax, line["reliability"])
        ax.set_title(f"{line['name']}   ECE {line['ece']['value']:.3f}", fontsize=9)
    for ax in axes.flat[len(lines) :]:
        ax.set_visible(False)
    figure.supxlabel("confidence", fontsize=9)
    figure.supylabel("accuracy on held-out people", fontsize=9)
    return figure


def _strategies(report: Mapping[str, Any]) -> Any:
    """Accuracy of every strategy, the most accurate on top; the human ceiling as lines."""
    lines = sorted(report["strategies"], key=lambda s: s["accuracy"]["value"])
    figure, ax = _figure(8, 0.3 * len(lines) + 1.4)
    _intervals(ax, [100 * _three(s["accuracy"]) for s in lines], np.arange(len(lines)), ACCENT)
    ax.set_yticks(np.arange(len(lines)), [s["name"].replace("_", " ") for s in lines])
    for i, ceiling in enumerate(report["ceiling"]):
        at = 100 * ceiling["accuracy"]["value"]
        ax.axvline(at, color=SECOND, lw=1, ls=("--", "-")[i % 2], label=f"{ceiling['name'].replace('_', ' ')}: {at:.1f} %")
    if report["ceiling"]:
        ax.legend(loc="lower right", frameon=False, title="human judgement of face and voice together", title_fontsize=8)
    ax.set_xlabel(f"accuracy on held-out people, % ({report['interval']})")
    return figure


def _ablation(report: Mapping[str, Any]) -> Any:
    """What leaving a modality out changes: accuracy, and the gap between the best and worst group of each grouping."""
    rows = [r for r in report["ablation"] if r["without"]]
    gaps = list(rows[0]["gaps"])
    figure, axes = _figure(12, 0.32 * len(rows) + 1.5, 1, 1 + len(gaps), sharey=True)
    place = np.arange(len(rows))[::-1]
    parts = [("accuracy", [r["accuracy_change"] for r in rows])] + [(f"gap by {g}", [r["gaps"][g]["change"] for r in rows]) for g in gaps]
    for ax, (title, values) in zip(np.atleast_1d(axes), parts, strict=True):
        ax.axvline(0, color=INK, lw=0.7)
        _intervals(ax, [100 * _three(v) for v in values], place, ACCENT if title == "accuracy" else SECOND)
        ax.set_title(title.replace("_", " "), fontsize=9)
        ax.set_yticks(place, [f"{r['strategy']} without {r['without']}".replace("_", " ") for r in rows])
    figure.supxlabel("change in points when the modality is left out and the strategy fitted anew (95 %)", fontsize=9)
    return figure


def _three(value: Mapping[str, float]) -> Any:
    return np.array([value["value"], value["low"], value["high"]], float)


def _intervals(ax: Any, values: list[Any], place: Any, colour: str) -> None:
    point, low, high = np.array(values).T
    ax.hlines(place, low, high, color=colour, lw=2, alpha=0.5)
    ax.scatter(point, place, color=colour, s=18, zorder=3)
