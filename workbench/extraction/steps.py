"""What is extracted, in which order, and what each result rests on: its key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from workbench import zoo
from workbench.contracts import VisualOutput
from workbench.errors import CorpusError
from workbench.extraction import rows
from workbench.settings import Settings
from workbench.stage import Stage
from workbench.streams import AlignedClip, DetectedFrame, MeasuredClip, SpeechClip, TrackedFrame, TrackUpdate, TranscribedClip

Chain = Literal["vision", "speech", "text"]


@dataclass(frozen=True)
class Step:
    """A result that is stored: by which stages it is made, and what it depends on.

    Parameters
    ----------
    name : str
        Of `corpora.tracks.STAGES`.
    chain : {"vision", "speech", "text"}
        Steps of a chain feed one another in order.
    stages : tuple of str
        Names of the stages that make it (`StageSpec.name`).
    settings : tuple of str
        Settings that its result depends on.
    code : tuple of str
        Modules that it is computed by: their source is its version.
    item : type, optional
        The type of the graph's items that hold its result.
    rows : callable, optional
        ``rows(item)`` → what is stored of one, as rows of a table.
    """

    name: str
    chain: Chain
    stages: tuple[str, ...]
    settings: tuple[str, ...]
    code: tuple[str, ...]
    item: type | None = None
    rows: Callable[[Any], Iterator[rows.Row]] | None = None


STEPS: tuple[Step, ...] = (
    Step(
        "detection", "vision", ("face detection",),
        ("capture.fps", "capture.max_height", "vision.detector", "vision.min_detection", "vision.max_faces"),
        ("capture.media_file", "vision.detection", "vision.alignment"), DetectedFrame, rows.faces,
    ),
    Step(
        "tracking", "vision", ("face tracking",), ("vision.track_gap", "vision.track_iou", "vision.still_motion", "vision.frozen_change"),
        ("vision.tracking", "vision.appearance", "vision.motion", "vision.fitness"), TrackedFrame, rows.faces,
    ),
    Step(
        "emotion", "vision", ("face alignment", "visual emotion"),
        (
            "vision.crop_margin", "vision.analysed_faces", "vision.batch", "vision.batch_window", "vision.runtime", "vision.emotion_model",
            "vision.ensemble", "vision.ensemble_weight", "vision.temperature", "vision.temperature_second",
        ),
        ("vision.alignment", "vision.fitness", "vision.emotion"), VisualOutput, rows.emotions,
    ),
    Step(
        "vad", "speech", ("voice activity",),
        (
            "capture.sample_rate", "capture.block_seconds", "speech.vad_threshold", "speech.vad_min_silence", "speech.vad_pad",
            "speech.max_segment",
        ),
        ("capture.audio", "speech.vad", "speech.silero"), SpeechClip, rows.segment,
    ),
    Step(
        "transcription", "speech", ("transcription",),
        (
            "speech.language", "speech.model", "speech.prompt", "speech.beam", "speech.batch", "speech.fillers", "speech.diarize",
            "speech.min_confidence", "speech.min_logprob",
        ),
        ("speech.transcription", "speech.reliability", "speech.whisper"), TranscribedClip, rows.transcript,
    ),
    Step(
        "alignment", "speech", ("word alignment",), ("speech.aligner", "speech.aligner_path"),
        ("speech.word_alignment", "speech.forced_alignment", "speech.pronunciation"), AlignedClip, rows.transcript,
    ),
    Step("prosody", "speech", ("prosody",), ("speech.pause",), ("speech.prosody", "speech.voice"), MeasuredClip, rows.prosody),
    Step("affect", "speech", ("prosodic affect",), ("speech.affect_hop",), ("speech.affect",), TrackUpdate, rows.affect),
    Step("embedding", "text", (), ("language.similarity_model",), ("language.similarity",)),
)  # fmt: skip
BY_NAME: dict[str, Step] = {s.name: s for s in STEPS}
OF_STAGE: dict[str, str] = {stage: s.name for s in STEPS for stage in s.stages}
"""Stage → the step that it belongs to."""


def chain(name: Chain) -> list[Step]:
    return [s for s in STEPS if s.chain == name]


def wanted(names: Iterable[str] | None) -> list[str]:
    """The steps that were asked for with those that they rest on, in order; all where `names` is None.

    Raises
    ------
    CorpusError
        If a name is not known.
    """
    asked = list(BY_NAME) if names is None else list(names)
    if strange := [n for n in asked if n not in BY_NAME]:
        raise CorpusError(f"no stage {strange[0]!r}; choose of {', '.join(BY_NAME)}")
    last = {c: max((i for i, s in enumerate(chain(c)) if s.name in asked), default=-1) for c in ("vision", "speech", "text")}
    return [s.name for c, i in last.items() for s in chain(c)[: i + 1]]  # type: ignore[arg-type]


def keys(settings: Settings, stages: Sequence[Stage]) -> dict[str, str]:
    """A key for each step: first 12 hex digits of the SHA-256 over its settings, weights, code, and the key of the step before.

    Parameters
    ----------
    settings : Settings
    stages : sequence of Stage
        Not warmed up; they name their weights.
    """
    tree = settings.echo()
    models: dict[str, list[str]] = {name: [] for name in BY_NAME} | {"embedding": [settings.language.similarity_model]}
    for stage in stages:
        models[OF_STAGE[stage.spec.name]] += stage.spec.models
    found: dict[str, str] = {}
    for step in STEPS:
        before = [s.name for s in chain(step.chain) if s.name in found][-1:]
        if step.name == "embedding":
            before = ["alignment"]  # the text, where the corpus gives none
        parts = {
            "settings": {name: tree[name.split(".")[0]][name.split(".")[1]] for name in step.settings},
            "weights": [weights(m) for m in models[step.name]],
            "code": [source(m) for m in step.code],
            "before": [found[b] for b in before],
        }
        found[step.name] = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    return found


def weights(model: str) -> str:
    """Which bytes a model is: the zoo's fingerprint, or the checksum of one's own file."""
    if model in {e.name for e in zoo.entries()}:
        return f"{model}@{zoo.find(model).fingerprint}"
    return f"{model}@{zoo.provenance([model])[model]['sha256']}"


def source(module: str) -> str:
    """SHA-256 of a module's source, without importing it."""
    spec = find_spec(f"workbench.{module}")
    assert spec is not None
    assert spec.origin is not None
    return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()
