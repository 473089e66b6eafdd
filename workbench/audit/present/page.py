"""Audits as HTML: parts that the audit page shows, and whole self-contained files (no script, no network)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from workbench import theme
from workbench.audit.present.findings import HEADINGS, ORDER, Finding, control, findings
from workbench.audit.result import Audit
from workbench.audit.stats.groups import CROSS, MISSING
from workbench.audit.studies import ll144 as law

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent / "templates"
METHOD = (
    "Figures are sums over a group's people; intervals are studentised bootstrap intervals over people (not rows), made on the logit "
    "scale for shares and on the log scale for losses and error rates. Gaps put two groups' intervals together (MOVER). A group of fewer "
    "people than the gate is not shown. The largest gap of a grouping has simultaneous intervals over all its pairs, because the "
    "extremes were picked after looking."
)


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@cache
def css() -> str:
    """The style sheet; the colours follow the reader's light or dark setting."""
    return theme.css() + (FOLDER / "audit.css").read_text(encoding="utf-8")


def _part(name: str, value: Any) -> Markup:
    return Markup(getattr(_environment().get_template("parts.html.j2").module, name)(value))


def forest(audit: Audit, metric: str, grouping: str) -> Markup:
    """Every group with its n and its interval on one axis; a dashed line marks everyone together."""
    rows = audit.groups[(audit.groups["metric"] == metric) & (audit.groups["grouping"] == grouping)]
    whole = audit.groups[(audit.groups["metric"] == metric) & (audit.groups["grouping"] == "overall")].iloc[0]
    ends = [*rows["low"].dropna(), *rows["high"].dropna(), *([] if whole["reason"] else [whole["value"]])]
    start, end = _axis(ends, audit.figures[metric].scale)

    def place(x: float) -> float:
        return round(100 * float(np.clip((x - start) / (end - start), 0, 1)), 2)

    lines = [
        {
            "group": r["group"], "n": int(r["n_people"]), "reason": r["reason"], "text": _interval(r["value"], r["low"], r["high"]),
            "left": place(r["low"]), "width": round(place(r["high"]) - place(r["low"]), 2), "point": place(r["value"]),
        } if not r["reason"] else {"group": r["group"], "n": int(r["n_people"]), "reason": r["reason"]}
        for r in rows.to_dict("records")
    ]  # fmt: skip
    shown = {"grouping": grouping.replace("_", " "), "label": audit.label(metric), "level": f"{audit.options.level:.0%}", "rows": lines}
    return _part("forest", shown | {"start": start, "end": end, "whole": None if whole["reason"] else place(whole["value"])})


def _axis(ends: Sequence[float], scale: str) -> tuple[float, float]:
    """A little more than the intervals; shares stay within 0 and 1, and one endless interval does not flatten all others."""
    if not ends:
        return 0.0, 1.0
    low, high = float(np.min(ends)), float(np.max(ends))
    if scale == "log":
        high = min(high, 5 * float(np.median(ends)))
    room = 0.06 * max(high - low, 1e-3)
    low, high = low - room, high + room
    return (max(low, 0.0), min(high, 1.0)) if scale == "logit" else (max(low, 0.0) if scale == "log" else low, high)


