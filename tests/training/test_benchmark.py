"""The benchmark's shape and its arithmetic, on generated clips and on part of CREMA-D's votes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Done
from tests.support.pictures import assert_same
from tests.support.samples import cut
from workbench.evaluation.samples import Samples
from workbench.fusion.network import Hyperparameters
from workbench.training import benchmark, catalogue, figures

NAMES = ("accuracy", "macro_f1", "log_loss", "ece")


@pytest.fixture(scope="module")
def found(samples: Samples) -> dict[str, Any]:
    return benchmark.run(samples, 3, 2, 100, Hyperparameters(hidden=4, members=2, epochs=3, batch=128), jobs=1)


def test_it_is_json_with_an_interval_beside_every_figure(found: dict[str, Any]) -> None:
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {"average", "product", "rules", "calibrated_average", "logistic", "learned"} <= {s["name"] for s in found["strategies"]}
    for line in found["strategies"]:
        for name in NAMES:
            assert line[name]["low"] <= line[name]["value"] <= line[name]["high"]
            for other in ("versus_average", "versus_best_single"):
                assert set(line[other][name]) == {"value", "low", "high"}
        assert sum(line["reliability"]["count"]) == 2 * found["clips"]
        assert line["fit_seconds"] >= 0


def test_differences_are_paired_and_add_up(found: dict[str, Any]) -> None:
    by_name = {s["name"]: s for s in found["strategies"]}
    average = by_name["average"]
    assert set(average["versus_average"]["accuracy"].values()) == {0.0}
    for line in found["strategies"]:
        gain = line["versus_average"]["accuracy"]
        assert gain["value"] == pytest.approx(line["accuracy"]["value"] - average["accuracy"]["value"])
    # paired intervals are narrower than those of independent samples would be
    gain, whole = by_name["weighted_average"]["versus_average"]["accuracy"], average["accuracy"]
    assert gain["high"] - gain["low"] < whole["high"] - whole["low"]


def test_ablation_stands_beside_the_gap(found: dict[str, Any]) -> None:
    rows = {(r["strategy"], r["without"]): r for r in found["ablation"]}
    assert set(rows) == {(s, w) for s in benchmark.ABLATED for w in (None, "visual", "audio")}
    for (name, gone), row in rows.items():
        assert set(row["gaps"]["sex"]) == {"value", "low", "high", "worst", "change"}
        if gone:
            change = row["accuracy"]["value"] - rows[name, None]["accuracy"]["value"]
            assert row["accuracy_change"]["value"] == pytest.approx(change)
    assert rows["average", "visual"]["accuracy"] == next(s["accuracy"] for s in found["strategies"] if s["name"] == "voice")


def test_the_ceiling_is_never_an_input(found: dict[str, Any], samples: Samples) -> None:
    assert [c["name"] for c in found["ceiling"]] == ["human_av", "human_av_calibrated"]
    without = benchmark.run(replace(samples, human=None), 3, 2, 100, Hyperparameters(hidden=4, members=2, epochs=3, batch=128), jobs=1)
    assert without["ceiling"] == []
    for a, b in zip(found["strategies"], without["strategies"], strict=True):
        assert a["accuracy"] == b["accuracy"]


def test_pictures_are_drawn(found: dict[str, Any], tmp_path: Path) -> None:
    drawn = figures.save(found, tmp_path / "new" / "folder")
    assert [p.name for p in drawn] == ["reliability.png", "strategies.png", "ablation.png"]
    for picture in drawn:
        assert_same(picture, f"benchmark_{picture.stem}")


def test_the_command_on_votes(command: Callable[..., Done], few_votes: Path, tmp_path: Path) -> None:
    options = ("--folds", 2, "--seeds", 1, "--draws", 50, "--jobs", 1)
    done = command("fusion", "benchmark", "--corpus", "crema-d", "--path", few_votes, *options, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert done.json["persons"] == 18
    by_name = {s["name"]: s for s in done.json["strategies"]}
    assert by_name["learned"]["accuracy"]["value"] > by_name["average"]["accuracy"]["value"]
    assert any("tied first place" in note for note in done.json["notes"])
    assert json.loads((tmp_path / "out" / "benchmark.json").read_text()) == done.json


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("nowhere", "no such folder"),
        ("empty", "the folder is empty"),
        ("stub", "a git-LFS pointer"),
        ("columns", "lacks column numResponses"),
        ("people", "2 persons cannot make 5 folds by person"),
    ],
)
def test_a_bad_corpus_is_one_clear_line(
    damage: str, message: str, command: Callable[..., Done], generated_root: Path, tmp_path: Path
) -> None:
    root = tmp_path / "crema-d"
    if damage == "empty":
        root.mkdir()
    elif damage != "nowhere":
        votes = cut(generated_root, root, 2) / "processedResults" / "tabulatedVotes.csv"
        if damage == "stub":
            votes.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
        elif damage == "columns":
            votes.write_text(votes.read_text().replace("numResponses", "respondents"))
    done = command("fusion", "benchmark", "--path", root, "--jobs", 1)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""


def test_what_is_doubtful_in_a_corpus_is_said_beside_the_figures(generated_root: Path, tmp_path: Path) -> None:
    votes = cut(generated_root, tmp_path / "crema-d", 6) / "processedResults" / "tabulatedVotes.csv"
    head, *rows = votes.read_text().splitlines()
    votes.write_text("\n".join([head + ",zodiac", *(f"{row},leo" for row in [*rows, rows[0]])]) + "\n")
    notes = "\n".join(catalogue.load("crema-d", tmp_path / "crema-d").notes)
    for predicted in (
        "unknown columns left out: zodiac",
        "has a second row for this channel; the first is kept",
        "tied first place",
        "one person only",
    ):
        assert predicted in notes


def test_unknown_corpus_and_no_data_root(command: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "corpus 'films' is not known; choose one of crema-d" in command("fusion", "benchmark", "--corpus", "films").err
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    done = command("fusion", "benchmark")
    assert (done.code, "set WORKBENCH_DATA" in done.err) == (2, True)
