"""The corpora that the workbench can load, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import settings
from workbench.errors import CorpusError
from workbench.plugins import PluginError, Registry

if TYPE_CHECKING:
    from workbench.corpora.base import Corpus


@dataclass(frozen=True)
class CorpusEntry:
    """A corpus that can be loaded by its name, which is also that of its folder in WORKBENCH_DATA and of its card.

    Parameters
    ----------
    name, title, licence : str
    modalities : tuple of str
        Of `base.MODALITIES`.
    label : str
        What its labels are, or what there is instead.
    groups : tuple of str
        Demographic columns that have values.
    loader : str or callable
        ``loader(root) -> Corpus``, the function or ``"module:function"``, which is imported on first use.
    samples : str or callable, optional
        ``samples(root) -> evaluation.samples.Samples``: data for fusion that needs no media, such as votes.
    own_folder : str or callable, optional
        ``own_folder() -> Path``, for a corpus that comes with its data.
    """

    name: str
    title: str
    licence: str
    modalities: tuple[str, ...]
    label: str
    groups: tuple[str, ...]
    loader: str | Callable[[Path], Corpus]
    samples: str | Callable[[Path], Any] | None = None
    own_folder: str | Callable[[], Path] | None = None

    def load(self, root: Path) -> Corpus:
        """Read the corpus in the folder `root`; see `workbench.corpora.load`."""
        corpus: Corpus = _function(self.loader)(root)
        return corpus


def _function(place: Any) -> Any:
    if not isinstance(place, str):
        return place
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def _entry(
    name: str, title: str, licence: str, modalities: tuple[str, ...], label: str, groups: tuple[str, ...], module: str
) -> CorpusEntry:
    return CorpusEntry(name, title, licence, modalities, label, groups, f"workbench.corpora.{module}:load")


_VOTES = "intended emotion (6)", ("sex", "age", "race", "ethnicity")
ENTRIES: tuple[CorpusEntry, ...] = (
    replace(
        _entry("crema-d", "CREMA-D", "ODbL 1.0", ("audio", "video", "votes"), *_VOTES, "crema_d"),
        samples="workbench.evaluation.samples:crema_d",
    ),
    replace(
        _entry("generated", "Generated votes: not people", "Apache-2.0, made by this package", ("votes",), *_VOTES, "generated"),
        samples="workbench.evaluation.samples:generated",
        own_folder="workbench.corpora.generated:folder",
    ),
    _entry("ravdess", "RAVDESS", "CC BY-NC-SA 4.0", ("audio", "video", "text"), "intended emotion (7)", ("sex",), "ravdess"),
    _entry("meld", "MELD", "GPL 3.0; TV footage", ("video", "text"), "judged emotion (7)", (), "meld"),
    _entry("iemocap", "IEMOCAP", "on request", ("audio", "text"), "judged emotion (7)", ("sex",), "iemocap"),
    _entry(
        "first-impressions-v2", "First Impressions V2", "on request", ("video", "text"),
        "none; traits and interview", ("sex", "race", "age_band"), "first_impressions",
    ),
    _entry("raf-db", "RAF-DB", "on request", ("image",), "judged expression (7)", ("sex", "race", "age_band"), "raf_db"),
    _entry(
        "speech-accent-archive", "Speech Accent Archive", "CC BY-NC-SA 2.0", ("audio", "text"),
        "none; the text is known", ("sex", "age", "accent"), "speech_accent_archive",
    ),
    _entry(
        "common-voice", "Common Voice", "CC0", ("audio", "text"),
        "none; the text is known", ("sex", "age_band", "accent"), "common_voice",
    ),
)  # fmt: skip


def _check(name: str, thing: Any) -> CorpusEntry:
    if not isinstance(thing, CorpusEntry):
        raise CorpusError("a corpus's entry point names a workbench.corpora.registry.CorpusEntry")
    if thing.name != name:
        raise CorpusError(f"its name is {thing.name!r}; it must be {name!r}, as its entry point says")
    return thing


CORPORA: Registry[CorpusEntry] = Registry("corpus", "workbench.corpora", {}, _check)
"""Every corpus by name, including those of installed packages."""
for _one in ENTRIES:
    CORPORA.own(_one.name, _one)


def find(name: str) -> CorpusEntry:
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
    try:
        return CORPORA.get(name)
    except PluginError as error:
        raise CorpusError(str(error)) from None


def folder(name: str, path: Path | str | None = None) -> Path:
    """A corpus's folder: `path`, else the folder that comes with it, else ``$WORKBENCH_DATA/NAME``.

    Parameters
    ----------
    name : str
        Of a corpus in the registry.
    path : path, optional

    Raises
    ------
    CorpusError
        If WORKBENCH_DATA is needed and not set.
    """
    if path is not None:
        return Path(path)
    entry = find(name)
    if entry.own_folder is not None:
        return Path(_function(entry.own_folder)())
    data = settings.data_dir()
    if data is None:
        raise CorpusError(
            f"where is the corpus {name!r}? Give its folder, or set WORKBENCH_DATA to the folder that holds {name}/; "
            f"the corpus 'generated' needs no data"
        )
    return data / name


def samples(name: str, path: Path | str | None = None) -> Any:
    """Data for fusion that needs no media, as `evaluation.samples.Samples`; None where the corpus has no such data.

    Raises
    ------
    CorpusError
        If the corpus is not known, or its folder is not.
    """
    entry = find(name)
    return None if entry.samples is None else _function(entry.samples)(folder(name, path))


def load(name: str, path: Path | str | None = None) -> Corpus:
    """Load a corpus as a typed table, with the problems that were met.

    Parameters
    ----------
    name : str
        A key of `CORPORA`.
    path : Path, optional
        Its folder; else ``$WORKBENCH_DATA/NAME``.

    Returns
    -------
    Corpus
        `clips` (columns as in `base.COLUMNS`) and `problems`: what is broken is left out of `clips` and listed in `problems`.

    Raises
    ------
    CorpusError
        If the corpus is not known, its folder missing or empty, or nothing in it can be used.
    """
    return find(name).load(folder(name, path))
