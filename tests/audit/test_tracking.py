"""Audits in MLflow: what is logged, how it is found again, and that looking makes no store."""

import pytest

from tests.audit.test_bundle import write
from workbench.audit import AuditError, config, tracking
from workbench.audit.present import bundle


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A working folder with MLflow's default store and one audit in it."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        asked = config.load(write(folder))
        found = bundle.run(asked)
        yield {"folder": folder, "found": found, "run": tracking.log(found, asked)}


def test_a_run_holds_scalars_tables_figures_and_fingerprints(store):
    import mlflow

    kept = mlflow.get_run(store["run"])
    worst = store["found"].audits["said"].worst.query("metric == 'accuracy' and grouping == 'sex × race'").iloc[0]
    assert kept.data.metrics["said.gap.sex_x_race.accuracy"] == pytest.approx(worst["gap"])
    assert kept.data.metrics["said.gap.sex_x_race.accuracy.low"] == pytest.approx(worst["low"])
    assert kept.data.tags["fingerprint.data"] == store["found"].fingerprints["data"]
    assert kept.data.tags["fingerprint.predictions.said"] == store["found"].fingerprints["predictions said"]
    assert kept.data.tags["exceeded"] == "1"
    assert kept.data.params["draws"] == "200"
    client = mlflow.MlflowClient()
    names = {f.path for part in ("", "said", "figures", "ll144") for f in client.list_artifacts(store["run"], part)}
    assert {"audit.html", "config.json", "said/gaps.csv", "said/audit.json", "figures/said.png", "ll144/ll144.csv"} <= names


def test_a_kept_run_is_found_by_its_id_and_by_its_folder(store, tmp_path):
    assert tracking.find(store["run"]).html() == store["found"].html()
    store["found"].save(tmp_path / "folder")
    assert tracking.find(str(tmp_path / "folder")).html() == store["found"].html()
    with pytest.raises(AuditError, match="neither a folder nor an MLflow run: 'nothing'"):
        tracking.find("nothing")


def test_kept_runs_are_listed_newest_first(store, command):
    done = command("audit", "list", "--json")
    assert done.code == 0, done.err
    assert [(r["run"], r["name"], r["predictions"], r["exceeded"]) for r in done.json] == [(store["run"], "decisions", "said", 1)]
    assert store["run"] in command("audit", "list").out


def test_an_audit_names_the_run_of_its_model(store):
    asked = config.load(write(store["folder"], {"model_run": store["run"]}))
    second = tracking.log(store["found"], asked)
    assert tracking.runs()[0] | {"started": 0} == {
        "run": second, "name": "decisions", "started": 0, "predictions": "said", "exceeded": 1, "model_run": store["run"],
    }  # fmt: skip
    import mlflow

    assert mlflow.get_run(store["run"]).data.tags["audit_run"] == second  # and the model's run names the audit
    mlflow.delete_run(second)
    with pytest.raises(AuditError, match="model_run: 'gone'"):
        tracking.log(store["found"], asked.model_copy(update={"model_run": "gone"}))


def test_looking_makes_no_store(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking.runs() == []
    assert list(tmp_path.iterdir()) == []
    assert command("audit", "list").code == 0
