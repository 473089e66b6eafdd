"""The notebook for any table, with parameters of one's own, and the bench command."""

import json
from pathlib import Path

import pytest

from tests.audit.test_bundle import write

ROOT = Path(__file__).parents[2]


def test_papermill_audits_a_given_table(tmp_path):
    import papermill

    write(tmp_path)
    parameters = {
        "table": str(tmp_path / "decisions.csv"), "prediction": "said", "label": "truth", "person": "who", "groupings": ["sex", "race"],
        "options": {"draws": 200}, "name": "decisions", "out": str(tmp_path / "out"),
        "gates": [{"metric": "accuracy", "grouping": "sex", "limit": 0.1}],
    }  # fmt: skip
    papermill.execute_notebook(
        ROOT / "notebooks" / "bias_audit_template.ipynb", tmp_path / "mine.ipynb", parameters, progress_bar=False, cwd=str(tmp_path)
    )
    cells = json.loads((tmp_path / "mine.ipynb").read_text())["cells"]
    said = "".join(line for c in cells if c["cell_type"] == "code" for o in c["outputs"] for line in o.get("text", []))
    assert "given table: 400 rows, 40 people" in said
    assert "Accuracy is lower (worse) for Female (n = 20 people)" in said
    assert "the limit is 0.1 (interval)" in said
    assert "SIMULATED" not in said
    assert (tmp_path / "out" / "audit" / "audit.html").exists()


@pytest.mark.parametrize("name", ["bias_audit_crema_d", "bias_audit_accents", "bias_audit_template"])
def test_notebooks_and_their_scripts_are_the_same(name):
    import jupytext

    script, notebook = (jupytext.read(ROOT / "notebooks" / f"{name}.{ending}") for ending in ("py", "ipynb"))
    assert [(c.cell_type, c.source, c.metadata.get("tags")) for c in script.cells] == [
        (c.cell_type, c.source, c.metadata.get("tags")) for c in notebook.cells
    ]
    assert not any(c.get("outputs") for c in notebook.cells)


def test_the_bench_prints_every_figure_that_is_promised(command, generated_root, monkeypatch):
    from workbench.audit import benchmark

    monkeypatch.setenv("WORKBENCH_DATA", str(generated_root.parent))
    # the command's own figures, of a smaller many-rows table and fewer simulated audits
    whole = benchmark.many_rows
    monkeypatch.setattr(benchmark, "many_rows", lambda: whole(20_000, 20, 100))
    for part in ("coverage", "false_alarms"):
        own = getattr(benchmark, part)
        monkeypatch.setattr(benchmark, part, lambda runs, own=own: own(3))
    done = command("audit", "bench", "--quick", "--json")
    assert done.code == 0, done.err
    found = done.json
    assert (found["rows"], found["people"], found["channels"]) == (1728, 72, 3)
    assert found["crema_d_s"] > 0
    assert found["many_rows_s"] > 0
    assert found["many_rows_peak_mb"] > 0
    assert set(found["coverage"]) == {"value", "difference", "ratio", "worst"}
    assert set(found["false_alarms"]) == {"bh", "holm", "none"}
