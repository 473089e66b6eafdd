"""Two stored audit runs side by side: two models, or two dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.audit.options import AuditError
from workbench.audit.present.bundle import Bundle
from workbench.audit.result import Audit
from workbench.evaluation.bootstrap import Estimate
from workbench.evaluation.gaps import gap

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["grouping", "group", "metric", "n_before", "n_after", "before", "before_low", "before_high"]
COLUMNS += ["after", "after_low", "after_high", "change", "change_low", "change_high"]
NOTE = (
    "Stored audits keep no rows: the change is taken as if the people were different ones, so its interval is too wide, never too narrow, "
    "where they are the same. `compare` in an audit's YAML pairs two models person by person."
)


def side_by_side(before: Audit, after: Audit) -> pd.DataFrame:
    """Every group and figure that both hold and show, with both intervals and that of the change (`COLUMNS`).

    Parameters
    ----------
    before, after : Audit
        Of two models, or of two dates.

    Raises
    ------
    AuditError
        If they have nothing in common.
    """
    import pandas as pd

    key = ["grouping", "group", "metric"]
    both = before.groups.merge(after.groups, on=key, suffixes=("_before", "_after"))
    rows = []
    for r in both[(both["status_before"] == "ok") & (both["status_after"] == "ok")].to_dict("records"):
        a, b = (_estimate(r, side) for side in ("_after", "_before"))
        d = gap(a, b, before.options.level)
        cells = [*(r[k] for k in key), b.people, a.people, b.value, b.low, b.high, a.value, a.low, a.high, d.difference, d.low, d.high]
        rows.append(dict(zip(COLUMNS, cells, strict=True)))
    if not rows:
        raise AuditError(f"{before.name} and {after.name}: no figure of any group in common; compare audits of the same kind and groupings")
    return pd.DataFrame(rows, columns=COLUMNS)


def _estimate(row: dict[Any, Any], side: str) -> Estimate:
    value, low, high = (row[c + side] for c in ("value", "low", "high"))
    return Estimate(value, low, high, (high - low) / 4, int(row["n_people" + side]))


def bundles(before: Bundle, after: Bundle) -> dict[str, pd.DataFrame]:
    """Audits of the same name; where each run has a single one, these two.

    Parameters
    ----------
    before, after : Bundle
        Two kept audit runs.

    Raises
    ------
    AuditError
        If no audit goes with another.
    """
    shared = [name for name in before.audits if name in after.audits]
    if shared:
        return {name: side_by_side(before.audits[name], after.audits[name]) for name in shared}
    if len(before.audits) == len(after.audits) == 1:
        a, b = next(iter(before.audits.values())), next(iter(after.audits.values()))
        return {f"{a.name} → {b.name}": side_by_side(a, b)}
    raise AuditError(f"no audit in common: {', '.join(before.audits)} against {', '.join(after.audits)}")
