"""Model cards as Markdown, and the provenance of models in a session's header."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from workbench.zoo import fetch, store
from workbench.zoo.registry import ModelEntry, entries, find


def card(name: str) -> str:
    """The model card of an entry, as Markdown.

    Raises
    ------
    WeightsError
        If the zoo does not know `name`.
    """
    entry = find(name)
    facts = {
        "Kind": entry.kind,
        "Version": entry.version,
        "Licence": entry.licence,
        "Training data": entry.training_data,
        "Source": entry.source,
        "Hub": f"{entry.hub.repo} at {entry.hub.revision}" if entry.hub else "",
        "SHA-256": _checksum(entry),
        "Size": f"{entry.size / 1e6:.1f} MB" if entry.size else "",
        "Outputs": ", ".join(entry.outputs),
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in facts.items() if value)
    return f"# {entry.name}\n\n| | |\n|---|---|\n{table}\n\n{entry.card.strip()}\n"


def _checksum(entry: ModelEntry) -> str:
    """SHA-256 of the largest file; for derived entries, of the file that was made on this machine."""
    if not entry.derived:
        return entry.sha256
    made = store.manifest(store.folder(entry)) or {}
    return str(max(made.values(), key=lambda f: int(f["size"]))["sha256"]) if made else ""


def provenance(names: Iterable[str | Path]) -> dict[str, dict[str, str]]:
    """Version, checksum, licence, training data and source of weights, as a session's header stores them.

    Parameters
    ----------
    names : iterable of str or Path
        Names in the zoo, or paths of your own; of the latter only the checksum is known.

    Returns
    -------
    dict of dict of str
        Name → `version`, `sha256`, `licence`, `training_data`, `source`.
    """
    known = {e.name for e in entries()}
    return {str(name): _facts(find(str(name))) if str(name) in known else _own(Path(name)) for name in names}


def _facts(entry: ModelEntry) -> dict[str, str]:
    return {
        "version": entry.version,
        "sha256": _checksum(entry),
        "licence": entry.licence,
        "training_data": entry.training_data,
        "source": entry.source,
    }


def _own(path: Path) -> dict[str, str]:
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    largest = max(files, key=lambda f: f.stat().st_size, default=None)
    return {
        "version": "user-supplied",
        "sha256": fetch.digest(largest) if largest else "",
        "licence": "unknown",
        "training_data": "undocumented",
        "source": str(path),
    }
