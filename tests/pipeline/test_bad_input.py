"""Bad input: one clear line, exit code 2, what was stored is kept, no traceback. Odd but usable input: a session with notes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support import media
from tests.support.command import Done
from workbench import zoo
from workbench.sample import SamplePaths
from workbench.sessions.store import Session

pytestmark = pytest.mark.media
Command = Callable[..., Done]


def refused(done: Done) -> str:
    """The one line of a refusal."""
    assert done.code == 2, done
    lines = done.err.strip().splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("workbench: ")
    assert "Traceback" not in done.err
    return lines[0]


def short(paths: SamplePaths, target: Path, seconds: float = 6, rate: int = 48000) -> np.ndarray:
    """The first seconds of the sample's speech, resampled, float32."""
    import soundfile
    import soxr

    samples, own = soundfile.read(paths.audio, dtype="float32")
    return soxr.resample(samples[: round((5 + seconds) * own)], own, rate)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("notes.txt", b"this is no video at all, only a few words of text\n" * 50, "notes.txt"),
        ("empty.mp4", b"", "empty"),
        ("noise.mp4", bytes(range(256)) * 64, "noise.mp4"),
    ],
)
def test_a_file_that_is_no_recording(name: str, content: bytes, says: str, tmp_path: Path, command: Command) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert says in refused(command("evaluate", path, "--out", tmp_path / "s", "--json"))
    assert not (tmp_path / "s").exists()


def test_a_missing_file(tmp_path: Path, command: Command) -> None:
    assert "nowhere.mp4" in refused(command("evaluate", tmp_path / "nowhere.mp4", "--json"))


def test_a_truncated_mp4_without_its_index(tmp_path: Path, command: Command) -> None:
    whole = media.write(tmp_path / "whole.mp4", media.plain(2.0), media.tone(2.0), audio_codec="aac")  # its index is at the end
    line = refused(command("evaluate", media.truncate(whole, tmp_path / "cut.mp4", 0.6), "--out", tmp_path / "s", "--json"))
    assert "cut.mp4" in line
    assert "index" in line
    assert not (tmp_path / "s").exists()


def test_a_truncated_mp4_that_can_be_read_in_part_keeps_that_part(tmp_path: Path, sample_paths: SamplePaths, command: Command) -> None:
    path = media.truncate(sample_paths.video, tmp_path / "cut.mp4", 0.3)  # its index is at the start
    line = refused(command("evaluate", path, "--out", tmp_path / "s", "--json"))
    assert "cut short" in line
    session = Session.open(tmp_path / "s")
    assert 5 < session.duration < 40
    assert session.fused_windows
    assert any(s.value is not None for s in session.score_messages)


def test_neither_a_face_nor_speech_keeps_what_was_measured(tmp_path: Path, command: Command) -> None:
    path = media.write(tmp_path / "grey.mkv", media.plain(2.0), np.zeros(32000, np.float32))
    line = refused(command("evaluate", path, "--out", tmp_path / "s", "--json"))
    assert "neither a face" in line
    session = Session.open(tmp_path / "s")
    assert session.duration == pytest.approx(2.0, abs=0.2)
    assert len(session.detections) > 10


def test_no_video_is_scored_by_voice_alone(tmp_path: Path, sample_paths: SamplePaths, command: Command) -> None:
    path = media.write(tmp_path / "voice.wav", audio=short(sample_paths, tmp_path, rate=8000), rate=8000)  # 8 kHz mono
    done = command("evaluate", path, "--out", tmp_path / "s", "--json")
    assert done.code == 0, done.err
    session = Session.open(tmp_path / "s")
    assert len(session.words) > 5
    assert any("no video" in note for note in done.json["notes"])
    assert all(w.visual is None and "visual" in w.missing for w in session.fused_windows)
    assert "visual_certainty" in next(s for s in session.score_messages if s.name == "confidence" and s.scope == "session").missing


def test_a_face_without_speech_is_scored_by_sight_alone(tmp_path: Path, command: Command) -> None:
    path = zoo.path("footage-faces") / "face_noface.mov"
    done = command("evaluate", path, "--out", tmp_path / "s", "--json")
    assert done.code == 0, done.err
    session = Session.open(tmp_path / "s")
    assert any("no speech" in note for note in done.json["notes"])  # its sound is a room without a voice
    assert any(w.visual for w in session.fused_windows)
    assert all(w.audio is None and "audio" in w.missing for w in session.fused_windows)
    assert session.words.empty


def test_one_dead_channel_is_heard_from_the_other(tmp_path: Path, sample_paths: SamplePaths, command: Command) -> None:
    voice = short(sample_paths, tmp_path)
    path = media.write(tmp_path / "stereo.mkv", audio=np.stack([voice, np.zeros_like(voice)]), rate=48000)
    done = command("evaluate", path, "--out", tmp_path / "s", "--json")
    assert done.code == 0, done.err
    assert len(done.json["transcript"].split()) > 5
    assert any("channel" in note for note in done.json["notes"])


