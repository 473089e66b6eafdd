"""Pronunciations of words that the dictionary lacks: eSpeak NG's phonemes written in ARPAbet, the dictionary's alphabet."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

# American English phonemes of eSpeak NG; longer spellings first when matched. Syllabic consonants get a schwa.
ARPABET = {
    "aʊ": "AW", "aɪ": "AY", "eɪ": "EY", "oʊ": "OW", "ɔɪ": "OY", "aɪə": "AY AH", "aɪɚ": "AY ER", "ɪɹ": "IH R", "ʊɹ": "UH R",
    "ɛɹ": "EH R", "ɔːɹ": "AO R", "oːɹ": "AO R", "ɑːɹ": "AA R", "əl": "AH L", "iə": "IY AH", "tʃ": "CH", "dʒ": "JH",
    "iː": "IY", "i": "IY", "ɪ": "IH", "ᵻ": "IH", "ɛ": "EH", "e": "EH", "æ": "AE", "a": "AE", "ɐ": "AH", "ə": "AH", "ʌ": "AH",
    "ɑː": "AA", "ɑ": "AA", "ɔː": "AO", "ɔ": "AO", "o": "OW", "ʊ": "UH", "uː": "UW", "u": "UW", "ɜː": "ER", "ɚ": "ER", "ɝ": "ER",
    "p": "P", "b": "B", "t": "T", "d": "D", "ɾ": "T", "ʔ": "T", "k": "K", "ɡ": "G", "g": "G", "f": "F", "v": "V", "θ": "TH",
    "ð": "DH", "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH", "h": "HH", "x": "K", "m": "M", "n": "N", "ŋ": "NG", "n̩": "AH N",
    "l̩": "AH L", "m̩": "AH M", "l": "L", "ɹ": "R", "r": "R", "j": "Y", "w": "W",
}  # fmt: skip
_PHONEME = re.compile("|".join(sorted(ARPABET, key=len, reverse=True)))
_READABLE = re.compile(r"[0-9A-Za-zÀ-ɏ]")
_MONEY = re.compile(r"([$£€])\s*([\d.,]+)")
_CURRENCIES = {"$": "dollars", "£": "pounds", "€": "euros"}
HESITATIONS = {"uhm": "AH M", "erm": "ER M"}
"""Spellings of hesitations that are not in the dictionary and that eSpeak NG would pronounce wrongly."""


@cache
def _espeak() -> Any:
    import espeakng_loader
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
    voice = EspeakWrapper()
    voice.set_voice("en-us")
    return voice


def spoken(word: str) -> str:
    """A word with its figures and signs written as they are read aloud: ``"$3.5"`` → ``"3 point 5 dollars"``."""
    text = _MONEY.sub(lambda m: f"{m[2]} {_CURRENCIES[m[1]]}", word)
    text = re.sub(r"(?<=\d)\.(?=\d)", " point ", text).replace("%", " percent ").replace("&", " and ").replace("+", " plus ")
    return " ".join(text.split())


def pronounce(word: str) -> str | None:
    """ARPAbet phones of an English word or number, separated by spaces; None where nothing is pronounced."""
    if word in HESITATIONS:
        return HESITATIONS[word]
    if not _READABLE.search(word):  # eSpeak would spell out "Chinese letter"
        return None
    phonemes = _espeak().text_to_phonemes(spoken(word))
    return " ".join(ARPABET[m] for m in _PHONEME.findall(phonemes)) or None
