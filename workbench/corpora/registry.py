"""The corpora that the workbench can load, by name."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import settings
from workbench.errors import CorpusError

if TYPE_CHECKING:
    from workbench.corpora.base import Corpus


@dataclass(frozen=True)
class Entry:
    """A corpus: its name (that of its folder under the data root and of its card), and what its table holds.

    Parameters
    ----------
    name, title, licence : str
    modalities : tuple of str
        Of `base.MODALITIES`.
    label : str
        What `label` is, or what there is instead.
    groups : tuple of str
        Demographic columns that it fills.
    module : str
        In `workbench.corpora`, with a function `load`.
    """

    name: str
    title: str
    licence: str
    modalities: tuple[str, ...]
    label: str
    groups: tuple[str, ...]
    module: str

    def load(self, root: Path) -> Corpus:
        """See `load` below."""
        corpus: Corpus = import_module(f"workbench.corpora.{self.module}").load(root)
        return corpus


CORPORA: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "crema-d", "CREMA-D", "ODbL 1.0", ("audio", "video", "votes"),
            "intended emotion (6)", ("sex", "age", "race", "ethnicity"), "crema_d",
        ),
        Entry("ravdess", "RAVDESS", "CC BY-NC-SA 4.0", ("audio", "video", "text"), "intended emotion (7)", ("sex",), "ravdess"),
        Entry("meld", "MELD", "GPL 3.0; TV footage", ("video", "text"), "judged emotion (7)", (), "meld"),
        Entry("iemocap", "IEMOCAP", "on request", ("audio", "text"), "judged emotion (7)", ("sex",), "iemocap"),
        Entry(
            "first-impressions-v2", "First Impressions V2", "on request", ("video", "text"),
            "none; traits and interview", ("sex", "race", "age_band"), "first_impressions",
        ),
        Entry("raf-db", "RAF-DB", "on request", ("image",), "judged expression (7)", ("sex", "race", "age_band"), "raf_db"),
        Entry(
            "speech-accent-archive", "Speech Accent Archive", "CC BY-NC-SA 2.0", ("audio", "text"),
            "none; the text is known", ("sex", "age", "accent"), "speech_accent_archive",
        ),
        Entry(
            "common-voice", "Common Voice", "CC0", ("audio", "text"),
            "none; the text is known", ("sex", "age_band", "accent"), "common_voice",
        ),
    )
}  # fmt: skip


def find(name: str) -> Entry:
    """The corpus of that name.

    Raises
    ------
    CorpusError
        Naming the known ones.

    Examples
    --------
    >>> find("ravdess").licence
    'CC BY-NC-SA 4.0'
    """
    if name not in CORPORA:
        raise CorpusError(f"no corpus {name!r}; choose one of {', '.join(CORPORA)}")
    return CORPORA[name]


def folder(name: str, path: Path | str | None = None) -> Path:
    """Where a corpus lies: `path`, else ``$WORKBENCH_DATA/NAME``.

    Raises
    ------
    CorpusError
        If neither says so.
    """
    if path is not None:
        return Path(path)
    data = settings.data_dir()
    if data is None:
        raise CorpusError(f"where is the corpus {name!r}? Give its folder, or set WORKBENCH_DATA to the folder that holds {name}/")
    return data / name


def load(name: str, path: Path | str | None = None) -> Corpus:
    """A corpus as a typed table, with the problems that were met beside it.

    Parameters
    ----------
    name : str
        A key of `CORPORA`.
    path : Path, optional
        Its folder; else ``$WORKBENCH_DATA/NAME``.

    Returns
    -------
    Corpus
        `clips` (columns as in `base.COLUMNS`) and `problems`: what was broken is left out of the one and named in the other.

    Raises
    ------
    CorpusError
        If the corpus is not known, its folder missing or empty, or nothing in it can be used.
    """
    return find(name).load(folder(name, path))
