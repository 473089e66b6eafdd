"""Each notebook is a pair: py:percent for reading and comparing, .ipynb for opening. Both hold the same cells."""

from __future__ import annotations

import jupytext
import pytest

from tests.support.packages import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.mark.parametrize("script", NOTEBOOKS, ids=lambda path: path.stem)
def test_script_and_notebook_hold_the_same_cells(script) -> None:
    pair = [jupytext.read(path) for path in (script, script.with_suffix(".ipynb"))]
    cells = [[(cell.cell_type, cell.source.strip()) for cell in notebook.cells] for notebook in pair]
    assert cells[0] == cells[1], f"run: jupytext --update --to ipynb {script.relative_to(ROOT)}"
