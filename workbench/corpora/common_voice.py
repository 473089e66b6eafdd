"""Common Voice (Ardila et al. 2020, LREC): sentences read aloud by volunteers, who may say their age, gender and accent."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from workbench.corpora.base import Collector, Corpus, read_csv
from workbench.errors import CorpusError

REQUIRED: tuple[str, ...] = ("client_id", "path", "sentence", "up_votes", "down_votes", "age", "gender")
OPTIONAL: tuple[str, ...] = ("sentence_id", "sentence_domain", "accents", "accent", "variant", "locale", "segment")
"""Not in all releases: older ones have `accent` and neither sentence ids nor variants."""
SPLITS: tuple[str, ...] = ("train", "dev", "test")
AGES: dict[str, str] = {
    "teens": "10-19", "twenties": "20-29", "thirties": "30-39", "fourties": "40-49", "forties": "40-49", "fifties": "50-59",
    "sixties": "60-69", "seventies": "70-79", "eighties": "80-89", "nineties": "90-99",
}  # fmt: skip
SEXES: dict[str, str] = {
    "male": "male", "female": "female", "male_masculine": "male", "female_feminine": "female", "other": "other",
    "intersex": "other", "transgender": "other", "non-binary": "other",
}  # fmt: skip
UNSAID = ("", "do_not_wish_to_say", "prefer_not_to_say")


def load(root: Path) -> Corpus:
    """`validated.tsv` (or, without it, the three splits) with `clips/`; `split` is empty for clips that are in no split."""
    out = Collector("common-voice", root)
    root = out.root
    tables = [f"{s}.tsv" for s in ("validated", *SPLITS) if (root / f"{s}.tsv").exists()]
    if not tables:
        raise CorpusError(f"{root}: neither validated.tsv nor train.tsv, dev.tsv or test.tsv is here; unpack the release again")
    parts = {name: _table(out, root / name) for name in tables}
    split = {path: name.removesuffix(".tsv") for name, rows in parts.items() if name != "validated.tsv" for path in rows["path"]}
    rows = parts.get("validated.tsv", pd.concat(parts.values()))
    strange: set[tuple[str, str]] = set()
    for row in rows.to_dict("records"):
        strange |= {("age", row["age"])} if row["age"] not in AGES and row["age"] not in UNSAID else set()
        strange |= {("gender", row["gender"])} if row["gender"] not in SEXES and row["gender"] not in UNSAID else set()
        name = row["path"] if Path(row["path"]).suffix else f"{row['path']}.mp3"  # the oldest releases leave it out
        out.add(
            Path(name).stem, row["client_id"], None, {"audio": root / "clips" / name}, text=row["sentence"], split=split.get(row["path"]),
            sex=SEXES.get(row["gender"]), age_band=AGES.get(row["age"]), accent=row.get("accents", row.get("accent")) or None,
            language=row.get("locale") or None, up_votes=_count(row["up_votes"]), down_votes=_count(row["down_votes"]),
        )  # fmt: skip
    for column, value in sorted(strange):
        out.report("warning", tables[0], f"unknown {column} {value!r}; left empty")
    return out.corpus()


def _table(out: Collector, path: Path) -> pd.DataFrame:
    rows, findings = read_csv(path, f"the table {path.name}", REQUIRED, OPTIONAL, sep="\t", quoting=csv.QUOTE_NONE)
    out.findings += findings
    return rows


def _count(text: str) -> float:
    return float(pd.to_numeric(text, errors="coerce"))
