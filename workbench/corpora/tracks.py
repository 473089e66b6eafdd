"""A corpus's extracted tracks on disk, and the features that fusion reads from them.

The folder has ``extraction.json`` (settings, a key a stage), ``clips.parquet`` (the corpus's table, with what each clip's files
are) and ``errors.parquet``, all three of the last run, and ``STAGE/KEY/CLIP.CONTENT.parquet``, one file for each clip and stage.
KEY is a hash of everything that the stage's result depends on besides the clip's content; results of other settings, weights or
code have another KEY and overwrite nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench import settings as tree
from workbench.contracts import Prosody
from workbench.errors import CorpusError
from workbench.fusion.reliability import usable_face
from workbench.fusion.windows import Grid, aggregate
from workbench.labels import BASIC
from workbench.speech.affect import ProsodicAffect
from workbench.streams import Floats, MeasuredClip, Track

STAGES: tuple[str, ...] = ("detection", "tracking", "emotion", "vad", "transcription", "alignment", "prosody", "affect", "embedding")
MANIFEST, CLIPS, ERRORS = "extraction.json", "clips.parquet", "errors.parquet"
CONTENT = "content"
"""Column of `CLIPS`: first 12 hex digits of the SHA-256 of the sizes, beginnings and ends of the clip's files, and its text."""
PROSODY: tuple[str, ...] = (
    "pitch_mean", "pitch_std_semitones", "pitch_slope", "rms_mean", "rms_std", "jitter", "shimmer", "hnr_db", "voiced_fraction",
    "speaking_rate", "articulation_rate", "pause_total", "filler_rate",
)  # fmt: skip
"""Columns of the `prosody` features: means over a clip's segments, weighted by their lengths; units as in `contracts.Prosody`."""
_READ = ("tracking", "emotion", "prosody", "embedding")  # stages whose files the features are computed from
_EDGE = 1 << 16  # bytes at each end of a file that are part of its fingerprint
_WHOLE = Grid(np.array([0.0]), np.array([np.inf]))
Rows = list[dict[str, Any]]


def default_folder(name: str) -> Path:
    """The default folder for the tracks of a corpus, in the cache."""
    return tree.cache_dir() / "tracks" / name


def content(files: Sequence[Path], text: str = "") -> str:
    """The value of column `CONTENT` for a clip with these files and text.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    digest = hashlib.sha256(text.encode())
    for path in files:
        size = path.stat().st_size
        digest.update(size.to_bytes(8, "big"))
        with path.open("rb") as file:
            digest.update(file.read(_EDGE))
            file.seek(max(0, size - _EDGE))
            digest.update(file.read(_EDGE))
    return digest.hexdigest()[:12]


def track_file(root: Path, stage: str, key: str, clip: str, what: str) -> Path:
    """The file of a stage's result for a clip; `what` is the clip's `CONTENT`."""
    return root / stage / key / f"{quote(clip, safe='')}.{what}.parquet"


def write_rows(path: Path, clip: str, rows: Rows) -> None:
    """Write a table under another name and rename it, so that an existing file is always complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    table = pa.Table.from_pylist([{"clip": clip, **row} for row in rows])
    pq.write_table(table, part)
    part.replace(path)


def read_rows(path: Path) -> Rows:
    """The rows of a table, without the clip's name.

    Raises
    ------
    CorpusError
        If the file is not there or damaged.
    """
    try:
        rows: Rows = pq.ParquetFile(path).read(use_threads=False).to_pylist()  # threads are slower for small files
    except (OSError, pa.ArrowException) as error:
        raise CorpusError(f"{path}: cannot be read ({str(error).splitlines()[0]}); remove it and extract the corpus again") from None
    return [{k: v for k, v in row.items() if k != "clip"} for row in rows]


