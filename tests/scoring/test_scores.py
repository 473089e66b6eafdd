"""Scores against values computed by hand, and what must hold for any session."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.contracts import Answer, Prosody
from workbench.errors import SettingsError
from workbench.fusion.observations import Faces, Observations, Segments, Words
from workbench.labels import BASIC
from workbench.scoring.features import Feature, Measures, Scope
from workbench.scoring.ranges import resolve
from workbench.scoring.scores import combine, score
from workbench.sessions import synthetic
from workbench.settings import Scoring
from workbench.streams import Track


def prosody(name, start, end, **values):
    return Prosody(segment_id=name, start=start, end=end, **values)


def answer(name, start, end, **more):
    plain = {
        "text": "we used a queue", "words": 18, "fillers": 2, "filler_rate": 0.05, "lexical_diversity": 60.0, "lexical_measure": "mtld",
        "semantic_similarity": 0.7, "sentence_similarities": [0.6, 0.8], "keywords_found": {"queue": [start + 1.0]},
        "keywords_missed": ["latency", "cache", "retry"], "keyword_coverage": 0.25,
    }  # fmt: skip
    return Answer(question_id=name, start=start, end=end, **(plain | more))


SURE = np.eye(7)[0]
TORN = np.array([0.5, 0.5, 0, 0, 0, 0, 0])


def session(answers, **more):
    """Twenty seconds: speech in 2..8 and 10..16, a face torn in two then sure, twenty words of which two are fillers."""
    times = np.arange(40) / 2
    words = np.arange(20) * 0.6 + 2
    return Observations(
        **{
            "duration": 20.0,
            "visual": Track.of("visual", times, [TORN if t < 10 else SURE for t in times], BASIC),
            "faces": Faces(np.arange(40) + 100, np.zeros(40, int), np.full(40, 90.0), ("f-1",)),
            "segments": Segments(np.array([2.0, 10.0]), np.array([8.0, 16.0]), np.array([20.0, 20.0])),
            "words": Words(
                tuple("um" if i in (3, 12) else f"w{i}" for i in range(20)), words, words + 0.3, np.full(20, 0.9),
                np.isin(np.arange(20), (3, 12)), (np.arange(20) // 10),
            ),
            "prosody": (
                prosody("a", 2.0, 8.0, jitter=0.0225, rms_mean=0.1, rms_std=0.08, pitch_std_semitones=2.5),
                prosody("b", 10.0, 16.0, jitter=0.010, pitch_std_semitones=4.0),
            ),
            "answers": tuple(answers),
            **more,
        }
    )  # fmt: skip


CERTAINTY_TORN = 1 - math.log(2) / math.log(7)


def by_name(scores, scope="session"):
    return {s.name: s for s in scores if s.scope == scope}


def test_one_answer_by_hand():
    scores = by_name(score(session([answer("q1", 0.0, 20.0)]), Scoring()), "q1")
    assert scores["technical"].value == pytest.approx(0.6 * 0.7 + 0.4 * 0.25)
    assert scores["clarity"].value == pytest.approx(0.5 * (1 - 0.05 / 0.10) + 0.5 * (60 - 20) / 80)
    # segment a: jitter half-way and level variation half-way; segment b: jitter at its best alone
    assert scores["confidence"].value == pytest.approx(0.5 * (0.5 + 1.0) / 2 + 0.5 * (CERTAINTY_TORN + 1.0) / 2)
    assert scores["engagement"].value == pytest.approx(0.5 * 12 / 20 + 0.5 * (0.5 + 1.0) / 2)
    parts = {n: scores[n].value for n in ("technical", "clarity", "confidence", "engagement")}
    weights = {"technical": 0.4, "clarity": 0.25, "confidence": 0.15, "engagement": 0.2}
    assert scores["composite"].value == pytest.approx(sum(weights[n] * parts[n] for n in parts))


def test_features_keep_their_raw_values_and_units():
    features = {c.feature: c for s in score(session([answer("q1", 0.0, 20.0)]), Scoring()) if s.scope == "q1" for c in s.contributions}
    assert (features["semantic_similarity"].raw, features["semantic_similarity"].unit) == (0.7, "cosine")
    assert (features["filler_rate"].raw, features["filler_rate"].normalised) == (0.05, 0.5)
    assert features["prosodic_variation"].raw == pytest.approx((2.5 * 6 + 4.0 * 6) / 12)
    assert features["speaking_ratio"].raw == pytest.approx(0.6)


def test_a_question_sees_only_its_own_stretch():
    scores = score(session([answer("q1", 0.0, 9.0), answer("q2", 9.0, 20.0)]), Scoring())
    features = {(s.scope, c.feature): c for s in scores for c in s.contributions}
    assert features["q1", "speaking_ratio"].raw == pytest.approx(6 / 9)
    assert features["q2", "speaking_ratio"].raw == pytest.approx(6 / 11)
    assert features["q1", "visual_certainty"].raw == pytest.approx(CERTAINTY_TORN)
    assert features["q2", "prosodic_variation"].raw == pytest.approx(4.0)
    assert {e.text for e in features["q1", "filler_rate"].evidence} == {"um"}
    assert all(e.end <= 9.0 for c in (features["q1", "filler_rate"], features["q1", "visual_certainty"]) for e in c.evidence)


def test_the_session_is_the_mean_of_its_answers_by_their_weights():
    answers = [answer("q1", 0.0, 9.0, semantic_similarity=0.2), answer("q2", 9.0, 20.0, semantic_similarity=0.8)]
    scores = score(session(answers, weights={"q1": 1.0, "q2": 3.0}), Scoring())
    q1, q2, whole = (by_name(scores, scope) for scope in ("q1", "q2", "session"))
    for name in ("technical", "clarity", "confidence", "engagement", "composite"):
        assert whole[name].value == pytest.approx((q1[name].value + 3 * q2[name].value) / 4)


def test_a_feature_missing_in_one_answer_rests_on_the_others_and_says_so():
    scores = score(session([answer("q1", 0.0, 9.0, semantic_similarity=None), answer("q2", 9.0, 20.0)]), Scoring())
    similarity = by_name(scores)["technical"].contributions[0]
    assert similarity.normalised == pytest.approx(0.7)
    assert similarity.note == "mean of 1 answer by their weights; not measured in q1"
    diversity = by_name(scores)["clarity"].contributions[1]
    assert diversity.note == "mean of 2 answers by their weights; interval from the spread between answers"
    assert by_name(scores, "q1")["technical"].missing == {"semantic_similarity": "no answer to a question with a model answer"}
    assert by_name(scores, "q1")["technical"].value == pytest.approx(0.25)


def test_without_questions_the_session_is_one_stretch():
    scores = score(session([]), Scoring())
    assert {s.scope for s in scores} == {"session"}
    found = by_name(scores)
    assert found["technical"].value is None
    assert set(found["technical"].missing) == {"semantic_similarity", "keyword_coverage"}
    assert found["clarity"].value == pytest.approx(1 - 0.1 / 0.1)  # two fillers in twenty words
    assert found["engagement"].value == pytest.approx(0.5 * 12 / 20 + 0.5 * 0.75)
    assert "technical" in found["composite"].missing
    assert {c.feature: c.weight for c in found["composite"].contributions} == pytest.approx(
        {"clarity": 0.25 / 0.6, "confidence": 0.15 / 0.6, "engagement": 0.2 / 0.6}
    )


def test_an_answer_to_the_whole_session_is_no_question():
    scores = score(session([answer("session", 0.0, 20.0)]), Scoring())
    assert len(scores) == 5
    assert by_name(scores)["technical"].value == pytest.approx(0.52)


def test_nothing_at_all_gives_reasons_and_no_number():
    scores = score(Observations(duration=10.0), Scoring())
    found = by_name(scores)
    assert found["confidence"].value is None
    assert found["confidence"].missing == {
        "vocal_steadiness": "no segment of speech in which it could be measured",
        "visual_certainty": "no usable face",
    }
    assert found["clarity"].missing == {"filler_rate": "no words", "lexical_diversity": "no answer was transcribed"}
    assert found["engagement"].value is None, "no speech for any reason is no measurement of 0"
    assert "no speech was detected" in found["engagement"].missing["speaking_ratio"]


def test_silence_after_speech_is_measured() -> None:
    seen = Observations(duration=40.0, segments=Segments(np.array([0.0]), np.array([10.0]), np.array([20.0])))
    assert Measures(seen, resolve({}), 0, 0).measure(Scope("q2", 20.0, 40.0), "speaking_ratio").raw == 0.0


def test_disabled_channels_leave_what_the_law_allows():
    off = {"visual_emotion": "off by law", "prosodic_affect": "off by law"}
    found = by_name(score(session([answer("q1", 0.0, 20.0)], disabled=off), Scoring()), "q1")
    assert found["confidence"].value is None
    assert found["confidence"].missing == {"vocal_steadiness": "off by law", "visual_certainty": "off by law"}
    assert [c.feature for c in found["engagement"].contributions] == ["speaking_ratio"]
    assert found["engagement"].missing == {"prosodic_variation": "off by law"}
    assert found["technical"].value == pytest.approx(0.52)
    assert found["composite"].missing == {"confidence": "off by law"}


def test_ranges_can_be_set():
    scoring = Scoring(ranges={"filler_rate": (0.2, 0.0), "lexical_diversity": (0.0, 120.0)})
    assert by_name(score(session([answer("q1", 0.0, 20.0)]), scoring), "q1")["clarity"].value == pytest.approx(0.5 * 0.75 + 0.5 * 0.5)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"technical": {"charm": 1.0}}, r"scoring\.technical: 'charm' is not known"),
        ({"composite": {"clarity": -1.0}}, r"scoring\.composite\.clarity: must be a number of at least 0"),
        ({"ranges": {"charm": (0.0, 1.0)}}, r"scoring\.ranges: no feature is called 'charm'"),
        ({"ranges": {"jitter": (1.0, 1.0)}}, r"scoring\.ranges\.jitter: needs two different numbers"),
    ],
)
def test_impossible_settings_are_one_line(section, message):
    with pytest.raises(SettingsError, match=message):
        score(session([]), Scoring(**section))


# ── what must hold for any session ───────────────────────────────────────────────────────────────────────────────────
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 8), st.integers(0, 3))
def test_contributions_add_up_to_the_score_exactly(seed, minutes, without):
    seen = synthetic.observations(minutes, seed)
    scores = score(seen, Scoring(draws=20 * without))
    for s in scores:
        assert (s.value is None) == (not s.contributions)
        if s.value is not None:
            assert sum(c.contribution for c in s.contributions) == s.value
            assert sum(c.weight for c in s.contributions) == pytest.approx(1, abs=1e-12)
            for c in s.contributions:
                assert c.contribution == pytest.approx(c.weight * c.normalised, abs=1e-12)
                assert len(c.evidence) <= 12
        if s.low is not None:
            assert s.low <= s.value <= s.high


@given(st.dictionaries(st.sampled_from("abcdefg"), st.tuples(st.floats(0, 10), st.one_of(st.none(), st.floats(0, 1))), min_size=1))
def test_any_weights_and_features_add_up(parts):
    features = {n: Feature(n, v, "", v, missing="" if v is not None else "gone") for n, (_, v) in parts.items()}
    made, _ = combine("x", "session", features, {n: w for n, (w, _) in parts.items()})
    if made.value is None:
        assert all(v is None or w == 0 for w, v in parts.values()) or sum(w for w, v in parts.values() if v is not None) == 0
    else:
        assert sum(c.contribution for c in made.contributions) == made.value
        known = [v for w, v in parts.values() if v is not None and w > 0]
        assert min(known) - 1e-12 <= made.value <= max(known) + 1e-12


def test_a_score_of_one_stays_within_one():
    features = {n: Feature(n, 1.0, "", 1.0) for n in "abcdefghij"}
    made, _ = combine("x", "session", features, dict.fromkeys(features, 0.1))
    assert made.value == pytest.approx(1.0)
    assert made.value <= 1.0
    assert sum(c.contribution for c in made.contributions) == made.value


def test_intervals_come_from_the_seed_alone():
    seen = synthetic.observations(5)
    assert score(seen, Scoring()) == score(seen, Scoring())
    one, other = by_name(score(seen, Scoring(seed=1))), by_name(score(seen, Scoring(seed=2)))
    assert one["confidence"].value == other["confidence"].value
    assert one["confidence"].low != other["confidence"].low


def test_answers_too_short_to_be_resampled_are_resampled_themselves():
    diversities = [30.0, 50.0, 70.0, 90.0]
    answers = [answer(f"q{i}", 5.0 * i, 5.0 * i + 5, lexical_diversity=d) for i, d in enumerate(diversities)]
    scores = score(session(answers), Scoring(draws=4000))
    alone, whole = (
        next(c for c in by_name(scores, scope)["clarity"].contributions if c.feature == "lexical_diversity") for scope in ("q0", "session")
    )
    assert alone.low is None
    assert alone.note == "18 words; too little material for an interval of its own"
    # the mean of four draws from 30, 50, 70, 90: standard error √500 / 2, roughly normal, on a range of 80
    assert whole.normalised == pytest.approx((60 - 20) / 80)
    assert (whole.high - whole.low) * 80 == pytest.approx(2 * 1.96 * math.sqrt(500) / 2, rel=0.15)


def test_one_short_answer_has_no_interval_and_says_so():
    diversity = by_name(score(session([answer("q1", 0.0, 20.0)]), Scoring()))["clarity"].contributions[1]
    assert diversity.low is None
    assert diversity.note == "mean of 1 answer by their weights; too little material for an interval of its own"


def test_no_draws_leave_intervals_out():
    for s in score(synthetic.observations(5), Scoring(draws=0)):
        assert s.low is None
        assert s.high is None
        assert not any("interval" in c.note for c in s.contributions)


def test_one_feature_more_does_not_move_the_others_intervals():
    seen = synthetic.observations(5)
    one = by_name(score(seen, Scoring(engagement={"speaking_ratio": 1.0})))["engagement"].contributions[0]
    two = by_name(score(seen, Scoring()))["engagement"].contributions[0]
    assert (one.low, one.high) == (two.low, two.high)


def test_more_material_gives_narrower_intervals():
    def width(minutes):
        c = by_name(score(synthetic.observations(minutes, seed=3), Scoring()))["engagement"].contributions[0]
        return c.high - c.low

    assert width(60) < width(4)
