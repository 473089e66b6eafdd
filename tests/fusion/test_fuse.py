"""From observations to fused windows: masks with reasons, faces, quality, disabled channels."""

import numpy as np
import pytest

from workbench.fusion.fuse import fuse
from workbench.fusion.observations import ACOUSTICS, Faces, Observations, Segments
from workbench.labels import BASIC
from workbench.settings import Fusion, Smoothing
from workbench.streams import Track

HAPPY, SAD = (np.eye(7)[BASIC.index(label)] for label in ("happy", "sad"))
RAW = Smoothing(method="none")


def observed(duration=4.0, visual=HAPPY, audio=SAD, face=None, snr=20.0, speech=((0.0, 4.0),), valid=True, size=100.0, disabled=None):
    """A session whose face always shows one thing and whose voice another."""
    times = np.arange(round(duration * 10)) / 10
    beats = np.arange(round(duration * 2)) / 2
    faces = np.zeros(len(times), int) if face is None else np.array([face(t) for t in times])
    there = faces >= 0
    return Observations(
        duration=duration,
        visual=Track.of("visual", times, np.where(there[:, None], visual, np.nan), BASIC, valid=there & valid),
        faces=Faces(np.arange(len(times)), faces, np.where(there, size, np.nan), ("f-1", "f-2")),
        affect=Track.of("affect", beats, np.tile(audio, (len(beats), 1)), BASIC),
        acoustics=Track.of("acoustics", times, np.stack([100 + times, np.full(len(times), 60.0)], axis=1), ACOUSTICS),
        segments=Segments(*np.array(speech).reshape(-1, 2).T, np.full(len(speech), snr)),
        disabled=disabled or {},
    )


def labels(fused):
    return [BASIC[i] if i >= 0 else None for i in fused.smoothed.label]


def test_both_modalities_are_mixed_by_the_weights():
    fused = fuse(observed(), Fusion(weights={"visual": 0.75, "audio": 0.25}), RAW)
    np.testing.assert_allclose(fused.probs, np.tile(0.75 * HAPPY + 0.25 * SAD, (7, 1)), rtol=1e-12)
    assert set(labels(fused)) == {"happy"}
    assert fused.missing == {"visual": [""] * 7, "audio": [""] * 7}
    np.testing.assert_allclose(fused.pitch[:2], [100.45, 100.95])


def test_audio_only_where_no_face_is_seen():
    fused = fuse(observed(face=lambda t: 0 if t < 2 else -1), Fusion(), RAW)
    assert fused.missing["visual"][:3] == ["", "", ""]
    assert fused.missing["visual"][4:] == ["no face"] * 3
    assert labels(fused)[4:] == ["sad"] * 3
    assert fused.weights["audio"][4:].tolist() == [1.0] * 3
    assert np.isnan(fused.visual[4:]).all()


def test_a_face_that_is_too_small_is_named_as_such():
    fused = fuse(observed(valid=False), Fusion(), RAW)
    assert set(fused.missing["visual"]) == {"no usable face: too small, unclear or seen too briefly"}
    assert set(labels(fused)) == {"sad"}


def test_no_frames_is_not_no_face():
    seen = observed()
    empty = Observations(duration=4.0, affect=seen.affect, segments=seen.segments)
    assert set(fuse(empty, Fusion(), RAW).missing["visual"]) == {"no frame was analysed"}


def test_visual_only_where_nobody_speaks():
    fused = fuse(observed(speech=((0.0, 1.6),)), Fusion(), RAW)
    assert fused.missing["audio"] == ["", "", "", "no speech", "no speech", "no speech", "no speech"]
    assert labels(fused)[3:] == ["happy"] * 4


def test_visual_only_where_the_snr_is_low():
    fused = fuse(observed(snr=3.21), Fusion(min_snr_db=5.0), RAW)
    assert set(fused.missing["audio"]) == {"SNR 3.2 dB, below 5 dB"}
    assert set(labels(fused)) == {"happy"}


def test_an_unknown_snr_masks_nothing():
    assert set(fuse(observed(snr=np.nan), Fusion(), RAW).missing["audio"]) == {""}


def test_a_voice_that_was_not_analysed():
    seen = observed()
    without = Observations(duration=4.0, visual=seen.visual, faces=seen.faces, segments=seen.segments)
    assert set(fuse(without, Fusion(), RAW).missing["audio"]) == {"the voice was not analysed"}


def test_nothing_usable_gives_no_label_and_both_reasons():
    fused = fuse(observed(face=lambda t: -1, speech=()), Fusion(), Smoothing())
    assert labels(fused) == [None] * 7
    assert (fused.missing["visual"][0], fused.missing["audio"][0]) == ("no face", "no speech")
    assert not fused.track().valid.any()


def test_disabled_channels_are_masked_with_the_law_as_reason():
    off = {"visual_emotion": "off by law", "prosodic_affect": "off by law too"}
    fused = fuse(observed(disabled=off), Fusion(), Smoothing())
    assert labels(fused) == [None] * 7
    assert set(fused.missing["visual"]) == {"off by law"}
    assert set(fused.missing["audio"]) == {"off by law too"}
    assert np.isnan(fused.visual).all()
    assert np.isnan(fused.audio).all()


def test_the_face_of_a_window_is_the_one_seen_most():
    fused = fuse(observed(face=lambda t: 0 if t < 1.7 else 1), Fusion(), RAW)
    assert fused.face.tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_a_new_face_starts_a_new_buffer_and_a_glance_away_does_not():
    changing = np.array([HAPPY if t < 2 else SAD for t in np.arange(40) / 10])
    slow = Smoothing(alpha=0.1, commit_windows=100, commit_delta=1.0)
    other = fuse(observed(visual=changing, speech=(), face=lambda t: 0 if t < 2 else 1), Fusion(), slow)
    same = fuse(observed(visual=changing, speech=(), face=lambda t: -1 if 1 <= t < 2 else 0), Fusion(), slow)
    assert labels(other)[-1] == "sad"
    assert labels(same)[-1] == "happy"


def test_rules_see_each_window_quality():
    fused = fuse(observed(snr=8.0, size=100.0), Fusion(strategy="rules"), RAW)
    np.testing.assert_allclose(fused.weights["visual"], 0.6 / 0.7)
    np.testing.assert_allclose(fused.snr_db, 8.0)
    np.testing.assert_allclose(fused.face_px, 100.0)


def test_tracks_of_the_outcome():
    fused = fuse(observed(), Fusion(), Smoothing())
    assert fused.track().names == BASIC
    assert fused.track(smoothed=False).name == "fused_raw"
    assert len(fused.track()) == 7


def test_an_empty_session_has_no_windows():
    fused = fuse(Observations(duration=0.0), Fusion(), Smoothing())
    assert len(fused.windows) == 0
    assert len(fused.track()) == 0


@pytest.mark.parametrize("missing", ["visual", "audio"])
def test_weights_of_the_breakdown_add_up(missing):
    seen = observed(face=(lambda t: -1) if missing == "visual" else None, speech=() if missing == "audio" else ((0.0, 4.0),))
    weights = fuse(seen, Fusion(), RAW).weights
    np.testing.assert_allclose(weights["visual"] + weights["audio"], 1.0)
    assert (weights[missing] == 0).all()