def heat(audit: Audit, metric: str, grouping: str) -> Markup:
    """A crossed grouping of two as a table: colour by distance from everyone, cells of few people grey, standing gaps framed."""
    rows = audit.groups[(audit.groups["metric"] == metric) & (audit.groups["grouping"] == grouping) & (audit.groups["group"] != MISSING)]
    whole = audit.groups[(audit.groups["metric"] == metric) & (audit.groups["grouping"] == "overall")].iloc[0]["value"]
    gaps = audit.gaps[(audit.gaps["metric"] == metric) & (audit.gaps["grouping"] == grouping)]
    stands = set(gaps.loc[gaps["found"].astype(bool), "group"])
    cells = {tuple(r["group"].split(CROSS, 1)): r for r in rows.to_dict("records")}
    reach = max([abs(r["value"] - whole) for r in cells.values() if not r["reason"]] or [1.0]) or 1.0
    left, top = sorted({k[0] for k in cells}), sorted({k[1] for k in cells})

    def cell(r: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if r is None or r["reason"]:
            return None if r is None else {"reason": r["reason"], "n": int(r["n_people"])}
        share = round(70 * abs(r["value"] - whole) / reach) if np.isfinite(whole) else 0
        better = {"higher": 1, "lower": -1, "neither": 1}[audit.figures[metric].better]
        colour = "--better" if (r["value"] - whole) * better > 0 else "--worse"
        return {
            "reason": "", "n": int(r["n_people"]), "value": f"{r['value']:.3f}",
            "text": _reach(r["low"], r["high"]), "stands": r["group"] in stands,
            "colour": f"color-mix(in srgb, var({colour}) {share}%, var(--card))",
        }  # fmt: skip

    return legend(audit, metric) + _part("heat", {"columns": top, "rows": [(a, [cell(cells.get((a, b))) for b in top]) for a in left]})  # type: ignore[arg-type]


def legend(audit: Audit, metric: str) -> Markup:
    """What the colours of a heat map mean."""
    blue, orange = ("higher", "lower") if audit.figures[metric].better == "neither" else ("better", "worse")
    text = f"Blue: {blue} than everyone together; orange: {orange}. Hatched: too few people to show. Framed: a gap that stands."
    return Markup('<p class="soft">{}</p>').format(text)


def bullets(lines: Iterable[str]) -> Markup:
    """Sentences as a list."""
    return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(x) for x in lines))


def sentences(items: Iterable[Finding]) -> Markup:
    """Findings under their headings."""
    listed = list(items)
    return _part(
        "findings",
        [(HEADINGS[level], [f.text for f in listed if f.level == level]) for level in ORDER if any(f.level == level for f in listed)],
    )


def gaps(audit: Audit, metrics: Iterable[str] | None = None, groupings: Iterable[str] | None = None, most: int = 40) -> Markup:
    """The list of gaps, those that stand first, then by p."""
    rows = audit.gaps[audit.gaps["difference"].notna()]
    if metrics is not None:
        rows = rows[rows["metric"].isin(list(metrics))]
    if groupings is not None:
        rows = rows[rows["grouping"].isin(list(groupings))]
    rows = rows.sort_values(["found", "p"], ascending=[False, True]).head(most)
    lines = [
        {
            "css": "stands" if r["found"] else "",
            "cells": [
                r["group"], r["reference"], audit.label(r["metric"]), f"{int(r['n_people'])} / {int(r['n_reference'])}",
                _interval(r["difference"], r["low"], r["high"], sign=True), _interval(r["ratio"], r["ratio_low"], r["ratio_high"]),
                _p(r["p_adjusted"]), "yes" if r["found"] else "no" if r["tested"] else "not tested",
            ],
        }
        for r in rows.to_dict("records")
    ]  # fmt: skip
    return table(["group", "against", "figure", "#n", "#difference", "#ratio", "#p, controlled", "stands"], lines)


def ll144_body(tables: law.Tables) -> Markup:
    """Local Law 144's tables as a part of a page."""
    heads = ["category", "#n", "#share", "#above median", "#scoring rate", "#impact ratio", "note"]
    blocks = []
    for name, title in law.TITLES.items():
        lines = [
            {
                "css": "off" if r["left_out"] else "",
                "cells": [
                    r["category"], r["n"], f"{r['share']:.1%}", r["above_median"], _interval(r["scoring_rate"], r["rate_low"], r["rate_high"]),  # noqa: E501
                    _interval(r["impact_ratio"], r["ratio_low"], r["ratio_high"]), r["note"],
                ],
            }
            for r in tables.table(name).to_dict("records")
        ]  # fmt: skip
        blocks.append((title, tables.unknown[name], table(heads, lines, raw=True)))
    shown = tables.quantiles[tables.quantiles["difference"].notna() & ~tables.quantiles["grouping"].str.contains(CROSS)]
    lines = [
        {"css": "", "cells": [r["group"], r["reference"], r["metric"].removeprefix("quantile_"), int(r["n_people"]), _interval(r["difference"], r["low"], r["high"], sign=True)]}  # noqa: E501
        for r in shown.to_dict("records")
    ]  # fmt: skip
    quantiles = table(["category", "against", "#quantile", "#n", "#difference of score"], lines, raw=True)
    values = {
        "median": f"{tables.median:.4g}",
        "people": tables.people,
        "tables": blocks,
        "quantiles": quantiles,
        "convention": law.CONVENTION,
    }
    return _part("ll144", values)


