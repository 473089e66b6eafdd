"""Normal spelling of transcribed words, for counting, aligning and matching."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_EDGES = re.compile(r"^[^\w]+|[^\w]+$")


def normal(word: str) -> str:
    """A word in lower case without the punctuation around it: ``"Don’t,"`` → ``"don't"``."""
    text = unicodedata.normalize("NFC", word).replace("’", "'").lower()
    return _EDGES.sub("", text).strip("_")


def tokens(text: str) -> list[str]:
    """The normal forms of a text's words, in order; hyphenated words count as their parts."""
    return [t for piece in re.split(r"[\s\-–—/]+", text) if (t := normal(piece))]


def is_filler(word: str, fillers: frozenset[str]) -> bool:
    """Whether a word is one of `fillers`, also with repeated letters ("ummm")."""
    text = normal(word)
    return text in fillers or re.sub(r"(.)\1+", r"\1", text) in fillers


def filler_marks(words: Sequence[str], fillers: Sequence[str]) -> list[bool]:
    """Which words are fillers.

    Parameters
    ----------
    words : sequence of str
    fillers : sequence of str
        Single words, or phrases of several ("you know"), whose words are all marked. Only hesitations can be counted
        without checking: "like", "so" and "you know" are more often words than fillers.
    """
    single = frozenset(f.lower() for f in fillers if " " not in f)
    marks = [is_filler(w, single) for w in words]
    normals = [normal(w) for w in words]
    for phrase in (f.lower().split() for f in fillers if " " in f):
        for i in range(len(normals) - len(phrase) + 1):
            if normals[i : i + len(phrase)] == phrase:
                marks[i : i + len(phrase)] = [True] * len(phrase)
    return marks
