"""Keywords and phrases in what was said, whatever their ending."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from workbench.contracts import Word
from workbench.speech.words import tokens

_STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip


@cache
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(_STEMMERS[language])


def stems(text: str, language: str = "en") -> list[str]:
    """Stems of a text's words by Snowball; the words themselves in a language that Snowball does not know."""
    words = tokens(text)
    return list(_stemmer(language).stemWords(words)) if language in _STEMMERS else words


def mentions(keywords: Sequence[str], words: Sequence[Word], language: str = "en") -> dict[str, list[float]]:
    """When each keyword was said.

    A keyword is found where the stems of its words stand in a row, fillers between them left out, however it was put
    together: "roll back" finds "rolled back" and "rollback", "postmortem" finds "post-mortem".

    Parameters
    ----------
    keywords : sequence of str
        Words or phrases.
    words : sequence of Word
        In order of time.
    language : str
        ISO 639-1.

    Returns
    -------
    dict
        Keyword → start times of its mentions, s; keywords that were not said have none.
    """
    said = [(stem, w.start) for w in words if not w.filler for stem in stems(w.word, language)]
    return {k: _starts(stems(k, language), said) for k in keywords}


def _starts(wanted: list[str], said: list[tuple[str, float]]) -> list[float]:
    whole = "".join(wanted)
    starts, i = [], 0
    while whole and i < len(said):
        text, n = "", 0
        while n <= len(wanted) and i + n < len(said) and len(text) < len(whole):
            text += said[i + n][0]
            n += 1
        if text == whole:
            starts.append(said[i][1])
        i += n if text == whole else 1
    return starts
