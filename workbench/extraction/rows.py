"""Items of the graph → rows of Parquet tables; `STEPS` says which step stores which type of item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workbench.contracts import VisualOutput
from workbench.streams import DetectedFrame, MeasuredClip, SpeechClip, Track, TrackedFrame, TrackUpdate, TranscribedClip

Row = dict[str, Any]


def faces(item: DetectedFrame | TrackedFrame) -> Iterator[Row]:
    """One row a frame: its detections."""
    yield item.detections.model_dump(mode="json")


def emotions(item: VisualOutput) -> Iterator[Row]:
    """One row a face in a frame: probabilities, size (px) and quality."""
    for p in item.predictions:
        quality = {"size_px": p.quality.size_px, "quality": p.quality.score} if p.quality else {"size_px": None, "quality": None}
        yield {"frame_id": p.frame_id, "timestamp": p.timestamp, "face_id": p.face_id, **p.probs, **quality}


def segment(item: SpeechClip) -> Iterator[Row]:
    """One row a segment of speech."""
    yield item.message.model_dump(mode="json")


def transcript(item: TranscribedClip) -> Iterator[Row]:
    """One row a transcribed segment."""
    yield item.transcript.model_dump(mode="json")


def prosody(item: MeasuredClip) -> Iterator[Row]:
    """One row a segment: its summary, and pitch and level beneath it as lists."""
    yield item.message.model_dump(mode="json") | {"acoustics": _columns(item.acoustics)}


def affect(item: TrackUpdate) -> Iterator[Row]:
    """One row a time of the track `affect`; other tracks are not extracted."""
    track = item.track
    if track.name != "affect":
        return
    for i, time in enumerate(track.times):
        values = dict(zip(track.names, track.values[i].tolist(), strict=True))
        yield {"time": float(time), **values, "confidence": float(track.confidence[i]), "valid": bool(track.valid[i])}


def _columns(track: Track) -> dict[str, list[float]]:
    return {"time": track.times.tolist()} | {name: track.column(name).tolist() for name in track.names}
