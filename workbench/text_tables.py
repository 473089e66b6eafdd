"""Reads tables of text (CSV) as they come: every cell is text, so that "NA" is a name, 007 is not 7, and nothing is guessed.

Whoever needs numbers asks for them with `numbers`, which names the first cell that is none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ",;\t|"
_LARGEST = 2**53
"""Whole numbers beyond it are not exact as floats."""


def read_csv(path: Path, separator: str | None = None, **options: Any) -> pd.DataFrame:
    """A CSV file with all cells as text, blanks around them stripped; an empty cell is "".

    Parameters
    ----------
    path : Path
        UTF-8, with or without a byte-order mark.
    separator : str, optional
        Found in the first line where left out: a comma, semicolon, tab or vertical bar.
    **options
        For `pandas.read_csv`.

    Raises
    ------
    ValueError
        In one line: if it is no table, two columns have one name, or it is not UTF-8.
    OSError
        If it cannot be read.
    """
    import pandas as pd

    try:
        with path.open(encoding=options.get("encoding", "utf-8-sig"), errors=options.get("encoding_errors", "strict"), newline="") as file:
            first = next((line for line in file if line.strip()), "")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8; save it as UTF-8") from None
    except LookupError as error:
        raise ValueError(str(error)) from None
    separator = separator or max(SEPARATORS, key=first.count)
    options = {"encoding": "utf-8-sig", "quoting": csv.QUOTE_MINIMAL, **options}
    head = next(csv.reader(io.StringIO(first), delimiter=separator, quoting=options["quoting"]), [])
    names = [name.strip() for name in head]
    if twice := next((n for n in names if n and names.count(n) > 1), None):
        raise ValueError(f"two columns are called {twice!r}; give each a name of its own")
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, **options)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(str(error).splitlines()[0]) from None
    table.columns = [str(c).strip() for c in table.columns]
    nameless = [c for c in table.columns if c.startswith("Unnamed:") and not table[c].str.strip().any()]  # commas after the last column
    return table.drop(columns=nameless).apply(lambda column: column.str.strip())


def as_text(values: Iterable[Any]) -> list[str | None]:
    """Values of any kind as text by which they can be told apart and compared: whole numbers without ``.0``; None where missing.

    Examples
    --------
    >>> as_text([1, 1.0, True, " yes ", "007", None, float("nan"), ""])
    ['1', '1', 'true', 'yes', '007', None, None, None]
    """
    import pandas as pd

    texts: list[str | None] = []
    for value in values:
        if not isinstance(value, str) and pd.isna(value):
            texts.append(None)
        elif isinstance(value, bool) or type(value).__name__ == "bool_":
            texts.append(str(bool(value)).lower())
        elif _is_float(value) and float(value).is_integer() and abs(value) < _LARGEST:
            texts.append(str(int(value)))
        else:
            texts.append(str(value).strip() or None)
    return texts


def _is_float(value: Any) -> bool:
    return isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") == "f"


def comparable(text: str) -> str:
    """A text by which labels and predictions are compared: numbers as numbers ("1.0" is "1"), letters without their case.

    Examples
    --------
    >>> [comparable(t) for t in ("1.0", "01", "1e0", "Happy ", "yes", "-0.0")]
    ['1', '1', '1', 'happy', 'yes', '0']
    """
    plain = text.strip().casefold()
    try:
        number = float(plain)
    except ValueError:
        return plain
    if number != number or number in (float("inf"), float("-inf")) or abs(number) >= _LARGEST:
        return plain
    return str(int(number)) if number.is_integer() else repr(number)


def numbers(values: Iterable[str], what: str) -> list[float]:
    """Cells as numbers; NaN where one is empty.

    Raises
    ------
    ValueError
        Naming the first cell that is none, with its row (the first after the head is 1).
    """
    found = []
    for row, cell in enumerate(values, start=1):
        try:
            found.append(float(cell) if str(cell).strip() else float("nan"))
        except ValueError:
            hint = "; write a point for the decimal mark" if "," in str(cell) else ""
            raise ValueError(f"{what}: {cell!r} in row {row} is no number{hint}") from None
    return found
