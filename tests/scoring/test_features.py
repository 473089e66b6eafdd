"""Single features: normalisation, evidence, intervals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.contracts import Answer
from workbench.fusion.observations import Faces, Observations, Segments, Words
from workbench.labels import BASIC
from workbench.scoring import bootstrap, evidence
from workbench.scoring.features import Measures, Scope, certainty
from workbench.scoring.ranges import RANGES, Range, normalise, resolve
from workbench.streams import Track


def measures(seen, draws=200):
    return Measures(seen, resolve({}), draws, seed=0)


@pytest.mark.parametrize(("raw", "expected"), [(0.0, 1.0), (0.05, 0.5), (0.1, 0.0), (0.3, 0.0)])
def test_fewer_fillers_are_better(raw, expected):
    assert normalise(raw, RANGES["filler_rate"]) == pytest.approx(expected)


@given(st.floats(-1e6, 1e6), st.floats(-100, 100), st.floats(-100, 100).filter(lambda x: abs(x) > 1e-3))
def test_normalised_values_lie_in_the_unit_interval(raw, zero, width):
    span = Range(zero, zero + width, "", "")
    value = normalise(raw, span)
    assert 0 <= value <= 1
    assert normalise(np.array([raw]), span)[0] == value


def test_an_unmeasured_value_stays_unmeasured():
    assert np.isnan(normalise(np.array([np.nan]), RANGES["jitter"]))[0]


def test_every_range_says_where_it_comes_from():
    assert all(r.source and r.zero != r.one for r in RANGES.values())


def test_certainty_by_hand():
    flat, sure, torn = np.full(7, 1 / 7), np.eye(7)[2], [0.5, 0.5, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(certainty(np.array([flat, sure, torn])), [0, 1, 1 - math.log(2) / math.log(7)], atol=1e-12)
    assert np.isnan(certainty(np.full((1, 7), np.nan)))[0]


def test_strongest_units_move_the_mean_most_and_come_in_order_of_time():
    assert evidence.strongest(np.array([0.5, 1.0, 0.5, 0.0, 0.5]), np.ones(5), cap=2) == [1, 3]
    assert evidence.strongest(np.array([1.0, 0.0]), np.array([0.0, 0.0])) == []


def test_long_text_is_cut_at_a_space():
    assert evidence.shorten("aaa bbb ccc", 8) == "aaa…"
    assert evidence.shorten("aaa bbb", 8) == "aaa bbb"


def test_frames_are_evidence_with_their_number_time_and_label():
    times = np.arange(30) * 1.0
    probs = np.tile(np.full(7, 1 / 7), (30, 1))
    probs[17] = np.eye(7)[BASIC.index("happy")]
    faces = Faces(np.arange(30) * 15, np.zeros(30, int), np.full(30, 90.0), ("f",))
    seen = Observations(duration=30.0, visual=Track.of("visual", times, probs, BASIC), faces=faces)
    found = measures(seen).measure(Scope("session", 0, 30), "visual_certainty")
    best = max(found.evidence, key=lambda e: e.value)
    assert (best.kind, best.frame_id, best.start, best.text) == ("frame", 17 * 15, 17.0, "happy 1.00")
    assert len(found.evidence) == 6  # one frame of each block of five seconds
    assert [e.start for e in found.evidence] == sorted(e.start for e in found.evidence)


def test_invalid_frames_are_not_measured():
    probs = [np.eye(7)[0]] * 5 + [np.full(7, 1 / 7)] * 5
    visual = Track.of("visual", np.arange(10) / 5, probs, BASIC, valid=[True] * 5 + [False] * 5)
    seen = Observations(duration=2.0, visual=visual, faces=Faces(np.arange(10), np.zeros(10, int), np.full(10, 90.0), ("f",)))
    assert measures(seen).measure(Scope("session", 0, 2), "visual_certainty").raw == pytest.approx(1.0)


def test_fillers_are_evidence_word_by_word():
    start, confidence = np.arange(12.0), np.full(12, 0.9)
    confidence[1] = np.nan
    words = Words(("so", "um", *["yes"] * 10), start, start + 0.4, confidence, np.arange(12) == 1, np.zeros(12, int))
    found = measures(Observations(duration=12.0, words=words)).measure(Scope("session", 0, 12), "filler_rate")
    assert found.raw == pytest.approx(1 / 12)
    assert [(e.kind, e.text, e.start, e.end, e.value) for e in found.evidence] == [("word", "um", 1.0, 1.4, None)]
    assert found.note.startswith("1 filler in 12 words")


def test_no_fillers_are_evidence_too():
    start = np.arange(12.0)
    words = Words(("yes",) * 12, start, start + 0.5, np.ones(12), np.zeros(12, bool), np.zeros(12, int))
    found = measures(Observations(duration=12.0, words=words)).measure(Scope("session", 0, 12), "filler_rate")
    assert (found.normalised, found.evidence[0].text) == (1.0, "no fillers in 12 words")


def some_words(count: int, left_out: tuple[tuple[float, float, str], ...] = ()) -> Words:
    start = np.arange(float(count))
    return Words(("yes",) * count, start, start + 0.5, np.ones(count), np.zeros(count, bool), np.zeros(count, int), left_out)


@pytest.mark.parametrize(("count", "missing"), [(9, "too little to measure: 9 words, at least 10 are needed"), (10, "")])
def test_each_feature_has_a_least_amount_of_evidence(count: int, missing: str) -> None:
    seen = Observations(duration=20.0, words=some_words(count))
    assert measures(seen).measure(Scope("session", 0, 20), "filler_rate").missing == missing


def test_words_that_were_left_out_are_the_reason() -> None:
    scope = Scope("session", 0, 40)
    alone = Observations(duration=40.0, words=some_words(0, ((1.0, 9.0, "not understood (word confidence 0.40)"),)))
    assert measures(alone).measure(scope, "filler_rate").missing == "left out: not understood (word confidence 0.40)"
    mostly = Observations(duration=40.0, words=some_words(12, ((12.0, 40.0, "another language: es"),)))
    assert measures(mostly).measure(scope, "filler_rate").missing == "most of it was left out: another language: es"
    hardly = Observations(duration=40.0, words=some_words(12, ((12.0, 13.0, "another language: es"),)))
    assert measures(hardly).measure(scope, "filler_rate").missing == ""


def test_sentences_are_evidence_with_their_times_and_cosines():
    words = Words(("We", "queue.", "um", "It", "works."), np.arange(5.0), np.arange(5.0) + 0.5, np.ones(5),
                  np.array([False, False, True, False, False]), np.zeros(5, int))  # fmt: skip
    answer = Answer(question_id="q", start=0, end=5, text="We queue. um It works.", words=4, fillers=1, semantic_similarity=0.5,
                    sentence_similarities=[0.9, 0.2], sentence_spans=[(0.0, 1.5), (3.0, 4.5)])  # fmt: skip
    found = measures(Observations(duration=5.0, words=words)).measure(Scope("q", 0, 5, answer), "semantic_similarity")
    assert [(e.kind, e.start, e.end, e.text, e.value) for e in found.evidence] == [
        ("span", 0.0, 1.5, "We queue.", 0.9), ("span", 3.0, 4.5, "It works.", 0.2)
    ]  # fmt: skip


def test_speech_is_cut_to_the_scope():
    seen = Observations(duration=30.0, segments=Segments(np.array([0.0, 8.0]), np.array([5.0, 20.0]), np.full(2, 20.0)))
    found = measures(seen).measure(Scope("q1", 4.0, 14.0), "speaking_ratio")
    assert found.raw == pytest.approx(0.7)
    assert [(e.start, e.end, e.text) for e in found.evidence] == [(4.0, 5.0, "1.0 s of speech"), (8.0, 14.0, "6.0 s of speech")]


def test_a_bootstrap_interval_covers_the_mean_of_its_population():
    """Of 200 samples of 40 from a population of mean 0.5, the intervals of about 95 % must hold it."""
    random = np.random.default_rng(0)
    hits = 0
    for i in range(200):
        sample = random.beta(2, 2, 40)
        low, high = bootstrap.interval(bootstrap.ratio(sample, np.ones(40), 200, bootstrap.generator(i, "t")), float(sample.mean()))
        hits += low <= 0.5 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_frames_alike_within_a_block_do_not_narrow_the_interval():
    """The same 24 seconds seen at 1 and at 15 frames a second tell the same: the interval must not shrink by √15."""
    slow = np.random.default_rng(0).random(24)

    def width(per_second):
        times, values = np.arange(24 * per_second) / per_second, np.repeat(slow, per_second)
        draws = bootstrap.ratio(*bootstrap.blocked(times, 0.0, values, np.ones(len(times))), 2000, bootstrap.generator(0, "t"))
        low, high = bootstrap.interval(draws, float(values.mean()))
        return high - low

    assert width(15) == pytest.approx(width(1), rel=1e-9)


def test_one_unit_is_too_little_for_an_interval():
    assert bootstrap.ratio(np.array([0.5]), np.array([1.0]), 200, bootstrap.generator(0, "t")) is None
    assert bootstrap.ratio(np.array([0.5, 9.0]), np.array([1.0, 0.0]), 200, bootstrap.generator(0, "t")) is None


def test_percentiles_are_those_of_numpy():
    draws = np.random.default_rng(0).random(201)
    low, high = bootstrap.interval(draws, 0.5)
    np.testing.assert_allclose([low, high], np.percentile(draws, [2.5, 97.5]), rtol=1e-12)


def test_generators_differ_by_scope_feature_and_seed():
    first = {bootstrap.generator(*key).random() for key in ((0, "q1", "a"), (0, "q1", "b"), (0, "q2", "a"), (1, "q1", "a"))}
    assert len(first) == 4
