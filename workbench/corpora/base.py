"""The result of every corpus loader: a typed table of clips, and findings that say what is wrong with which file."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench import text_tables
from workbench.errors import CorpusError
from workbench.labels import BASIC

Level = Literal["error", "warning", "note"]
MEDIA: tuple[str, ...] = ("audio", "video", "image")
MODALITIES: tuple[str, ...] = (*MEDIA, "text", "votes")
COLUMNS: dict[str, str] = {
    "clip": "str",  # unique name of the clip in its corpus
    "person": "str",  # who speaks or is in the picture; splits and intervals are made by person
    "split": "str",  # the corpus's own split
    "label": "str",  # in the taxonomy of `workbench.labels`; missing where the corpus's label has no class there
    "original": "str",  # the corpus's own label
    "modalities": "str",  # what the clip has, of `MODALITIES`, joined by "+"
    "audio": "str",  # path relative to the root
    "video": "str",
    "image": "str",
    "text": "str",  # the words that are spoken, as the corpus gives them
    "start": "float64",  # where the clip is in the recording that it was cut from, s; its own files begin at 0
    "end": "float64",
    "sex": "str",
    "race": "str",
    "ethnicity": "str",
    "age": "float64",  # years
    "age_band": "str",
    "accent": "str",
    "language": "str",  # ISO 639 code
}
"""Columns of `Corpus.clips` and their types; missing is NaN. A loader may append columns of its own (traits, valence)."""

_STUB = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class Finding:
    """One problem or remark about a corpus.

    Parameters
    ----------
    level : {"error", "warning", "note"}
        "error": something is missing or broken, and the clip or part is left out. "warning": something that users of the
        corpus must know. "note": how it was read.
    where : str
        The file, column or clip.
    message : str
        What it is and what to do.
    """

    level: Level
    where: str
    message: str


@dataclass(frozen=True)
class Corpus:
    """A loaded corpus.

    Parameters
    ----------
    name : str
    root : Path
    clips : DataFrame
        One row a clip; columns as in `COLUMNS`, then those of the corpus itself.
    findings : tuple of Finding
        Everything that was skipped or is doubtful.
    """

    name: str
    root: Path
    clips: pd.DataFrame
    findings: tuple[Finding, ...] = ()

    @property
    def problems(self) -> pd.DataFrame:
        """The findings as a table beside the clips: `level`, `where`, `message`."""
        return pd.DataFrame([asdict(f) for f in self.findings], columns=["level", "where", "message"])

    @property
    def fingerprint(self) -> str:
        """First 12 hex digits of the SHA-256 of the table."""
        return hashlib.sha256(self.clips.to_csv(index=False).encode()).hexdigest()[:12]


def is_stub(path: Path) -> bool:
    """Whether a file is a git-LFS pointer in place of its content."""
    try:
        with path.open("rb") as file:
            return file.read(len(_STUB)) == _STUB
    except OSError:
        return False


def fault(path: Path) -> str | None:
    """What is wrong with a file (missing, not readable, empty, or a git-LFS pointer); None where nothing is."""
    if not path.is_file():
        return "missing; download it again"
    if path.stat().st_size == 0:
        return "empty (0 bytes); download it again"
    if not os.access(path, os.R_OK):
        return "not readable; change its permissions"
    if is_stub(path):
        return "a git-LFS pointer, not the file; run `git lfs pull` in the corpus"
    return None


def locate(root: Path, name: str) -> Path:
    """The file of that name anywhere below `root`; where there is none, ``root / name``."""
    return min(root.rglob(name), key=lambda p: len(p.parts), default=root / name)


def need(path: Path, what: str) -> Path:
    """`path`, if the file is there and not empty or a pointer.

    Raises
    ------
    CorpusError
        Saying that `what` is missing, empty or a pointer.
    """
    if problem := fault(path):
        raise CorpusError(f"{path}: {what} is {problem}")
    return path


def read_csv(
    path: Path, what: str, required: Iterable[str], known: Iterable[str] = (), **options: Any
) -> tuple[pd.DataFrame, list[Finding]]:
    """Read a table of a corpus, all cells as text.

    Parameters
    ----------
    path : Path
    what : str
        What the table is, for messages.
    required, known : iterable of str
        Columns that must be there, and columns that may be there; others are reported and left out.
    **options
        For `pandas.read_csv`.

    Returns
    -------
    table : DataFrame
    findings : list of Finding

    Raises
    ------
    CorpusError
        If the file is missing, a pointer, not a table, has no rows, or lacks a required column.
    """
    need(path, what)
    required = list(required)
    try:
        table = text_tables.read_csv(path, options.pop("sep", ","), **options)
    except (ValueError, OSError) as error:
        raise CorpusError(f"{path}: not a readable table ({str(error).splitlines()[0]}); download it again") from None
    if missing := [c for c in required if c not in table.columns]:
        raise CorpusError(f"{path}: {what} lacks column {', '.join(missing)}; it has {', '.join(map(str, table.columns[:12]))}")
    if table.empty:
        raise CorpusError(f"{path}: {what} has no rows; download it again")
    unknown = [str(c) for c in table.columns if c not in {*required, *known}]
    findings = [Finding("warning", path.name, f"unknown columns left out: {', '.join(unknown)}")] if unknown else []
    return table.drop(columns=unknown), findings


@dataclass
class Collector:
    """Collects a loader's rows; checks each media file, then the whole table.

    Parameters
    ----------
    name : str
    root : Path
    labels : mapping, optional
        The corpus's labels → those of `workbench.labels`; None where there is no class for it.

    Raises
    ------
    CorpusError
        On construction, if the root is no folder or is empty; by `corpus`, if no clip is usable.
    """

    name: str
    root: Path
    labels: Mapping[str, str | None] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    _absent: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.root = Path(self.root)
        if not self.root.is_dir():
            raise CorpusError(f"{self.root}: no such folder; give the folder of the corpus {self.name!r}")
        if not any(self.root.iterdir()):
            raise CorpusError(f"{self.root}: the folder is empty; see datasets/{self.name}.md for how to get the corpus")

    def report(self, level: Level, where: Path | str, message: str) -> None:
        """Add a finding; a path is given relative to the root.

        Parameters
        ----------
        level : {"error", "warning", "note"}
        where : path or str
            A file, or a part of the corpus.
        message : str
            What it is, and what to do.
        """
        where = where.relative_to(self.root) if isinstance(where, Path) else where
        self.findings.append(Finding(level, str(where), message))

    def add(
        self, clip: str, person: str, original: str | None, media: Mapping[str, Path], *, also: Iterable[str] = (), **more: Any
    ) -> None:
        """Add a clip with those of its media files that are usable.

        Parameters
        ----------
        clip, person : str
            Unique name of the clip; whom it is of.
        original : str or None
            The corpus's label, a key of `labels`; a clip with another label has none here, which is reported.
        media : dict of Path
            By kind, of `MEDIA`.
        also : iterable of str
            What the clip has besides media ("text", "votes"). A clip with neither that nor usable media is left out.
        **more
            Further columns, of `COLUMNS` or the corpus's own.
        """
        usable = {kind: str(path.relative_to(self.root)) for kind, path in media.items() if self._usable(path)}
        if has := list(dict.fromkeys([*usable, *also])):
            has += ["text"] if more.get("text") and "text" not in has else []
            row = {"clip": clip, "person": person, "label": self.labels.get(original or ""), "original": original}
            self.rows.append({**row, "modalities": "+".join(has), **usable, **more})

    def _usable(self, path: Path) -> bool:
        problem = fault(path)
        if problem is None:
            return True
        if not path.parent.is_dir():  # one finding for a missing folder, not one for each of its thousands of files
            if path.parent not in self._absent:
                self.report("error", path.parent, "the folder is missing; download this part of the corpus")
            self._absent.add(path.parent)
        else:
            self.report("error", path, problem)
        return False

    def corpus(self) -> Corpus:
        """The finished corpus.

        Duplicates are left out. Labels without a class here, persons in several splits and groups of one person are reported.

        Raises
        ------
        CorpusError
            If no clip is left.
        """
        if not self.rows:
            first = f"first problem: {self.findings[0].where}: {self.findings[0].message}" if self.findings else "no clips found"
            raise CorpusError(f"{self.root}: nothing usable for the corpus {self.name!r}; {first}", tuple(self.findings))
        own = [k for k in dict.fromkeys(key for row in self.rows for key in row) if k not in COLUMNS]
        clips = pd.DataFrame(self.rows, columns=[*COLUMNS, *own]).astype(COLUMNS)
        self.findings += duplicates(clips)
        clips = self._plausible(clips.drop_duplicates("clip", ignore_index=True))
        self.findings += [*self._mapped(clips), *split_persons(clips), *lone_groups(clips)]
        return validate(Corpus(self.name, self.root, clips, tuple(self.findings)))

    def _plausible(self, clips: pd.DataFrame) -> pd.DataFrame:
        """The clips without those of no person, and without impossible ages and times; each is reported."""
        nobody = clips["person"].fillna("").eq("")
        for clip in clips.loc[nobody, "clip"]:
            self.report("error", clip, "it names no person; the clip is left out")
        clips = clips[~nobody].reset_index(drop=True)
        old = ~clips["age"].between(1, 120) & clips["age"].notna()
        for person, age in clips[old].drop_duplicates("person")[["person", "age"]].itertuples(index=False):
            self.report("warning", "age", f"person {person}: age {age:g} is impossible and left out")
        clips.loc[old, "age"] = np.nan
        turned = clips["end"] < clips["start"]
        for clip, start, end in clips.loc[turned, ["clip", "start", "end"]].itertuples(index=False):
            self.report("warning", clip, f"its times {start:.2f} to {end:.2f} s are impossible and left out")
        clips.loc[turned, ["start", "end"]] = np.nan
        return clips

    def _mapped(self, clips: pd.DataFrame) -> list[Finding]:
        """Findings about labels that have no class here, or share one with another label."""
        times = clips["original"].value_counts()
        into = Counter(filter(None, self.labels.values()))
        out = []
        for original, n in sorted(times.items()):
            label = self.labels.get(str(original))
            if self.labels and label is None:
                out.append(Finding("warning", "label", f"{original!r} has no class here: {n} clips have no label"))
            elif label and into[label] > 1:
                out.append(Finding("note", "label", f"{original!r} counts as {label!r} with another label ({n} clips)"))
        return out


def validate(corpus: Corpus) -> Corpus:
    """The corpus, if its table is as `COLUMNS` says.

    Raises
    ------
    CorpusError
        Naming the first column whose type or content is wrong.
    """
    clips = corpus.clips
    for column, kind in COLUMNS.items():
        if column not in clips or clips[column].dtype != pd.Series([], dtype=kind).dtype:
            raise CorpusError(f"{corpus.name}: column {column!r} is not of type {kind}; this is a mistake of the loader")
    rules = {
        "clip": clips["clip"].notna() & ~clips["clip"].duplicated(),
        "person": clips["person"].notna(),
        "label": clips["label"].isna() | clips["label"].isin(BASIC),
        "modalities": clips["modalities"].map(lambda m: set(m.split("+")) <= set(MODALITIES)).astype(bool),
        "age": clips["age"].isna() | clips["age"].between(1, 120),
        "end": ~(clips["end"] < clips["start"]),
    }
    for column, valid in rules.items():
        if not valid.all():
            bad = clips.loc[~valid].iloc[0]
            raise CorpusError(f"{corpus.name}: clip {bad['clip']!r}: impossible {column} {bad[column]!r}; correct it in the corpus's table")
    return corpus


def duplicates(clips: pd.DataFrame) -> list[Finding]:
    """One error for each clip that occurs more than once; only its first row is kept."""
    times = clips["clip"].value_counts()
    return [Finding("error", str(c), f"occurs {n} times; the first is kept, remove the others") for c, n in times[times > 1].items()]


def split_persons(clips: pd.DataFrame) -> list[Finding]:
    """A warning if persons occur in more than one of the corpus's own splits: its splits are then not by person."""
    across = clips.dropna(subset=["split"]).groupby("person")["split"].nunique()
    names = across[across > 1].index.tolist()
    if not names:
        return []
    shown = ", ".join(map(str, names[:5])) + (" …" if len(names) > 5 else "")
    return [
        Finding(
            "warning", "split", f"{len(names)} persons are in more than one split ({shown}); use folds by person instead of these splits"
        )
    ]


def lone_groups(clips: pd.DataFrame) -> list[Finding]:
    """A warning for every demographic group with a single person in it, since no conclusion about such a group is possible."""
    out = []
    persons = clips.drop_duplicates("person")
    for column in persons.columns.intersection(["sex", "race", "ethnicity", "age_band", "accent"]):
        counts = Counter(persons[column].dropna())
        if lone := sorted(value for value, n in counts.items() if n == 1):
            shown = ", ".join(lone[:5]) + (" …" if len(lone) > 5 else "")
            out.append(Finding("warning", column, f"{len(lone)} groups have one person only ({shown}); their figures are suppressed"))
    return out
