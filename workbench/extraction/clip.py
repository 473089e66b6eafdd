"""One clip through the stages: what is stored already is read back in place of the stages that made it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import contracts, pipeline
from workbench.capture.media_file import MediaFile
from workbench.corpora.check import media_fault
from workbench.corpora.tracks import Rows, measured, read_rows, track_file, write_rows
from workbench.errors import MediaError, SettingsError, WeightsError
from workbench.events import EventKind
from workbench.extraction.steps import OF_STAGE, STEPS, Chain, chain
from workbench.runtime.graph import Graph
from workbench.runtime.recorded import run
from workbench.settings import Settings
from workbench.speech.silero import CHUNK
from workbench.speech.vad import BEFORE
from workbench.stage import Stage
from workbench.streams import (
    AlignedClip,
    AudioBlock,
    DetectedFrame,
    FramePacket,
    SpeechClip,
    TrackedFrame,
    TranscribedClip,
)
from workbench.vision.tracking import CONFIRM

BROKEN = (EventKind.CUT_SHORT, EventKind.DAMAGED)
"""Events of a source that make a clip an error: half of a clip is not the clip that was judged."""
_RATE = 16000


@dataclass(frozen=True)
class Clip:
    """A clip to extract: where its files are and which steps are missing."""

    name: str
    content: str
    todo: tuple[str, ...]
    video: Path | None = None
    audio: Path | None = None
    image: Path | None = None
    text: str = ""


@dataclass
class Outcome:
    """What became of a clip: steps that were computed, those of them without a row, and what went wrong."""

    clip: str
    computed: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)

    def error(self, stage: str, message: str, level: str = "error") -> None:
        self.errors.append({"clip": self.clip, "stage": stage, "level": level, "message": message})


@dataclass(frozen=True)
class Job:
    """What all clips have in common; travels to every worker."""

    root: Path
    settings: Settings
    keys: dict[str, str]
    disabled: dict[str, str]


class Extractor:
    """Keeps the stages and their models for all clips of a process."""

    def __init__(self, job: Job) -> None:
        self.job = job
        stages = [*pipeline.vision_stages(job.settings, job.disabled), *pipeline.speech_stages(job.settings, job.disabled)]
        self._stages = {s.spec.name: s for s in stages}

    def extract(self, clip: Clip) -> Outcome:
        """Compute and store the clip's missing steps. Errors of the clip are in the outcome.

        Raises
        ------
        WeightsError, SettingsError
            What would hit every clip.
        """
        outcome = Outcome(clip.name)
        picture, sound = clip.image or clip.video, clip.audio or clip.video
        passes: dict[Path, list[Chain]] = {}
        if picture and self._missing(clip, "vision"):
            passes.setdefault(picture, []).append("vision")
        if sound and self._missing(clip, "speech"):
            passes.setdefault(sound, []).append("speech")
        for path, chains in passes.items():
            self._guarded(outcome, "capture", lambda path=path, chains=chains: self._media(clip, path, chains, outcome))  # type: ignore[misc]
        read = not any(e["stage"] == "capture" and e["level"] == "error" for e in outcome.errors)
        if "embedding" in clip.todo and read and (clip.text or self._file(clip, "alignment").exists()):
            self._guarded(outcome, "embedding", lambda: self._embed(clip, outcome))
        return outcome

    def _guarded(self, outcome: Outcome, stage: str, call: Any) -> None:
        try:
            call()
        except (WeightsError, SettingsError):
            raise
        except MediaError as error:
            outcome.error(stage, str(error))
        except Exception as error:  # whatever is wrong with one clip must not end the others
            outcome.error(stage, f"{type(error).__name__}: {error}")

    def _missing(self, clip: Clip, name: Chain) -> list[str]:
        return [s.name for s in chain(name) if s.name in clip.todo]

    def _file(self, clip: Clip, step: str) -> Path:
        return track_file(self.job.root, step, self.job.keys[step], clip.name, clip.content)

    def _media(self, clip: Clip, path: Path, chains: list[Chain], outcome: Outcome) -> None:
        """One pass through a file for the chains that need it."""
        if problem := media_fault(path):
            raise MediaError(f"{path}: {problem}")
        source = Still(path) if path == clip.image else MediaFile(path, self.job.settings.capture)
        graphs, steps, frames, spoken = [], [], None, None
        for name in chains:
            every = [s.name for s in chain(name)]
            missing = self._missing(clip, name)
            first, last = every.index(missing[0]), every.index(missing[-1])
            steps += every[first : last + 1]
            names = [n for s in chain(name)[first : last + 1] for n in s.stages if n in self._stages]
            graphs.append(Graph([_fresh(self._stages[n]) for n in names]))
            if first:
                stored = read_rows(self._file(clip, every[first - 1]))
                if name == "vision":
                    frames = (every[first - 1], {r["frame_id"]: contracts.Detections(**r) for r in stored})
                else:
                    spoken = (every[first - 1], stored)
        rows: dict[str, Rows] = {s: [] for s in steps}

        def keep(item: Any) -> None:
            if isinstance(item, contracts.Event):
                step = OF_STAGE.get(item.stage or "", "")
                outcome.error(step, item.message, "error" if item.kind in (EventKind.STAGE_ERROR, EventKind.STAGE_DOWN) else "warning")
                return
            for step, row in as_rows(item):
                if step in rows:
                    rows[step].append(row)

        run(resumed(source, frames, spoken), graphs, keep)
        for event in source.events:
            outcome.error("capture", event.message, "error" if event.kind in BROKEN else "warning")
        failed = {e["stage"] for e in outcome.errors if e["level"] == "error"}
        for name in chains:
            for step in (s.name for s in chain(name) if s.name in rows):
                if step in failed or "capture" in failed:
                    break  # nor what rests on it
                write_rows(self._file(clip, step), clip.name, rows[step])
                outcome.computed.append(step)
                outcome.empty += [] if rows[step] else [step]

    def _embed(self, clip: Clip, outcome: Outcome) -> None:
        from workbench.language.similarity import embed

        text = clip.text or " ".join(r["transcript"].strip() for r in read_rows(self._file(clip, "alignment")))
        model = self.job.settings.language.similarity_model
        rows: Rows = [{"text": text, "vector": embed([text], model)[0].tolist()}] if text else []
        write_rows(self._file(clip, "embedding"), clip.name, rows)
        outcome.computed.append("embedding")
        outcome.empty += [] if rows else ["embedding"]


class Still:
    """A picture as a source: shown as often as tracking must see a face before it is somebody's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events: list[contracts.Event] = []

    def __iter__(self) -> Iterator[FramePacket]:
        from PIL import Image, ImageOps

        try:
            with Image.open(self.path) as file:
                image = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
        except (OSError, SyntaxError) as error:
            raise MediaError(f"{self.path}: is no whole picture ({error}); download it again") from None
        for i in range(CONFIRM):
            message = contracts.Frame(frame_id=i, timestamp=i / 25, width=image.shape[1], height=image.shape[0])
            yield FramePacket(message, image)


