"""The stored picture of a live session: every frame at its time, with the session's sound."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile

from workbench.capture.browser import RATE, JpegFrame
from workbench.errors import WorkbenchError
from workbench.live.video import Recording
from workbench.report.data import frames


def jpeg(shade: int, size: tuple[int, int] = (48, 64)) -> bytes:
    return cv2.imencode(".jpg", np.full((*size, 3), shade, np.uint8))[1].tobytes()


def record(folder: Path, shades: list[int], start: int = 1600) -> Recording:
    recording = Recording(folder, 10)
    for i, shade in enumerate(shades):
        recording.add(JpegFrame(i, start + i * RATE // 10, jpeg(shade)))
    return recording


def test_frames_are_found_at_their_times_with_the_sound(tmp_path: Path) -> None:
    shades = [20 + 10 * i for i in range(20)]
    sound = tmp_path / "audio.wav"
    soundfile.write(sound, 0.3 * np.sin(np.arange(RATE * 2) * 0.2).astype(np.float32), RATE, subtype="PCM_16")
    path = record(tmp_path, shades).finish(sound)
    assert path == tmp_path / "video.mp4"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["audio.wav", "video.mp4"]
    found = [(t, picture.mean()) for t, picture in frames(path, [0.1, 1.0, 2.0])]
    for wanted, (time, shade) in zip((shades[0], shades[9], shades[19]), found, strict=True):
        assert shade == pytest.approx(wanted, abs=6), time
    with av.open(str(path)) as stored:
        assert [s.codec_context.name for s in stored.streams] == ["h264", "aac"]
        assert float(stored.duration / av.time_base) == pytest.approx(2.1, abs=0.15)


_DIES = """
import os, sys, time
from pathlib import Path
from tests.live.test_recording import record
recording = record(Path(sys.argv[1]), [50] * 40)
while not recording._waiting.empty():
    time.sleep(0.05)
os.kill(os.getpid(), 9)
"""


def test_what_a_crash_leaves_behind_can_be_read(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _DIES, str(tmp_path)], cwd=Path(__file__).parents[2])
    assert killed.returncode == -9
    with av.open(str(tmp_path / "video.mkv.part")) as stored:
        assert sum(1 for _ in stored.decode(video=0)) >= 28  # of 40 in four seconds, all but about the last


def test_frames_are_left_out_and_counted_where_too_many_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(os, "setpriority", lambda *_: go_on.wait())  # the encoder stands still
    recording = record(tmp_path, [50] * 120)
    assert recording.left_out == 20
    go_on.set()
    path = recording.finish(tmp_path / "none.wav")
    assert path is not None
    with av.open(str(path)) as stored:
        assert sum(1 for _ in stored.decode(video=0)) == 100


def test_a_camera_that_turns_keeps_the_first_size(tmp_path: Path) -> None:
    recording = Recording(tmp_path, 10)
    for i, size in enumerate([(48, 64)] * 3 + [(64, 48)] * 3):
        recording.add(JpegFrame(i, i * RATE // 10, jpeg(90, size)))
    recording.add(JpegFrame(8, 9600, b"no picture"))
    recording.add(JpegFrame(9, 0, jpeg(0)))  # sent again after a reconnect
    path = recording.finish(tmp_path / "none.wav")
    assert path is not None
    with av.open(str(path)) as stored:
        assert {(f.width, f.height) for f in stored.decode(video=0)} == {(64, 48)}


def test_no_frame_is_no_video(tmp_path: Path) -> None:
    assert Recording(tmp_path, 10).finish(tmp_path / "audio.wav") is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named_with_the_next_frame_and_at_the_end(tmp_path: Path) -> None:
    recording = record(tmp_path / "gone", [9])
    with pytest.raises(WorkbenchError, match="cannot be stored"):
        recording.finish(tmp_path / "none.wav")
    with pytest.raises(WorkbenchError, match="make room"):
        recording.add(JpegFrame(1, RATE, jpeg(9)))
