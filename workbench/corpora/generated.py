"""A generated corpus of votes in CREMA-D's format, for trying the workbench without a real corpus. Nobody was recorded.

The tables of CREMA-D are drawn from a seed, written to a folder of the cache, and read by CREMA-D's own loader, so that
everything that works on them works on the real corpus.

One difference is built in, so that an audit has something to show: votes on the *faces* of men agree with the intended
emotion less often than votes on the faces of women (`FACE_HIT`). For voices there is no difference. All other
differences between groups are chance.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from workbench.corpora import crema_d
from workbench.corpora.base import Corpus
from workbench.corpora.crema_d import CHANNELS, INTENSITY, LETTERS, PEOPLE, RAW, VOTES, Votes
from workbench.errors import CorpusError
from workbench.labels import CREMA_D_CODES
from workbench.settings import cache_dir, data_dir

NAME = "generated"
NOTICE = "Generated votes: nobody was recorded or judged; shows what the workbench does, says nothing about people"
PERSONS, CLIPS, RATERS = 72, 24, 10
FACE_HIT = {"Female": 0.55, "Male": 0.46}
"""Chance that one vote on a face is the intended emotion, by sex of the actor."""
VOICE_HIT, BOTH_HIT = 0.34, 0.57
RACES = ("Caucasian", "African American")
RARE = "Asian", (0, 11, 24, 35, 48, 59)
"""A race of six actors only (by number), three of each sex: what is suppressed can be seen, too."""
_SEED, _VERSION = 20260101, 2


def default_votes() -> str:
    """Name of the corpus of votes that is used by default: "crema-d" where its tables are in WORKBENCH_DATA, else "generated"."""
    data = data_dir()
    return "crema-d" if data is not None and (data / "crema-d" / VOTES).exists() else NAME


def folder() -> Path:
    """The corpus's folder, which is written first if it does not exist."""
    target = cache_dir() / "corpora" / f"{NAME}-{_VERSION}"
    if target.exists():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent) as scratch:
            fresh = write(Path(scratch) / NAME)
            with suppress(OSError):  # another process may have been faster
                fresh.rename(target)
    except OSError as error:
        raise CorpusError(f"{target}: cannot be written ({error.strerror}); set WORKBENCH_CACHE to a folder that can") from None
    return target


def write(root: Path, persons: int = PERSONS, clips: int = CLIPS, seed: int = _SEED) -> Path:
    """Write the corpus's tables.

    Parameters
    ----------
    root : Path
    persons, clips : int
        Number of actors, and of clips by each.
    seed : int
        The same seed gives the same bytes.
    """
    random = np.random.default_rng(seed)
    (root / VOTES.parent).mkdir(parents=True, exist_ok=True)
    actors = [str(1001 + i) for i in range(persons)]
    sex = np.where(np.arange(persons) % 2 == 0, "Female", "Male")
    people = pd.DataFrame(
        {
            "ActorID": actors,
            "Age": random.integers(20, 75, persons),
            "Sex": sex,
            "Race": np.where(np.isin(np.arange(persons), RARE[1]), RARE[0], random.choice(RACES, persons, p=(0.7, 0.3))),
            "Ethnicity": random.choice(["Not Hispanic", "Hispanic"], persons, p=(0.85, 0.15)),
        }
    )
    people.to_csv(root / PEOPLE, index=False)
    codes = list(CREMA_D_CODES)
    actor, clip = np.divmod(np.arange(persons * clips), clips)
    intended = clip % len(codes)
    names = [f"{actors[a]}_{_sentence(j)}_{codes[t]}_XX" for a, j, t in zip(actor, clip, intended, strict=True)]
    chance = {
        "voice": np.full(len(names), VOICE_HIT),
        "face": np.array([FACE_HIT[s] for s in sex])[actor],
        "av": np.full(len(names), BOTH_HIT),
    }
    parts = [_votes(names, intended, chance[channel], 100000 * code, random) for code, channel in CHANNELS.items()]
    pd.concat(parts).to_csv(root / VOTES)
    pd.DataFrame({"Stimulus_Number": range(1, len(names) + 1), "Filename": names}).to_csv(root / "SentenceFilenames.csv", index=False)
    return root


def _sentence(j: int) -> str:
    """A three-letter sentence code, another one for each clip of an actor with the same emotion."""
    return "S" + chr(ord("A") + j // 26) + chr(ord("A") + j % 26)


def _votes(names: list[str], intended: np.ndarray, hit: np.ndarray, offset: int, random: np.random.Generator) -> pd.DataFrame:
    """One channel's rows of the vote table."""
    k = len(LETTERS)
    # some clips are clearer than others, and raters choose neutral where they are unsure
    clear = np.clip(hit + random.normal(0, 0.18, len(names)), 0.02, 0.98)
    other = random.dirichlet(np.full(k, 0.8), len(names))
    other[:, LETTERS.index("N")] += 0.35
    other[np.arange(len(names)), intended] = 0
    other /= other.sum(axis=1, keepdims=True)
    shares = other * (1 - clear)[:, None]
    shares[np.arange(len(names)), intended] = clear
    counts = np.array([random.multinomial(RATERS, p / p.sum()) for p in shares])
    strength = np.where(counts > 0, np.clip(random.normal(60, 12, counts.shape) + 15 * counts / RATERS, 1, 100), 0).round(1)
    table = pd.DataFrame(counts, columns=list(LETTERS), index=offset + np.arange(1, len(names) + 1))
    table = table.assign(fileName=names, numResponses=counts.sum(axis=1))
    for columns in (RAW, INTENSITY):
        table[list(columns)] = strength
    return table


def load(root: Path) -> Corpus:
    """The clips that `write` made, with the modality "votes" only."""
    return crema_d.load(root, NAME)


def load_votes(root: Path | None = None) -> Votes:
    """The generated votes, with the notice that they are generated."""
    return crema_d.load_votes(root or folder(), name=NAME, source=NOTICE)
