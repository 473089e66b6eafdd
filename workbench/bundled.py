"""Files that lie beside the package in a checkout and inside it once it is installed: pages, default settings,
cards of corpora.
"""

from __future__ import annotations

from pathlib import Path

_INSIDE = Path(__file__).parent / "bundled_files"
_CHECKOUT = Path(__file__).parents[1]
_FOLDERS = (("apps",), ("datasets",), ("experiments",))


def find(path: Path | str) -> Path:
    """A file of the working folder, else the one of that name that the package brings along.

    Parameters
    ----------
    path : Path or str
        As a command was given it, such as ``experiments/default.yaml``.

    Returns
    -------
    Path
        `path` itself where it exists, or where the package has nothing of that name either.

    Examples
    --------
    >>> find("experiments/default.yaml").is_file()
    True
    >>> find("no/such.yaml").as_posix()
    'no/such.yaml'
    """
    path = Path(path)
    if path.is_absolute() or path.exists() or path.parts[:1] not in _FOLDERS or ".." in path.parts:
        return path
    return own(path) or path


def own(path: Path | str) -> Path | None:
    """The file of that name that the package brings along, whatever lies in the working folder; None where it has none.

    Examples
    --------
    >>> own("apps/review.py").name
    'review.py'
    """
    return next((root / path for root in (_INSIDE, _CHECKOUT) if (root / path).is_file()), None)
