"""An extracted corpus as samples: what the workbench's own stages measured in each clip, with the corpus's labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from workbench.contracts import EMOTION_MODALITIES
from workbench.corpora.tracks import ERRORS, Extracted, default_folder
from workbench.errors import CorpusError
from workbench.evaluation.samples import GROUPINGS, Samples
from workbench.fusion.batch import ModalityBatch
from workbench.labels import BASIC, reorder
from workbench.streams import Floats

PROBABILITIES = EMOTION_MODALITIES
"""Modalities whose features are class probabilities; the others are measurements."""


def load(name: str, root: Path | None = None) -> Samples:
    """Samples of the tracks that `workbench corpora extract NAME` wrote.

    Classes are those of `labels.BASIC` that the corpus's labels use; probabilities of other classes are left out and the
    rest rescaled to sum to 1. Clips without a label are left out.

    Parameters
    ----------
    name : str
    root : Path, optional
        Folder of the tracks; ``tracks/NAME`` in the cache where left out.

    Raises
    ------
    CorpusError
        If nothing was extracted, no modality has a feature, or the labels are fewer than two classes.
    """
    corpus = Extracted.open(root or default_folder(name))
    labelled = corpus.clips["label"].notna().to_numpy()
    clips = corpus.clips[labelled].reset_index(drop=True)
    classes = tuple(c for c in BASIC if (clips["label"] == c).any())
    if len(classes) < 2:
        raise CorpusError(f"{corpus.root}: {len(clips)} extracted clips with {len(classes)} classes; fusion needs two classes at least")
    features = {m: x[labelled] for m, x in corpus.features().items()}
    features = {m: _among(x, classes) if m in PROBABILITIES else x for m, x in features.items()}
    if not features:
        raise CorpusError(f"{corpus.root}: no clip has a face, a voice or words that could be used; see its errors.parquet")
    return Samples(
        name,
        f"{corpus.name}: outputs of the workbench's own stages on its media, compared with the corpus's labels",
        clips["clip"].to_numpy(dtype=str),
        ModalityBatch.of(features),
        np.array([classes.index(x) for x in clips["label"]], dtype=np.int64),
        clips["person"].to_numpy(dtype=str),
        clips[[g for g in GROUPINGS if clips[g].notna().any()]],
        classes,
        corpus.fingerprint,
        notes=_notes(corpus, features, clips),
        sources={"prosody": "audio", "text": "audio"},
    )


def _notes(corpus: Extracted, features: dict[str, Floats], clips: pd.DataFrame) -> tuple[str, ...]:
    """What a person should know about the samples: clips without a label, with errors, without a modality."""
    broken = corpus.errors.loc[corpus.errors["level"] == "error", "clip"].nunique()
    lacking = {m: int(np.isnan(x).any(axis=1).sum()) for m, x in features.items()}
    remarks = {
        f"{len(corpus.clips) - len(clips)} clips have no label here and are left out": len(corpus.clips) - len(clips),
        f"{broken} clips had errors when they were extracted; see {corpus.root / ERRORS}": broken,
    } | {f"{n} of {len(clips)} clips have no {m}": n for m, n in lacking.items()}
    return tuple(text for text, n in remarks.items() if n)


def _among(probs: Floats, classes: tuple[str, ...]) -> Floats:
    """Probabilities of some classes, rescaled to sum to 1."""
    kept = reorder(probs, BASIC, classes)
    return kept / kept.sum(axis=1, keepdims=True)
