"""Installed packages made by tests: a folder with modules and metadata, as `pip install --target` would leave it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def install(folder: Path, name: str, points: Mapping[str, Mapping[str, str]], modules: Mapping[str, str], version: str = "1.0") -> Path:
    """Write a package into `folder`.

    Parameters
    ----------
    points : mapping
        Entry-point group → name → ``"module:attribute"``.
    modules : mapping
        Module name → source.
    """
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [line for group, entries in points.items() for line in (f"[{group}]", *(f"{n} = {v}" for n, v in entries.items()))]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)
    return folder


def fresh(
    *arguments: object, packages: tuple[Path, ...] = (), folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """``python ARGUMENTS`` in a process of its own that sees `packages` besides the tested ones."""
    path = os.pathsep.join(map(str, (*packages, ROOT)))
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, cwd=folder, timeout=300,
        env=os.environ | {"PYTHONPATH": path} | environment,
    )  # fmt: skip
