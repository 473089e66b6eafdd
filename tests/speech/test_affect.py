"""Properties that the prosodic model must have. None of them shows that it is right about people."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.speech import hand_timed, through
from workbench import contracts
from workbench.labels import BASIC
from workbench.settings import Speech
from workbench.speech.affect import COLUMNS, FEATURES, ProsodicAffect, affect, arousal, cues, distribution
from workbench.speech.prosody import COLUMNS as ACOUSTICS
from workbench.speech.prosody import HOP, ProsodyStage
from workbench.streams import AlignedClip, MeasuredClip, Track

LEVELS = st.floats(-3, 3)
ROWS = st.lists(st.tuples(st.floats(60, 110), st.floats(0, 6), st.floats(-60, -5), st.floats(0, 8)), min_size=1, max_size=30)


def stretch(start: float, seconds: float, pitch: float = 120.0, level: float = -25.0, hnr: float = 12.0) -> MeasuredClip:
    """A steady voiced stretch with four syllables a second."""
    times = np.arange(round(start / HOP), round((start + seconds) / HOP)) * HOP
    n = len(times)
    values = np.column_stack([np.full(n, pitch), np.full(n, level), np.full(n, hnr), np.arange(n) % 5 == 0])
    message = contracts.Prosody(segment_id="s", start=start, end=start + seconds)
    return MeasuredClip(message, Track.of("acoustics", times, values, ACOUSTICS))


def tracks(clips: list[MeasuredClip]) -> Track:
    return Track.concat(o.track for o in through(ProsodicAffect(Speech()), clips))


@given(LEVELS, st.floats(0, 1))
def test_it_is_a_distribution(level: float, known: float) -> None:
    probs = distribution(level, known)
    assert probs.sum() == pytest.approx(1.0)
    assert (probs > 0).all()
    assert probs.max() < 0.6  # no class is certain


@given(LEVELS)
def test_classes_of_equal_arousal_are_equally_likely(level: float) -> None:
    p = dict(zip(BASIC, distribution(level), strict=True))
    assert p["angry"] == pytest.approx(p["surprise"])
    assert p["fear"] == pytest.approx(p["happy"])


def test_the_speakers_median_is_neutral_and_the_ends_are_not() -> None:
    top = [BASIC[int(np.argmax(distribution(level)))] for level in (-2.5, 0.0)]
    assert top == ["sad", "neutral"]
    excited = dict(zip(BASIC, distribution(2.5), strict=True))
    assert excited["neutral"] < min(excited["angry"], excited["happy"])  # though it starts with twice their weight
    assert excited["sad"] < 0.05


@given(LEVELS)
def test_without_a_baseline_the_result_is_that_of_the_median(level: float) -> None:
    assert np.allclose(distribution(level, 0.0), distribution(0.0))


@given(ROWS)
def test_arousal_is_bounded_and_grows_with_every_cue(rows: list[tuple[float, ...]]) -> None:
    before = np.array(rows)
    middle = np.median(before, axis=0)
    assert arousal(middle, before) == pytest.approx(0.0, abs=1e-9)
    for i in range(len(FEATURES)):
        more = middle.copy()
        more[i] += 1.0
        assert 0 < arousal(more, before) <= 3.0
    assert -3.0 <= arousal(before[-1], before) <= 3.0


@given(ROWS, st.floats(-20, 20), st.floats(-20, 20))
def test_it_is_relative_to_the_speaker(rows: list[tuple[float, ...]], semitones: float, decibels: float) -> None:
    """A higher voice, or a louder microphone, changes nothing."""
    before = np.array(rows)
    moved = before + np.array([semitones, 0.0, decibels, 0.0])
    assert arousal(moved[-1], moved) == pytest.approx(arousal(before[-1], before), abs=1e-6)


@settings(max_examples=40)
@given(ROWS, st.integers(0, 30))
def test_a_stream_in_parts_gives_the_same_numbers(rows: list[tuple[float, ...]], cut: int) -> None:
    values, hop = np.array(rows), 0.5
    cut = min(cut, len(values))
    hnr, none = np.full(len(values), 10.0), np.empty((0, len(FEATURES)))
    whole = affect(values, hnr, none, 0.0, hop)
    first = affect(values[:cut], hnr[:cut], none, 0.0, hop)
    second = affect(values[cut:], hnr[cut:], values[:cut], cut * hop, hop)
    for a, b, c in zip(whole, first, second, strict=True):
        assert np.array_equal(a, np.concatenate([b, c]))


def test_rows_lie_on_the_grid_and_name_their_columns() -> None:
    track = tracks([stretch(0.3, 4.0), stretch(6.0, 3.0)])
    assert track.names == COLUMNS
    assert np.allclose(track.times / 0.5, np.round(track.times / 0.5))
    assert track.times[0] == 0.5
    assert not ((track.times >= 4.3) & (track.times < 6.0)).any()


def test_confidence_grows_with_the_baseline_and_stays_low() -> None:
    track = tracks([stretch(0.0, 20.0)])
    assert (np.diff(track.confidence) >= 0).all()
    assert track.confidence[0] < 0.05
    assert track.confidence[-1] == 0.5
    assert not track.valid[:4].any()
    assert track.valid[-1]


def test_a_rough_voice_has_a_lower_confidence() -> None:
    clear, rough = (tracks([stretch(0.0, 20.0, hnr=h)]).confidence[-1] for h in (15.0, 2.0))
    assert rough < 0.5 * clear


def test_a_raised_voice_is_aroused_and_a_lowered_one_is_not() -> None:
    calm, raised, lowered = stretch(0.0, 30.0), stretch(40.0, 5.0, pitch=170.0, level=-17.0), stretch(50.0, 5.0, pitch=100.0, level=-33.0)
    track = tracks([calm, raised, lowered])
    a = [track.slice(*span).column("arousal").mean() for span in ((0, 30), (41, 44), (51, 54))]
    assert a[0] == pytest.approx(0.5, abs=0.02)
    assert a[1] > 0.75
    assert a[2] < 0.25


def test_silence_and_whispers_have_no_rows() -> None:
    quiet = stretch(0.0, 5.0, pitch=np.nan)
    assert through(ProsodicAffect(Speech()), [quiet]) == []
    assert len(cues(Track.empty("acoustics", ACOUSTICS), 0.5)[0]) == 0


@pytest.mark.media
def test_a_real_voice_sounds_less_aroused_when_it_turns_slow_and_soft(aligned: Callable[[str], list[AlignedClip]]) -> None:
    """In acoustic_corpus.wav the speaker says that he talks fast, then that he talks slow and lower in intensity; he does."""
    [measured] = through(ProsodyStage(Speech()), aligned("acoustic_corpus.wav"))
    times, values, hnr = cues(measured.acoustics, 0.5)
    rows, _, _ = affect(values, hnr, values, 60.0, 0.5)  # against all of this speaker's speech
    fast, slow = (times >= 2.5) & (times <= 5.0), (times >= 8.0) & (times <= 14.0)
    spoken = {w: start for w, start, _ in hand_timed("acoustic_corpus.wav") if w in ("pretty", "slow", "intensity")}
    assert 2.5 <= spoken["pretty"] <= 5.0
    assert 8.0 <= spoken["slow"] <= spoken["intensity"] <= 14.0
    assert rows[slow, -1].mean() < rows[fast, -1].mean() - 0.1
