"""A corpus: ``workbench corpora list``, ``workbench fusion benchmark --corpus toy``. Invented numbers, no people."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.corpora import CorpusEntry
from workbench.corpora.base import Collector, Corpus
from workbench.evaluation.samples import Samples
from workbench.fusion.batch import ModalityBatch

CLASSES = ("happy", "neutral", "sad")


def load(root: Path) -> Corpus:
    """The table of clips: one text file a clip, called PERSON_LABEL_NUMBER.txt."""
    out = Collector("toy", root, {name: name for name in CLASSES})
    for file in sorted(root.glob("*.txt")):
        person, label, _ = file.stem.split("_")
        out.add(file.stem, person, label, {}, also=["text"], text=file.read_text(encoding="utf-8"), language="en")
    return out.corpus()


def samples(root: Path) -> Samples:
    """What fusion learns from: probabilities of face and voice, here drawn at random around the label."""
    random, people = np.random.default_rng(0), np.repeat([f"p{i:02}" for i in range(40)], 15)
    labels = random.integers(0, 3, len(people))
    shares = {m: 0.5 * np.eye(3)[labels] + 0.5 * random.dirichlet(np.ones(3), len(people)) for m in ("visual", "audio")}
    clips = np.array([f"{p}_{CLASSES[k]}_{i}" for i, (p, k) in enumerate(zip(people, labels, strict=True))])
    groups = pd.DataFrame({"sex": np.where(people < "p20", "female", "male")})
    return Samples(
        "toy", "invented numbers, no people", clips, ModalityBatch.of(shares), labels, people, groups, CLASSES, "toy-1", sources={}
    )


def folder() -> Path:
    """The clips' files, written where they are not there yet."""
    root = Path(os.environ.get("TOY_HOME") or Path.home() / ".cache") / "workbench-toy-corpus"
    root.mkdir(parents=True, exist_ok=True)
    (root / "p00_happy_0.txt").write_text("hello", encoding="utf-8")
    return root


ENTRY = CorpusEntry("toy", "Toy corpus", "CC0", ("text", "votes"), "invented emotion (3)", ("sex",), load, samples, folder)
