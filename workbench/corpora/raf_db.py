"""RAF-DB (Li, Deng & Du 2017, CVPR): faces from the internet, basic and compound expressions, each judged by about 40 people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.corpora.base import Collector, Corpus, fault
from workbench.errors import CorpusError
from workbench.labels import RAF_DB_BASIC, RAF_DB_COMPOUND

SEXES: tuple[str | None, ...] = ("male", "female", None)
RACES: tuple[str, ...] = ("Caucasian", "African-American", "Asian")
AGES: tuple[str, ...] = ("0-3", "4-19", "20-39", "40-69", "70+")
WORDS: dict[int, str] = {1: "surprise", 2: "fear", 3: "disgust", 4: "happiness", 5: "sadness", 6: "anger", 7: "neutral"}
LIST = Path("EmoLabel") / "list_patition_label.txt"  # sic


def load(root: Path) -> Corpus:
    """Pictures of the basic set, and of the compound set where it is here (column `compound`; it has no basic label).

    The corpus does not say who is in the pictures. Each picture counts as a person of its own, so splits "by person" may have
    the same face on both sides, and intervals are too narrow.
    """
    out = Collector("raf-db", root, {WORDS[code]: label for code, label in RAF_DB_BASIC.items()})
    sets = [s for s in ("basic", "compound") if (out.root / s).is_dir()]
    if "basic" not in sets:
        out.report("error", "basic", "the folder is missing; unpack this part of the corpus")
    for name in sets:
        table = out.root / name / LIST
        if problem := fault(table):
            out.report("error", table, problem)
        else:
            _pictures(out, table, name)
    out.report("note", "person", "RAF-DB names no persons: each picture counts as one, so intervals over persons are too narrow")
    return out.corpus()


def _pictures(out: Collector, table: Path, name: str) -> None:
    codes = RAF_DB_BASIC if name == "basic" else RAF_DB_COMPOUND
    for number, line in enumerate(table.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not (parts := line.split()):
            continue
        if len(parts) != 2 or not parts[1].isdigit() or int(parts[1]) not in codes or "_" not in parts[0]:
            out.report("error", table, f"line {number} is no picture with a label from 1 to {len(codes)}; skipped")
            continue
        stem, code = Path(parts[0]).stem, int(parts[1])
        picture = out.root / name / "Image" / "aligned" / f"{stem}_aligned.jpg"
        more = attributes(out, out.root / name / "Annotation" / "manual" / f"{stem}_manu_attri.txt")
        if name == "compound":
            more["compound"] = codes[code]
        clip = stem if name == "basic" else f"compound/{stem}"
        out.add(clip, clip, WORDS[code] if name == "basic" else None, {"image": picture}, split=stem.split("_")[0], **more)


def attributes(out: Collector, path: Path) -> dict[str, Any]:
    """Sex, race and age band as annotators judged them, from the three lines after the five landmarks."""
    if problem := fault(path):
        out.report("error", path, f"{problem}; the picture has no demographics")
        return {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        sex, race, age = (int(float(line)) for line in [x for x in lines if x.strip()][5:8])
        if min(sex, race, age) < 0:
            raise CorpusError("negative")
        return {"sex": SEXES[sex], "race": RACES[race], "age_band": AGES[age]}
    except (ValueError, IndexError, CorpusError):
        out.report("error", path, "not five landmarks, then sex, race and age band; the picture has no demographics")
        return {}