def test_five_faces_name_one_candidate(tmp_path: Path, command: Command) -> None:
    picture = media.read_image(zoo.path("footage-faces") / "multi_face.jpg")
    height, width = (picture.shape[0] // 2) * 2, (picture.shape[1] // 2) * 2
    path = media.write(tmp_path / "five.mp4", media.moving(lambda t: np.roll(picture[:height, :width], round(60 * t), axis=1), 2.5))
    settings = tmp_path / "full.yaml"
    settings.write_text("vision: {detector: full_range}\ncapture: {max_height: 1080}\n")
    assert "neither a face" in refused(command("evaluate", path, "--settings", settings, "--out", tmp_path / "s", "--json"))
    session = Session.open(tmp_path / "s")
    notes = {e.kind: e.message for e in session.events}
    assert "no audio" in notes["no_audio"]
    assert "still picture" in notes["no_face"], "they move, but only as one picture"
    assert max(len(d.detections) for d in session.detections) == 5
    assert len({d.candidate for d in session.detections if d.candidate}) == 1


def test_another_language_is_named(tmp_path: Path, command: Command) -> None:
    path = next(p for p in sorted(zoo.path("speech-spanish").rglob("*")) if p.suffix in {".wav", ".flac", ".mp3", ".opus"})
    done = command("evaluate", path, "--out", tmp_path / "s", "--json")
    assert done.code == 0, done.err
    assert any("es" in note and "language" in note for note in done.json["notes"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("questions:\n  - {id: a, text: x, start: 0, end: 5, colour: red}\n", "colour"),
        ("questions:\n  - {id: a, text: x, start: 0, end: 5}\n  - {id: b, text: y, start: 3, end: 9}\n", "overlap"),
        ("questions: [", "YAML"),
    ],
)
def test_questions_that_cannot_be_used(text: str, says: str, tmp_path: Path, sample_paths: SamplePaths, command: Command) -> None:
    plan = tmp_path / "interview.yaml"
    plan.write_text(text)
    line = refused(command("evaluate", sample_paths.video, "--questions", plan, "--out", tmp_path / "s", "--json"))
    assert says in line
    assert "interview.yaml" in line


def test_settings_that_cannot_be_used(tmp_path: Path, sample_paths: SamplePaths, command: Command) -> None:
    settings = tmp_path / "s.yaml"
    settings.write_text("smoothing: {alpha: 3}\n")
    assert "smoothing.alpha" in refused(command("evaluate", sample_paths.video, "--settings", settings, "--json"))
    assert "--purpose" in refused(command("evaluate", sample_paths.video, "--purpose", "fun", "--json"))


def test_an_output_folder_that_cannot_be_written(tmp_path: Path, sample_paths: SamplePaths, command: Command) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "file" in refused(command("evaluate", sample_paths.video, "--out", tmp_path / "file" / "s", "--json"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    assert "not empty" in refused(command("evaluate", sample_paths.video, "--out", tmp_path / "full", "--json"))


def test_a_disk_that_fills_up_keeps_what_was_written(
    tmp_path: Path, sample_paths: SamplePaths, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from workbench.sessions import files

    append, written = files.Appender.append, 0

    def full(self: files.Appender, data: bytes) -> None:
        nonlocal written
        written += len(data)
        if written > 300_000:
            raise files.fail(self.path, OSError(errno.ENOSPC, "No space left on device"))
        append(self, data)

    monkeypatch.setattr(files.Appender, "append", full)
    assert "space" in refused(command("evaluate", sample_paths.video, "--out", tmp_path / "s", "--json")).lower()
    monkeypatch.undo()
    assert Session.open(tmp_path / "s").duration > 1


def test_missing_weights_say_where_they_were_looked_for(
    tmp_path: Path, sample_paths: SamplePaths, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "s.yaml"
    settings.write_text(f"speech: {{model: {tmp_path / 'no-such-model'}}}\n")
    line = refused(command("evaluate", sample_paths.video, "--settings", settings, "--out", tmp_path / "s", "--json"))
    assert "no-such-model" in line
    assert not (tmp_path / "s").exists()


def test_missing_weights_without_a_network_say_how_to_give_them(
    tmp_path: Path, sample_paths: SamplePaths, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    line = refused(command("evaluate", sample_paths.video, "--out", tmp_path / "s"))
    assert str(tmp_path / "empty") in line  # where it looked
    assert "WORKBENCH_WEIGHT_" in line  # how to give a path
    assert "workbench models pull" in line
    assert not (tmp_path / "s").exists()


def test_a_corrupt_cached_weight_is_named(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    own = zoo.path("silero-vad")
    folder = own if own.is_dir() else own.parent
    cache = tmp_path / "cache" / "models"
    shutil.copytree(folder, cache / folder.name)
    for file in (cache / folder.name).rglob("*.onnx"):
        file.write_bytes(file.read_bytes()[:-7] + b"corrupt")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    done = command("models", "verify", "silero-vad", "--json")
    assert done.code == 2
    assert "silero-vad" in done.out + done.err
