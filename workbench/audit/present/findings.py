"""What an audit says, in sentences that a reviewer can quote. No sentence gives a figure without its interval or its n."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from workbench.audit.result import Audit

Level = Literal["gap", "open", "close", "suppressed", "note"]
ORDER: tuple[Level, ...] = ("gap", "open", "close", "suppressed", "note")
HEADINGS: dict[Level, str] = {
    "gap": "Gaps that stand",
    "open": "Too uncertain to say",
    "close": "No gap that matters was found",
    "suppressed": "Too few people to say anything",
    "note": "Notes",
}
MATERIAL = 0.05
"""A gap of this size matters: absolute for shares and scores, a share of the reference for errors and losses (a choice)."""


@dataclass(frozen=True)
class Finding:
    """One sentence, and what it is about."""

    level: Level
    text: str
    grouping: str = ""
    group: str = ""
    metric: str = ""


def findings(audit: Audit, metrics: Iterable[str] | None = None, groupings: Iterable[str] | None = None) -> list[Finding]:
    """Sentences for some or all metrics and groupings, the firmest first."""
    chosen = set(metrics) if metrics is not None else set(audit.metrics)
    where = set(groupings) if groupings is not None else set(audit.groupings)
    rows = audit.gaps[audit.gaps["metric"].isin(chosen) & audit.gaps["grouping"].isin(where)]
    out = [_gap(audit, row) for row in rows.to_dict("records") if not row["reason"]]
    out += _suppressed(audit, chosen, where)
    out += [Finding("note", note[0].upper() + note[1:] + ".") for note in audit.notes]
    if len(rows) and groupings is None and not any(f.level == "gap" for f in out):
        tested = int(rows["tested"].sum())
        out.insert(0, Finding("close", f"None of {tested} gaps stands after control for their number ({control(audit)})."))
    return sorted(out, key=lambda f: ORDER.index(f.level))


def control(audit: Audit) -> str:
    """The control in words."""
    rate = f"{1 - audit.options.level:.0%}"
    return {
        "bh": f"Benjamini-Hochberg: at most {rate} of the gaps called are expected to be false",
        "holm": f"Holm: the chance of even one false gap is at most {rate}",
        "none": "none: some of many gaps will be false",
    }[audit.options.control]


def number(value: float, scale: str = "logit") -> str:
    """Three digits that matter."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.3g}"


def members(audit: Audit, n: int) -> str:
    """``7 people``, or what the audit calls them (``about["people_are"]``)."""
    word = audit.about.get("people_are", "people")
    return f"{n} {('person' if word == 'people' else word.removesuffix('s')) if n == 1 else word}"


def _gap(audit: Audit, row: dict[Any, Any]) -> Finding:
    figure = audit.figures[row["metric"]]
    values = audit.groups.query("grouping == @row['grouping'] and metric == @row['metric']").set_index("group")
    own = values.loc[row["group"]]
    what, group, n = figure.label, row["group"], members(audit, int(row["n_people"]))
    low, high, margin = row["low"], row["high"], _margin(figure.scale, own["value"], row["difference"])
    interval = f"{row['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
    reference = row["reference"]
    who = f"n = {int(row['n_people'])} {group} {n.split()[1]}"
    if row["found"]:
        more = "higher" if row["difference"] > 0 else "lower"
        worse = "" if figure.better == "neither" else " (worse)" if (more == "lower") == (figure.better == "higher") else " (better)"
        text = (
            f"{what[0].upper()}{what[1:]} is {more}{worse} for {group} (n = {n}) than for {reference}: {number(own['value'])} "
            f"[{number(own['low'])}, {number(own['high'])}], a difference of {interval}."
        )
        return Finding("gap", text, row["grouping"], group, row["metric"])
    about = (row["grouping"], group, row["metric"])
    if low > -margin and high < margin:
        return Finding("close", f"For {who} {what} differs from {reference} by {interval}: less than {margin:.3g} either way.", *about)
    if low > 0 or high < 0:
        why = "stands alone but not among all gaps of this audit" if row["tested"] else figure.note
        return Finding("open", f"For {who} {what} differs from {reference} by {interval}; this {why}.", *about)
    return Finding("open", f"For {who} the interval is too wide to say: {what} differs from {reference} by {interval}.", *about)


def _margin(scale: str, value: float, difference: float) -> float:
    return MATERIAL * abs(value - difference) if scale == "log" else MATERIAL


def _suppressed(audit: Audit, metrics: set[str], groupings: set[str]) -> list[Finding]:
    """One sentence a group, whatever the number of metrics."""
    from workbench.audit.stats.groups import MISSING

    rows = audit.groups[(audit.groups["status"] == "suppressed") & (audit.groups["group"] != MISSING)]
    rows = rows[rows["metric"].isin(metrics) & rows["grouping"].isin(groupings)]
    out = []
    for (grouping, group, reason), part in rows.groupby(["grouping", "group", "reason"], sort=False):
        what = "" if len(part) == len(metrics) else f" ({', '.join(audit.label(m) for m in part['metric'])})"
        out.append(Finding("suppressed", f"{group}{what}: {reason}; nothing is shown.", str(grouping), str(group)))
    return out
