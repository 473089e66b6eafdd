"""Lexical diversity that does not depend on how much was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

THRESHOLD = 0.72
"""Type-token ratio at which a factor of MTLD is complete (McCarthy & Jarvis 2010)."""
WINDOW = 50
"""Words of MATTR's window (Covington & McFall 2010)."""
LEAST = 30
"""Words below which nothing is said. Indices settle from about 50 words on (Zenker & Kyle 2021): read those of less with care."""


def mtld(words: Sequence[str]) -> float | None:
    """Measure of textual lexical diversity: the mean length of runs of words that keep a type-token ratio above 0.72.

    The mean of a pass forwards and one backwards, incomplete runs counted by the share they reached (McCarthy & Jarvis
    2010, Behavior Research Methods 42).

    Parameters
    ----------
    words : sequence of str
        Normal forms, in order, without fillers.

    Returns
    -------
    float or None
        Words per run; None below 30 words. A text in which no word comes twice has its length.
    """
    if len(words) < LEAST:
        return None
    return (_run_length(words) + _run_length(reversed(words))) / 2


def _run_length(words: Iterable[str]) -> float:
    factors, length, total, ratio = 0.0, 0, 0, 1.0
    types: set[str] = set()
    for word in words:
        types.add(word)
        length += 1
        total += 1
        ratio = len(types) / length
        if ratio <= THRESHOLD:
            factors, length, ratio = factors + 1, 0, 1.0
            types = set()
    factors += (1 - ratio) / (1 - THRESHOLD)
    return total / factors if factors else float(total)


def mattr(words: Sequence[str], window: int = WINDOW) -> float | None:
    """Moving-average type-token ratio (Covington & McFall 2010): the mean share of different words in every window.

    Parameters
    ----------
    words : sequence of str
        Normal forms, in order, without fillers.
    window : int
        Words; the text's length where that is shorter.

    Returns
    -------
    float or None
        In [0, 1]; None below 30 words.
    """
    if len(words) < LEAST:
        return None
    window = min(window, len(words))
    counts = Counter(words[:window])
    total, windows = len(counts), 1
    for gone, new in zip(words, words[window:], strict=False):
        counts[gone] -= 1
        if not counts[gone]:
            del counts[gone]
        counts[new] += 1
        total, windows = total + len(counts), windows + 1
    return total / windows / window


MEASURES: dict[str, Callable[[Sequence[str]], float | None]] = {"mtld": mtld, "mattr": mattr}
"""By the name in ``settings.language.lexical_measure``."""
