"""The documentation as tests read it: fenced blocks of its pages, the commands in them, and the modules it documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.support.packages import ROOT

FENCE = re.compile(r"^```(?:\{\.)?(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```\s*$", re.M | re.S)

REFERENCE = tuple(sorted((ROOT / "docs" / "api").glob("*.md")))
"""The pages of the API reference."""


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: str  # path from the repository's root
    line: int
    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block, without comments; lines that end with a backslash are joined."""
        joined = self.text.replace("\\\n", " ")
        return [" ".join(line.split("  #")[0].split()) for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def pages() -> list[str]:
    """Every page of text: README first."""
    found = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "datasets").glob("*.md")),
    ]
    return [path.relative_to(ROOT).as_posix() for path in found]


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, *languages: str) -> list[Block]:
    """A page's fenced blocks in these languages, with the files that it includes."""
    text = re.sub(r'^--8<-- "(.+)"$', lambda included: read(included[1]), read(page), flags=re.M)
    return [
        Block(page, text.count("\n", 0, match.start()) + 2, match["language"], match["text"])
        for match in FENCE.finditer(text)
        if match["language"] in languages
    ]


def documented_modules(*reference: Path) -> list[str]:
    """The modules that pages of the API reference document: each has a ``::: module`` line."""
    return [name for page in reference for name in re.findall(r"^::: (workbench[\w.]*)$", page.read_text(encoding="utf-8"), re.M)]


def documented_members() -> dict[str, tuple[str, ...]]:
    """Each documented module with the names that its ``members`` option lists; all of its public names where it has none."""
    directive = re.compile(r"^::: (workbench[\w.]*)\n(?:    options:\n      members: \[([^\]]*)\])?", re.M)
    return {
        match[1]: tuple(name.strip() for name in (match[2] or "").split(",") if name.strip())
        for page in REFERENCE
        for match in directive.finditer(page.read_text(encoding="utf-8"))
    }


def source(module: str) -> Path:
    """A module's file."""
    path = ROOT / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
