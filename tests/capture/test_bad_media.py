"""What cannot be read is said in one line; what can be read of a damaged file is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import media
from workbench.capture.media_file import MediaFile, probe
from workbench.errors import MediaError
from workbench.streams import AudioBlock, FramePacket


def refused(path, part):
    with pytest.raises(MediaError) as caught:
        list(MediaFile(path))
    message = str(caught.value)
    assert str(path) in message
    assert part in message
    assert "\n" not in message


def test_no_such_file(tmp_path):
    refused(tmp_path / "none.mp4", "no such file")


def test_folder(tmp_path):
    refused(tmp_path, "is a folder")


def test_empty_file(tmp_path):
    (tmp_path / "a.mp4").touch()
    refused(tmp_path / "a.mp4", "is empty")


@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4", "notes"])
def test_text(tmp_path, name):
    (tmp_path / name).write_text("These are notes and no recording.\n" * 50)
    refused(tmp_path / name, "give a video or audio recording")


def test_playlist_opens_nothing_else(tmp_path):
    media.write(tmp_path / "a.ts", media.plain(1))
    (tmp_path / "a.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\na.ts\n#EXT-X-ENDLIST\n")
    refused(tmp_path / "a.m3u8", "give a video or audio recording")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_still_picture(tmp_path, suffix):
    Image.fromarray(np.full((64, 64, 3), 99, np.uint8)).save(tmp_path / f"a.{suffix}")
    refused(tmp_path / f"a.{suffix}", "still picture")


def test_subtitles_only(tmp_path):
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello.\n")
    refused(tmp_path / "a.srt", "no moving picture and no sound")


def test_mp4_without_its_index(tmp_path):
    whole = media.write(tmp_path / "whole.mp4", media.plain(4))
    refused(media.truncate(whole, tmp_path / "cut.mp4", 0.6), "moov")


def test_mp4_cut_short_after_its_index_gives_what_is_there(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (100, 120, 160, 3), dtype=np.uint8)
    frames = [(i / 25, image) for i, image in enumerate(noise)]
    whole = media.write(tmp_path / "whole.mp4", frames, media.tone(4), audio_codec="aac", options={"movflags": "faststart"})
    assert MediaFile(whole).info.duration == pytest.approx(4, abs=0.1)
    source = MediaFile(media.truncate(whole, tmp_path / "cut.mp4", 0.5))
    items = list(source)
    last = max(i.end if isinstance(i, AudioBlock) else i.message.timestamp for i in items)
    assert 1 < last < 3
    assert any("cut short" in w for w in source.warnings)


def test_a_damaged_middle_is_left_out(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (100, 120, 160, 3), dtype=np.uint8)
    path = media.write(tmp_path / "a.mkv", [(i / 25, image) for i, image in enumerate(noise)], media.tone(4), codec="mjpeg")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 20000] = bytes(20000)
    path.write_bytes(data)
    source = MediaFile(path)
    times = [i.message.timestamp for i in source if isinstance(i, FramePacket)]
    assert times[-1] > 3.5
    assert len(times) < 60


def test_cover_art_is_no_video(tmp_path):
    """An audio file with a one-picture video stream, as music players write it."""
    path = media.write(tmp_path / "a.mp4", [(0.0, np.full((64, 64, 3), 200, np.uint8))], media.tone(2, 44100), 44100, audio_codec="aac")
    source = MediaFile(path)
    assert not source.info.has_video
    assert source.info.has_audio
    assert all(isinstance(i, AudioBlock) for i in source)


def test_unreadable(tmp_path, monkeypatch):
    path = media.write(tmp_path / "a.wav", audio=media.tone(1))

    def denied(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)  # a test that runs as root is refused nothing by the file system
    with pytest.raises(MediaError, match="Permission denied"):
        probe(path)
