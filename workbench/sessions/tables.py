"""A session's messages as DataFrames, and their export."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from workbench import contracts
from workbench.errors import SessionError
from workbench.labels import BASIC
from workbench.sessions import files
from workbench.sessions.overrides import Override
from workbench.streams import Track

FORMATS: tuple[str, ...] = ("parquet", "csv", "json")


def windows(messages: list[contracts.FusedWindow]) -> pd.DataFrame:
    """One row a window.

    Columns: window_id, start, end, face_id; label, score, uncertain (fused); visual_label, visual_score, audio_label,
    audio_score, pitch; transcript; ``prob_LABEL``, ``weight_MODALITY``, ``score_NAME``, ``missing_MODALITY``.
    """
    basic = ["window_id", "start", "end", "face_id", "label", "score", "uncertain", "visual_label", "visual_score",
             "audio_label", "audio_score", "pitch", "transcript"]  # fmt: skip
    rows = []
    for w in messages:
        fused, visual, audio = w.fused_emotion, w.visual, w.audio
        row: dict[str, Any] = {
            "window_id": w.window_id,
            "start": w.start,
            "end": w.end,
            "face_id": w.face_id,
            "label": fused.label if fused else None,
            "score": fused.score if fused else None,
            "uncertain": fused.uncertain if fused else None,
            "visual_label": visual.label if visual else None,
            "visual_score": visual.score if visual else None,
            "audio_label": audio.label if audio else None,
            "audio_score": audio.score if audio else None,
            "pitch": audio.pitch if audio else None,
            "transcript": w.transcript_summary,
        }
        row |= {f"prob_{k}": v for k, v in (fused.probs if fused else {}).items()}
        row |= {f"weight_{k}": v for k, v in w.weights.items()}
        row |= {f"score_{k}": v for k, v in w.scores.items()}
        row |= {f"missing_{k}": v for k, v in w.missing.items()}
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else [*basic, *(f"prob_{label}" for label in BASIC)])


def words(transcripts: list[contracts.Transcript]) -> pd.DataFrame:
    """One row a word, in order of time."""
    columns = ["segment_id", "speaker", *contracts.Word.model_fields]
    rows = [{"segment_id": t.segment_id, "speaker": t.speaker, **w.model_dump()} for t in transcripts for w in t.words]
    return pd.DataFrame(rows, columns=columns).sort_values("start", kind="stable", ignore_index=True)


def scores(messages: list[contracts.Score], reviewed: Mapping[tuple[str, str], Override] | None = None) -> pd.DataFrame:
    """One row a score: scope, name, value, low, high, missing (text); reviewed, reviewed_by, reason where a reviewer set it."""
    columns = ["scope", "name", "value", "low", "high", "missing", "reviewed", "reviewed_by", "reason"]
    rows = []
    for s in messages:
        row: dict[str, Any] = s.model_dump(include={"scope", "name", "value", "low", "high"})
        row["missing"] = "; ".join(f"{k}: {v}" for k, v in s.missing.items())
        if by := (reviewed or {}).get((s.scope, s.name)):
            row |= {"reviewed": by.value, "reviewed_by": by.by, "reason": by.reason}
        rows.append(row)
    return pd.DataFrame(rows, columns=columns)


def contributions(messages: list[contracts.Score]) -> pd.DataFrame:
    """One row a feature of a score; the contributions of a score add up to it."""
    fields = [f for f in contracts.Contribution.model_fields if f != "evidence"]
    rows = [{"scope": s.scope, "score": s.name, **c.model_dump(exclude={"evidence"})} for s in messages for c in s.contributions]
    return pd.DataFrame(rows, columns=["scope", "score", *fields])


def evidence(messages: list[contracts.Score]) -> pd.DataFrame:
    """One row a piece of evidence."""
    rows = [
        {"scope": s.scope, "score": s.name, "feature": c.feature, **e.model_dump()}
        for s in messages
        for c in s.contributions
        for e in c.evidence
    ]
    return pd.DataFrame(rows, columns=["scope", "score", "feature", *contracts.Evidence.model_fields])


def track(source: Track) -> pd.DataFrame:
    """One row a row of the track: time, its columns, confidence, valid."""
    table = pd.DataFrame(source.values, columns=list(source.names))
    table.insert(0, "time", source.times)
    return table.assign(confidence=source.confidence, valid=source.valid)


def plain(messages: list[Any], kind: type[contracts.Message]) -> pd.DataFrame:
    """One row a message, as it is."""
    return pd.DataFrame([m.model_dump() for m in messages], columns=list(kind.model_fields))


def events(messages: list[contracts.Event]) -> pd.DataFrame:
    """One row an event; its data as JSON."""
    table = plain(messages, contracts.Event)
    return table.assign(data=table["data"].map(json.dumps))


def answers(messages: list[contracts.Answer]) -> pd.DataFrame:
    """One row an answer; lists and mappings as JSON."""
    return plain(messages, contracts.Answer).map(lambda v: json.dumps(v) if isinstance(v, dict | list) else v)


def added(messages: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a message of another package's stream; what lies deeper gets names with a dot, as ``values.brightness``."""
    return pd.json_normalize(messages)


def overrides(entries: list[Override]) -> pd.DataFrame:
    """One row a correction; values as text, so that scores and labels fit one column."""
    return plain(entries, Override).map(lambda v: None if pd.isna(v) else v if isinstance(v, int) else str(v))


def export(tables: Mapping[str, pd.DataFrame], folder: Path, format: str = "parquet") -> list[Path]:
    """Write tables, one file each.

    Raises
    ------
    SessionError
        If the format is not one of `FORMATS` or the folder cannot be written.
    """
    if format not in FORMATS:
        raise SessionError(f"export: format {format!r} is not known; choose one of {', '.join(FORMATS)}")
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            path = folder / f"{name}.{format}"
            if format == "parquet":
                table.to_parquet(path, index=False)
            elif format == "csv":
                table.to_csv(path, index=False)
            else:
                table.to_json(path, orient="records", lines=False, indent=1, double_precision=15)
            written.append(path)
    except OSError as error:
        raise files.fail(folder, error) from error
    return written
