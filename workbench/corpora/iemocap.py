"""IEMOCAP (Busso et al. 2008, Language Resources and Evaluation 42): ten actors in pairs, improvised and scripted."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.corpora.base import Collector, Corpus
from workbench.labels import IEMOCAP_CODES

SESSIONS: tuple[str, ...] = tuple(f"Session{i}" for i in range(1, 6))
_NUMBER = r"-?\d+(?:\.\d+)?"
_TURN = re.compile(
    rf"\[({_NUMBER}) - ({_NUMBER})\]\t((Ses\d\d)[FM]_\w+_([FM])\d+)\t(\w+)\t\[({_NUMBER}), ({_NUMBER}), ({_NUMBER})\]",
)
_SPOKEN = re.compile(r"(\S+) \[[^\]]*\]: ?(.*)")


def load(root: Path) -> Corpus:
    """Every turn of `SessionN/dialog/EmoEvaluation/*.txt` with its `sentences/wav/DIALOG/TURN.wav`.

    The speaker is the session plus the turn's *final* letter: the letter in front says who wore the motion capture markers.
    The dialogs' films show both actors at once, so no picture is given to a turn.
    """
    out = Collector("iemocap", root, IEMOCAP_CODES)
    for session in SESSIONS:
        folder = out.root / session
        tables = [p for p in sorted((folder / "dialog" / "EmoEvaluation").glob("*.txt")) if not p.name.startswith("._")]
        if not tables:
            out.report("error", folder / "dialog" / "EmoEvaluation", "no evaluation of this session is here; unpack it again")
        for table in tables:
            _dialog(out, folder, table, session)
    return out.corpus()


def _dialog(out: Collector, folder: Path, table: Path, session: str) -> None:
    texts = _transcript(folder / "dialog" / "transcriptions" / table.name)
    if not texts:
        out.report("warning", folder / "dialog" / "transcriptions" / table.name, "missing or empty: these turns have no text")
    turns = 0
    for number, line in enumerate(table.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.startswith("["):
            continue
        if not (match := _TURN.fullmatch(line.strip())):
            out.report("error", table, f"line {number} is no turn; skipped")
            continue
        turns += 1
        start, end, turn, number_of_session, letter, emotion, valence, activation, dominance = match.groups()
        if emotion not in IEMOCAP_CODES:
            out.report("error", table, f"{turn}: unknown emotion {emotion!r}; the clip has no label")
        out.add(
            turn, number_of_session + letter, emotion, {"audio": folder / "sentences" / "wav" / table.stem / f"{turn}.wav"},
            also=["text"] if texts.get(turn) else [], text=texts.get(turn), split=session, start=float(start), end=float(end),
            sex="female" if letter == "F" else "male", language="en", improvised="impro" in table.stem,
            valence=float(valence), activation=float(activation), dominance=float(dominance),
        )  # fmt: skip
    if not turns:
        out.report("error", table, "holds no turn; unpack it again")


def _transcript(path: Path) -> dict[str, str]:
    """Turn → its words."""
    if not path.is_file():
        return {}
    matches = (_SPOKEN.fullmatch(line.strip()) for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return {m[1]: m[2] for m in matches if m}
