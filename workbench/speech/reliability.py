"""How far the words of a stretch of speech may be relied on, and in words why not.

A recogniser always writes something: for another language, for two people at once, for speech in loud noise. What it writes then is
fluent, and wrong; but its own probabilities fall. The reliability of a stretch is the mean probability of its words. Below
``speech.min_confidence`` (chosen on read English, other languages and noise; see docs/robustness.md), or where the text as a
whole is improbable, or where another language is likelier, the words are kept and shown, and left out of every score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.contracts import Word
from workbench.settings import Speech

FEW = 3
"""Words from which the mean probability says something; fewer are doubted below `ALONE`."""
ALONE = 0.35
CLEAR = 0.75
"""Mean probability from which words are clear, whatever language the sound is taken for."""
_LIKELY = 0.5
"""Probability from which another language is named."""
_SUPPORTED_RATE = 6.0
"""Words a second that people reach; an invented repetition is faster."""
_SPOKEN = 0.06
"""s; words that were spoken last longer, those of an invented repetition fall together."""


def judge(
    words: Sequence[Word], settings: Speech, *, logprob: float | None = None, language: str | None = None, likelihood: float = 0.0
) -> tuple[float, str]:
    """The reliability of a stretch in [0, 1], and why its words are left out of scores ("" where they are not).

    Parameters
    ----------
    words : sequence of Word
    settings : Speech
    logprob : float, optional
        Mean log probability of the text's tokens.
    language : str, optional
        The likeliest language of the sound (ISO 639-1), where it was looked at.
    likelihood : float
        Its probability.
    """
    known = [w.conf for w in words if w.conf is not None]
    if not known:
        return 1.0, ""
    sure = float(np.mean(known))
    least = settings.min_confidence if len(known) >= FEW else ALONE
    if language is not None and language != settings.language and likelihood >= _LIKELY and sure < CLEAR:
        return sure, f"another language: {language} (probability {likelihood:.2f}, word confidence {sure:.2f})"
    improbable = logprob is not None and len(known) >= FEW and sure < CLEAR and logprob < settings.min_logprob
    if sure < least or improbable:
        return sure, f"not understood (word confidence {sure:.2f})"
    return sure, ""


def repeated_for_real(words: Sequence[tuple[float, float, float]]) -> bool:
    """Whether a text that repeats itself was spoken so: its words are probable, last as long as words do, and are no faster than speech.

    Parameters
    ----------
    words : sequence of (start in s, end in s, probability)
    """
    if len(words) < FEW:
        return False
    start, end, probability = np.array(words).T
    seconds = float(end.max() - start.min())
    return bool(
        probability.mean() >= CLEAR - 0.1 and len(words) <= _SUPPORTED_RATE * max(seconds, 1e-9) and np.mean(end - start >= _SPOKEN) >= 0.8
    )