def table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], raw: bool = False) -> Any:
    """A plain table; a column whose name starts with # is set as numbers. `raw`: the values for the template, not markup."""
    heads = [{"name": c.removeprefix("#"), "number": c.startswith("#")} for c in columns]
    value = {"columns": heads, "rows": list(rows)}
    return value if raw else _part("table", value)


def ll144(tables: law.Tables) -> str:
    """Local Law 144's tables as a file of their own."""
    head = [f"{k.replace('_', ' ')}: {v}" for k, v in tables.about.items() if k != "label"]
    section = {"id": "tables", "title": "Scoring rates and impact ratios (6 RCNY § 5-301)", "body": ll144_body(tables)}
    return whole("Bias audit: Local Law 144", head, [section], label=tables.about.get("label", ""))


def whole(
    title: str, head: Sequence[str], sections: Sequence[Mapping[str, Any]], evidence: Mapping[str, str] | None = None, label: str = ""
) -> str:
    """A self-contained page; `evidence` (name → JSON) is embedded for whoever wants to check."""
    safe = [(name, Markup(text.replace("</", "<\\/"))) for name, text in (evidence or {}).items()]
    page = _environment().get_template("page.html.j2")
    return str(page.render(title=title, head=head, sections=sections, evidence=safe, label=label, css=Markup(css())))


def sections(audit: Audit, first: str = "accuracy") -> list[dict[str, Any]]:
    """Findings, the main figure by every grouping, heat maps, all other figures folded away, the list of gaps."""
    lead = first if first in audit.metrics else audit.metrics[0]
    single = [g for g in audit.groupings if CROSS not in g]
    crossed = [g for g in audit.groupings if g.count(CROSS) == 1]
    rest = [m for m in audit.metrics if m != lead]
    key = audit.name.replace(" ", "-")

    def forests(metric: str) -> Markup:
        return Markup("").join(Markup("<h3>{}</h3>").format(_title(g)) + forest(audit, metric, g) for g in single)

    body = [
        ("findings", "Findings", sentences(findings(audit, [lead]))),
        ("groups", audit.label(lead).capitalize(), forests(lead)),
    ]
    if crossed:
        maps = Markup("").join(Markup("<h3>{}</h3>").format(_title(g)) + heat(audit, lead, g) for g in crossed)
        body.append(("crossed", f"Intersections: {audit.label(lead)}", maps))
    if rest:
        folded = Markup("").join(Markup("<details><summary>{}</summary>{}</details>").format(audit.label(m), forests(m)) for m in rest)
        body.append(("others", "Other figures", folded))
    body.append(("gaps", "List of gaps", Markup('<p class="soft">{}</p>').format(f"Control: {control(audit)}.") + gaps(audit)))
    out = [{"id": f"{key}-{i}", "title": f"{audit.name}: {t}", "body": b} for i, t, b in body]
    out[0]["nav"] = audit.name
    return out


