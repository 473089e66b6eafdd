"""Speech Accent Archive (Weinberger 2015, George Mason University): one English paragraph, read in many accents."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from workbench.corpora.base import Collector, Corpus, read_csv

COLUMNS: tuple[str, ...] = (
    "age", "age_onset", "birthplace", "filename", "native_language", "sex", "speakerid", "country", "file_missing?",
)  # fmt: skip
PASSAGE = (
    "Please call Stella. Ask her to bring these things with her from the store: Six spoons of fresh snow peas, five thick slabs "
    "of blue cheese, and maybe a snack for her brother Bob. We also need a small plastic snake and a big toy frog for the kids. "
    "She can scoop these things into three red bags, and we will go meet her Wednesday at the train station."
)
"""The text that every speaker reads; `text` of every clip, and the reference for word error rates."""


def load(root: Path) -> Corpus:
    """`speakers_all.csv` with `recordings/recordings/{filename}.mp3`; speakers whose file never existed are left out."""
    out = Collector("speech-accent-archive", root)
    table = out.root / "speakers_all.csv"
    known = [f"Unnamed: {i}" for i in range(9, 12)]  # empty columns at the end of the published table
    rows, findings = read_csv(table, "the table of speakers", COLUMNS, known)
    out.findings += findings
    gone = rows["file_missing?"].str.strip().str.upper() == "TRUE"
    if gone.any():
        out.report("note", table, f"{gone.sum()} speakers have no recording by the table itself (file_missing?); left out")
    for row in rows[~gone].to_dict("records"):
        age = pd.to_numeric(row["age"], errors="coerce")
        sex = row["sex"].strip().lower().replace("famale", "female")  # sic, in the published table
        if sex not in ("male", "female"):
            out.report("warning", table, f"{row['filename']}: unknown sex {row['sex']!r}; left empty")
        onset = pd.to_numeric(row["age_onset"], errors="coerce")
        out.add(
            row["filename"], row["speakerid"], None, {"audio": out.root / "recordings" / "recordings" / f"{row['filename']}.mp3"},
            text=PASSAGE, sex=sex if sex in ("male", "female") else None, age=age or None, language="en",  # an age of 0 is not known
            accent=row["native_language"], country=row["country"], birthplace=row["birthplace"], age_onset=float(onset),
        )  # fmt: skip
    return out.corpus()
