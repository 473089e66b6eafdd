"""Spelling: normal forms, fillers, and pronunciations of words that no dictionary has."""

from __future__ import annotations

import pytest

from workbench import zoo
from workbench.settings import Speech
from workbench.speech.pronunciation import ARPABET, pronounce, spoken
from workbench.speech.whisper import joined
from workbench.speech.words import filler_marks, normal, tokens


@pytest.mark.parametrize(
    ("word", "form"), [("Don’t,", "don't"), ("“Wizard”", "wizard"), ("...", ""), ("C++", "c"), ("3.5", "3.5"), ("Señor!", "señor")]
)
def test_normal_forms(word: str, form: str) -> None:
    assert normal(word) == form


def test_tokens_split_hyphenated_words() -> None:
    assert tokens("A well-known, dead-letter queue...") == ["a", "well", "known", "dead", "letter", "queue"]


def test_hesitations_are_fillers_and_words_like_them_are_not() -> None:
    words = ["Um,", "uhhh", "Ummm...", "so", "like,", "hum", "her", "error", "mm-hmm"]
    assert filler_marks(words, Speech().fillers) == [True, True, True, False, False, False, False, False, False]


def test_phrases_can_be_made_fillers() -> None:
    words = ["Well,", "you", "know,", "I", "know"]
    assert filler_marks(words, ("um", "you know")) == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("kubernetes", "K UW B ER N EH T IY Z"),
        ("3.5", "TH R IY P OY N T F AY V"),
        ("10%", "T EH N P ER S EH N T"),
        ("erm", "ER M"),
        ("...", None),
        ("東京", None),
    ],
)
def test_pronunciations(word: str, phones: str | None) -> None:
    assert pronounce(word) == phones


def test_money_is_read_in_the_order_of_speech() -> None:
    assert spoken("$3.5") == "3 point 5 dollars"


def test_every_phone_is_one_of_the_dictionary() -> None:
    lines = (zoo.path("pocketsphinx-en-us") / "cmudict-en-us.dict").read_text().splitlines()
    known = {phone for line in lines for phone in line.split()[1:]}
    assert {phone for phones in ARPABET.values() for phone in phones.split()} <= known


def test_punctuation_and_hyphens_stay_with_their_words() -> None:
    pieces = [(" cold", 0.0, 0.3, 0.9), ("-hearted", 0.3, 0.8, 0.5), (",", 0.8, 1.0, 0.7), (" she", 1.0, 1.2, 0.8), ("'s", 1.2, 1.3, 0.9)]
    words = joined([{"word": w, "start": a, "end": b, "probability": p} for w, a, b, p in pieces])
    assert [(w.word, w.start, w.end) for w in words] == [("cold-hearted,", 0.0, 0.8), ("she's", 1.0, 1.3)]
    assert words[0].probability == 0.5
