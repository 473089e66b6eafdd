"""Corpora that fusion can learn from, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workbench import settings as tree
from workbench.errors import CorpusError
from workbench.evaluation.samples import Samples


def _crema_d(root: Path) -> Samples:
    from workbench.corpora.crema_d import load_votes
    from workbench.evaluation.samples import from_votes

    return from_votes(load_votes(root))


CORPORA: dict[str, Callable[[Path], Samples]] = {"crema-d": _crema_d}


def load(name: str, path: Path | None = None) -> Samples:
    """Samples of a corpus.

    Parameters
    ----------
    name : str
        A key of `CORPORA`, or a corpus whose media `workbench corpora extract` went through.
    path : Path, optional
        The corpus's folder; else ``$WORKBENCH_DATA/NAME``. Of an extracted corpus: the folder of its tracks, else in the cache
        (of CREMA-D, whose votes come first, the folder must be given).

    Raises
    ------
    CorpusError
        If the corpus is not known, where it lies is not, or it was not extracted.
    """
    from workbench.corpora import find
    from workbench.corpora.tracks import MANIFEST
    from workbench.training import extracted

    if name in CORPORA and not (path and (path / MANIFEST).exists()):
        return CORPORA[name](folder(name, path))
    return extracted.load(find(name).name, path)


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
