"""When each sentence of an answer was said."""

import pytest

from workbench.contracts import Word
from workbench.language.answers import sentence_spans
from workbench.language.similarity import sentences


@pytest.mark.parametrize(
    ("said", "spans"),
    [
        ("We built a queue. It was very fast!", [(0.0, 3.5), (4.0, 7.5)]),
        ("We built a queue. Yes. It was very fast!", [(0.0, 4.5), (5.0, 8.5)]),  # a scrap stays with the sentence before
        ("no punctuation at all", [(0.0, 3.5)]),
    ],
)
def test_spans_run_from_the_first_to_the_last_word(said, spans):
    words = [Word(word=w, start=i, end=i + 0.5) for i, w in enumerate(said.split())]
    assert sentence_spans(said, words) == spans


def test_a_word_of_two_parts_counts_once():
    words = [Word(word="New York", start=0, end=1), Word(word="is big.", start=1, end=2), Word(word="Paris is too.", start=2, end=3)]
    text = " ".join(w.word for w in words)
    assert len(sentences(text)) == 2
    assert sentence_spans(text, words) == [(0.0, 2.0), (2.0, 3.0)]
