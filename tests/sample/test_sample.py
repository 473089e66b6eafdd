"""The sample interview: its video, its sound and its words are as `truth.json` says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
import yaml

from workbench import sample
from workbench.sample import film, speech

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def paths() -> sample.SamplePaths:
    return sample.build()


@pytest.fixture(scope="module")
def truth(paths: sample.SamplePaths) -> dict[str, Any]:
    return json.loads(paths.truth.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sound(paths: sample.SamplePaths) -> np.ndarray:
    samples, rate = soundfile.read(paths.audio, dtype="float32")
    assert rate == 16000
    return samples


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def test_the_file_is_a_minute_of_steady_video_with_sound(paths: sample.SamplePaths) -> None:
    with av.open(str(paths.video)) as box:
        video, audio = box.streams.video[0], box.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height) == (640, 360)
        assert 55 <= box.duration / av.time_base <= 70
        assert "stock footage" in box.metadata["comment"]
        times = [p.pts for p in box.demux(video) if p.pts is not None]
    assert set(np.diff(times)) == {int(1 / film.FPS / video.time_base)}
    assert times[0] == 0


def test_the_words_of_truth_json_are_complete_and_in_order(truth: dict[str, Any]) -> None:
    words = [w for a in truth["answers"] for w in a["words"]]
    assert len(truth["answers"]) == 3
    assert sum(w["filler"] for w in words) == 7
    assert {w["word"] for w in words if w["filler"]} == {"um", "uh"}
    assert all(w["end"] > w["start"] for w in words)
    starts = [w["start"] for w in words]
    assert starts == sorted(starts)
    for answer in truth["answers"]:
        spoken = [token.strip(".,?").lower() for token in answer["text"].split()]
        assert [w["word"] for w in answer["words"]] == spoken
        assert answer["start"] == answer["words"][0]["start"]
        assert answer["end"] == answer["words"][-1]["end"] < truth["duration"]


def test_there_is_speech_where_the_truth_says_and_quiet_between(truth: dict[str, Any], sound: np.ndarray) -> None:
    assert len(sound) == truth["duration"] * 16000
    assert np.abs(sound).max() < 0.99
    speech_level, quiet = [], np.ones(len(sound), bool)
    for answer in truth["answers"]:
        for word in answer["words"]:
            a, b = (round(word[k] * 16000) for k in ("start", "end"))
            speech_level.append(rms(sound[a:b]))
            quiet[max(0, a - 800) : b + 800] = False
    assert min(speech_level) > 4 * rms(sound[quiet])  # every word is at least 12 dB over the room
    assert 20 * np.log10(np.median(speech_level)) > -30


def test_fillers_are_where_the_truth_says(truth: dict[str, Any], sound: np.ndarray) -> None:
    """A filler is a phrase of its own: sound begins at its start, within 30 ms, after quiet."""
    for answer in truth["answers"]:
        for word in answer["words"]:
            if word["filler"]:
                at = round(word["start"] * 16000)
                assert rms(sound[at - 1600 : at - 480]) < 0.1 * rms(sound[at + 480 : at + 1600])


def test_the_interview_file_fits_the_answers(paths: sample.SamplePaths, truth: dict[str, Any]) -> None:
    interview = yaml.safe_load(paths.interview.read_text(encoding="utf-8"))
    assert interview["language"] == "en"
    last = 0.0
    for question, answer in zip(interview["questions"], truth["answers"], strict=True):
        assert question["id"] == answer["question_id"]
        assert last <= question["start"] < answer["start"]
        assert answer["end"] < question["end"]
        last = question["end"]
        mentioned = [k for k in question["keywords"] if k in answer["text"].lower()]
        assert 0 < len(mentioned) < len(question["keywords"])  # some are never mentioned
        assert any(" " in k for k in mentioned)  # phrases too
        assert question["model_answer"]
    assert last <= truth["duration"]


def test_a_face_is_there_all_the_time(paths: sample.SamplePaths) -> None:
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    from workbench import zoo

    options = vision.FaceDetectorOptions(base_options=BaseOptions(model_asset_path=str(zoo.path("blazeface-short-range"))))
    faces = []
    with av.open(str(paths.video)) as box, vision.FaceDetector.create_from_options(options) as detector:
        for i, frame in enumerate(box.decode(video=0)):
            if i % film.FPS == 0:
                image = mp.Image(image_format=mp.ImageFormat.SRGB, data=frame.to_ndarray(format="rgb24"))
                faces.append(len(detector.detect(image).detections))
    assert len(faces) == 60
    assert np.mean(np.array(faces) == 1) >= 0.95


def test_it_is_made_once(paths: sample.SamplePaths) -> None:
    before = {p: p.stat().st_mtime_ns for p in vars(paths).values()}
    assert sample.build() == paths
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_speaking_twice_gives_the_same_samples() -> None:
    script = {"voice": "af_heart", "speed": 1.0, "questions": [{"id": "q", "phrases": [["Um,", 0.4], ["it works.", 0.0]]}]}
    script |= {"lead": 0.5, "duration": 4.0}
    spoken = [speech.speak(script, lambda *_: None) for _ in range(2)]
    (one, answers), (two, _) = (speech.lay_out(script, each) for each in spoken)
    assert np.array_equal(one, two)
    assert [w["word"] for w in answers[0]["words"]] == ["um", "it", "works"]
    with pytest.raises(ValueError, match="shorten the script"):
        speech.lay_out(script | {"duration": 1.0}, spoken[0])


def test_a_longer_sample_is_the_same_minute_without_gaps(paths: sample.SamplePaths, tmp_path: Path) -> None:
    film.repeat(paths.video, tmp_path / "long.mp4", 3)
    with av.open(str(tmp_path / "long.mp4")) as box:
        assert box.duration / av.time_base == pytest.approx(180, abs=0.05)
        video = [p.pts for p in box.demux(video=0) if p.pts is not None]
    assert len(video) == 3 * 60 * film.FPS
    assert len(set(np.diff(video))) == 1
    with av.open(str(tmp_path / "long.mp4")) as box:
        decoded, expected = [], 0
        for frame in box.decode(audio=0):
            assert frame.pts == expected
            expected += frame.samples
            decoded.append(frame.to_ndarray()[0])
    track = np.concatenate(decoded)
    minute = 60 * film.AUDIO_RATE
    assert len(track) == 3 * minute
    margin = 4096  # the first frames of a copy overlap with what came before
    first, second = track[margin:minute], track[minute + margin : 2 * minute]
    assert rms(second - first) < 0.05 * rms(first)  # not nothing: AAC decoders fill in noise at random


def test_the_command_says_where_the_files_are(paths: sample.SamplePaths) -> None:
    from typer.testing import CliRunner

    from workbench import cli
    from workbench.cli import commands  # noqa: F401  (registers the groups)

    done = CliRunner().invoke(cli.app, ["sample", "build", "--json"])
    assert {key: Path(value) for key, value in json.loads(done.stdout).items()} == vars(paths)