def evidence_section(audits: Iterable[Audit], fingerprints: Mapping[str, str] | None = None) -> dict[str, Any]:
    """How it was made, and what from."""
    lines = [
        {"css": "", "cells": [a.name, a.kind, a.rows, a.people, a.data_fingerprint, a.options.draws, f"{a.options.min_people} people", a.options.control]}  # noqa: E501
        for a in audits
    ]  # fmt: skip
    heads = ["audit", "kind", "#rows", "#people", "fingerprint", "#draws", "gate", "control"]
    note = "Every table is embedded in this file as JSON (script elements of type application/json)."
    if fingerprints:
        note += f" Fingerprints of what was audited: {', '.join(f'{k} {v}' for k, v in fingerprints.items())}."
    return {
        "id": "evidence",
        "nav": "How it was made",
        "title": "How it was made",
        "body": Markup("<p>{}</p>").format(METHOD) + table(heads, lines) + Markup('<p class="soft">{}</p>').format(note),
    }


def _title(grouping: str) -> str:
    return grouping.replace("_", " ").capitalize()


def _interval(value: float, low: float, high: float, sign: bool = False) -> str:
    if not np.isfinite(value):
        return "–"
    mark = "+" if sign else ""
    if value == low == high == 0:
        return "no change"
    return f"{value:{mark}.3f} {_reach(low, high, mark)}"


def _reach(low: float, high: float, mark: str = "") -> str:
    top = f"{high:{mark}.3f}" if np.isfinite(high) and abs(high) < 1000 else "∞"
    return f"[{low:{mark}.3f}, {top}]"


def _p(value: float) -> str:
    return "–" if not np.isfinite(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def frontier(costs: pd.DataFrame) -> Markup:
    """Accuracy against largest gap for one grouping, as a picture and as a table; the frontier is marked."""
    from workbench.audit.present.figures import frontier as picture

    heads = [
        "strategy",
        "modalities",
        "#accuracy",
        "#change of accuracy",
        "largest gap between",
        "#largest gap",
        "#change of the gap",
        "frontier",
    ]
    lines = [
        {
            "css": "stands" if r["frontier"] else "",
            "cells": [
                r["strategy"], r["modalities"], _interval(r["accuracy"], r["low"], r["high"]),
                _interval(r["change"], r["change_low"], r["change_high"], sign=True), f"{r['highest']} – {r['lowest']}",
                _interval(r["gap"], r["gap_low"], r["gap_high"]),
                _interval(r["gap_change"], r["gap_change_low"], r["gap_change_high"], sign=True), "yes" if r["frontier"] else "",
            ],
        }
        for r in costs.to_dict("records")
    ]  # fmt: skip
    return picture(costs) + table(heads, lines)


def changes(rows: pd.DataFrame) -> Markup:
    """Two kept audits side by side (`compare.COLUMNS`); bold where the change's interval leaves out zero."""
    lines = [
        {
            "css": "stands" if r["change_low"] > 0 or r["change_high"] < 0 else "",
            "cells": [
                r["group"], r["grouping"].replace("_", " "), f"{r['n_before']} / {r['n_after']}",
                _interval(r["before"], r["before_low"], r["before_high"]), _interval(r["after"], r["after_low"], r["after_high"]),
                _interval(r["change"], r["change_low"], r["change_high"], sign=True),
            ],
        }
        for r in rows.to_dict("records")
    ]  # fmt: skip
    return Markup(table(["group", "grouping", "#n", "#before", "#after", "#change"], lines))


def trades(rows: pd.DataFrame) -> Markup:
    """Mitigation methods side by side."""
    from workbench.audit.studies.mitigation import METHODS

    heads = ["method", "#accuracy", "#change of accuracy", "#gap in true-positive rate", "#change of the gap"]
    lines = [
        {
            "css": "",
            "cells": [
                METHODS[r["method"]], _interval(r["accuracy"], r["low"], r["high"]), _interval(r["change"], r["change_low"], r["change_high"], sign=True),  # noqa: E501
                _interval(r["gap"], r["gap_low"], r["gap_high"]), _interval(r["gap_change"], r["gap_change_low"], r["gap_change_high"], sign=True),  # noqa: E501
            ],
        }
        for r in rows.to_dict("records")
    ]  # fmt: skip
    return Markup(table(heads, lines))
