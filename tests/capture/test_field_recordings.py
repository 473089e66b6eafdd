"""Recordings as they come from the field: odd channels, clocks that start again, formats that change, any file name."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support import field
from tests.support.field import RATE, mux, speech
from workbench import track_choice
from workbench.capture.media_file import MediaFile
from workbench.capture.source import Tracks
from workbench.contracts import Event
from workbench.errors import MediaError
from workbench.settings import Settings
from workbench.streams import AudioBlock, FramePacket

pytestmark = pytest.mark.media


def sound_of(path: Path) -> tuple[np.ndarray, list[Event]]:
    source = MediaFile(path)
    samples = np.concatenate([np.empty(0, np.float32), *(i.samples for i in source if isinstance(i, AudioBlock))])
    return samples, source.events


def kinds(events: list[Event]) -> list[str]:
    return [e.kind for e in events]


def level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


# ── channels ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_channels_that_cancel_are_not_mixed(tmp_path: Path) -> None:
    one = speech(10)
    samples, events = sound_of(mux(tmp_path / "a.mp4", sounds=[np.stack([one, -one])]))
    assert level(samples) == pytest.approx(level(one), rel=0.05)
    assert kinds(events) == ["channels_cancel"]


def test_channels_that_cancel_in_noise_are_not_mixed(tmp_path: Path) -> None:
    one, noise = speech(10), np.random.default_rng(0).normal(0, 0.01, (2, 10 * RATE)).astype(np.float32)
    samples, events = sound_of(mux(tmp_path / "a.mp4", sounds=[np.stack([one, -0.7 * one]) + noise]))
    assert level(samples) > 0.8 * level(one)
    assert kinds(events) == ["channels_cancel"]


@pytest.mark.parametrize("other", ["late", "noise", "quiet"])
def test_usual_channels_are_mixed(tmp_path: Path, other: str) -> None:
    one = speech(10)
    second = {"late": np.roll(one, 12), "noise": np.random.default_rng(0).normal(0, 0.02, len(one)), "quiet": 0.3 * one}[other]
    samples, events = sound_of(mux(tmp_path / "a.mp4", sounds=[np.stack([one, second.astype(np.float32)])]))
    assert events == []
    assert level(samples) == pytest.approx(level((one + second) / 2), rel=0.1)


def test_only_the_centre_of_six_channels_speaks(tmp_path: Path) -> None:
    rows = np.zeros((6, 10 * RATE), np.float32)
    rows[2] = speech(10)
    samples, events = sound_of(mux(tmp_path / "a.mkv", sounds=[rows]))
    assert level(samples[RATE:]) > 0.8 * level(speech(10)[RATE:])
    assert set(kinds(events)) == {"dead_channel"}


# ── samples ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("bad", "count"), [(np.nan, 160), (np.inf, 1), (-np.inf, 3)])
def test_samples_that_are_no_numbers_are_set_to_zero(tmp_path: Path, bad: float, count: int) -> None:
    broken = speech(10).copy()
    broken[5 * RATE : 5 * RATE + count] = bad
    soundfile.write(tmp_path / "a.wav", broken, RATE, subtype="FLOAT")
    samples, events = sound_of(tmp_path / "a.wav")
    assert np.isfinite(samples).all()
    whole = speech(10)
    assert np.abs(samples[: 5 * RATE] - whole[: 5 * RATE]).max() < 1e-6
    assert np.abs(samples[5 * RATE + 200 :] - whole[5 * RATE + 200 :]).max() < 1e-6
    assert [e.message for e in events] == [f"{count} samples that were no numbers (NaN, infinite) were set to 0"]


def test_sound_that_is_clipped_is_said(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "loud.wav", np.clip(20 * speech(10), -1, 1), RATE, subtype="PCM_16")
    _, events = sound_of(tmp_path / "loud.wav")
    assert kinds(events) == ["clipped"]
    soundfile.write(tmp_path / "good.wav", speech(10), RATE, subtype="PCM_16")
    assert sound_of(tmp_path / "good.wav")[1] == []


# ── clocks and formats ───────────────────────────────────────────────────────────────────────────────────────────────
def test_a_clock_that_starts_again_begins_a_new_part(tmp_path: Path) -> None:
    pictures, sound = field.pictures(10), speech(10)
    half = len(pictures) // 2
    parts = [
        mux(tmp_path / f"{k}.ts", [p], [s], container="mpegts").read_bytes()
        for k, (p, s) in enumerate([(pictures[:half], sound[: 5 * RATE]), (pictures[half:], sound[5 * RATE :])])
    ]
    (tmp_path / "whole.ts").write_bytes(b"".join([*parts, parts[0]]))
    source = MediaFile(tmp_path / "whole.ts")
    items = list(source)
    samples = np.concatenate([i.samples for i in items if isinstance(i, AudioBlock)])
    times = [i.message.timestamp for i in items if isinstance(i, FramePacket)]
    assert len(samples) / RATE == pytest.approx(15, abs=0.5)
    assert len(times) == pytest.approx(15 * field.FPS, abs=8)
    assert np.diff(times).min() > 0
    assert kinds(source.events) == ["new_part", "new_part"]
    assert [e.timestamp for e in source.events] == pytest.approx([5, 10], abs=0.4)


def test_a_clock_that_leaps_by_hours_makes_no_hours_of_silence(tmp_path: Path) -> None:
    one = mux(tmp_path / "a.mkv", [field.pictures(4)], [speech(4)])
    far = tmp_path / "far.ts"
    import av

    with av.open(str(one)) as source, av.open(str(far), "w", format="mpegts") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            leap = 10 * 3600 if packet.pts * packet.time_base >= 2 else 0
            packet.pts += round(leap / packet.time_base)
            packet.dts += round(leap / packet.time_base)
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
    samples, events = sound_of(far)
    assert len(samples) / RATE == pytest.approx(4, abs=0.4)
    assert kinds(events) == ["new_part"]


@pytest.mark.parametrize("order", [(1, 2), (2, 1), (1, 2, 1)])
def test_channels_that_change_inside_a_file(tmp_path: Path, order: tuple[int, ...]) -> None:
    import soxr

    one = soxr.resample(speech(4), RATE, 48000).astype(np.float32)
    (tmp_path / "a.mp3").write_bytes(b"".join(field.mp3(tmp_path / "part.mp3", np.stack([one] * n)) for n in order))
    samples, _ = sound_of(tmp_path / "a.mp3")
    assert len(samples) / RATE == pytest.approx(4 * len(order), abs=0.4)
    for k in range(len(order)):
        assert level(samples[4 * k * RATE : 4 * (k + 1) * RATE]) == pytest.approx(level(speech(4)), rel=0.15)


def test_a_rate_that_changes_inside_a_file(tmp_path: Path) -> None:
    import soxr

    parts = [field.mp3(tmp_path / "p.mp3", soxr.resample(speech(4), RATE, rate)[None].astype(np.float32), rate) for rate in (48000, 32000)]
    (tmp_path / "a.mp3").write_bytes(b"".join(parts))
    samples, _ = sound_of(tmp_path / "a.mp3")
    assert len(samples) / RATE == pytest.approx(8, abs=0.5)


def test_pictures_that_change_their_size_inside_a_file(tmp_path: Path) -> None:
    small = [p[::2, ::2].copy() for p in field.pictures(3)]
    parts = [mux(tmp_path / f"{k}.ts", [p], container="mpegts").read_bytes() for k, p in enumerate([field.pictures(3), small])]
    (tmp_path / "a.ts").write_bytes(b"".join(parts))
    frames = [i for i in MediaFile(tmp_path / "a.ts") if isinstance(i, FramePacket)]
    assert {f.image.shape[0] for f in frames} == {360, 180}
    assert len(frames) == pytest.approx(6 * field.FPS, abs=6)


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"2026-11-27T10:30:00.wav", "2026-11-27T10:30:00.wav"),
        (b"http:x.wav", "http:x.wav"),
        (b"caf\xe9.wav", "caf\N{REPLACEMENT CHARACTER}.wav"),
        (b"two\nlines.wav", "two\N{REPLACEMENT CHARACTER}lines.wav"),
        ("\u202egpj.exe.wav".encode(), "\N{REPLACEMENT CHARACTER}gpj.exe.wav"),
        (b"-option.wav", "-option.wav"),
        (b"%03d.wav", "%03d.wav"),
        (b"x" * 240 + b".wav", "x" * 240 + ".wav"),
    ],
)
def test_any_name_is_opened_and_can_be_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes, shown: str) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", speech(2), RATE)
    Path("a.wav").rename(os.fsdecode(name))
    source = MediaFile(os.fsdecode(name))
    assert sum(len(i.samples) for i in source if isinstance(i, AudioBlock)) == 2 * RATE
    assert source.info.to_dict()["name"] == shown


# ── tracks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The screen first, then the camera; a silent microphone first, then the one that was spoken into, then it again."""
    pictures = field.pictures(20)
    sounds = [np.zeros_like(speech()), speech(), speech()]
    return mux(tmp_path_factory.mktemp("tracks") / "call.mkv", [field.screen(pictures), pictures], sounds)


