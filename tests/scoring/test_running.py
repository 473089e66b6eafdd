"""Running scores look back and never ahead."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.fusion.observations import Observations
from workbench.fusion.windows import grid
from workbench.scoring.scores import running, score
from workbench.sessions import synthetic
from workbench.settings import Scoring
from workbench.streams import Track

SEEN = synthetic.observations(4, seed=5)


def run(seen, until=None):
    scoring = Scoring(draws=0)
    return running(seen, grid(until or seen.duration, 1.0, 0.5), scoring, score(seen, scoring))


def test_the_past_does_not_depend_on_the_future():
    until = 150.0
    cut = int(np.searchsorted(SEEN.words.middle, until))
    words = SEEN.words
    past = replace(
        SEEN,
        duration=until,
        visual=SEEN.visual.slice(0, until),
        words=replace(
            words, text=words.text[:cut], start=words.start[:cut], end=words.end[:cut], confidence=words.confidence[:cut],
            filler=words.filler[:cut], segment=words.segment[:cut],
        ),
        prosody=tuple(p for p in SEEN.prosody if p.end <= until),
        answers=tuple(a for a in SEEN.answers if a.end <= until),
    )  # fmt: skip
    whole, part = run(SEEN), run(past)
    for name, values in part.items():
        np.testing.assert_array_equal(values, whole[name][: len(values)], err_msg=name)


def test_technical_is_that_of_the_last_finished_answer():
    got = run(SEEN)["technical"]
    by_answer = {s.scope: s.value for s in score(SEEN, Scoring(draws=0)) if s.name == "technical"}
    windows = grid(SEEN.duration, 1.0, 0.5)
    assert np.isnan(got[windows.end < 120]).all()
    assert set(got[(windows.end >= 120) & (windows.end < 240)]) == {by_answer["q1"]}
    assert got[-1] == by_answer["q2"]


def test_values_lie_in_the_unit_interval():
    for values in run(SEEN).values():
        known = values[~np.isnan(values)]
        assert len(known)
        assert ((known >= 0) & (known <= 1)).all()


def test_disabled_channels_are_left_out():
    got = run(replace(SEEN, disabled={"visual_emotion": "off", "prosodic_affect": "off"}))
    assert np.isnan(got["confidence"]).all()
    assert not np.isnan(got["engagement"]).any()


def test_too_few_words_say_nothing():
    got = run(SEEN)["communication"]
    assert np.isnan(got[grid(SEEN.duration, 1.0, 0.5).end < 10]).all()


def test_an_empty_session():
    got = run(Observations(duration=2.0, visual=Track.empty("visual", SEEN.visual.names)))
    assert np.isnan(got["technical"]).all()
    assert got["engagement"] == pytest.approx(0.0)
