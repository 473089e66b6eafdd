"""Corpora that fusion can learn from, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workbench import settings as tree
from workbench.errors import CorpusError
from workbench.training.samples import Samples


def _crema_d(root: Path) -> Samples:
    from workbench.corpora.crema_d import load_votes
    from workbench.training.samples import from_votes

    return from_votes(load_votes(root))


CORPORA: dict[str, Callable[[Path], Samples]] = {"crema-d": _crema_d}


def load(name: str, path: Path | None = None) -> Samples:
    """Samples of a corpus.

    Parameters
    ----------
    name : str
        A key of `CORPORA`.
    path : Path, optional
        The corpus's folder; else ``$WORKBENCH_DATA/NAME``.

    Raises
    ------
    CorpusError
        If the corpus is not known, or where it lies is not.
    """
    if name not in CORPORA:
        raise CorpusError(f"{name!r} has no samples for fusion; choose one of {', '.join(sorted(CORPORA))}")
    return CORPORA[name](folder(name, path))


def folder(name: str, path: Path | None = None) -> Path:
    """Where a corpus lies.

    Raises
    ------
    CorpusError
        If neither a path nor ``WORKBENCH_DATA`` says so.
    """
    if path is not None:
        return path
    root = tree.data_dir()
    if root is None:
        raise CorpusError(f"where is the corpus {name!r}? Set WORKBENCH_DATA to the folder that holds {name}/, or give --path")
    return root / name