def measured(row: dict[str, Any]) -> MeasuredClip:
    """A stored row of `prosody` as the stage's output."""
    series = {k: np.array(v, float) for k, v in row["acoustics"].items()}
    names = tuple(k for k in series if k != "time")
    track = Track.of("acoustics", series["time"], np.stack([series[n] for n in names], axis=1), names)
    return MeasuredClip(Prosody(**{k: v for k, v in row.items() if k != "acoustics"}), track)


@dataclass(frozen=True)
class Extracted:
    """A corpus's tracks.

    Parameters
    ----------
    name : str
    root : Path
    clips : DataFrame
        Columns as in `base.COLUMNS`, with `CONTENT`.
    keys : dict of str
        Stage → key of the results that belong together.
    settings : Settings
        Of the extraction; `vision.min_face_px` and `vision.min_quality` decide which faces are used.
    errors : DataFrame
        `clip`, `stage`, `level`, `message`: the problems of the last run.
    """

    name: str
    root: Path
    clips: pd.DataFrame
    keys: dict[str, str]
    settings: tree.Settings
    errors: pd.DataFrame

    @classmethod
    def open(cls, root: Path) -> Extracted:
        """Read what `workbench corpora extract` wrote.

        Raises
        ------
        CorpusError
            If nothing was extracted there.
        """
        try:
            manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
            clips, errors = pd.read_parquet(root / CLIPS), pd.read_parquet(root / ERRORS)
        except FileNotFoundError as error:
            missing = Path(str(error.filename or CLIPS)).name
            raise CorpusError(f"{root}: nothing was extracted here ({missing} is missing); run `workbench corpora extract`") from None
        except (OSError, ValueError, pa.ArrowException) as error:
            raise CorpusError(f"{root}: not readable ({str(error).splitlines()[0]}); extract the corpus again") from None
        chosen = tree.from_dict(manifest["settings"], str(root / MANIFEST), environment=False)
        return cls(manifest["corpus"], root, clips, manifest["keys"], chosen, errors)

    @property
    def fingerprint(self) -> str:
        """First 12 hex digits of the SHA-256 of the clips' contents and labels and of all keys."""
        text = self.clips[["clip", "person", "label", CONTENT]].to_csv(index=False) + json.dumps(self.keys, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def _by_name(self) -> dict[str, dict[str, Any]]:
        table = self.clips[["clip", CONTENT, "text"]]
        return {str(row["clip"]): {str(k): v for k, v in row.items()} for row in table.to_dict("records")}

    def rows(self, stage: str, clip: str) -> Rows | None:
        """A stage's rows for a clip; None where it was not extracted (stage not requested, no such media, or an error)."""
        path = track_file(self.root, stage, self.keys[stage], clip, self._by_name[clip][CONTENT])
        return read_rows(path) if path.exists() else None

    def visual(self, clip: str) -> Track:
        """Emotion of the candidate's face, one row an analysed frame; columns `labels.BASIC`, as in a session."""
        frames, emotions = self.rows("tracking", clip) or [], self.rows("emotion", clip) or []
        candidate = {f["frame_id"]: f["candidate"] for f in frames}
        by_frame = {r["frame_id"]: r for r in emotions if candidate.get(r["frame_id"]) == r["face_id"]}
        values = np.full((len(frames), len(BASIC)), np.nan)
        confidence, valid = np.zeros(len(frames)), np.zeros(len(frames), bool)
        vision = self.settings.vision
        for i, frame in enumerate(frames):
            if row := by_frame.get(frame["frame_id"]):
                values[i] = [row[label] for label in BASIC]
                confidence[i] = row["quality"]
                valid[i] = usable_face(row["size_px"], row["quality"], vision)
        return Track("visual", np.array([f["timestamp"] for f in frames], float), values, BASIC, confidence, valid)

    def measured(self, clip: str) -> list[MeasuredClip]:
        """Prosody of each segment, as the stage's output."""
        return [measured(row) for row in self.rows("prosody", clip) or []]

    def affect(self, clips: Sequence[Sequence[MeasuredClip]]) -> list[Track]:
        """Emotion of the voice by the prosodic model, columns `BASIC` first: one track a clip, of clips of one person.

        The model compares a person's speech with that person's earlier speech, and its rows are valid only after 3 s of speech, so
        a short clip alone has none. Here the clips are processed in order, as if they were one session, from stored acoustics.
        """
        stage = ProsodicAffect(self.settings.speech)
        tracks = []
        for segments in clips:
            parts = [u.track for item in segments for u in stage.process(item) if len(u.track)]
            tracks.append(Track.concat(parts) if parts else Track.empty("affect", BASIC))
        return tracks

    def text(self, clip: str) -> str:
        """The words of a clip: as the corpus gives them, else as they were transcribed."""
        given = self._by_name[clip]["text"]
        if isinstance(given, str) and given:
            return given
        return " ".join(r["transcript"].strip() for r in self.rows("alignment", clip) or [])

    def features(self) -> dict[str, Floats]:
        """Features for fusion: modality → one row for each clip, in the order of `clips`; NaN where a clip lacks it.

        Returns
        -------
        dict of ndarray
            `visual` and `audio` (see `affect`): probabilities in `labels.BASIC` order, means over the clip's usable rows weighted
            by their confidence, shape (n, 7); `prosody`: `PROSODY`, (n, 13); `text`: the sentence embedding, (n, 384 for MiniLM).
            Modalities that no clip has are left out.
        """
        stored = self._stored()
        cache = self.root / f"features-{stored}.npz"
        if cache.exists():
            with np.load(cache) as arrays:
                return dict(arrays)
        features = {m: x for m, x in self._features().items() if not np.isnan(x).all()}
        with suppress(OSError):  # in a folder that cannot be written they are computed every time
            for old in self.root.glob("features-*.npz"):
                old.unlink()
            part = cache.with_suffix(".part.npz")
            np.savez_compressed(part, **features)  # type: ignore[arg-type]
            part.replace(cache)
        return features

    def _stored(self) -> str:
        """A hash of everything that the features depend on: the files that are there, thresholds, this code."""
        there = [track_file(self.root, s, self.keys[s], c, row[CONTENT]).exists() for c, row in self._by_name.items() for s in _READ]
        digest = hashlib.sha256(self.fingerprint.encode() + bytes(there) + Path(__file__).read_bytes())
        digest.update(f"{self.settings.vision.min_face_px} {self.settings.vision.min_quality}".encode())
        return digest.hexdigest()[:12]

    def _features(self) -> dict[str, Floats]:
        names = self.clips["clip"].tolist()
        features = {"visual": np.array([aggregate(self.visual(c), _WHOLE).values[0] for c in names])}
        features["audio"], features["prosody"] = np.full((len(names), len(BASIC)), np.nan), np.full((len(names), len(PROSODY)), np.nan)
        for own in self.clips.groupby("person", sort=False).indices.values():
            measured = [self.measured(names[i]) for i in own]
            for i, segments, track in zip(own, measured, self.affect(measured), strict=True):
                features["audio"][i] = aggregate(track, _WHOLE).values[0][: len(BASIC)]
                features["prosody"][i] = prosody([s.message for s in segments])
        vectors = [rows[0]["vector"] if (rows := self.rows("embedding", c)) else None for c in names]
        if size := max((len(v) for v in vectors if v is not None), default=0):
            features["text"] = np.array([v if v is not None else np.full(size, np.nan) for v in vectors])
        return features


def prosody(segments: Sequence[Prosody]) -> Floats:
    """Features `PROSODY` of a clip, shape (13,); NaN where no segment allows the measurement."""
    out = np.full(len(PROSODY), np.nan)
    for i, name in enumerate(PROSODY):
        known = [(getattr(s, name), s.end - s.start) for s in segments if getattr(s, name) is not None]
        if known:
            out[i] = np.average([v for v, _ in known], weights=[w for _, w in known])
    return out
