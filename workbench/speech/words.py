"""Spelling of recognised words, as counting, aligning and matching need it."""

from __future__ import annotations

import re
import unicodedata

_EDGES = re.compile(r"^[^\w]+|[^\w]+$")


def normal(word: str) -> str:
    """A word in small letters without the punctuation around it: ``"Don’t,"`` → ``"don't"``."""
    text = unicodedata.normalize("NFC", word).replace("’", "'").lower()
    return _EDGES.sub("", text).strip("_")


def tokens(text: str) -> list[str]:
    """The normal forms of a text's words, in order; hyphenated words count as their parts."""
    return [t for piece in re.split(r"[\s\-–—/]+", text) if (t := normal(piece))]


def is_filler(word: str, fillers: frozenset[str]) -> bool:
    """Whether a word is one of `fillers`, drawn out ("ummm") or not."""
    text = normal(word)
    return text in fillers or re.sub(r"(.)\1+", r"\1", text) in fillers
