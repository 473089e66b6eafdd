"""A small zoo of its own: two entries whose archives a registry on this machine serves."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.registry import Registry, serve
from workbench.zoo import indexes, registry, store

NETWORK = bytes(range(256)) * 4096  # 1 MiB
TEXT = b"a tokenizer"


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(**members: bytes) -> bytes:
    """A stored zip with the members, the same bytes every time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as box:
        for name, data in members.items():
            box.writestr(zipfile.ZipInfo(name.replace("__", "/")), data)
    return buffer.getvalue()


@pytest.fixture
def served() -> Iterator[Registry]:
    half = len(NETWORK) // 2
    with serve() as running:
        running.files["first-1.0.whl"] = wheel(first__part=NETWORK[:half], first__text=TEXT)
        running.files["second-1.0.whl"] = wheel(second__part=NETWORK[half:])
        yield running


@pytest.fixture
def small_zoo(served: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The zoo knows `tiny` only (a network in two parts, a text), and can have it from `served` only."""
    archives = {
        key: {"registry": "pypi", "name": key, "version": "1.0", "file": f"{key}-1.0.whl", "size": len(data), "sha256": _sha(data)}
        for key, data in (("first", served.files["first-1.0.whl"]), ("second", served.files["second-1.0.whl"]))
    }
    entry = {"name": "tiny", "kind": "test", "set": "default", "version": "1.0", "licence": "MIT", "main": ""}
    entry |= {"training_data": "undocumented", "card": "A test.", "files": [
        {"path": "model.bin", "size": len(NETWORK), "sha256": _sha(NETWORK), "from": {"first": "first/part", "second": "second/part"}},
        {"path": "sub/text.txt", "size": len(TEXT), "sha256": _sha(TEXT), "from": {"first": "first/text"}},
    ]}  # fmt: skip
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(yaml.safe_dump({"archives": archives, "entries": [entry]}), encoding="utf-8")
    monkeypatch.setattr(registry, "CATALOGUE", catalogue)
    monkeypatch.setattr(store, "_trusted", set())
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{served.address}/simple")
    for name in ("WORKBENCH_OFFLINE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    registry._catalogue.cache_clear()
    indexes._pip.cache_clear()
    yield served
    registry._catalogue.cache_clear()
    indexes._pip.cache_clear()
