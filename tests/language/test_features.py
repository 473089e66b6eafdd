"""Lexical diversity, keywords, similarity and answers against hand-computed values and a published implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st
from lexicalrichness import LexicalRichness

from workbench.contracts import InterviewPlan, Transcript, Word
from workbench.errors import SettingsError
from workbench.language.answers import analyse, spoken
from workbench.language.diversity import LEAST, mattr, mtld
from workbench.language.keywords import mentions
from workbench.language.similarity import PASSAGE, embed, passages, sentences, similarity
from workbench.settings import Settings

TEXTS = st.lists(st.sampled_from([f"w{i}" for i in range(40)]), min_size=LEAST, max_size=160)


def timed(text: str, start: float = 0.0, fillers: tuple[str, ...] = ("um", "uh")) -> list[Word]:
    """One word a second."""
    return [Word(word=w, start=start + i, end=start + i + 0.8, filler=w.strip(",.").lower() in fillers) for i, w in enumerate(text.split())]


def transcript(words: list[Word], name: str = "seg-1", speaker: str | None = None) -> Transcript:
    text = " ".join(w.word for w in words)
    return Transcript(segment_id=name, start=words[0].start, end=words[-1].end, transcript=text, words=words, speaker=speaker)


# ── lexical diversity ────────────────────────────────────────────────────────────────────────────────────────────────
@run(max_examples=60)
@given(TEXTS)
def test_mtld_is_that_of_lexicalrichness(words: list[str]) -> None:
    assert mtld(words) == pytest.approx(LexicalRichness(words, preprocessor=None, tokenizer=None).mtld(0.72))


@run(max_examples=60)
@given(TEXTS, st.integers(5, 30))
def test_mattr_is_that_of_lexicalrichness(words: list[str], window: int) -> None:
    assert mattr(words, window) == pytest.approx(LexicalRichness(words, preprocessor=None, tokenizer=None).mattr(window))


def test_mtld_by_hand() -> None:
    # forwards eight runs "a b c a a" (3/4, then 3/5: complete); backwards "a a" and seven runs "c b a a a", and "c b a" is left over
    assert mtld(["a", "b", "c", "a", "a"] * 8) == pytest.approx(40 / 8)
    assert mtld([f"w{i}" for i in range(40)]) == 40.0  # no word twice


def test_too_few_words_say_nothing() -> None:
    few = [f"w{i}" for i in range(LEAST - 1)]
    assert mtld(few) is None
    assert mattr(few) is None


# ── keywords ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_keywords_are_found_whatever_their_ending() -> None:
    words = timed("We rolled um back, retried with exponential back-off; the dead letter queues were idempotent. Rollback! Retry.")
    found = mentions(["roll back", "retries", "exponential backoff", "dead letter queue", "idempotent", "monitoring"], words)
    assert found == {
        "roll back": [1.0, 14.0],
        "retries": [4.0, 15.0],
        "exponential backoff": [6.0],
        "dead letter queue": [9.0],
        "idempotent": [13.0],
        "monitoring": [],
    }


def test_a_phrase_must_stand_in_a_row() -> None:
    assert mentions(["message queue"], timed("the message went to a queue")) == {"message queue": []}


def test_overlapping_mentions_are_counted_once_and_parts_do_not_hide_a_phrase() -> None:
    assert mentions(["go go"], timed("go go go go")) == {"go go": [0.0, 2.0]}
    assert mentions(["a b"], timed("a a b")) == {"a b": [1.0]}


def test_other_languages_have_their_own_stems() -> None:
    assert mentions(["Warteschlange"], timed("zwei Warteschlangen"), "de") == {"Warteschlange": [1.0]}
    assert mentions(["kolejka"], timed("kolejka"), "pl") == {"kolejka": [0.0]}  # no stemmer: the word itself


# ── similarity ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_sentences_and_passages() -> None:
    assert sentences("I see. Yes. It works well now! Really? That is all.") == ["I see. Yes.", "It works well now! Really?", "That is all."]
    long = " ".join(["word"] * 400) + ". " + "The end is near."
    assert [len(p.split()) for p in passages(long)] == [PASSAGE, PASSAGE, 104]
    assert passages("") == []


@pytest.mark.media
def test_an_answer_on_the_subject_is_nearer_than_one_off_it() -> None:
    model = "I put jobs on a message queue and let workers retry failures with exponential backoff."
    near, each = similarity("Jobs went to a queue. Failed ones were retried, waiting longer each time. I like bananas.", model)
    far, _ = similarity("My grandmother grows tomatoes in her garden.", model)
    assert near > 0.5
    assert far < 0.2
    assert len(each) == 3
    assert each[2] < min(each[:2])
    same, _ = similarity(model, model)
    assert same == pytest.approx(1.0, abs=1e-6)


@pytest.mark.media
def test_the_end_of_a_long_answer_counts() -> None:
    """MiniLM alone drops what comes after 256 word pieces."""
    garden = "My grandmother grows tomatoes in her garden and sells them. " * 30
    queue = "Workers retry failed jobs from the message queue with exponential backoff. " * 20
    model = "Jobs go to a message queue and are retried with exponential backoff."
    vectors = embed([model, garden, garden + queue])
    assert vectors[2] @ vectors[0] > vectors[1] @ vectors[0] + 0.2


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_words_go_to_the_answer_in_which_their_middle_lies() -> None:
    plan = InterviewPlan(
        questions=[
            {"id": "a", "keywords": ["queue", "cache"], "start": 0, "end": 3.5},
            {"id": "b", "start": 3.5, "end": 5},
            {"id": "c", "keywords": ["x"], "start": 20},
        ]
    )
    words = timed("Um, the queue works. It does.")
    a, b, c = analyse(plan, [transcript(words[:2]), transcript(words[2:], "seg-2")], Settings(), 30.0)
    assert (a.text, a.words, a.fillers, a.filler_rate) == ("Um, the queue works.", 3, 1, 0.25)
    assert (a.keywords_found, a.keywords_missed, a.keyword_coverage) == ({"queue": [2.0]}, ["cache"], 0.5)
    assert (b.text, b.filler_rate, b.keyword_coverage) == ("It", 0.0, None)
    assert (c.text, c.words, c.filler_rate, c.keyword_coverage, c.keywords_missed) == ("", 0, None, None, ["x"])
    assert (c.start, c.end) == (20.0, 30.0)
    assert a.semantic_similarity is None  # no model answer
    assert a.lexical_diversity is None  # too few words
    assert a.lexical_measure is None


def test_without_a_plan_everything_is_one_answer_compared_with_nothing() -> None:
    words = timed(" ".join(f"word{i % 25}" for i in range(60)))
    [answer] = analyse(None, [transcript(words)], Settings(), 60.0)
    assert (answer.question_id, answer.start, answer.end, answer.words) == ("session", 0.0, 60.0, 60)
    assert answer.lexical_measure == "mtld"
    assert answer.lexical_diversity == pytest.approx(mtld([f"word{i % 25}" for i in range(60)]))
    assert answer.semantic_similarity is None
    assert answer.keyword_coverage is None


def test_only_the_candidates_words_count_where_voices_are_known() -> None:
    theirs, others = timed("I built it."), timed("What did you build?", start=10.0)
    known = [transcript(theirs, "seg-1", "candidate"), transcript(others, "seg-2", "other-1")]
    assert spoken(known) == theirs
    assert spoken([t.model_copy(update={"speaker": None}) for t in known]) == theirs + others


def test_a_plan_without_times_is_refused() -> None:
    plan = InterviewPlan(questions=[{"id": "a"}, {"id": "b"}])
    with pytest.raises(SettingsError, match="'a' has no start"):
        analyse(plan, [transcript(timed("hello there"))], Settings(), 10.0)


@pytest.mark.media
def test_the_model_answer_is_compared_without_fillers() -> None:
    plan = InterviewPlan(questions=[{"id": "a", "model_answer": "The queue retries failed jobs."}])
    plain, hesitant = (
        analyse(plan, [transcript(timed(text))], Settings(), 30.0)[0]
        for text in ("The queue retries failed jobs.", "Um, the uh, queue um, retries failed jobs.")
    )
    assert hesitant.fillers == 3
    assert hesitant.semantic_similarity == pytest.approx(plain.semantic_similarity, abs=0.02)
    assert plain.semantic_similarity == pytest.approx(1.0, abs=1e-6)
    assert len(plain.sentence_similarities) == 1
