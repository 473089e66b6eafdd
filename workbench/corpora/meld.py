"""MELD (Poria et al. 2019, ACL): 13,708 utterances of the series *Friends*, with the emotion in context."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.corpora.base import Collector, Corpus, locate, read_csv
from workbench.errors import CorpusError
from workbench.labels import MELD_LABELS

SPLITS: tuple[str, ...] = ("train", "dev", "test")
COLUMNS: tuple[str, ...] = (
    "Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "Season", "Episode", "StartTime", "EndTime",
)  # fmt: skip
FOLDERS: dict[str, tuple[str, ...]] = {
    "train": ("train/train_splits", "train_splits", "train"),
    "dev": ("dev/dev_splits_complete", "dev_splits_complete", "dev"),
    "test": ("test/output_repeated_splits_test", "output_repeated_splits_test", "test"),
}
"""Folders into which the archives unpack each split's clips; the first that exists is used, else the root."""
_TIME = re.compile(r"(\d+):(\d\d):(\d\d)[,.](\d{1,3})")


def load(root: Path) -> Corpus:
    """The splits whose table is here. Dialogue numbers start anew in each split, so a clip's name begins with its split."""
    out = Collector("meld", root, dict(MELD_LABELS))
    root, here = out.root, 0
    for split in SPLITS:
        table = locate(root, f"{split}_sent_emo.csv")
        if not table.exists():
            out.report("error", table, "missing; download it again")
            continue
        here += 1
        rows, findings = read_csv(table, f"the table of {split}", COLUMNS, encoding="utf-8", encoding_errors="replace")
        out.findings += findings
        folder = next((root / f for f in FOLDERS[split] if (root / f).is_dir()), root)
        media = folder != root or any(root.glob("dia*_utt*.mp4"))
        if not media:
            out.report("note", table, "no clips of this split here: text only")
        for _, row in rows.iterrows():
            name = f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"
            if row["Emotion"] not in MELD_LABELS:
                out.report("error", table, f"{name}: unknown emotion {row['Emotion']!r}; the clip has no label")
            out.add(
                f"{split}/{name}", row["Speaker"], row["Emotion"], {"video": folder / f"{name}.mp4"} if media else {}, split=split,
                also=["text"] if row["Utterance"] else [], text=row["Utterance"], language="en",
                start=seconds(row["StartTime"]), end=seconds(row["EndTime"]),
                sentiment=row["Sentiment"], episode=f"S{row['Season']}E{row['Episode']}",
            )  # fmt: skip
    if not here:
        raise CorpusError(f"{root}: no table such as train_sent_emo.csv is here; download MELD again", tuple(out.findings))
    return out.corpus()


def seconds(text: str) -> float:
    """A time such as ``"00:20:57,256"`` in seconds (1257.256); NaN where it is not a time."""
    if not (match := _TIME.fullmatch(text.strip())):
        return float("nan")
    hours, minutes, whole, rest = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(whole) + float(f"0.{rest}")
