"""Who belongs to which group: one row a person, checked. Nothing is merged, imputed or dropped silently."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.audit.options import AuditError, Options

if TYPE_CHECKING:
    import pandas as pd

MISSING = "(not stated)"
"""The group that missing and unknown values are counted under; it is shown and never compared."""
CROSS = " × "
"""Joins the names of crossed groupings, and of their groups."""


@dataclass(frozen=True)
class People:
    """People and their groups.

    Parameters
    ----------
    row_person : ndarray of int, shape (n,)
        Index of each row's person.
    table : DataFrame, one row a person
        One column a grouping, crossed ones included; every value is a string.
    rows : ndarray of int, shape (people,)
        How many rows each person has.
    notes : list of str
        What a reader must know: how many values are missing, what was merged on request.
    """

    row_person: NDArray[np.int64]
    table: pd.DataFrame
    rows: NDArray[np.int64]
    notes: list[str]

    def __len__(self) -> int:
        return len(self.table)


def people(groups: Any, persons: Sequence[Any] | None, count: int, options: Options) -> People:
    """Check the groups of `count` rows and gather them by person.

    Raises
    ------
    AuditError
        If lengths differ, there is no grouping, a person has two groups of one grouping, or values differ by spelling only.
    """
    import pandas as pd

    frame = pd.DataFrame(groups).reset_index(drop=True)
    if frame.shape[1] == 0:
        raise AuditError("groups: no grouping given; give at least one column, for example sex")
    if len(frame) != count:
        raise AuditError(f"groups: {len(frame)} rows for {count} predictions; give one row a prediction")
    frame.columns = [str(c) for c in frame.columns]
    row_person, names = _persons(persons, count)
    notes: list[str] = []
    table = {}
    for column in frame.columns:
        codes, values = _codes(frame[column], column, options, notes)
        table[column] = values[_one_a_person(codes, values, row_person, names, column)]
    rows = np.bincount(row_person, minlength=len(names))
    persons_table = pd.DataFrame(table)
    for column in frame.columns:
        unstated = int((persons_table[column] == MISSING).sum())
        if unstated:
            notes.append(f"{column}: not stated for {unstated} of {len(names)} people; they are shown and not compared")
    return People(row_person, cross(persons_table, options.intersections), rows, notes)


def cross(table: pd.DataFrame, order: int) -> pd.DataFrame:
    """Add every combination of two to `order` groupings; a person with one value not stated has the combination not stated."""
    out = table.copy()
    for size in range(2, order + 1):
        for columns in itertools.combinations(table.columns, size):
            known = (table[list(columns)] != MISSING).all(axis=1)
            out[CROSS.join(columns)] = table[list(columns)].agg(CROSS.join, axis=1).where(known, MISSING)
    return out


def _persons(persons: Sequence[Any] | None, count: int) -> tuple[NDArray[np.int64], Any]:
    import pandas as pd

    if persons is None:
        return np.arange(count), range(count)
    if len(persons) != count:
        raise AuditError(f"people: {len(persons)} values for {count} predictions; give one a prediction")
    codes, names = pd.factorize(pd.Series(persons).reset_index(drop=True))
    if (codes < 0).any():
        first = int(np.argmax(codes < 0))
        raise AuditError(f"people: {int((codes < 0).sum())} rows have no person (first: row {first}); intervals over people need one each")
    return codes.astype(np.int64), list(names)


def _codes(column: Any, name: str, options: Options, notes: list[str]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Group of each row as an index into the values, missing ones under `MISSING`."""
    import pandas as pd

    codes, uniques = pd.factorize(column)
    unknown = {u.casefold() for u in options.unknown}
    values = []
    for value in uniques:
        text = str(value).strip() if isinstance(value, str) else _plain(value)
        if isinstance(value, str) and text in options.same:
            notes.append(f"{name}: {text!r} is counted under {options.same[text]!r}, as asked")
            text = options.same[text]
        values.append(MISSING if not text or text.casefold() in unknown else text)
    _ask_about_spelling([v for v in dict.fromkeys(values) if v != MISSING], name, options)
    kinds, place = np.unique([*values, MISSING], return_inverse=True)
    if CROSS in "".join(kinds):
        raise AuditError(f"groups: {name}: a value holds {CROSS!r}, which joins crossed groups here; rename the value")
    return place[:-1][codes] if len(values) and (codes >= 0).all() else np.where(codes >= 0, place[:-1][codes], place[-1]), kinds


def _plain(value: Any) -> str:
    """Numbers as people write them: 3.0 is group 3."""
    return str(int(value)) if isinstance(value, float | np.floating) and float(value).is_integer() else str(value)


def _one_a_person(codes: NDArray[np.int64], values: Any, row_person: NDArray[np.int64], names: Any, column: str) -> NDArray[np.int64]:
    first = np.empty(len(names), dtype=np.int64)
    first[row_person[::-1]] = codes[::-1]
    odd = first[row_person] != codes
    if odd.any():
        row = int(np.argmax(odd))
        who = names[row_person[row]]
        two = f"{str(values[first[row_person[row]]])!r} and {str(values[codes[row]])!r}"
        raise AuditError(
            f"groups: {column}: person {who!r} is in two groups, {two} (row {row}); correct the table, or name the unit that has one"
        )
    return first


def _ask_about_spelling(values: list[str], name: str, options: Options) -> None:
    meant = {frozenset(pair) for pair in options.distinct}
    for a, b in itertools.combinations(values, 2):
        if frozenset((a, b)) in meant:
            continue
        if _bare(a) == _bare(b):
            how = "by case, spaces or punctuation"
        elif _one_letter_apart(a.casefold(), b.casefold()):
            how = "by one letter"
        else:
            continue
        raise AuditError(
            f"groups: {name}: {a!r} and {b!r} differ only {how}; say which it is: "
            f"same={{{b!r}: {a!r}}} counts them together, distinct=[({a!r}, {b!r})] keeps them apart"
        )


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold()) or text


def _one_letter_apart(a: str, b: str) -> bool:
    """One letter inserted, dropped, replaced or swapped with its neighbour, in words of five letters or more."""
    if min(len(a), len(b)) < 5 or abs(len(a) - len(b)) > 1 or re.search(r"\d", a + b):
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    x, y = a[start:], b[start:]
    return x[1:] == y or x == y[1:] or x[1:] == y[1:] or (x[:2] == y[1::-1] and x[2:] == y[2:])
