"""The columns of an audit's three tables."""

from __future__ import annotations

TABLES: tuple[str, ...] = ("groups", "gaps", "worst")
GROUP_COLUMNS: list[str] = ["grouping", "group", "metric", "value", "low", "high", "n_rows", "n_people", "status", "reason"]
GAP_COLUMNS: list[str] = [
    "grouping", "group", "reference", "metric", "difference", "low", "high", "ratio", "ratio_low", "ratio_high",
    "n_people", "n_reference", "tested", "p", "p_adjusted", "found", "reason",
]  # fmt: skip
WORST_COLUMNS: list[str] = [
    "grouping", "metric", "highest", "lowest", "gap", "low", "high", "ratio", "ratio_low", "ratio_high", "groups", "p",
]  # fmt: skip
COLUMNS: dict[str, list[str]] = {"groups": GROUP_COLUMNS, "gaps": GAP_COLUMNS, "worst": WORST_COLUMNS}
