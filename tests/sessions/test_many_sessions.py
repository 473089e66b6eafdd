"""Three hundred sessions in a folder: lists come in pages."""

import shutil
from pathlib import Path

import pytest

from tests.support.command import workbench
from workbench.sessions import synthetic
from workbench.sessions.store import list_sessions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("many")
    first = synthetic.write(root / "session-000", minutes=0.2)
    for i in range(1, 300):
        shutil.copytree(first, root / f"session-{i:03d}")
    return root


def test_all_are_listed_and_a_damaged_one_is_named(folder: Path) -> None:
    (folder / "session-007" / "header.json").write_text("{")
    rows = list_sessions(folder)
    assert len(rows) == 300
    assert [r["id"] for r in rows if r["problem"]] == ["session-007"]


def test_the_command_gives_a_page_at_a_time(folder: Path) -> None:
    first, last = (workbench("sessions", "list", "--folder", folder, "--page", page) for page in (1, 6))
    assert "page 1 of 6, 300 sessions" in first.out
    assert "page 6 of 6" in last.out
    assert len(workbench("sessions", "list", "--folder", folder, "--json").json) == 300
    done = workbench("sessions", "list", "--folder", folder, "--page", 7)
    assert done.code == 2
    assert done.err.strip() == "workbench: --page 7: there are 6 pages of 50 sessions; give a smaller number"
