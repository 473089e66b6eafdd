"""A moment can be taken out of a session: frame, sound, words; and a refusion kept as an experiment."""

import io
import json
import wave
import zipfile

import numpy as np
import pytest

from tests.support import media
from tests.support.command import workbench as run
from workbench.errors import SessionError
from workbench.report import snippet
from workbench.sessions import differences, experiment, overview, replay
from workbench.sessions.store import Session
from workbench.settings import from_dict, to_yaml


def test_a_snippet_holds_the_frame_the_sound_and_the_words_of_its_span(copied, monkeypatch, tmp_path):
    pictures = ((i / 5, np.full((120, 160, 3), i % 250, np.uint8)) for i in range(5 * 40))
    media.write(copied / "video.mp4", pictures)
    session = Session.open(copied)
    made = snippet.parts(session, 20.0, 24.0)
    said = session.words[(session.words["start"] < 24) & (session.words["end"] > 20)]["word"]
    assert made["words.txt"].decode().split() == " ".join(said).split()
    with wave.open(io.BytesIO(made["audio.wav"])) as sound, wave.open(str(session.audio_path)) as whole:
        assert (sound.getnframes(), sound.getframerate()) == (64000, 16000)
        whole.setpos(320000)
        assert sound.readframes(64000) == whole.readframes(64000)
    (tmp_path / "frame.jpg").write_bytes(made["frame.jpg"])
    assert abs(float(media.read_image(tmp_path / "frame.jpg").mean()) - 22 * 5) < 6  # the frame of second 22 is grey 110

    monkeypatch.setenv("WORKBENCH_SESSIONS", str(copied.parent))
    done = run("sessions", "snippet", "demo", "--start", "20", "--end", "24", "--out", tmp_path / "s.zip")
    assert done.code == 0
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert {n: archive.read(n) for n in archive.namelist()} == made


def test_what_is_not_stored_is_named_and_an_impossible_span_refused(copied):
    (copied / "audio.wav").unlink()
    about = json.loads(snippet.parts(Session.open(copied), 20, 24)["snippet.json"])
    assert about["missing"] == ["audio: none is stored", "frame: no video is stored"]
    for start, end in ((24, 20), (20, 20), (900, 910)):
        with pytest.raises(SessionError, match="no snippet from"):
            snippet.parts(Session.open(copied), start, end)


def test_a_refusion_is_kept_in_mlflow_with_settings_scores_figure_and_fingerprint(generated, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    session = Session.open(generated)
    tree = session.settings.echo()
    tree["fusion"]["weights"] = {"visual": 0.1, "audio": 0.9}
    tree["scoring"]["composite"]["technical"] = 0.0
    result = replay.replay_session(session, from_dict(tree, "test", environment=False))
    found = differences.of_session(session, result)
    path = tmp_path / "voice.yaml"
    path.write_text(to_yaml(result.settings))
    run_id = experiment.record(session, result, found, path, overview.of_stored(session))

    import mlflow

    kept = mlflow.get_run(run_id)
    assert kept.data.params["fusion.weights.audio"] == "0.9"
    assert kept.data.metrics["changed_labels"] == len(found["changed_labels"]) > 0
    moved = next(m for m in found["moved_scores"] if (m["scope"], m["name"]) == ("session", "composite"))
    assert kept.data.metrics["moved.session.composite"] == pytest.approx(moved["after"] - moved["before"])
    assert len(kept.data.tags["session_fingerprint"]) == 64
    names = {a.path for a in mlflow.MlflowClient().list_artifacts(run_id)}
    assert {"voice.yaml", "fused.png", "differences.json"} <= names
