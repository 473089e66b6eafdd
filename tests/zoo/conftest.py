"""A small zoo: one entry whose archives a registry on this machine serves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.registry import Registry, serve
from tests.support.small_zoo import wheels, write_catalogue
from workbench.zoo import indexes, registry, store


@pytest.fixture
def served() -> Iterator[Registry]:
    with serve() as running:
        running.files.update(wheels())
        yield running


@pytest.fixture
def small_zoo(served: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """The zoo has the entry `tiny` only, which only `served` provides."""
    monkeypatch.setattr(registry, "CATALOGUE", write_catalogue(tmp_path / "catalogue.yaml", served.files))
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{served.address}/simple")
    for name in ("WORKBENCH_OFFLINE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    store.checked.clear()
    indexes.pip_options.cache_clear()
    yield served
    store.checked.clear()
    indexes.pip_options.cache_clear()
