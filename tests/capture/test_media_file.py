"""Any recording in, upright frames and mono blocks out, on one clock."""

import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support import media
from workbench.capture.audio import AudioLine
from workbench.capture.media_file import MediaFile, probe
from workbench.settings import Capture
from workbench.streams import AudioBlock, FramePacket


def read(path, **settings):
    source = MediaFile(path, Capture(**settings))
    items = list(source)
    frames = [i for i in items if isinstance(i, FramePacket)]
    blocks = [i for i in items if isinstance(i, AudioBlock)]
    return source, frames, blocks


def joined(blocks):
    """The samples of all blocks, after checking that none is missing between them."""
    at = 0
    for block in blocks:
        assert block.first_sample == at
        assert block.samples.dtype == np.float32
        assert block.samples.ndim == 1
        at += len(block.samples)
    return np.concatenate([b.samples for b in blocks])


def times(frames):
    return np.array([f.message.timestamp for f in frames])


def rms(samples):
    return float(np.sqrt(np.mean(np.square(samples))))


def test_frames_and_blocks_come_in_time_order_with_what_the_header_says(tmp_path):
    path = media.write(tmp_path / "a.mkv", media.plain(3, fps=30), media.tone(3, 48000), 48000)
    source = MediaFile(path)
    order = [i.end if isinstance(i, AudioBlock) else i.message.timestamp for i in source]
    assert order == sorted(order)
    assert len(order) == 45 + 6
    info = source.info
    assert (info.width, info.height, info.rotation, info.sample_rate, info.channels) == (320, 240, 0, 48000, 1)
    assert info.fps == pytest.approx(30, abs=0.5)
    assert info.duration == pytest.approx(3, abs=0.05)
    assert info.has_video
    assert info.has_audio
    assert [s.kind for s in info.streams] == ["video", "audio"]
    assert len(info.sha256) == 64
    assert info.to_dict()["name"] == "a.mkv"
    assert source.warnings == []


@pytest.mark.parametrize(
    ("source_fps", "wanted", "expected"), [(24, 15, 30), (30, 15, 30), (15, 15, 30), (15.2, 15, 30), (10, 15, 20), (60, 7, 14)]
)
def test_frames_are_sampled_down_by_time(tmp_path, source_fps, wanted, expected):
    path = media.write(tmp_path / "a.mkv", media.plain(2, fps=source_fps))
    _, frames, _ = read(path, fps=wanted)
    assert abs(len(frames) - expected) <= 1
    assert np.max(np.diff(times(frames))) <= 2 / min(source_fps, wanted) - 1e-6
    ids = [f.message.frame_id for f in frames]
    assert ids == list(range(len(frames)))


