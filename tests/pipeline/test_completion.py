"""Sessions that were cut off: killed in fresh processes, and completed by command."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.support.command import Done
from workbench.sample import SamplePaths
from workbench.sessions.store import Session

pytestmark = pytest.mark.media
Command = Callable[..., Done]


def start(paths: SamplePaths, out: Path) -> subprocess.Popen[str]:
    arguments = ["evaluate", str(paths.video), "--questions", str(paths.interview), "--purpose", "demonstration", "--out", str(out)]
    return subprocess.Popen([sys.executable, "-m", "workbench", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until_words(folder: Path, process: subprocess.Popen[str], lines: int = 1) -> None:
    """Wait until so many stretches of speech have their words."""
    deadline = time.monotonic() + 300
    stream = folder / "transcripts.jsonl"
    while not stream.exists() or stream.read_bytes().count(b"\n") < lines:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def without_end(whole: Session, target: Path, keep_transcripts: int) -> Session:
    """A copy of a session as a process that was killed leaves it: no windows, no scores, fewer words, no last event."""
    shutil.copytree(whole.folder, target)
    for name, kept in {"windows": 0, "scores": 0, "answers": 0, "transcripts": keep_transcripts, "prosody": keep_transcripts}.items():
        path = target / f"{name}.jsonl"
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:kept]))
    events = target / "events.jsonl"
    events.write_bytes(b"".join(line for line in events.read_bytes().splitlines(keepends=True) if b'"latency"' not in line))
    (target / "report.html").unlink(missing_ok=True)
    return Session.open(target)


def test_a_killed_evaluation_is_completed_to_the_scores_of_an_undisturbed_one(
    evaluated: Session, sample_paths: SamplePaths, command: Command, tmp_path: Path
) -> None:
    process = start(sample_paths, tmp_path / "s")
    until_words(tmp_path / "s", process)
    process.kill()
    process.wait()
    cut = Session.open(tmp_path / "s")
    assert not cut.raw("scores"), "it was killed before its end"
    stored = [w.word for t in cut.transcripts for w in t.words]
    done = command("sessions", "finish", tmp_path / "s", "--report", "--json")
    assert done.code == 0, done.err
    whole = Session.open(tmp_path / "s")
    for stream in ("windows", "scores", "transcripts", "segments", "detections", "visual"):
        assert whole.raw(stream) == evaluated.raw(stream), stream
    assert [w.word for t in whole.transcripts for w in t.words][: len(stored)] == stored
    assert any(e.kind == "completed" for e in whole.events)
    assert Path(done.json["report"]).exists()
    assert not [p for p in (tmp_path / "s").iterdir() if p.name.startswith(".")], "nothing is left beside it"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_a_closed_terminal_end_a_command_as_ctrl_c_does(
    number: signal.Signals, sample_paths: SamplePaths, tmp_path: Path
) -> None:
    process = start(sample_paths, tmp_path / "s")
    detections = tmp_path / "s" / "detections.jsonl"
    while not (detections.exists() and detections.stat().st_size):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.strip().splitlines()[-1] == "workbench: stopped; what was written so far is kept"
    assert "Traceback" not in error
    assert any(e.kind == "interrupted" for e in Session.open(tmp_path / "s").events)


def test_without_the_recording_what_is_stored_is_completed(evaluated: Session, command: Command, tmp_path: Path) -> None:
    cut = without_end(evaluated, tmp_path / "s", keep_transcripts=1)
    next((tmp_path / "s").glob("video.*")).unlink()
    kept = cut.transcripts[0].words
    done = command("sessions", "finish", tmp_path / "s", "--json")
    assert done.code == 0, done.err
    whole = Session.open(tmp_path / "s")
    words = [w for t in whole.transcripts for w in t.words]
    assert words[: len(kept)] == kept, "stored words stay as they are"
    wanted = [w.word for t in evaluated.transcripts for w in t.words]
    assert len(words) == pytest.approx(len(wanted), abs=2)
    assert len({s.segment_id for s in whole.segments}) == len(whole.segments)
    assert len(whole.fused_windows) == len(evaluated.fused_windows)
    before = {(s.scope, s.name): s.value for s in evaluated.score_messages}
    for score in whole.score_messages:
        assert score.value == pytest.approx(before[score.scope, score.name], abs=0.05), (score.scope, score.name)


def test_what_was_completed_without_the_recording_is_done_again_with_it_also_where_that_is_killed(
    evaluated: Session, sample_paths: SamplePaths, command: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "s"
    without_end(evaluated, folder, keep_transcripts=1)
    next(folder.glob("video.*")).unlink()
    samples, rate = soundfile.read(folder / "audio.wav", dtype="int16")
    soundfile.write(folder / "audio.wav", samples[: 31 * rate], rate)
    detections = (folder / "detections.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "detections.jsonl").write_bytes(b"".join(detections[: len(detections) // 2]))
    done = command("sessions", "finish", folder, "--json")
    assert done.code == 0, done.err
    assert any("31.0 of 60.0 s; for the rest give the recording with --media" in note for note in done.json["notes"])

    arguments = [sys.executable, "-m", "workbench", "sessions", "finish", str(folder), "--media", str(sample_paths.video)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until_words(folder / ".completion", process)
    assert command("sessions", "finish", folder).err.strip().endswith("wait until it has ended, or stop it")
    process.kill()
    process.wait()
    assert Session.open(folder).raw("scores") != evaluated.raw("scores")
    done = command("evaluate", sample_paths.video, "--resume", folder, "--json")
    assert done.code == 0, done.err
    assert Session.open(folder).raw("scores") == evaluated.raw("scores")
    assert Session.open(folder).raw("windows") == evaluated.raw("windows")


def test_a_session_of_which_nothing_was_stored_asks_for_its_recording(evaluated: Session, command: Command, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    shutil.copy(evaluated.folder / "header.json", tmp_path / "s")
    done = command("sessions", "finish", tmp_path / "s")
    assert done.code == 2
    assert done.err.strip().splitlines()[-1].endswith("before anything of the recording was stored; give it with --media (interview.mp4)")


def test_a_stretch_that_has_words_only_is_measured(evaluated: Session, command: Command, tmp_path: Path) -> None:
    without_end(evaluated, tmp_path / "s", keep_transcripts=len(evaluated.transcripts))
    next((tmp_path / "s").glob("video.*")).unlink()
    (tmp_path / "s" / "prosody.jsonl").write_bytes(b"")
    assert command("sessions", "finish", tmp_path / "s").code == 0
    whole = Session.open(tmp_path / "s")
    assert {p.segment_id for p in whole.prosody} == {p.segment_id for p in evaluated.prosody}


def test_a_whole_session_stays_as_it_is(evaluated: Session, command: Command, tmp_path: Path) -> None:
    shutil.copytree(evaluated.folder, tmp_path / "s")
    before = {p.name: p.read_bytes() for p in (tmp_path / "s").iterdir()}
    assert command("sessions", "finish", tmp_path / "s").code == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "s").iterdir()} == before


def test_another_recording_is_refused(evaluated: Session, sample_paths: SamplePaths, command: Command, tmp_path: Path) -> None:
    without_end(evaluated, tmp_path / "s", keep_transcripts=1)
    done = command("sessions", "finish", tmp_path / "s", "--media", sample_paths.audio)
    assert done.code == 2
    assert "is not the recording of" in done.err
    done = command("evaluate", sample_paths.video, "--resume", tmp_path / "s", "--purpose", "hiring")
    assert done.code == 2
    assert "leave out --purpose" in done.err
    assert command("evaluate").code == 2