def test_tracks_are_chosen_by_what_they_carry(tracks: Path) -> None:
    chosen = track_choice.choose(tracks, Settings())
    assert (chosen.video, chosen.audio) == (2, 2)
    assert chosen.why["video", 1].startswith("no face in it")
    assert chosen.why["audio", 2].startswith("carries speech")
    info = MediaFile(tracks, tracks=chosen).info
    assert [(s.kind, s.number) for s in info.streams if s.used] == [("video", 2), ("audio", 2)]
    assert Tracks.of(info.to_dict()).audio == 2


def test_a_flag_decides_between_tracks_that_carry_speech(tmp_path: Path) -> None:
    for flagged in (1, 2):
        path = mux(tmp_path / f"{flagged}.mkv", sounds=[speech(), speech()], default=[flagged])
        assert track_choice.choose(path, Settings()).audio == flagged
    silent = mux(tmp_path / "silent.mkv", sounds=[np.zeros_like(speech()), speech()], default=[1])
    assert track_choice.choose(silent, Settings()).audio == 2, "the flagged one is silent"


def test_tracks_can_be_asked_for(tracks: Path) -> None:
    chosen = track_choice.choose(tracks, Settings(), video=1, audio=3)
    assert (chosen.video, chosen.audio) == (1, 3)
    with pytest.raises(MediaError, match="holds no audio track 4; it has 3, numbered from 1"):
        track_choice.choose(tracks, Settings(), audio=4)
    with pytest.raises(MediaError, match="holds no video track 0"):
        track_choice.choose(tracks, Settings(), video=0)
