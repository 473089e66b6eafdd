"""New York City Local Law 144's tables for scores (6 RCNY § 5-301): scoring rates and impact ratios. Not legal advice.

The scoring rate of a category is the share of its people whose score lies above the median of the whole sample; its
impact ratio is that rate over the highest category's. The rule asks for no interval and sets no threshold; exact intervals over
people and quantile gaps stand beside, because a ratio of few people says little and a median rule can be met while other
quantiles differ. The median is taken as given in the intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.audit.options import AuditError, Options, options
from workbench.audit.stats import inputs
from workbench.audit.stats.groups import CROSS, MISSING, people
from workbench.evaluation.bootstrap import Estimate
from workbench.evaluation.gaps import gap

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = [
    "table", "category", "n", "share", "above_median", "scoring_rate", "rate_low", "rate_high",
    "impact_ratio", "ratio_low", "ratio_high", "left_out", "note",
]  # fmt: skip
TITLES = {"sex": "Sex", "race_ethnicity": "Race/ethnicity", "intersection": "Sex and race/ethnicity"}
SMALL = 0.02
"""Categories below this share of the sample may be left out of the impact ratios."""
CONVENTION = (
    "The rule sets no threshold. Many hold ratios against 0.8, the four-fifths convention of the Uniform Guidelines (29 CFR 1607.4 D): "
    "a convention, not a line of this law."
)
_EEO = {"caucasian": "White", "white": "White", "african american": "Black or African American", "black": "Black or African American"}


@dataclass(frozen=True)
class Tables:
    """The law's tables.

    Parameters
    ----------
    rows : DataFrame
        `COLUMNS`; `table` is sex, race_ethnicity or intersection.
    quantiles : DataFrame
        Gaps of score quantiles, each category against all others, with intervals (as in `Audit.gaps`).
    people, median : int, float
        Size of the sample, and its median score.
    unknown : dict
        table → number of people left out because their category is not known.
    """

    rows: pd.DataFrame
    quantiles: pd.DataFrame
    people: int
    median: float
    unknown: dict[str, int]
    small: bool
    about: dict[str, str]

    def table(self, name: str) -> pd.DataFrame:
        return self.rows[self.rows["table"] == name].drop(columns="table")

    def summary(self) -> str:
        """The public summary as plain text."""
        lines = [
            "Bias audit summary: scoring rates and impact ratios (6 RCNY § 5-301). Not legal advice.",
            *(f"{k[0].upper()}{k[1:].replace('_', ' ')}: {v}" for k, v in self.about.items()),
            f"People assessed: {self.people}. Median score of the whole sample: {self.median:.4g}.",
            "Scoring rate: share of a category's people whose score lies above that median.",
            "Impact ratio: scoring rate over the highest category's.",
        ]
        for name, title in TITLES.items():
            lines += ["", title, f"Not included because the category is unknown: {self.unknown[name]}"]
            lines += [_line(row) for row in self.table(name).to_dict("records")]
        lines += ["", CONVENTION, "Square brackets: 95 % intervals over people; the rule does not ask for them."]
        return "\n".join(lines) + "\n"

    def save(self, folder: Path | str) -> list[Path]:
        """Write ``ll144.csv``, ``ll144_quantiles.csv`` and ``ll144.txt`` (the page is `present.page.ll144`)."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / n for n in ("ll144.csv", "ll144_quantiles.csv", "ll144.txt")]
        self.rows.to_csv(paths[0], index=False)
        self.quantiles.to_csv(paths[1], index=False)
        paths[2].write_text(self.summary(), encoding="utf-8")
        return paths


def tables(
    scores: Any,
    sex: Sequence[Any],
    race_ethnicity: Sequence[Any],
    *,
    leave_out_small: bool = True,
    about: dict[str, str] | None = None,
    base: Options | None = None,
    **changes: Any,
) -> Tables:
    """The three tables, from one score a person.

    Parameters
    ----------
    scores : array_like, shape (people,)
    sex, race_ethnicity : sequence, one value a person
        Missing and unknown values are counted and left out of that table.
    leave_out_small : bool
        Leave categories under 2 % out of the impact ratios (their n and rate stay); the rule allows it.
    about : dict, optional
        What readers must know of the data and the model; travels with the tables.
    base, **changes
        `Options`, and changes to them.

    Raises
    ------
    AuditError
        If a score is NaN, lengths differ, or groups cannot be told apart.
    """
    from workbench.audit.stats.core import run

    o = options(base, **{"intersections": 2, **changes})
    found = inputs.scores(scores, None, None, o)[2]
    who = people({"sex": sex, "race_ethnicity": race_ethnicity}, None, len(found), o)
    median = float(np.median(found))
    names = dict(zip(TITLES, who.table.columns, strict=True))
    import pandas as pd

    rows = [row for name, column in names.items() for row in _rows(name, found, who.table[column].to_numpy(str), leave_out_small, o)]
    audited = run(
        found, None, {"sex": sex, "race_ethnicity": race_ethnicity}, kind="score", base=o, metrics=[f"quantile_{q:g}" for q in o.quantiles]
    )
    unknown = {name: int((who.table[column] == MISSING).sum()) for name, column in names.items()}
    return Tables(pd.DataFrame(rows, columns=COLUMNS), audited.gaps, len(who), median, unknown, leave_out_small, dict(about or {}))


