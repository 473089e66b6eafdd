"""An audit's result: three tidy tables, what they rest on, and ways to keep them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.audit.options import AuditError, Options
from workbench.audit.schema import COLUMNS, TABLES
from workbench.settings import Section

if TYPE_CHECKING:
    import pandas as pd


class Figure(Section):
    """What a metric is: words for it, which way is better, on which scale its intervals lie."""

    name: str
    label: str
    better: Literal["higher", "lower", "neither"]
    scale: Literal["logit", "log", "identity"]
    note: str = ""


@dataclass(frozen=True)
class Audit:
    """What `audit.run` gives.

    Parameters
    ----------
    groups : DataFrame
        A row a grouping, group and metric: `value`, `low`, `high`, `n_rows`, `n_people`; NaN with `reason` where suppressed.
    gaps : DataFrame
        A row a group against its `reference`: `difference` and `ratio` with intervals, `p` and `p_adjusted` over the
        whole list, `found` where the gap stands after control.
    worst : DataFrame
        A row a grouping and metric: the highest and the lowest group, their gap and ratio with simultaneous intervals.
    figures : dict
        metric → what it is.
    frames : dict
        grouping → makes Fairlearn's `MetricFrame` of the same figures (see `frame`; not stored).
    """

    name: str
    kind: str
    groups: pd.DataFrame
    gaps: pd.DataFrame
    worst: pd.DataFrame
    rows: int
    people: int
    notes: list[str]
    options: Options
    about: dict[str, str]
    data_fingerprint: str
    figures: dict[str, Figure]
    frames: dict[str, Callable[[], Any]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def metrics(self) -> list[str]:
        return list(dict.fromkeys(self.groups["metric"]))

    @property
    def groupings(self) -> list[str]:
        """Without the overall row."""
        return [g for g in dict.fromkeys(self.groups["grouping"]) if g != "overall"]

    def frame(self, grouping: str) -> Any:
        """Fairlearn's `MetricFrame` of a grouping: point values without gate or interval, so not to be published alone.

        Raises
        ------
        AuditError
            If there is no such grouping, or the audit was read from a file, which keeps no rows.
        """
        if grouping not in self.frames:
            raise AuditError(f"frame: {grouping!r} not among {', '.join(self.frames) or 'those kept: stored audits keep none'}")
        return self.frames[grouping]()

    def label(self, metric: str) -> str:
        return self.figures[metric].label if metric in self.figures else metric

    def to_json(self) -> str:
        """Everything but `frames`, as one JSON text; NaN becomes null, infinity the text 'inf'."""
        tables = {t: [{k: _plain(v) for k, v in row.items()} for row in getattr(self, t).to_dict("records")] for t in TABLES}
        head = {
            "name": self.name, "kind": self.kind, "rows": self.rows, "people": self.people, "notes": self.notes, "about": self.about,
            "data_fingerprint": self.data_fingerprint, "options": self.options.model_dump(mode="json"),
            "figures": {k: f.model_dump() for k, f in self.figures.items()},
        }  # fmt: skip
        return json.dumps(head | tables, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, source: str = "audit") -> Audit:
        """Read what `to_json` wrote.

        Parameters
        ----------
        text : str
        source : str
            Where the text comes from, for messages.

        Raises
        ------
        AuditError
            If the text is not a stored audit.
        """
        import pandas as pd

        try:
            values = json.loads(text)
            for t in TABLES:
                table = pd.DataFrame(values[t], columns=COLUMNS[t])
                words = {"grouping", "group", "metric", "reference", "status", "reason", "highest", "lowest"}
                numbers = [c for c in COLUMNS[t] if c not in words and c not in ("tested", "found")]
                values[t] = table.assign(**{c: pd.to_numeric(table[c]) for c in numbers})
            values["options"] = Options(**values["options"])
            values["figures"] = {k: Figure(**v) for k, v in values["figures"].items()}
            return cls(**values)
        except (ValueError, TypeError, KeyError) as error:
            raise AuditError(f"{source}: not a stored audit ({type(error).__name__}: {str(error).splitlines()[0]}); make it anew") from None

    def save(self, folder: Path | str) -> Path:
        """Write ``audit.json`` and one CSV a table into `folder`.

        Raises
        ------
        AuditError
            If the folder cannot be written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "audit.json").write_text(self.to_json(), encoding="utf-8")
            for t in TABLES:
                getattr(self, t).to_csv(folder / f"{t}.csv", index=False)
        except OSError as error:
            raise AuditError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from None
        return folder

    @classmethod
    def load(cls, path: Path | str) -> Audit:
        """Read ``audit.json``, or the folder that holds it.

        Raises
        ------
        AuditError
            If it is missing or not a stored audit.
        """
        path = Path(path)
        path = path / "audit.json" if path.is_dir() else path
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise AuditError(f"{path}: cannot be read ({error.strerror}); give an audit.json or its folder") from None
        return cls.from_json(text, str(path))


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else float(value) if np.isfinite(value) else str(float(value))
    return value.item() if isinstance(value, np.generic) else value