def test_variable_frame_rate_keeps_presentation_times(tmp_path):
    shown_at = [0.0, 0.1, 0.2, 1.0, 1.05, 1.1, 3.0, 3.2]  # a screen recording: still for seconds, then quick
    frames = [(t, np.full((240, 320, 3), 20 + 25 * i, np.uint8)) for i, t in enumerate(shown_at)]
    path = media.write(tmp_path / "a.mkv", frames)
    _, got, _ = read(path, fps=12)
    assert times(got) == pytest.approx([0.0, 0.1, 0.2, 1.0, 1.1, 3.0, 3.2], abs=0.0011)  # 1.05 lies between two ticks
    grey = [f.image.mean() for f in got]
    assert grey == pytest.approx([20, 45, 70, 95, 145, 170, 195], abs=3)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotation_metadata_sets_the_picture_upright(tmp_path, degrees):
    upright = np.zeros((320, 240, 3), np.uint8)
    upright[:60] = [255, 0, 0]  # a red bar at the top
    upright[:, :60, 1] = 255  # and a green one on the left
    stored = np.ascontiguousarray(np.rot90(upright, -degrees // 90))
    path = media.write(tmp_path / "phone.mp4", media.still(stored, 0.5), rotation=degrees)
    source, frames, _ = read(path)
    assert (source.info.width, source.info.height, source.info.rotation) == (240, 320, degrees)
    image = frames[0].image
    assert image.shape == (320, 240, 3)
    assert (frames[0].message.width, frames[0].message.height) == (240, 320)
    assert image.flags.c_contiguous
    assert np.abs(image.astype(int) - upright).mean() < 6


def test_4k_is_scaled_down_and_small_pictures_are_left(tmp_path):
    path = media.write(tmp_path / "4k.mp4", media.still(np.full((2160, 3840, 3), 128, np.uint8), 0.3))
    source, frames, _ = read(path)
    assert (source.info.width, source.info.height) == (3840, 2160)
    assert {f.image.shape for f in frames} == {(720, 1280, 3)}
    small = media.write(tmp_path / "small.mp4", media.plain(0.3))
    assert read(small)[1][0].image.shape == (240, 320, 3)


FORMATS = [
    (8000, 1, "a.wav", "pcm_s16le"),
    (11025, 1, "a.wav", "pcm_u8"),
    (44100, 2, "a.mp4", "aac"),
    (48000, 6, "a.mkv", "flac"),
    (96000, 2, "a.wav", "pcm_f32le"),
]


@pytest.mark.parametrize(("rate", "channels", "name", "codec"), FORMATS)
def test_any_rate_layout_and_format_becomes_16_khz_mono(tmp_path, rate, channels, name, codec):
    sound = np.tile(media.tone(2.3, rate), (channels, 1))
    path = media.write(tmp_path / name, audio=sound, rate=rate, audio_codec=codec)
    source, frames, blocks = read(path)
    samples = joined(blocks)
    assert frames == []
    assert not source.info.has_video
    assert len(samples) == pytest.approx(2.3 * 16000, abs=1100)  # AAC pads to whole frames
    assert {b.sample_rate for b in blocks} == {16000}
    steady = samples[4000:32000]
    assert rms(steady) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    assert np.argmax(np.abs(np.fft.rfft(steady))) * 16000 / len(steady) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("dead", [0, 1])
def test_a_dead_channel_does_not_halve_the_other(tmp_path, dead):
    noise = np.random.default_rng(0).normal(0, 1e-4, 48000 * 4).astype(np.float32)  # a socket's hiss, -80 dB
    voice = media.tone(4, 48000)
    sound = np.stack([noise, voice] if dead == 0 else [voice, noise])
    path = media.write(tmp_path / "a.wav", audio=sound, rate=48000)
    source, _, blocks = read(path)
    assert rms(joined(blocks)[1000:-1000]) == pytest.approx(rms(voice), rel=0.01)
    assert source.warnings == [f"audio channel {dead + 1} of 2 is silent: the others are used alone"]
    assert source.events[0].kind == "dead_channel"


def test_two_live_channels_are_averaged_through_pauses(tmp_path):
    left, right = media.tone(6, 48000), media.tone(6, 48000, amplitude=0.01)
    left[48000 * 2 : 48000 * 4] = 0  # one speaker pauses: no reason to change the mix
    path = media.write(tmp_path / "a.wav", audio=np.stack([left, right]), rate=48000)
    source, _, blocks = read(path)
    samples = joined(blocks)
    assert rms(samples[1000:31000]) == pytest.approx((0.5 + 0.01) / 2 / np.sqrt(2), rel=0.01)
    assert rms(samples[33000:63000]) == pytest.approx(0.01 / 2 / np.sqrt(2), rel=0.02)
    assert source.warnings == []


def test_a_gap_in_the_audio_is_filled_so_that_samples_stay_the_clock(tmp_path):
    path = media.write(tmp_path / "a.mkv", media.plain(5), media.tone(3), gaps=[(1.0, 1.5)])
    source, _, blocks = read(path)
    samples = joined(blocks)
    assert len(samples) == pytest.approx(4.5 * 16000, abs=20)
    assert rms(samples[: 16000 - 500]) > 0.3
    assert rms(samples[18000 : int(2.4 * 16000)]) == 0
    assert rms(samples[int(2.6 * 16000) : 4 * 16000]) > 0.3
    assert [e.kind for e in source.events] == ["audio_gap"]
    assert source.events[0].timestamp == pytest.approx(1.0, abs=0.1)


def test_audio_that_overlaps_itself_is_cut():
    line = AudioLine(rate=16000, block_seconds=0.5, events=[])
    blocks = []
    for at, value in [(0.0, 0.1), (1.0, 0.2), (1.5, 0.3)]:  # the third second repeats half of the second
        frame = av.AudioFrame.from_ndarray(np.full((1, 16000), value, np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, round(at * 1000), Fraction(1, 1000)
        blocks += line.push(frame, at)
    samples = joined([*blocks, *line.finish()])
    assert len(samples) == 2.5 * 16000
    assert [float(samples[int(t * 16000)]) for t in (0.5, 1.5, 2.25)] == pytest.approx([0.1, 0.2, 0.3])


def test_audio_that_starts_late_is_padded(tmp_path):
    path = media.write(tmp_path / "a.mkv", media.plain(3), media.tone(1.5), audio_at=1.25)
    source, frames, blocks = read(path)
    samples = joined(blocks)
    assert times(frames)[0] == 0
    assert len(samples) == pytest.approx(2.75 * 16000, abs=20)
    assert np.flatnonzero(np.abs(samples) > 0.01)[0] == pytest.approx(1.25 * 16000, abs=20)
    assert source.warnings == []


def test_video_that_starts_late_keeps_its_distance(tmp_path):
    late = [(t + 0.8, image) for t, image in media.plain(1)]
    _, frames, blocks = read(media.write(tmp_path / "a.mkv", late, media.tone(2)))
    assert times(frames)[0] == pytest.approx(0.8, abs=0.002)
    assert len(joined(blocks)) == 32000


def test_video_only_has_no_audio_blocks(tmp_path):
    source, frames, blocks = read(media.write(tmp_path / "a.mp4", media.plain(1)))
    assert not source.info.has_audio
    assert source.info.sample_rate is None
    assert blocks == []
    assert len(frames) == 15


def test_a_header_without_duration_is_measured(tmp_path):
    path = media.write(tmp_path / "live.webm", media.plain(2), codec="libvpx", options={"live": "1"})
    assert probe(path).duration == pytest.approx(2, abs=0.1)


def test_reading_twice_gives_the_same(tmp_path):
    source = MediaFile(media.write(tmp_path / "a.mkv", media.plain(1), media.tone(1)))
    first, second = list(source), list(source)
    assert [type(i) for i in first] == [type(i) for i in second]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, second, strict=True) if isinstance(a, FramePacket))


@pytest.mark.parametrize("audio_stops_at", [None, 2.2])
def test_memory_does_not_grow_with_length(tmp_path, audio_stops_at):
    """Nor where one stream stops early and the other has nobody to wait for."""

    def peak(seconds):
        frames = media.still(np.zeros((180, 320, 3), np.uint8), seconds)
        sound = np.zeros(round((audio_stops_at or seconds) * 8000), np.float32)
        source = MediaFile(media.write(tmp_path / f"{seconds}.mkv", frames, sound, 8000))
        tracemalloc.start()
        count = sum(isinstance(item, FramePacket) for item in source)
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == seconds * 15
        return reached

    peak(5)  # first use fills caches
    assert peak(200) < 1.1 * peak(20)


def test_reading_takes_ffmpegs_log_back_from_libraries_that_route_it_through_python(tmp_path: Path) -> None:
    """torchvision does so when it is imported; closing a decoder whose thread logs then never ends."""
    av.logging.set_level(av.logging.ERROR)
    path = media.write(tmp_path / "a.mp4", media.plain(1.0))
    assert sum(isinstance(item, FramePacket) for item in MediaFile(path)) > 10
    assert av.logging.get_level() is None