def race_ethnicity(race: Sequence[Any], ethnicity: Sequence[Any]) -> list[str | None]:
    """The combined categories of the EEO-1 form: *Hispanic or Latino* of any race, otherwise the race; None where unknown."""
    import pandas as pd

    out: list[str | None] = []
    for r, e in zip(race, ethnicity, strict=True):
        if pd.isna(e):
            out.append(None)
        elif str(e).strip().casefold() in ("hispanic", "hispanic or latino", "latino"):
            out.append("Hispanic or Latino")
        else:
            out.append(
                None if pd.isna(r) or str(r).strip().casefold() == "unknown" else _EEO.get(str(r).strip().casefold(), str(r).strip())
            )
    return out


def _line(row: dict[Any, Any]) -> str:
    parts = [f"scoring rate {row['scoring_rate']:.2f} [{row['rate_low']:.2f}, {row['rate_high']:.2f}]"]
    if np.isfinite(row["impact_ratio"]):
        parts.append(f"impact ratio {row['impact_ratio']:.2f} [{row['ratio_low']:.2f}, {row['ratio_high']:.2f}]")
    return f"- {row['category']}: n = {row['n']}, {', '.join(parts)}" + (f" ({row['note']})" if row["note"] else "")


def _rows(name: str, scores: NDArray[np.float64], member: NDArray[np.str_], leave_out_small: bool, o: Options) -> list[dict[str, Any]]:
    kinds = sorted(set(member) - {MISSING})
    if len(kinds) < 2:
        raise AuditError(f"{name}: {len(kinds)} known categories; an impact ratio needs two or more")
    inside = np.stack([member == k for k in kinds])
    n = inside.sum(axis=1)
    # under 2 % of the people whose category is known: of the data that the table uses
    kept = ~(n / n.sum() < SMALL) if leave_out_small else np.ones(len(kinds), dtype=bool)
    above = [int((scores[i] > np.median(scores)).sum()) for i in inside]
    rates = [_rate(a, int(size), o.level) for a, size in zip(above, n, strict=True)]
    order = sorted(np.flatnonzero(kept), key=lambda i: -rates[i].value)
    rows = []
    for i, kind in enumerate(kinds):
        notes = ["under 2 % of the sample: left out of the ratios"] if not kept[i] else []
        if n[i] < o.min_people:
            notes.append(f"fewer than {o.min_people} people: the figures say little")
        ratios = _ratio(i, order, rates, o.level) if kept[i] else (np.nan, np.nan, np.nan)
        rate = rates[i]
        cells = [name, kind.replace(CROSS, ", "), int(n[i]), n[i] / n.sum(), above[i], rate.value, rate.low, rate.high, *ratios]
        rows.append(dict(zip(COLUMNS, [*cells, not kept[i], "; ".join(notes)], strict=True)))
    return rows


def _rate(above: int, n: int, level: float) -> Estimate:
    """A share of people with its exact interval (Clopper & Pearson 1934)."""
    from scipy.stats import binomtest

    exact = binomtest(above, n).proportion_ci(level, method="exact")
    share = above / n
    return Estimate(share, exact.low, exact.high, float(np.sqrt(share * (1 - share) / n)), n)


def _ratio(i: int, order: list[Any], rates: list[Estimate], level: float) -> tuple[float, float, float]:
    """A category's rate over the highest one's; whether the highest is the highest is as uncertain as its lead over the second."""
    top = rates[order[0]].value
    if top == 0:
        return np.nan, np.nan, np.nan
    against = gap(rates[i], rates[order[1] if i == order[0] else order[0]], level)
    low = against.ratio_low if np.isfinite(against.ratio_low) else 0.0
    return rates[i].value / top, min(low, 1.0), 1.0 if i == order[0] else min(against.ratio_high, 1.0)
