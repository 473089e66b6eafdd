"""A generated corpus of votes in CREMA-D's shape: for trying the workbench where no real corpus is there. Nobody was recorded.

The same tables that CREMA-D ships are drawn from a seed, written to a folder of the cache, and read by CREMA-D's own
loader, so that everything that works on it works on the real corpus.

Built in, so that an audit has something to find: the votes on the *faces* of men hit the intended emotion less often than
those on the faces of women (`FACE_HIT`), voices are equal. Nothing else differs between groups but by chance.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.corpora import crema_d
from workbench.corpora.crema_d import CHANNELS, INTENSITY, LETTERS, PEOPLE, RAW, VOTES, Votes
from workbench.labels import CREMA_D_CODES
from workbench.settings import cache_dir, data_dir

NAME = "generated"
NOTICE = "Generated votes: nobody was recorded or judged; shows what the workbench does, says nothing about people"
PERSONS, CLIPS, RATERS = 72, 24, 10
FACE_HIT = {"Female": 0.55, "Male": 0.46}
"""Chance that one vote on a face is the intended emotion, by sex of the actor."""
VOICE_HIT, BOTH_HIT = 0.34, 0.57
RACES = ("Caucasian", "African American", "Asian")
_SEED, _VERSION = 20260101, 1


def default_votes() -> str:
    """The corpus of votes to open where nobody names one: CREMA-D where its tables are, else this one."""
    data = data_dir()
    return "crema-d" if data is not None and (data / "crema-d" / VOTES).exists() else NAME


def folder() -> Path:
    """The corpus's folder, written where it is not there yet."""
    target = cache_dir() / "corpora" / f"{NAME}-{_VERSION}"
    if not (target / "SentenceFilenames.csv").exists():
        fresh = target.with_name(f".{target.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        write(fresh)
        if not target.exists():
            fresh.rename(target)
    return target


def write(root: Path, persons: int = PERSONS, clips: int = CLIPS, seed: int = _SEED) -> Path:
    """Write the corpus's tables.

    Parameters
    ----------
    root : Path
    persons, clips : int
        Actors, and clips of each.
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
            "Race": random.choice(RACES, persons, p=(0.6, 0.25, 0.15)),
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
    """A three-letter sentence code that no other clip of the actor has with the same emotion."""
    return "S" + chr(ord("A") + j // 26) + chr(ord("A") + j % 26)


def _votes(names: list[str], intended: np.ndarray, hit: np.ndarray, offset: int, random: np.random.Generator) -> pd.DataFrame:
    """One channel's rows of the vote table."""
    k = len(LETTERS)
    # some clips are clearer than others, and neutral is what raters say where they are unsure
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


def load_votes(root: Path | None = None) -> Votes:
    """The generated votes, named as what they are."""
    return crema_d.load_votes(root or folder(), name=NAME, source=NOTICE)
