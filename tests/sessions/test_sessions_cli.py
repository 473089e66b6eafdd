"""``workbench sessions`` and ``workbench replay`` as a person runs them."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from workbench.cli import app, commands, main  # noqa: F401  (commands registers every group)
from workbench.sessions import consent
from workbench.sessions.store import Session


@pytest.fixture
def run(copied, monkeypatch):
    monkeypatch.setenv("WORKBENCH_SESSIONS", str(copied.parent))
    monkeypatch.setenv("COLUMNS", "160")

    def invoke(*arguments):
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return invoke


def test_list(run):
    assert "demo" in run("sessions", "list")
    assert [s["id"] for s in json.loads(run("sessions", "list", "--json"))] == ["demo"]


def test_list_of_an_empty_folder(run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no sessions in" in run("sessions", "list", "--folder", str(tmp_path / "empty"))
    assert json.loads(run("sessions", "list", "--folder", str(tmp_path / "empty"), "--json")) == []


def test_show_by_id_and_by_path(run, copied):
    text = run("sessions", "show", "demo")
    assert "composite" in text
    assert "nobody" in text or "no person was recorded" in text
    found = json.loads(run("sessions", "show", str(copied), "--json"))
    assert (found["id"], found["duration"], found["warnings"]) == ("demo", 150.0, [])


def test_show_says_which_channels_are_off_and_what_was_repaired(run, copied):
    header = json.loads((copied / "header.json").read_text())
    header |= {"purpose": "hiring", "jurisdiction": "DE", "disabled": consent.disabled_channels("hiring", "DE")}
    (copied / "header.json").write_text(json.dumps(header))
    with (copied / "affect.jsonl").open("ab") as file:
        file.write(b"{")
    text = run("sessions", "show", "demo")
    assert "Art. 5(1)(f)" in text
    assert "affect.jsonl: its last line was torn" in text


def test_export(run, tmp_path):
    paths = json.loads(run("sessions", "export", "demo", "--out", str(tmp_path / "out"), "--format", "csv", "--json"))
    assert str(tmp_path / "out" / "windows.csv") in paths


def test_replay_with_the_same_settings(run):
    assert json.loads(run("replay", "demo", "--json"))["same_bytes"]
    assert "the stored bytes" in run("replay", "demo")


def test_replay_with_other_settings_is_deterministic_and_writes(run, tmp_path, copied):
    (tmp_path / "s.yaml").write_text("fusion:\n  weights: {visual: 0.1, audio: 0.9}\nspeech:\n  beam: 1\n")
    before = {p.name: p.read_bytes() for p in copied.iterdir()}
    first = run("replay", "demo", "--settings", str(tmp_path / "s.yaml"), "--json", "--out", str(tmp_path / "one"))
    second = run("replay", "demo", "--settings", str(tmp_path / "s.yaml"), "--json", "--out", str(tmp_path / "two"))
    found = json.loads(first)
    assert not found["same_bytes"]
    assert found["ignored_sections"] == ["speech"]
    assert found["changed_labels"]
    assert first.replace("/one/", "/two/") == second
    for name in ("windows.jsonl", "scores.jsonl", "settings.yaml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert {p.name: p.read_bytes() for p in copied.iterdir()} == before
    assert "not followed: speech" in run("replay", "demo", "--settings", str(tmp_path / "s.yaml"))


@pytest.mark.parametrize(
    "arguments", [["replay", "nowhere"], ["sessions", "show", "nowhere"], ["replay", "SESSION", "--settings", "/nowhere.yaml"],
                  ["sessions", "export", "SESSION", "--format", "xlsx"], ["replay", "SESSION", "--out", "SESSION"]]
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(copied, arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["workbench", *(str(copied) if a == "SESSION" else a for a in arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    out, err = capsys.readouterr()
    assert stopped.value.code == 2
    assert err.startswith("workbench: ")
    assert err.count("\n") == 1
    assert out == ""


def test_replaying_runs_no_model(copied):
    """The command imports no model library: what it computes comes from what is stored."""
    script = (
        "import sys; from workbench.sessions import replay; from workbench.sessions.store import Session; "
        f"replay.replay_session(Session.open({str(copied)!r})).windows; "
        "print([m for m in ('tensorflow', 'torch', 'mediapipe', 'whisperx', 'openvino', 'sentence_transformers') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    assert Session.open(copied).warnings == []
