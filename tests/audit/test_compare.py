"""Two kept audits side by side, and two models on the same rows."""

import numpy as np
import pytest

from workbench import audit
from workbench.audit import AuditError, compare
from workbench.audit.present.bundle import Bundle
from workbench.audit.stats import core, simulation
from workbench.evaluation.gaps import gap


@pytest.fixture(scope="module")
def sample():
    return simulation.people({"a": 30, "b": 30, "c": 3}, {"a": 0.7, "b": 0.6, "c": 0.7}, random=np.random.default_rng(6))


def run(s, probabilities, name="model", **changes):
    return audit.run(probabilities, s.labels, s.groups, people=s.people, classes=simulation.CLASSES, draws=300, name=name, **changes)


@pytest.fixture(scope="module")
def better(sample):
    """A third of the rows that were wrong in group b are put right, and one in twenty of the others."""
    wrong = np.array(simulation.CLASSES)[sample.probabilities.argmax(axis=1)] != sample.labels
    mend = wrong & (np.arange(len(wrong)) % np.where(sample.groups["group"] == "b", 3, 20) == 0)
    out = sample.probabilities.copy()
    out[mend] = 0.1
    out[mend, [simulation.CLASSES.index(x) for x in sample.labels[mend]]] = 0.8
    return out


def test_two_dates_side_by_side(sample, better):
    before, after = run(sample, sample.probabilities), run(sample, better)
    found = compare.side_by_side(before, after).query("metric == 'accuracy'").set_index("group")
    assert set(found.index) == {"everyone", "a", "b"}  # three people of c are too few to show
    assert found.loc["a", "change"] < found.loc["b", "change"]
    assert found.loc["b", "change"] == pytest.approx(found.loc["b", "after"] - found.loc["b", "before"])
    assert found.loc["b", "change_low"] < found.loc["b", "change"] < found.loc["b", "change_high"]
    own = {side: found.loc["b", [side, f"{side}_low", f"{side}_high"]].tolist() for side in ("before", "after")}
    by_hand = gap(*(core.Estimate(*own[side], 0.0, 30) for side in ("after", "before")), 0.95)
    assert (found.loc["b", "change_low"], found.loc["b", "change_high"]) == pytest.approx((by_hand.low, by_hand.high))


def test_the_same_people_give_a_narrower_interval_when_they_are_paired(sample, better):
    before, after = run(sample, sample.probabilities), run(sample, better)
    apart = compare.side_by_side(before, after).query("metric == 'accuracy' and group == 'b'").iloc[0]
    shared = {"people": sample.people, "classes": simulation.CLASSES, "draws": 300, "metrics": ["accuracy"]}
    moved = audit.change(sample.probabilities, better, sample.labels, sample.groups, **shared)
    paired = moved.groups.query("group == 'b'").iloc[0]
    assert paired["value"] == pytest.approx(apart["change"])
    assert paired["low"] > 0  # certainly better for b
    assert paired["high"] - paired["low"] < 0.8 * (apart["change_high"] - apart["change_low"])
    gap_changes = moved.gaps.query("group == 'b'").iloc[0]
    assert gap_changes["low"] > 0  # and more so than for the others


def test_runs_of_several_audits_are_compared_by_name(sample, better):
    one, two = run(sample, sample.probabilities, "face"), run(sample, better, "face")
    renamed = run(sample, better, "voice")
    assert list(compare.bundles(Bundle("x", {"face": one}), Bundle("y", {"face": two}))) == ["face"]
    assert list(compare.bundles(Bundle("x", {"face": one}), Bundle("y", {"voice": renamed}))) == ["face → voice"]
    with pytest.raises(AuditError, match="no audit in common: face, other against voice"):
        compare.bundles(Bundle("x", {"face": one, "other": one}), Bundle("y", {"voice": renamed}))


def test_nothing_in_common(sample):
    scores = audit.run(sample.scores, None, sample.groups, people=sample.people, kind="score", draws=100, metrics=["mean_score"])
    with pytest.raises(AuditError, match="no figure of any group in common"):
        compare.side_by_side(run(sample, sample.probabilities, metrics=["accuracy"]), scores)


def test_the_command_compares_folders(sample, better, tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name, p in (("before", sample.probabilities), ("after", better)):
        Bundle(name, {"model": run(sample, p)}).save(tmp_path / name)
    done = command("audit", "compare", tmp_path / "before", tmp_path / "after", "--metric", "accuracy", "--json")
    assert done.code == 0, done.err
    assert [r["group"] for r in done.json["audits"]["model"]] == ["everyone", "a", "b"]
    assert done.json["note"].startswith("Stored audits keep no rows")
    assert "everyone" in command("audit", "compare", tmp_path / "before", tmp_path / "after").out
    failed = command("audit", "compare", tmp_path / "before", tmp_path / "nowhere")
    assert failed.code == 2
    assert failed.err.count("\n") == 1
    assert "nowhere: no such folder, and no MLflow store" in failed.err
    assert not (tmp_path / "mlflow.db").exists()
