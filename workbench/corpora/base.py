"""What every corpus loader gives: one typed table of clips, and findings that say what was wrong with which file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from workbench.errors import CorpusError

MEDIA: tuple[str, ...] = ("audio", "video", "image")
COLUMNS: dict[str, str] = {
    "clip": "str",
    "person": "str",
    "split": "str",
    "label": "str",
    "modalities": "str",
    "audio": "str",
    "video": "str",
    "image": "str",
    "text": "str",
    "start": "float64",
    "end": "float64",
    "sex": "str",
    "race": "str",
    "ethnicity": "str",
    "age": "float64",
    "age_band": "str",
    "accent": "str",
    "language": "str",
}
"""Columns of `Corpus.clips` and their types. Paths are relative to the root; times are seconds within the file; missing
is NaN; `modalities` joins what the clip has by "+". A loader may append columns of its own (traits, valence)."""

_STUB = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a corpus: where it is, what it is, what to do."""

    level: Literal["error", "warning"]
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
        What was skipped or is doubtful, never silently.
    """

    name: str
    root: Path
    clips: pd.DataFrame
    findings: tuple[Finding, ...] = ()

    @property
    def fingerprint(self) -> str:
        """First 12 hex digits of the SHA-256 of the table."""
        return hashlib.sha256(self.clips.to_csv(index=False).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Entry:
    """A corpus the workbench can load: its folder's name under the data root, its card, its loader."""

    name: str
    title: str
    load: Callable[[Path], Corpus]
    labels: tuple[str, ...] = ()
    check: Callable[[Path], list[Finding]] | None = None

    def findings(self, root: Path) -> list[Finding]:
        """Everything wrong under `root`; a corpus that cannot be loaded at all gives one finding that says why."""
        try:
            return list(self.load(root).findings) if self.check is None else self.check(root)
        except CorpusError as error:
            return [*error.findings, Finding("error", str(root), str(error))]


def is_stub(path: Path) -> bool:
    """Whether a file is a git-LFS pointer in place of its content."""
    try:
        with path.open("rb") as file:
            return file.read(len(_STUB)) == _STUB
    except OSError:
        return False


def fault(path: Path) -> str | None:
    """What is wrong with a file, or None: missing, empty, or a git-LFS pointer."""
    if not path.is_file():
        return "missing; download it again"
    if path.stat().st_size == 0:
        return "empty (0 bytes); download it again"
    if is_stub(path):
        return "a git-LFS pointer, not the file; run `git lfs pull` in the corpus"
    return None


def need(path: Path, what: str) -> Path:
    """`path` if it is a sound file.

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
        Columns that must, and that may be there; others are reported and left out.
    **options
        For `pandas.read_csv`.

    Raises
    ------
    CorpusError
        If the file is missing, a pointer, not a table, has no rows, or lacks a required column.
    """
    need(path, what)
    required = list(required)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, **options)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        raise CorpusError(f"{path}: not a readable table ({str(error).splitlines()[0]}); download it again") from None
    if missing := [c for c in required if c not in table.columns]:
        raise CorpusError(f"{path}: {what} lacks column {', '.join(missing)}; found {', '.join(map(str, table.columns[:12]))}")
    if table.empty:
        raise CorpusError(f"{path}: {what} has no rows; download it again")
    unknown = [str(c) for c in table.columns if c not in {*required, *known}]
    findings = [Finding("warning", path.name, f"unknown columns left out: {', '.join(unknown)}")] if unknown else []
    return table.drop(columns=unknown), findings


@dataclass
class Collector:
    """Gathers a loader's rows; checks media as they come, then the whole table.

    Raises
    ------
    CorpusError
        On construction, if the root is no folder or is empty; by `corpus`, if no clip is usable.
    """

    name: str
    root: Path
    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    _absent: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise CorpusError(f"{self.root}: no such folder; give the folder of the corpus {self.name!r}")
        if not any(self.root.iterdir()):
            raise CorpusError(f"{self.root}: the folder is empty; see datasets/{self.name}.md for how to get the corpus")

    def report(self, level: Literal["error", "warning"], where: Path | str, message: str) -> None:
        where = where.relative_to(self.root) if isinstance(where, Path) else where
        self.findings.append(Finding(level, str(where), message))

    def add(self, clip: str, person: str, label: str | None, media: Mapping[str, Path], **more: Any) -> None:
        """Add a clip with the media of it that are sound; without any (and without text) it is reported and skipped."""
        good = {kind: str(path.relative_to(self.root)) for kind, path in media.items() if self._sound(path)}
        has = [*good, *(["text"] if more.get("text") else [])]
        if has:
            self.rows.append({"clip": clip, "person": person, "label": label, "modalities": "+".join(has), **good, **more})

    def _sound(self, path: Path) -> bool:
        problem = fault(path)
        if problem is None:
            return True
        if not path.parent.is_dir():  # one line a missing folder, not one for each of its thousands of files
            if path.parent not in self._absent:
                self.report("error", path.parent, "the folder is missing; download this part of the corpus")
            self._absent.add(path.parent)
        else:
            self.report("error", path, problem)
        return False

    def corpus(self) -> Corpus:
        """The finished table: duplicates left out, persons across splits and groups of one reported."""
        if not self.rows:
            first = f"first problem: {self.findings[0].where}: {self.findings[0].message}" if self.findings else "no clips found"
            raise CorpusError(f"{self.root}: nothing usable for the corpus {self.name!r}; {first}", tuple(self.findings))
        own = [k for k in dict.fromkeys(key for row in self.rows for key in row) if k not in COLUMNS]
        clips = pd.DataFrame(self.rows, columns=[*COLUMNS, *own]).astype(COLUMNS)
        self.findings += duplicates(clips)
        clips = clips.drop_duplicates("clip", ignore_index=True)
        self.findings += [*split_persons(clips), *lone_groups(clips)]
        return Corpus(self.name, self.root, clips, tuple(self.findings))


def duplicates(clips: pd.DataFrame) -> list[Finding]:
    """One error a clip that occurs more than once; only its first row is kept."""
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
    """A warning for every demographic group with a single person in it: nothing can be said about such a group."""
    out = []
    people = clips.drop_duplicates("person")
    for column in people.columns.intersection(["sex", "race", "ethnicity", "age_band", "accent"]):
        counts = Counter(people[column].dropna())
        if lone := sorted(value for value, n in counts.items() if n == 1):
            shown = ", ".join(lone[:5]) + (" …" if len(lone) > 5 else "")
            out.append(Finding("warning", column, f"{len(lone)} groups have one person only ({shown}); their figures are suppressed"))
    return out
