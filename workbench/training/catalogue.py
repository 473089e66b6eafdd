"""Corpora that fusion can learn from, by name."""

from __future__ import annotations

from pathlib import Path

from workbench.evaluation.samples import Samples


def load(name: str, path: Path | None = None) -> Samples:
    """Samples of a corpus.

    Parameters
    ----------
    name : str
        A corpus with votes (or other samples) of its own, or one whose media `workbench corpora extract` went through.
    path : Path, optional
        The corpus's folder; else ``$WORKBENCH_DATA/NAME``. Of an extracted corpus: the folder of its tracks, else in the cache
        (of CREMA-D, whose votes come first, the folder must be given).

    Raises
    ------
    CorpusError
        If the corpus is not known, where it lies is not, or it was not extracted.
    """
    from workbench.corpora import find, folder
    from workbench.corpora import samples as given
    from workbench.corpora.tracks import MANIFEST
    from workbench.training import extracted

    entry = find(name)
    if entry.samples is not None and not (path and (path / MANIFEST).exists()):
        found: Samples = given(name, folder(name, path))
        return found
    return extracted.load(entry.name, path)