def _fresh(stage: Stage) -> Stage:
    stage.reset()
    return stage


def as_rows(item: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is stored of a stage's output: the step and a row."""
    for step in STEPS:
        if step.item is type(item) and step.rows is not None:
            for row in step.rows(item):
                yield step.name, row


def resumed(
    source: Iterable[Any], frames: tuple[str, dict[int, contracts.Detections]] | None, spoken: tuple[str, Rows] | None
) -> Iterator[Any]:
    """The source's items, with what a chain needs to go on after a stored step in place of what would lead to it.

    Parameters
    ----------
    source : iterable of FramePacket and AudioBlock
    frames : (step, detections by frame), optional
        The last stored step of vision.
    spoken : (step, rows), optional
        The last stored step of speech.
    """
    blocks: list[AudioBlock] = []
    for item in source:
        if isinstance(item, FramePacket) and frames is not None:
            step, stored = frames
            if found := stored.get(item.message.frame_id):
                yield DetectedFrame(item, found) if step == "detection" else TrackedFrame(item, found)
        elif isinstance(item, AudioBlock) and spoken is not None:
            blocks.append(item)
        else:
            yield item
    if spoken is not None:
        yield from heard(*spoken, _laid_out(blocks))


def _laid_out(blocks: list[AudioBlock]) -> NDArray[np.float32]:
    """All samples from second 0 on; silence where blocks are missing."""
    out = np.zeros(max((b.first_sample + len(b.samples) for b in blocks), default=0), np.float32)
    for b in blocks:
        out[b.first_sample : b.first_sample + len(b.samples)] = b.samples
    return out


def heard(step: str, rows: Rows, audio: NDArray[np.float32]) -> Iterator[Any]:
    """What a stored speech step gave to the one after it: its messages with their samples."""
    end = 0
    for row in rows:
        if step == "prosody":
            yield measured(row)
        elif step == "vad":
            segment = contracts.SpeechSegment(**row)
            first = round(segment.start * _RATE)
            earliest = max(end, first - int(BEFORE * _RATE / CHUNK) * CHUNK)
            end = round(segment.end * _RATE)
            yield SpeechClip(segment, audio[first:end], before=audio[earliest:first])
        else:
            transcript = contracts.Transcript(**row)
            samples = audio[round(transcript.start * _RATE) : round(transcript.end * _RATE)]
            span = contracts.SpeechSegment(
                segment_id=transcript.segment_id, start=transcript.start, end=transcript.end, snr_db=transcript.snr_db
            )
            clip = SpeechClip(span, samples)
            yield TranscribedClip(transcript, clip) if step == "transcription" else AlignedClip(transcript, clip)


_extractor: Extractor | None = None


def start(job: Job) -> None:
    """Begin a worker process, whose models are loaded with the first clip. It ends with its parent, and not before on a signal to all."""
    global _extractor
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _extractor = Extractor(job)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # the pool's own processes would wait for work forever


def work(clip: Clip) -> Outcome:
    """Extract a clip in a worker process."""
    assert _extractor is not None
    return _extractor.extract(clip)
