"""How near an answer is in meaning to the model answer, by sentence embeddings that need no network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import zoo

PASSAGE = 150
"""Words that are embedded together; MiniLM reads 256 word pieces and drops the rest."""
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_SHORTEST = 3  # words; a shorter sentence goes with the one before it


def sentences(text: str) -> list[str]:
    """A text's sentences by their punctuation; scraps of one or two words stay with the sentence before."""
    found: list[str] = []
    for piece in _SENTENCE.split(text.strip()):
        if found and len(piece.split()) < _SHORTEST:
            found[-1] += " " + piece
        elif piece:
            found.append(piece)
    return found


def passages(text: str) -> list[str]:
    """A text in pieces of whole sentences, each of at most `PASSAGE` words."""
    pieces: list[list[str]] = []
    for sentence in sentences(text):
        words = sentence.split()
        for i in range(0, len(words), PASSAGE):
            part = words[i : i + PASSAGE]
            if pieces and len(pieces[-1]) + len(part) <= PASSAGE:
                pieces[-1] += part
            else:
                pieces.append(part)
    return [" ".join(p) for p in pieces]


@cache
def _model(path: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(path), device="cpu", local_files_only=True)  # nothing is asked of a hub


def warm_up(model: str | Path) -> None:
    """Load the model (a zoo name or a folder)."""
    _model(zoo.path(model))


def embed(texts: Sequence[str], model: str | Path = "minilm") -> NDArray[np.float64]:
    """Unit vectors of shape (n, k), one a text.

    A text longer than `PASSAGE` words is the mean of its passages, by their words.

    Raises
    ------
    WeightsError
        If the model's weights are missing.
    """
    parts = [passages(t) or [""] for t in texts]
    flat = [p for ps in parts for p in ps]
    vectors = np.asarray(_model(zoo.path(model)).encode(flat, normalize_embeddings=True, show_progress_bar=False), np.float64)
    out, at = [], 0
    for ps in parts:
        mean = np.average(vectors[at : at + len(ps)], axis=0, weights=[max(1, len(p.split())) for p in ps])
        out.append(mean / np.linalg.norm(mean))
        at += len(ps)
    return np.array(out)


def similarity(answer: str, model_answer: str, model: str | Path = "minilm") -> tuple[float, list[float]]:
    """Cosine of an answer to the model answer, and of each of its sentences.

    Parameters
    ----------
    answer : str
        With punctuation, without fillers; not empty.
    model_answer : str
        Not empty.
    model : str or Path
        Zoo name or folder.

    Returns
    -------
    whole : float
        In [-1, 1].
    each : list of float
        One a sentence, in their order.
    """
    vectors = embed([model_answer, answer, *sentences(answer)], model)
    cosines = np.clip(vectors[1:] @ vectors[0], -1.0, 1.0)
    return float(cosines[0]), cosines[1:].tolist()
