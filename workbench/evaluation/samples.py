"""What a fusion strategy learns from: per-clip features by modality, with labels, persons and groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.corpora.crema_d import Votes
from workbench.errors import CorpusError
from workbench.fusion.strategy import Bools, Floats
from workbench.labels import CREMA_D

Ints = NDArray[np.int64]

GROUPINGS: tuple[str, ...] = ("sex", "race", "ethnicity", "age_band")
STRENGTHS: dict[str, str] = {"visual_strength": "visual", "audio_strength": "audio"}
"""Further tracks of CREMA-D's votes, and the source that each is lost with."""


@dataclass(frozen=True)
class Samples:
    """Clips as arrays, all of length n.

    Parameters
    ----------
    name : str
    source : str
        What the figures came from, said beside every figure.
    clips : ndarray of str, shape (n,)
    tracks : dict of ndarray, shape (n, k)
        By modality; see `fusion.strategy.Strategy`.
    masks : dict of ndarray of bool, shape (n,)
    labels : ndarray of int, shape (n,)
        Index into `classes`.
    persons : ndarray of str, shape (n,)
    groups : DataFrame
        One row a clip, a column a grouping.
    classes : tuple of str
    fingerprint : str
        Of the data they were read from.
    human : ndarray, shape (n, k), optional
        Human audio-visual judgement: the ceiling, never an input.
    notes : tuple of str
        What reading the corpus found wrong or doubtful.
    sources : dict of str
        Track that is no probability → the modality that it is lost with.
    """

    name: str
    source: str
    clips: NDArray[np.str_]
    tracks: dict[str, Floats]
    masks: dict[str, Bools]
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

    def rows(self, index: Ints) -> Samples:
        """These rows only: what `fit` is given holds nothing of anyone else."""
        return replace(
            self,
            clips=self.clips[index],
            tracks={m: x[index] for m, x in self.tracks.items()},
            masks={m: x[index] for m, x in self.masks.items()},
            labels=self.labels[index],
            persons=self.persons[index],
            groups=self.groups.iloc[index].reset_index(drop=True),
            human=None if self.human is None else self.human[index],
        )

    def only(self, modalities: Collection[str]) -> Samples:
        """With the named modalities alone.

        Raises
        ------
        CorpusError
            If none of them is there.
        """
        tracks = {m: x for m, x in self.tracks.items() if m in modalities}
        if not tracks:
            raise CorpusError(f"{self.name}: none of {', '.join(modalities)} is there; it has {', '.join(self.tracks)}")
        return replace(self, tracks=tracks, masks={m: self.masks[m] for m in tracks})


def from_votes(votes: Votes) -> Samples:
    """CREMA-D's votes as samples.

    `visual` and `audio` are the vote shares from face and voice alone; `visual_strength` and `audio_strength` the shares
    times the mean rated intensity of each emotion.
    """
    tracks = {
        "visual": votes.face,
        "audio": votes.voice,
        "visual_strength": votes.face * votes.intensity["face"],
        "audio_strength": votes.voice * votes.intensity["voice"],
    }
    return Samples(
        "crema-d",
        "CREMA-D: votes of human raters on acted clips, not outputs of a model",
        votes.table["clip"].to_numpy(dtype=str),
        tracks,
        {m: ~np.isnan(x).any(axis=1) for m, x in tracks.items()},
        votes.labels,
        votes.persons,
        votes.table[list(GROUPINGS)],
        CREMA_D,
        votes.fingerprint,
        votes.av,
        tuple(f"{f.where}: {f.message}" for f in votes.findings),
    )
