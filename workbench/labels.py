"""Emotion taxonomies and the maps between them. Orders are fixed: they are the column orders of stored arrays."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

BASIC: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The seven basic classes (Ekman's six and neutral), alphabetically; the order of every fused probability vector."""

COMPOUND_PAIRS: dict[str, tuple[str, str]] = {
    "happily_surprised": ("happy", "surprise"),
    "happily_disgusted": ("happy", "disgust"),
    "sadly_fearful": ("sad", "fear"),
    "sadly_angry": ("sad", "angry"),
    "sadly_surprised": ("sad", "surprise"),
    "sadly_disgusted": ("sad", "disgust"),
    "fearfully_angry": ("fear", "angry"),
    "fearfully_surprised": ("fear", "surprise"),
    "angrily_surprised": ("angry", "surprise"),
    "angrily_disgusted": ("angry", "disgust"),
    "disgustedly_surprised": ("disgust", "surprise"),
}
"""RAF-DB's eleven compound classes in its own order (label 1 to 11), each with its pair of basic classes."""
COMPOUND: tuple[str, ...] = tuple(COMPOUND_PAIRS)

RAF_DB_BASIC: dict[int, str] = {
    1: "surprise",
    2: "fear",
    3: "disgust",
    4: "happy",
    5: "sad",
    6: "angry",
    7: "neutral",
}
RAF_DB_COMPOUND: dict[int, str] = dict(enumerate(COMPOUND, start=1))

CREMA_D: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "neutral", "sad")
"""CREMA-D's six classes in the order of its vote columns A, D, F, H, N, S (no surprise)."""
CREMA_D_CODES: dict[str, str] = {
    "ANG": "angry",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
RAVDESS_CODES: dict[str, str] = {
    "01": "neutral",
    "02": "neutral",  # "calm" has no basic class; the corpus' authors place it beside neutral
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
MELD_LABELS: dict[str, str] = {
    "neutral": "neutral",
    "joy": "happy",
    "sadness": "sad",
    "anger": "angry",
    "fear": "fear",
    "disgust": "disgust",
    "surprise": "surprise",
}
IEMOCAP_CODES: dict[str, str | None] = {
    "neu": "neutral",
    "hap": "happy",
    "exc": "happy",  # excitement goes with happiness, as in most work on the corpus
    "sad": "sad",
    "ang": "angry",
    "fea": "fear",
    "dis": "disgust",
    "sur": "surprise",
    "fru": None,  # frustration: no basic class
    "oth": None,
    "xxx": None,  # the raters did not agree
}


def reorder(values: ArrayLike, source: tuple[str, ...], target: tuple[str, ...] = BASIC) -> NDArray[np.float64]:
    """Move the last axis of `values` from the label order `source` to `target`; labels absent from `source` get 0.

    Examples
    --------
    >>> reorder([[0.2, 0.8]], ("happy", "sad"), ("sad", "happy", "fear")).tolist()
    [[0.8, 0.2, 0.0]]
    """
    array = np.asarray(values, dtype=np.float64)
    out = np.zeros((*array.shape[:-1], len(target)))
    for i, label in enumerate(target):
        if label in source:
            out[..., i] = array[..., source.index(label)]
    return out


def derive_compound(probs: ArrayLike) -> NDArray[np.float64]:
    """Derive a read-out over the eleven compound classes from basic probabilities.

    This is *not* a classifier: no weights trained on RAF-DB's compound set are involved. A compound's share is the
    geometric mean of its two basics' probabilities, so that it is high only where both are; shares sum to at most 1
    and are not a distribution over all emotions. Wherever it is shown it must be marked "derived".

    Parameters
    ----------
    probs : array_like, shape (..., 7)
        Probabilities in `BASIC` order, each in [0, 1].

    Returns
    -------
    ndarray, shape (..., 11)
        Shares in `COMPOUND` order, each in [0, 0.5] where `probs` sums to 1.

    Examples
    --------
    >>> import numpy as np
    >>> surprised_and_happy = reorder(np.array([0.5, 0.5]), ("happy", "surprise"))
    >>> dict(zip(COMPOUND, derive_compound(surprised_and_happy).tolist()))["happily_surprised"]
    0.5
    """
    p = np.asarray(probs, dtype=np.float64)
    return np.stack([np.sqrt(p[..., BASIC.index(a)] * p[..., BASIC.index(b)]) for a, b in COMPOUND_PAIRS.values()], axis=-1)


def top(probs: Mapping[str, float]) -> tuple[str, float]:
    """The most probable label and its probability; the first in the mapping's order on a tie.

    Examples
    --------
    >>> top({"happy": 0.7, "sad": 0.3})
    ('happy', 0.7)
    """
    label = max(probs, key=probs.__getitem__)
    return label, probs[label]
