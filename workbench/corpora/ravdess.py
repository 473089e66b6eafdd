"""RAVDESS (Livingstone & Russo 2018, PLoS ONE 13(5)): 24 actors say two sentences in eight emotions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from workbench.corpora.base import Collector, Corpus
from workbench.labels import RAVDESS_CODES

ACTORS = 24
NAMES: dict[str, str] = {
    "01": "neutral", "02": "calm", "03": "happy", "04": "sad", "05": "angry", "06": "fearful", "07": "disgust", "08": "surprised",
}  # fmt: skip
SENTENCES: dict[str, str] = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
_KINDS = {"01": "video", "02": "video", "03": "audio"}  # picture and sound, picture alone, sound alone
_NAME = re.compile(r"(0[123])-((0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-(\d\d))\.(mp4|wav)")


def load(root: Path) -> Corpus:
    """Every file below the root that bears a RAVDESS name, wherever the archives were unpacked.

    A clip is a performance: its file with picture and sound, and its file with sound alone, are one clip; files with
    picture alone are skipped where there is one with both. The missing files of every actor whose speech is here are reported.
    """
    labels: dict[str, str | None] = {NAMES[code]: label for code, label in RAVDESS_CODES.items()}
    out = Collector("ravdess", root, labels)
    performances: dict[str, dict[str, Path]] = {}  # performance → modality code → file
    for path in sorted(p for p in out.root.rglob("*") if p.suffix in (".mp4", ".wav")):
        if match := _NAME.fullmatch(path.name):
            files = performances.setdefault(match[2], {})
            if match[1] in files:
                out.report("error", path, f"a second copy of {files[match[1]].relative_to(out.root)}; remove one")
            files.setdefault(match[1], path)
        else:
            out.report("error", path, "not a RAVDESS file name; skipped")
    silent = sum("02" in files and "01" in files for files in performances.values())
    if silent:
        out.report("note", "02-*.mp4", f"{silent} files with picture alone were passed over: the same take with sound is here")
    for take, files in performances.items():
        channel, emotion, intensity, sentence, repetition, actor = take.split("-")
        used = {_KINDS[code]: path for code, path in sorted(files.items(), reverse=True)}  # 01 last: it wins over 02
        out.add(
            take, f"Actor_{actor}", NAMES[emotion], used, sex="male" if int(actor) % 2 else "female", language="en",
            text=SENTENCES[sentence], channel="speech" if channel == "01" else "song",
            intensity="strong" if intensity == "02" else "normal", repetition=int(repetition),
        )  # fmt: skip
    _complete(out, performances)
    return out.corpus()


def _complete(out: Collector, performances: dict[str, dict[str, Path]]) -> None:
    """Report missing files of the actors that are here, and which actors are not."""
    for code, suffix in (("01", "mp4"), ("03", "wav")):
        folders = {take[-2:]: files[code].parent for take, files in performances.items() if code in files and take.startswith("01")}
        for actor, folder in folders.items():
            for take in takes(actor):
                if code not in performances.get(take, {}):
                    out.report("error", folder / f"{code}-{take}.{suffix}", "missing; unpack the actor's archive again")
    absent = [f"{a:02}" for a in range(1, ACTORS + 1) if not any(take.endswith(f"-{a:02}") for take in performances)]
    if absent and len(absent) < ACTORS:
        out.report("warning", "Actor_*", f"{len(absent)} of {ACTORS} actors are not here: {', '.join(absent)}")


def takes(actor: str) -> Iterator[str]:
    """The 60 spoken performances of an actor; neutral has no strong intensity."""
    for emotion, intensity, sentence, repetition in product(NAMES, ("01", "02"), SENTENCES, ("01", "02")):
        if (emotion, intensity) != ("01", "02"):
            yield f"01-{emotion}-{intensity}-{sentence}-{repetition}-{actor}"
