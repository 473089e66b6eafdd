"""The whole path on the sample interview: a real face, speech whose true words and times are known (synthetic voice)."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jiwer
import pytest

from tests.support.command import Done
from workbench.labels import BASIC
from workbench.sample import SamplePaths
from workbench.sessions.store import Session

pytestmark = pytest.mark.media
PLAIN = jiwer.Compose(
    [
        jiwer.ToLowerCase(),
        jiwer.SubstituteRegexes({"-": ""}),
        jiwer.RemovePunctuation(),
        jiwer.Strip(),
        jiwer.ReduceToListOfListOfWords(),
    ]
)


def truth(paths: SamplePaths) -> list[dict[str, Any]]:
    return [w for answer in json.loads(paths.truth.read_text())["answers"] for w in answer["words"]]


def test_the_words_that_were_spoken_are_recognised(evaluated: Session, sample_paths: SamplePaths) -> None:
    said = " ".join(w["word"] for w in truth(sample_paths))
    heard = " ".join(evaluated.words.word)
    assert jiwer.wer(said, heard, reference_transform=PLAIN, hypothesis_transform=PLAIN) <= 0.08


def test_fillers_are_counted_in_every_answer(evaluated: Session, sample_paths: SamplePaths) -> None:
    spoken = [sum(w["filler"] for w in a["words"]) for a in json.loads(sample_paths.truth.read_text())["answers"]]
    assert [a.fillers for a in evaluated.answers] == spoken


def test_every_score_is_there_with_evidence_that_adds_up(evaluated: Session) -> None:
    scopes = {"session", *(a.question_id for a in evaluated.answers)}
    found = {(s.scope, s.name): s for s in evaluated.score_messages}
    for scope in scopes:
        for name in ("technical", "clarity", "confidence", "engagement"):
            score = found[scope, name]
            assert score.value is not None
            assert 0 <= score.low <= score.value <= score.high <= 1
            assert math.fsum(c.contribution for c in score.contributions) == score.value
            assert any(c.evidence for c in score.contributions)
    assert found["session", "composite"].value is not None


def test_windows_cover_the_recording_and_say_what_was_missing(evaluated: Session) -> None:
    windows = evaluated.fused_windows
    assert windows[0].start == 0
    assert windows[-1].end >= evaluated.duration - 1
    assert {k for w in windows if w.fused_emotion for k in w.fused_emotion.probs} == set(BASIC)
    silent = [w for w in windows if w.audio is None]
    assert silent
    assert all(w.missing["audio"] for w in silent)
    assert all(sum(w.weights.values()) == pytest.approx(1) for w in windows if w.fused_emotion)


def test_the_header_says_what_a_reader_must_know(evaluated: Session) -> None:
    header = evaluated.header
    assert header.purpose == "demonstration"
    assert header.consent.given is False
    assert header.settings["smoothing"]["alpha"] == 0.6
    assert {"blazeface-short-range", "facex-mobilenetv2", "whisper-base", "minilm"} <= set(header.models)
    assert all(m["sha256"] and m["licence"] and m["training_data"] for m in header.models.values())
    assert len(header.media["sha256"]) == 64


def test_replay_gives_the_same_bytes_and_other_settings_give_others(
    evaluated: Session, tmp_path: Path, command: Callable[..., Done]
) -> None:
    same = command("replay", evaluated.folder, "--out", tmp_path / "same", "--json")
    assert same.json["same_bytes"] is True
    for name in ("windows.jsonl", "scores.jsonl"):
        assert (tmp_path / "same" / name).read_bytes() == (evaluated.folder / name).read_bytes()
    other = tmp_path / "visual_only.yaml"
    other.write_text("fusion: {weights: {visual: 1.0, audio: 0.0}}\n")
    changed = command("replay", evaluated.folder, "--settings", other, "--json")
    assert changed.json["same_bytes"] is False


def test_json_holds_what_the_session_holds(evaluated: Session, evaluated_json: dict[str, Any]) -> None:
    assert evaluated_json["windows"] == len(evaluated.fused_windows)
    assert evaluated_json["scores"] == [s.model_dump(mode="json") for s in evaluated.score_messages]
    assert Path(evaluated_json["report"]).read_text().startswith("<!doctype html>")


def test_tables_export_to_parquet(evaluated: Session, tmp_path: Path, command: Callable[..., Done]) -> None:
    import pandas as pd

    done = command("sessions", "export", evaluated.folder, "--out", tmp_path / "tables", "--json")
    tables = {Path(p).stem: pd.read_parquet(p) for p in done.json}
    assert list(tables["words"].word) == list(evaluated.words.word)
    assert len(tables["windows"]) == len(evaluated.fused_windows)


def test_hiring_in_the_eu_leaves_only_the_transcript(sample_paths: SamplePaths, tmp_path: Path, command: Callable[..., Done]) -> None:
    done = command(
        "evaluate", sample_paths.video, "--questions", sample_paths.interview, "--purpose", "hiring", "--jurisdiction", "DE",
        "--out", tmp_path / "s", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert set(done.json["disabled"]) == {"visual_emotion", "prosodic_affect"}
    assert all("5(1)(f)" in reason for reason in done.json["disabled"].values())
    session = Session.open(tmp_path / "s")
    assert not session.detections
    assert not session.visual
    assert not len(session.track("affect"))
    assert all(w.fused_emotion is None and w.missing for w in session.fused_windows)
    scores = {s.name: s for s in session.score_messages if s.scope == "session"}
    assert scores["technical"].value is not None
    assert scores["clarity"].value is not None
    assert scores["confidence"].value is None
    assert "5(1)(f)" in " ".join(scores["confidence"].missing.values())


def test_an_evaluation_killed_in_the_middle_opens_with_what_was_written(sample_paths: SamplePaths, tmp_path: Path) -> None:
    import os
    import signal
    import subprocess
    import sys
    import time

    folder = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-m", "workbench", "evaluate", str(sample_paths.video), "--out", str(folder), "--json"])
    rows = folder / "detections.jsonl"
    deadline = time.monotonic() + 300
    while not (rows.exists() and rows.stat().st_size > 40_000):
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    session = Session.open(folder)
    assert len(session.detections) > 50
    assert session.duration > 1
    assert session.audio_path is not None
    assert session.score_messages == []
    shutil.rmtree(folder)
