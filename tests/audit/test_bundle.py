"""A whole audit run from its YAML: limits, files, what is refused; through the command line where people meet it."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from workbench.audit import AuditError, config
from workbench.audit.present import bundle
from workbench.errors import SettingsError

ROOT = Path(__file__).parents[2]


def write(folder, changes=None, **columns):
    """A table of 40 people with ten decisions each, women judged right less often, and the YAML that audits it."""
    random = np.random.default_rng(3)
    person = np.repeat(np.arange(40), 10)
    sex = np.where(person < 20, "Female", "Male")
    truth = random.choice(["no", "yes"], len(person))
    right = random.random(len(person)) < np.where(sex == "Female", 0.6, 0.9)
    said = np.where(right, truth, np.where(truth == "yes", "no", "yes"))
    race = np.where(person % 3 == 0, "Asian", "White")
    table = pd.DataFrame({"said": said, "truth": truth, "who": person, "sex": sex, "race": race} | columns)
    table.to_csv(folder / "decisions.csv", index=False)
    source = {"path": str(folder / "decisions.csv"), "kind": "classifier", "prediction": "said", "label": "truth", "person": "who"}
    values = {
        "name": "decisions", "source": {"table": source}, "groupings": ["sex", "race"], "audit": {"draws": 200}, "track": False,
        "gates": [{"metric": "accuracy", "grouping": "sex", "limit": 0.1}],
        "ll144": {"predictions": "said", "ethnicity": None}, "out": str(folder / "out"),
    }  # fmt: skip
    path = folder / "audit.yaml"
    path.write_text(yaml.safe_dump(values | (changes or {})))
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    return folder, bundle.run(config.load(write(folder)))


def test_a_stated_limit_that_is_exceeded_fails_the_run(tmp_path, command):
    done = command("audit", "run", "--config", write(tmp_path), "--json")
    assert done.code == 1
    assert len(done.json["exceeded"]) == 1
    assert done.json["exceeded"][0].startswith("said: accuracy of Female (n = 20) differs from Male by -0.")
    assert "the limit is 0.1 (interval)" in done.json["exceeded"][0]
    assert Path(done.json["page"]).read_text().count("Stated limits that are exceeded") == 1


def test_within_the_limits_the_run_passes(tmp_path, command):
    path = write(tmp_path, {"gates": [{"metric": "accuracy", "grouping": "race", "limit": 0.2}]})
    done = command("audit", "run", "--config", path)
    assert done.code == 0, done.err
    assert "Accuracy is lower (worse) for Female" in done.out
    assert "page:" in done.out


def test_a_limit_holds_for_the_interval_or_for_the_figure(made):
    audits = made[1].audits
    gap = abs(audits["said"].gaps.query("metric == 'accuracy' and grouping == 'sex'").iloc[0]["difference"])
    shared = {"metric": "accuracy", "grouping": "sex", "limit": gap - 0.01}
    assert bundle.check(config.Gate(**shared), audits) == []  # the interval reaches below it
    assert len(bundle.check(config.Gate(**shared, by="estimate"), audits)) == 1
    assert bundle.check(config.Gate(**{**shared, "limit": gap + 0.01}, by="estimate"), audits) == []


def test_every_table_and_the_page_are_written_and_read_back(made, tmp_path):
    _, found = made
    page = found.save(tmp_path / "kept")
    assert page == tmp_path / "kept" / "audit.html"
    assert {"groups.csv", "gaps.csv", "worst.csv", "audit.json"} <= {p.name for p in (tmp_path / "kept" / "said").iterdir()}
    assert {"ll144.csv", "ll144.html", "ll144.txt"} <= {p.name for p in (tmp_path / "kept" / "ll144").iterdir()}
    back = bundle.load(tmp_path / "kept")
    pd.testing.assert_frame_equal(back.audits["said"].gaps, found.audits["said"].gaps, check_dtype=False)
    assert back.audits["said"].options == found.audits["said"].options
    assert back.exceeded == found.exceeded
    assert back.fingerprints == found.fingerprints
    assert back.ll144.summary() == found.ll144.summary()
    assert re.search(r"^Date of the audit: 20\d\d-\d\d-\d\d$", found.ll144.summary(), re.M)
    assert back.html() == found.html()
    assert f"data {found.fingerprints['data']}, predictions said" in found.html()


def test_fingerprints_tell_the_data_from_the_model(tmp_path, made):
    first = made[1].fingerprints
    other = pd.read_csv(made[0] / "decisions.csv")["said"].to_numpy()
    other[0] = "yes" if other[0] == "no" else "no"
    second = bundle.run(config.load(write(tmp_path, said=other))).fingerprints
    assert set(first) == {"data", "predictions said"}
    assert first["data"] == second["data"]
    assert first["predictions said"] != second["predictions said"]


def test_progress_counts_to_its_end(tmp_path):
    seen = []
    bundle.run(config.load(write(tmp_path)), lambda *step: seen.append(step[1:]))
    assert seen == [(i, 3) for i in range(4)]  # nothing yet; the table read; the audit made; the law's tables made


def test_the_default_configuration_is_valid():
    asked = config.load(ROOT / "experiments" / "audit_default.yaml")
    assert asked.source.corpus == "crema-d"
    assert set(asked.groupings) == {"sex", "race", "ethnicity", "age_band"}
    assert asked.audit.draws == 1000
    assert asked.gates


BAD = {
    "a key that is not known": ({"gate": []}, {}, "unknown key 'gate'"),
    "no source": ({"source": {}}, {}, "give either a corpus or a table"),
    "no grouping": ({"groupings": []}, {}, "groupings: tuple should have at least 1 item"),
    "a grouping that is not there": ({"groupings": ["age"]}, {}, "groupings: no column 'age'; there are said, truth"),
    "a limit of no figure": ({"gates": [{"metric": "auc", "grouping": "sex", "limit": 0.1}]}, {}, "gates: said has no auc by sex"),
    "a limit of no audit": (
        {"gates": [{"metric": "accuracy", "grouping": "sex", "limit": 0.1, "predictions": "x"}]}, {}, "gates: no audit 'x'; there are said",
    ),
    "a limit below zero": ({"gates": [{"metric": "accuracy", "grouping": "sex", "limit": -1}]}, {}, "gates.0.limit: input should be"),
    "two models of one": ({"compare": ["said", "other"]}, {}, "compare: 'other' not among the predictions said"),
    "costs without modalities": ({"costs": {}}, {}, "costs: the source has no modalities to take away"),
    "a decision about no label": ({"mitigation": {"label": "angry"}}, {}, r"mitigation.label: 'angry' not among \(no classes\)"),
    "the law's tables from nothing": ({"ll144": {"predictions": "other"}}, {}, "ll144.predictions: 'other' not among said"),
    "the law's tables of no column": ({"ll144": {"predictions": "said", "race": "origin"}}, {}, "ll144: no grouping 'origin'"),
    "labels outside the set": ({"metrics": ["recall_maybe"]}, {}, "metrics: recall_maybe not among accuracy"),
    "groups that differ by case only": ({}, {"sex": ["Female", "female"] * 200, "who": range(400)}, "groups: sex: .* differ only by case"),
    "missing labels": ({}, {"truth": [None, *["yes"] * 399]}, r"labels: 1 of 400 \(first: row 0\) is missing"),
    "rows without a person": ({}, {"who": [None, *[1] * 399]}, "people: 1 rows have no person"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_run_is_one_line_and_exit_code_2(case, tmp_path, command):
    changes, columns, message = BAD[case]
    done = command("audit", "run", "--config", write(tmp_path, changes, **columns))
    assert done.code == 2
    *before, last = done.err.strip().splitlines()
    assert last.startswith("workbench: ")
    assert re.search(message, last), last
    assert all(line.startswith("audit decisions ") for line in before)  # the progress bar, as far as it came


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("prediction", [np.nan, *np.linspace(0, 1, 399)], r"predictions: 1 of 400 \(first: row 0\) is NaN"),
        ("weight", [-1, *[1] * 399], r"weights: 1 of 400 \(first: row 0\) is negative"),
    ],
)
def test_scores_and_weights_of_a_table_are_checked(tmp_path, column, values, message):
    source = {"path": str(tmp_path / "decisions.csv"), "kind": "score", "prediction": "points", "person": "who"}
    points = {"points": values} if column == "prediction" else {"points": np.linspace(0, 1, 400), "w": values}
    path = write(tmp_path, {"source": {"table": source | ({"weight": "w"} if column == "weight" else {})}}, **points)
    with pytest.raises(AuditError, match=message):
        bundle.run(config.load(path))


def test_without_the_corpus_the_folder_is_asked_for(monkeypatch, command):
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    done = command("audit", "run", "--config", ROOT / "experiments" / "audit_default.yaml", "--no-track")
    assert done.code == 2
    assert "where is the corpus 'crema-d'? Give its folder, or set WORKBENCH_DATA to the folder that holds crema-d/" in done.err


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(SettingsError, match=r"missing\.yaml: cannot be read"):
        config.load(tmp_path / "missing.yaml")
    source = {"path": str(tmp_path / "none.csv"), "kind": "score", "prediction": "x"}
    with pytest.raises(AuditError, match=r"none\.csv: cannot be read"):
        bundle.run(config.load(write(tmp_path, {"source": {"table": source}})))
    with pytest.raises(AuditError, match="not an audit run"):
        bundle.load(tmp_path)
    (tmp_path / "bundle.json").write_text(json.dumps({"name": "x"}))
    with pytest.raises(AuditError, match=r"not an audit run \(KeyError\)"):
        bundle.load(tmp_path)
