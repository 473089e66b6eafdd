"""CREMA-D (Cao et al. 2014, IEEE TAC 5(4)): 7,442 acted clips by 91 actors, each judged from voice, face and both.

The votes are human judgements, not model outputs: with them fusion and fairness can be studied without any media.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.corpora.base import Collector, Corpus, Finding, lone_groups, read_csv
from workbench.errors import CorpusError
from workbench.labels import CREMA_D, CREMA_D_CODES

Floats = NDArray[np.float64]

SOURCE = "CREMA-D: votes of human raters on acted clips, not outputs of a model"
CHANNELS: dict[int, str] = {1: "voice", 2: "face", 3: "av"}
"""What the raters judged, by the vote table's row index // 100000."""
LETTERS: tuple[str, ...] = ("A", "D", "F", "H", "N", "S")
RAW: tuple[str, ...] = tuple(f"mean{name}Resp" for name in ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad"))
INTENSITY: tuple[str, ...] = tuple(f"{name}Norm" for name in RAW)
DEMOGRAPHICS: tuple[str, ...] = ("ActorID", "Age", "Sex", "Race", "Ethnicity")
AGE_BANDS: tuple[tuple[int, str], ...] = ((30, "20-29"), (45, "30-44"), (60, "45-59"), (200, "60+"))
VOTES = Path("processedResults") / "tabulatedVotes.csv"
PEOPLE = Path("VideoDemographics.csv")
_NAME = re.compile(r"(1\d{3})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX|X)")
_UNUSED = ("agreement", "emoVote", "meanEmoResp", "medianEmoResp", "meanEmoRespNorm", "medianEmoRespNorm")


@dataclass(frozen=True)
class Votes:
    """The judgements as arrays and as a table, with rows in the same order.

    Parameters
    ----------
    table : DataFrame
        One row a clip: `clip`, `person` (actor), `label` (intended emotion), `n_voice`, `n_face`, `n_av` (votes), `sex`,
        `race`, `ethnicity`, `age` (years), `age_band`, and the vote shares as `voice_angry` … `av_sad`.
    voice, face, av : ndarray, shape (n, 6)
        Vote shares in `labels.CREMA_D` order, each row summing to 1.
    intensity : dict of channel to ndarray, shape (n, 6)
        Mean rated intensity of each emotion among those who chose it, 0 to 1 on each rater's own scale (the corpus's
        ``…RespNorm``; the plain ``…Resp`` where a rater's scale is not known); 0 where nobody chose it.
    findings : tuple of Finding
        What was skipped, and how many clips have ties.
    fingerprint : str
        First 12 hex digits of the SHA-256 of the two source files.
    name, source : str
        Name of the corpus, and what its figures are.
    """

    table: pd.DataFrame
    voice: Floats
    face: Floats
    av: Floats
    intensity: dict[str, Floats]
    findings: tuple[Finding, ...]
    fingerprint: str
    name: str = "crema-d"
    source: str = SOURCE

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Intended emotion as index into `labels.CREMA_D`, shape (n,)."""
        return np.array([CREMA_D.index(x) for x in self.table["label"]], dtype=np.int64)

    @cached_property
    def persons(self) -> NDArray[np.str_]:
        """Actor of each clip, shape (n,)."""
        return self.table["person"].to_numpy(dtype=str)


def load_votes(root: Path | str, name: str = "crema-d", source: str = SOURCE) -> Votes:
    """Read the vote and demographic tables.

    Parameters
    ----------
    root : Path
    name, source : str
        Name of the corpus, and what its figures are; shown beside every figure.

    Raises
    ------
    CorpusError
        If a table is missing, a git-LFS pointer, lacks columns, or holds no usable clip.
    """
    root = Path(root)
    start = Collector(name, root)  # an error if the folder is missing or empty
    required = [*LETTERS, "fileName", "numResponses", *RAW, *INTENSITY]
    raw, of_votes = read_csv(root / VOTES, "the vote table", required, _UNUSED, index_col=0)
    people, of_people = read_people(root)
    findings = [*start.findings, *of_votes, *of_people]
    numbers = raw[[*LETTERS, "numResponses", *RAW, *INTENSITY]].apply(pd.to_numeric, errors="coerce")
    frame = pd.DataFrame({"clip": raw["fileName"], "channel": pd.to_numeric(raw.index.to_series(), errors="coerce") // 100000}).join(
        numbers
    )
    frame = _drop_bad(frame, findings)
    wide = {channel: frame[frame["channel"] == code].set_index("clip") for code, channel in CHANNELS.items()}
    clips = _common(wide, findings)
    table = _people_of(clips, people, findings)
    arrays, intensity = {}, {}
    for channel, part in wide.items():
        counts = part.loc[clips, list(LETTERS)].to_numpy(float)
        arrays[channel] = counts / counts.sum(axis=1, keepdims=True)
        own, plain = part.loc[clips, list(INTENSITY)].to_numpy(float), part.loc[clips, list(RAW)].to_numpy(float)
        intensity[channel] = np.clip(np.where(np.isnan(own), plain, own), 0, 100) / 100
        table[f"n_{channel}"] = counts.sum(axis=1).astype(int)
        tied = int(((counts == counts.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())
        if tied:
            text = f"{tied} of {len(clips)} clips have a tied first place ({channel}); tied classes share the vote"
            findings.append(Finding("warning", VOTES.name, text))
    shares = {f"{channel}_{label}": arrays[channel][:, i] for channel in arrays for i, label in enumerate(CREMA_D)}
    table = pd.concat([table, pd.DataFrame(shares)], axis=1)
    findings += lone_groups(table)
    digest = hashlib.sha256((root / VOTES).read_bytes() + (root / PEOPLE).read_bytes()).hexdigest()[:12]
    return Votes(table, arrays["voice"], arrays["face"], arrays["av"], intensity, tuple(findings), digest, name, source)


def read_people(root: Path) -> tuple[pd.DataFrame, list[Finding]]:
    """Demographics by actor: `sex`, `race`, `ethnicity`, `age` in years, `age_band`."""
    raw, findings = read_csv(root / PEOPLE, "the demographic table", DEMOGRAPHICS)
    twice = raw["ActorID"].duplicated()
    findings += [
        Finding("error", PEOPLE.name, f"actor {a} occurs more than once; the first row is kept") for a in raw.loc[twice, "ActorID"].unique()
    ]
    raw = raw[~twice]
    age = pd.to_numeric(raw["Age"], errors="coerce")
    table = pd.DataFrame(
        {
            "sex": raw["Sex"].str.strip().str.lower(),
            "race": raw["Race"].str.strip(),
            "ethnicity": raw["Ethnicity"].str.strip(),
            "age": age,
            "age_band": [next((band for limit, band in AGE_BANDS if a < limit), None) for a in age],
        }
    )
    return table.set_index(raw["ActorID"].str.strip()), findings


def _drop_bad(frame: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """The table without rows that cannot be votes; each of them is reported."""
    counts = frame[list(LETTERS)]
    reasons = {
        "the row index names no channel (1, 2 or 3 times 100000)": ~frame["channel"].isin(CHANNELS),
        "not a CREMA-D clip name": ~frame["clip"].map(lambda c: bool(_NAME.fullmatch(c))),
        "a vote count is not a whole number ≥ 0": counts.isna().any(axis=1) | (counts < 0).any(axis=1) | (counts % 1 != 0).any(axis=1),
        "nobody voted": counts.sum(axis=1) == 0,
        "the votes do not add up to numResponses": counts.sum(axis=1) != frame["numResponses"],
        "the clip has a second row for this channel; the first is kept": frame.duplicated(["clip", "channel"]),
    }
    bad = pd.Series(False, index=frame.index)
    for reason, hit in reasons.items():
        new = hit & ~bad
        findings += [
            Finding("error", f"{VOTES.name} row {i}", f"{clip}: {reason}; row skipped") for i, clip in frame.loc[new, "clip"].items()
        ]
        bad |= hit
    return frame[~bad]


def _common(wide: dict[str, pd.DataFrame], findings: list[Finding]) -> list[str]:
    """Clips that were judged in all three channels, in the order of the table."""
    every = list(dict.fromkeys(clip for part in wide.values() for clip in part.index))
    for clip in every:
        if missing := [name for name, part in wide.items() if clip not in part.index]:
            findings.append(Finding("error", VOTES.name, f"{clip}: no votes for {', '.join(missing)}; clip skipped"))
    clips = [c for c in every if all(c in part.index for part in wide.values())]
    if not clips:
        raise CorpusError(f"{VOTES}: no clip has votes for voice, face and both; download the table again")
    return clips


def _people_of(clips: list[str], people: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    table = pd.DataFrame({"clip": clips, "person": [c[:4] for c in clips], "label": [CREMA_D_CODES[c.split("_")[2]] for c in clips]})
    for actor in sorted(set(table["person"]) - set(people.index)):
        findings.append(Finding("error", PEOPLE.name, f"actor {actor} is not in the table; demographics stay empty"))
    return table.join(people, on="person")


def load(root: Path, name: str = "crema-d") -> Corpus:
    """Every clip that the corpus's list names, with its votes and, where they are, `AudioWAV/*.wav` and `VideoFlash/*.flv`.

    A copy without any media is a corpus of votes, which is a note and not an error. If a part of the media is there, each missing file
    is an error.
    """
    out = Collector(name, root, CREMA_D_CODES)
    root = out.root
    people, findings = read_people(root)
    out.findings += findings
    names, findings = read_csv(root / "SentenceFilenames.csv", "the list of clips", ["Filename"], ["Stimulus_Number"])
    out.findings += findings
    judged: set[str] = set()
    if (root / VOTES).exists():
        try:
            votes = load_votes(root, name)
            judged = set(votes.table["clip"])
            out.findings += [f for f in votes.findings if f not in out.findings and f not in lone_groups(votes.table)]
        except CorpusError as error:
            out.report("error", VOTES.name, str(error))
    else:
        out.report("note", VOTES.name, "no votes here: media only")
    folders = {"audio": ("AudioWAV", "wav"), "video": ("VideoFlash", "flv")}
    if not any((root / folder).is_dir() for folder, _ in folders.values()):
        out.report("note", "AudioWAV, VideoFlash", "no media here: votes only")
        folders = {}
    for clip in names["Filename"]:
        if not _NAME.fullmatch(clip):
            out.report("error", "SentenceFilenames.csv", f"{clip}: not a CREMA-D clip name; skipped")
            continue
        person = people.loc[clip[:4]].to_dict() if clip[:4] in people.index else {}
        media = {kind: root / folder / f"{clip}.{suffix}" for kind, (folder, suffix) in folders.items()}
        also = ["votes"] if clip in judged else []
        out.add(clip, clip[:4], clip.split("_")[2], media, also=also, language="en", **person)
    return out.corpus()
