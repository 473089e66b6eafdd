"""From synthetic voices to word errors to scores: the arithmetic by hand, and two real voices end to end."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from workbench import settings as tree
from workbench.audit import AuditError
from workbench.audit.studies import accents
from workbench.corpora import accents as corpus
from workbench.corpora import espeak
from workbench.corpora.accents import LABEL, VOICES, Accents, Spoken
from workbench.errors import CorpusError, WeightsError

SAID = "one two three four five six seven eight nine ten"


def table(shift=-0.5, voices=12):
    """Voices of two accents: accent b is misheard more, and every score falls by `shift` times the word error rate."""
    rows = []
    for i in range(voices):
        wrong = i // 2 if i % 2 else 0
        heard = " ".join(["wrong"] * wrong + SAID.split()[wrong:])
        score = 0.8 + shift * wrong / 10
        rows.append({
            "person": f"v{i}", "accent": "ab"[i % 2], "synthesiser": "eSpeak NG", "sex": ["Female", "Male"][i // 6], "question_id": "q",
            "text": SAID, "heard": heard, "technical": score, "technical_true": 0.8, "clarity": 0.5 + i / 100, "clarity_true": 0.5,
        })  # fmt: skip
    return pd.DataFrame(rows)


def test_word_errors_and_the_shift_of_scores_by_accent():
    found = accents.audits(table(), "whisper-base", draws=200)
    wer = found["recognition"].groups.query("metric == 'wer' and grouping == 'accent'").set_index("group")
    assert wer.loc["b", "value"] == pytest.approx(np.mean([0, 1, 2, 3, 4, 5]) / 10)
    assert wer.loc["a", "status"] == "suppressed"  # nobody was misheard: no interval can be estimated
    shift = found["technical"].groups.query("metric == 'bias' and grouping == 'accent'").set_index("group")
    assert shift.loc["b", "value"] == pytest.approx(-0.5 * np.mean([0, 1, 2, 3, 4, 5]) / 10)
    for audit in found.values():
        assert audit.about["label"] == LABEL
        assert audit.about["people_are"] == "voices"
    assert found["recognition"].about["models"] == "whisper-base"
    beside = accents.by_accent(found)
    assert set(beside["figure"].str.split(":").str[0]) == {"recognition", "technical", "clarity"}


def test_what_word_errors_do_to_scores_is_a_slope_with_its_interval():
    found = accents.effect(table()).set_index("score")
    assert found.loc["technical", ["slope", "low", "high"]].tolist() == pytest.approx([-0.05] * 3)  # exactly linear here
    clarity = found.loc["clarity"]
    by_hand = np.polyfit([(i // 2 if i % 2 else 0) / 10 for i in range(12)], [i / 100 for i in range(12)], 1)[0] / 10
    assert clarity["slope"] == pytest.approx(by_hand)
    assert clarity["low"] < clarity["slope"] < clarity["high"]
    said = accents.sentences(accents.effect(table()))
    assert said[0].startswith("Ten more word errors in a hundred words move the technical score by -0.050 [-0.050, -0.050]")
    assert all(LABEL in text for text in said)


def test_voices_that_are_all_heard_alike_say_nothing():
    alike = table()
    alike["heard"] = SAID
    with pytest.raises(AuditError, match=r"accents: 12 voices with 0\.00 range of word error rate say nothing of technical"):
        accents.effect(alike)


@pytest.fixture
def one(tmp_path):
    """A recording whose words are known, and a plan that asks for them."""
    words = "well the first thing i did was um look at the metrics and the logs latency had jumped right after a deploy"
    audio, plan = tmp_path / "v.wav", tmp_path / "v.yaml"
    audio.write_bytes(b"sound")
    plan.write_text(
        "language: en\nquestions:\n  - {id: outage, text: Tell me., keywords: [metrics, logs, latency], start: 0.0, end: 20.0,\n"
        "     model_answer: I looked at metrics and logs to see when latency rose.}\n"
    )
    return Spoken(VOICES[0], audio, plan, {"outage": words})


def perfect(spoken):
    """A session in which every word was recognised: what `evaluate` would give without any error."""
    from workbench.fusion.observations import Observations, Words
    from workbench.language.answers import measure
    from workbench.language.interview import load_plan
    from workbench.scoring.scores import score

    settings = tree.Settings()
    plan = load_plan(spoken.interview)
    ((question, start, end),) = plan.spans(20.0)
    words = accents._words(spoken.texts["outage"], start, end, settings)
    seen = Words(
        tuple(w.word for w in words), np.array([w.start for w in words]), np.array([w.end for w in words]), np.ones(len(words)),
        np.array([w.filler for w in words]), np.zeros(len(words), np.int64),
    )  # fmt: skip
    answer = measure(question, start, end, words, settings, "en")
    return SimpleNamespace(answers=[answer], score_messages=score(Observations(20.0, words=seen, answers=(answer,)), settings.scoring))


@pytest.mark.media
def test_scores_of_perfect_recognition_are_those_of_the_true_words(one):
    calls = []

    def evaluate(audio, interview, settings):
        calls.append(audio)
        return perfect(one)

    clips = Accents(one.audio.parent, (one,))
    measured = accents.measure(clips, evaluate, tree.Settings())
    row = measured.iloc[0]
    assert row["heard"] == one.texts["outage"]
    assert 0 < row["clarity"] < 1
    assert [row["technical"], row["clarity"]] == pytest.approx([row["technical_true"], row["clarity_true"]])
    again = accents.measure(clips, evaluate, tree.Settings())
    pd.testing.assert_frame_equal(measured, again)
    assert len(calls) == 1  # kept beside the recording
    one.audio.write_bytes(b"other sound")
    accents.measure(clips, evaluate, tree.Settings())
    assert len(calls) == 2


@pytest.mark.media
def test_two_real_voices_from_text_to_scores(tmp_path_factory):
    """eSpeak says the same answer in two accents; Whisper recognises it; both are scored."""
    from workbench.pipeline import evaluate

    folder = tmp_path_factory.mktemp("accents")
    voices = [v for v in VOICES if v.name in ("en-us+m7", "en-029+f1")]
    steps = []
    made = corpus.build(folder, voices, progress=lambda *step: steps.append(step))
    assert [s[1:] for s in steps] == [(1, 2), (2, 2)]
    before = [r.audio.stat().st_mtime_ns for r in made.recordings]
    assert corpus.build(folder, voices).fingerprint == made.fingerprint
    assert [r.audio.stat().st_mtime_ns for r in made.recordings] == before  # found again, not spoken again

    sessions = iter(range(2))
    measured = accents.measure(
        made, lambda audio, plan, s: evaluate(audio, plan, s, out=folder / f"session{next(sessions)}"), tree.Settings()
    )
    assert measured["person"].tolist() == [v.name for v in voices]
    assert measured["text"].nunique() == 1
    assert measured[["technical", "clarity", "technical_true", "clarity_true"]].notna().all().all()
    assert measured["technical_true"].nunique() == 1  # the same words
    assert measured["heard"].str.contains("connection pool").any()


def test_the_corpus_says_what_it_is(tmp_path):
    voices = [v for v in VOICES if v.synthesiser == "eSpeak NG"][:2]
    made = corpus.build(tmp_path, voices, progress=lambda *_: None)
    assert all(json.loads((tmp_path / f"{v.name}.truth.json").read_text())["what"] == LABEL for v in voices)
    clips = made.clips
    assert clips["text"].nunique() == 1
    assert list(clips["accent"]) == [v.accent for v in voices]
    assert clips["text"].iloc[0].startswith("Well, the first thing I did was, uh,")
    import soundfile

    samples, rate = soundfile.read(made.recordings[0].audio)
    assert rate == 16000
    assert 10 < len(samples) / rate < 60
    assert 0.01 < np.sqrt(np.mean(samples**2)) < 0.2


def test_every_accent_has_enough_voices_for_an_interval():
    counts = pd.Series([v.accent for v in VOICES]).value_counts()
    assert (counts >= 5).all()
    assert len({v.name for v in VOICES}) == len(VOICES)
    assert {v.sex for v in VOICES} == {"Female", "Male"}


def test_what_cannot_be_built(tmp_path, command):
    with pytest.raises(CorpusError, match="accents: no question 'hobby'; the sample interview has queue, outage, cache"):
        corpus.build(tmp_path, questions=("hobby",))
    with pytest.raises(WeightsError, match="eSpeak NG: no voice 'en-nowhere'"):
        espeak.speak("hello", "en-nowhere")
    done = command("corpora", "build", "birdsong", "--out", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "'birdsong' cannot be built; accents can" in done.err
    assert list(Path(tmp_path).iterdir()) == []
