"""ChaLearn First Impressions V2 (Escalante et al. 2020, IEEE TAC 13): 10,000 clips rated for personality and an interview."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.corpora.base import Collector, Corpus, Finding, locate, need, read_csv
from workbench.errors import CorpusError

SPLITS: dict[str, str] = {"training": "train", "validation": "dev", "test": "test"}
TRAITS: tuple[str, ...] = ("extraversion", "neuroticism", "agreeableness", "conscientiousness", "openness", "interview")
RACES: dict[str, str] = {"1": "Asian", "2": "Caucasian", "3": "African-American"}
SEXES: dict[str, str] = {"1": "male", "2": "female"}
AGES: dict[str, str] = {
    "1": "0-6", "2": "7-13", "3": "14-18", "4": "19-24", "5": "25-32", "6": "33-45", "7": "46-60", "8": "61+",
}  # fmt: skip


class _Plain(pickle.Unpickler):
    """Reads containers, numbers and strings only; a pickle that names a class is refused, because it could run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def read_pickle(path: Path, what: str) -> dict[str, Any]:
    """A dictionary from a pickle of Python 2, unpickled without any class.

    Raises
    ------
    CorpusError
        If the file is missing, a pointer, cut short, no dictionary, or names a class.
    """
    need(path, what)
    try:
        with path.open("rb") as file:
            content = _Plain(file, encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises almost anything
        raise CorpusError(f"{path}: not a pickle of plain values ({error}); download it again from the organisers") from None
    if not isinstance(content, dict):
        raise CorpusError(f"{path}: {what} holds a {type(content).__name__}, not a dictionary; download it again")
    return content


def load(root: Path) -> Corpus:
    """The splits whose annotations are here; all files are found by name wherever the archives were unpacked.

    `person` is the clip's source video: several clips are cut from each, and whether two videos show the same person is not known.
    """
    out = Collector("first-impressions-v2", root)
    root = out.root
    files: dict[str, Path] = {}
    for path in sorted(root.rglob("*.mp4")):
        if path.name in files:
            out.report("error", path, f"a second copy of {files[path.name].relative_to(root)}; remove one")
        files.setdefault(path.name, path)
    people = _people(out)
    for part, split in SPLITS.items():
        path = locate(root, f"annotation_{part}.pkl")
        if not path.exists():
            out.report("error", path, "missing; download it again")
            continue
        try:
            _split(out, path, split, files, people)
        except CorpusError as error:
            out.report("error", path, str(error))
    corpus = out.corpus()
    return Corpus(corpus.name, corpus.root, corpus.clips, (*corpus.findings, *baseline(corpus.clips)))


def _split(out: Collector, path: Path, split: str, files: dict[str, Path], people: dict[str, dict[str, str]]) -> None:
    traits = read_pickle(path, "the annotation")
    if missing := [t for t in TRAITS if t not in traits]:
        raise CorpusError(f"the annotation lacks {', '.join(missing)}; it has {', '.join(map(str, list(traits)[:8]))}")
    words: dict[str, Any] = {}
    spoken = locate(out.root, path.name.replace("annotation", "transcription"))
    try:
        words = read_pickle(spoken, "the transcription")
    except CorpusError as error:
        out.report("warning", spoken, f"{error}: these clips have no text")
    for name in traits["interview"]:
        values = {t: _unit(traits[t].get(name)) for t in TRAITS}
        if bad := [t for t, v in values.items() if np.isnan(v)]:
            out.report("error", path, f"{name}: {bad[0]} is no number from 0 to 1; left empty")
        text = words.get(name)
        out.add(
            Path(name).stem, name.rsplit(".", 2)[0], None, {"video": files.get(name, path.parent / name)}, split=split,
            also=["text"] if text else [], text=text, language="en", **people.get(name, {}), **values,
        )  # fmt: skip


def _unit(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else float("nan")


def _people(out: Collector) -> dict[str, dict[str, str]]:
    """Demographics by video name, as outsiders judged them from the video."""
    people: dict[str, dict[str, str]] = {}
    plan = {
        "eth_gender_annotations_*.csv": {"Ethnicity": ("race", RACES), "Gender": ("sex", SEXES)},
        "age_anno_*.csv": {"AgeGroup": ("age_band", AGES)},
    }
    for pattern, columns in plan.items():
        paths = sorted(out.root.rglob(pattern))
        if not paths:
            out.report("warning", pattern, f"missing: clips have no {', '.join(name for name, _ in columns.values())}")
        for path in paths:
            rows, more = read_csv(path, "the demographic table", ["VideoName", *columns], sep=";" if _semicolons(path) else ",")
            out.findings += more
            for row in rows.to_dict("records"):
                for column, (name, codes) in columns.items():
                    if row[column] in codes:
                        people.setdefault(row["VideoName"], {})[name] = codes[row[column]]
                    else:
                        out.report("error", path, f"{row['VideoName']}: unknown {column} {row[column]!r}; left empty")
    return people


def _semicolons(path: Path) -> bool:
    with need(path, "the demographic table").open(encoding="utf-8", errors="replace") as file:
        return ";" in file.readline()


def baseline(clips: pd.DataFrame) -> list[Finding]:
    """The "accuracy" (1 - mean absolute error) of a constant prediction, as a reference for every result."""
    score = {t: 1 - float((clips[t] - clips[t].mean()).abs().mean()) for t in TRAITS if t in clips}
    text = ", ".join(f"{t} {v:.3f}" for t, v in score.items())
    return [Finding("note", "annotation", f"1-MAE of a constant, the mean of these clips: {text}; no result below that is worth anything")]
