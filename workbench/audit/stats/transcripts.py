"""Recognition errors as sums: word errors, deletions, fillers heard, and how far word times are off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench import contracts, settings
from workbench.audit.options import AuditError
from workbench.audit.stats.inputs import row_weights
from workbench.evaluation.metrics import Metric, ratio

Spoken = str | contracts.Transcript


def words(text: str) -> list[str]:
    """Lower-case words without punctuation; apostrophes inside stay."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower().replace("’", "'"))


def metrics(predictions: Sequence[Spoken], labels: Sequence[Spoken] | None, weights: Any) -> tuple[list[Metric], list[str]]:
    """Word error rate, deletions, insertions, filler recall and, where both sides have word times, alignment error (s).

    Fillers do not count as words of the word error rate: a recogniser that leaves out every *um* has its own figure.

    Raises
    ------
    AuditError
        If lengths differ, something is not a transcript, or a reference has no words.
    """
    if labels is None or len(labels) != len(predictions):
        raise AuditError(
            f"labels: {0 if labels is None else len(labels)} reference transcripts for {len(predictions)} recognised; give one each"
        )
    fillers = frozenset(settings.Speech.model_fields["fillers"].default)
    table = np.array([_row(i, h, r, fillers) for i, (h, r) in enumerate(zip(predictions, labels, strict=True))])
    w = row_weights(weights, len(table))
    said, errors, deleted, inserted, fillers_said, fillers_heard, timed, off = (table * w[:, None]).T
    found = [
        ratio("wer", "word error rate", errors, said, "log", "lower"),
        ratio("deletions", "share of words left out", deleted, said, "logit", "lower"),
        ratio("insertions", "words added per word said", inserted, said, "log", "lower"),
    ]
    notes = []
    if fillers_said.any():
        found.append(ratio("filler_recall", "share of fillers heard", fillers_heard, fillers_said))
    else:
        notes.append("the references hold no fillers: filler recall cannot be said")
    if timed.any():
        found.append(ratio("alignment_error", "mean error of word starts (s)", off, timed, "log", "lower"))
    else:
        notes.append("word times are not given on both sides: alignment error cannot be said")
    return found, notes


def _row(index: int, heard: Spoken, said: Spoken, fillers: frozenset[str]) -> list[float]:
    """Words said, errors, deletions, insertions, fillers said and heard, words timed, summed error of their starts (s)."""
    import jiwer

    for what, value in (("predictions", heard), ("labels", said)):
        if not isinstance(value, str | contracts.Transcript):
            raise AuditError(f"{what}: row {index} is a {type(value).__name__}; give text or a contracts.Transcript")
    reference, hypothesis = _tokens(said), _tokens(heard)
    plain_reference = [t for t in reference if t[0] not in fillers]
    plain_hypothesis = [t for t in hypothesis if t[0] not in fillers]
    if not plain_reference:
        raise AuditError(f"labels: row {index} has no words; a word error rate needs some, so leave the row out")
    if plain_hypothesis:
        result = jiwer.process_words(" ".join(t[0] for t in plain_reference), " ".join(t[0] for t in plain_hypothesis))
        errors = result.substitutions + result.deletions + result.insertions
        deleted, inserted, chunks = result.deletions, result.insertions, result.alignments[0]
    else:
        errors, deleted, inserted, chunks = len(plain_reference), len(plain_reference), 0, []
    pairs = [
        (plain_reference[c.ref_start_idx + k][1], plain_hypothesis[c.hyp_start_idx + k][1])
        for c in chunks if c.type == "equal" for k in range(c.ref_end_idx - c.ref_start_idx)
    ]  # fmt: skip
    gaps = [abs(a - b) for a, b in pairs if a is not None and b is not None]
    spoken = sum(t[0] in fillers for t in reference)
    heard_fillers = min(spoken, sum(t[0] in fillers for t in hypothesis))
    return [len(plain_reference), errors, deleted, inserted, spoken, heard_fillers, len(gaps), sum(gaps)]


def _tokens(spoken: Spoken) -> list[tuple[str, float | None]]:
    """Words with their start times where known."""
    if isinstance(spoken, str):
        return [(w, None) for w in words(spoken)]
    if not spoken.words:
        return [(w, None) for w in words(spoken.transcript)]
    return [(w, word.start) for word in spoken.words for w in words(word.word)]
