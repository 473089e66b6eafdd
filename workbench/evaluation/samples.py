"""What a fusion strategy learns from: per-clip features by modality, with labels, persons and groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.corpora.crema_d import Votes, load_votes
from workbench.errors import CorpusError
from workbench.fusion.batch import ModalityBatch
from workbench.labels import CREMA_D
from workbench.streams import Floats

Ints = NDArray[np.int64]

GROUPINGS: tuple[str, ...] = ("sex", "race", "ethnicity", "age_band")
STRENGTHS: dict[str, str] = {"visual_strength": "visual", "audio_strength": "audio"}
"""Further feature blocks of CREMA-D's votes, and the modality that each is lost with."""


@dataclass(frozen=True)
class Samples:
    """Clips as arrays, all of length n.

    Parameters
    ----------
    name : str
    source : str
        What the figures came from, stated beside every figure.
    clips : ndarray of str, shape (n,)
    batch : ModalityBatch
        What a strategy is given of them.
    labels : ndarray of int, shape (n,)
        Index into `classes`.
    persons : ndarray of str, shape (n,)
    groups : DataFrame
        One row a clip, a column a grouping.
    classes : tuple of str
    fingerprint : str
        Of the data they were read from.
    human : ndarray, shape (n, k), optional
        Ratings by people who saw and heard the clip: the ceiling, never an input.
    notes : tuple of str
        Faults and doubts that came up when the corpus was read.
    sources : dict of str
        Feature block that holds no probabilities → the modality that it is lost with.
    """

    name: str
    source: str
    clips: NDArray[np.str_]
    batch: ModalityBatch
    labels: Ints
    persons: NDArray[np.str_]
    groups: pd.DataFrame
    classes: tuple[str, ...]
    fingerprint: str
    human: Floats | None = None
    notes: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=lambda: dict(STRENGTHS))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def features(self) -> Mapping[str, Floats]:
        """Feature block → values, shape (n, k)."""
        return self.batch.features

    def rows(self, index: Ints) -> Samples:
        """These rows only: what `fit` is given holds nothing of anyone else."""
        return replace(
            self,
            clips=self.clips[index],
            batch=self.batch.rows(index),
            labels=self.labels[index],
            persons=self.persons[index],
            groups=self.groups.iloc[index].reset_index(drop=True),
            human=None if self.human is None else self.human[index],
        )

    def only(self, modalities: Collection[str]) -> Samples:
        """With the named feature blocks alone.

        Raises
        ------
        CorpusError
            If none of them is there.
        """
        batch = self.batch.only(modalities)
        if not batch.features:
            raise CorpusError(f"{self.name}: none of {', '.join(modalities)} is there; it has {', '.join(self.features)}")
        return replace(self, batch=batch)


def from_votes(votes: Votes) -> Samples:
    """CREMA-D's votes as samples.

    `visual` and `audio` are the vote shares from face and voice alone; `visual_strength` and `audio_strength` the shares
    times the mean rated intensity of each emotion.
    """
    features = {
        "visual": votes.face,
        "audio": votes.voice,
        "visual_strength": votes.face * votes.intensity["face"],
        "audio_strength": votes.voice * votes.intensity["voice"],
    }
    return Samples(
        votes.name,
        votes.source,
        votes.table["clip"].to_numpy(dtype=str),
        ModalityBatch.of(features),
        votes.labels,
        votes.persons,
        votes.table[list(GROUPINGS)],
        CREMA_D,
        votes.fingerprint,
        votes.av,
        tuple(f"{f.where}: {f.message}" for f in votes.findings),
    )


def crema_d(root: Path) -> Samples:
    """CREMA-D's votes in a folder, as samples."""
    return from_votes(load_votes(root))


def generated(root: Path | None = None) -> Samples:
    """The generated votes as samples (see `corpora.generated`)."""
    from workbench.corpora import generated as corpus

    return from_votes(corpus.load_votes(root))
