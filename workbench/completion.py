"""Completes a session that was cut off (a killed process, a power cut): from its recording, else from what is stored.

With the recording at hand (the session's own copy, or a file that has the same SHA-256) the evaluation is done again beside the
session, and takes its place once it is whole: the scores are those of an undisturbed run. Without it, which is always so for a
session of the live page, stored words stay, speech after them is recognised from the stored sound, and windows and scores are
computed from what is there.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import soundfile

from workbench import pipeline
from workbench.capture.media_file import MediaFile
from workbench.capture.source import Tracks
from workbench.errors import MediaError, SessionError
from workbench.events import EventKind
from workbench.language import similarity
from workbench.language.interview import from_marks
from workbench.live import video
from workbench.runtime.graph import Graph
from workbench.runtime.ledger import Ledger
from workbench.sessions.replay import replay_session
from workbench.sessions.store import Session, SessionWriter
from workbench.sessions.writer import AUDIO
from workbench.settings import Settings
from workbench.speech.vad import VoiceActivity
from workbench.stages import SPEECH, added, build, place
from workbench.streams import AlignedClip, AudioBlock, SpeechClip

_BESIDE = ".completion"
"""The folder in the session's folder in which it is evaluated again."""
_KEPT = (EventKind.OVERRIDE, EventKind.REPAIR, EventKind.INTERRUPTED, EventKind.TRACKS_UNUSED)
"""Events that stay when a session is evaluated again: what people and accidents did to it, and which tracks were chosen."""
_RATE = 16000
_SHORTEST = 0.3
"""s; sound that is left after the last word and shorter than this holds no further one."""


def complete(session: str | Path, media: str | Path | None = None, progress: pipeline.Progress | None = None) -> Session:
    """Complete a session that was cut off; one that is whole is given back as it is.

    Parameters
    ----------
    session : str or path
        Its folder, or its id in the sessions folder.
    media : path, optional
        The recording that it was made from; looked for in the session's folder otherwise.
    progress : callable, optional
        ``progress(stage, seconds done, seconds in all)``.

    Returns
    -------
    Session
        With windows and scores.

    Raises
    ------
    SessionError
        If it is being recorded at this moment, is none, or cannot be written.
    MediaError
        If `media` is another recording.
    """
    opened = Session.find(session)
    if opened.recording:
        raise SessionError(f"{opened.folder}: is being written at this moment; wait until it has ended, or stop it")
    shutil.rmtree(opened.folder / _BESIDE, ignore_errors=True)
    if is_complete(opened) and not (media and _partial(opened)):
        return opened
    source = _recording(opened, Path(media) if media else None)
    if source is not None:
        _again(opened, source, progress)
    else:
        _from_stored(opened, progress)
    video.recover(opened.folder, opened.folder / AUDIO)
    return Session.open(opened.folder)


def is_complete(session: Session) -> bool:
    """Whether a session has been written to its end: it says so, and holds as many windows and scores as a replay gives."""
    if not any(e.kind == EventKind.LATENCY for e in session.events):  # the last word of the stages
        return False
    replayed = replay_session(session)
    counts = (len(replayed.windows), len(replayed.scores))
    return counts == (session.raw("windows").count(b"\n"), session.raw("scores").count(b"\n"))


def _partial(session: Session) -> bool:
    """Whether a session was completed without its recording, so that more can be had with it."""
    return any(e.kind == EventKind.COMPLETED and "stretches_stored" in e.data for e in session.events)


def _recording(session: Session, media: Path | None) -> Path | None:
    """The file that the session was made from; None where there is none."""
    wanted = session.header.media.get("sha256")
    if media is None:
        if wanted is None or session.video_path is None:
            return None
        return session.video_path if _sha256(session.video_path) == wanted else None
    if wanted is None:
        raise MediaError(f"{session.id}: was recorded live, not made from a file; leave {media} out")
    if not media.exists() or _sha256(media) != wanted:
        raise MediaError(f"{media}: is not the recording of {session.id} ({session.header.media.get('name')}); give that file")
    return media


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _again(session: Session, path: Path, progress: pipeline.Progress | None) -> None:
    """Evaluate the recording again beside the session, with its header, and put the result in its place; scores come last."""
    chosen, header, ledger = session.settings, session.header, Ledger()
    source = MediaFile(path, chosen.capture, Tracks.of(header.media))
    watch = pipeline.watcher(progress, source.info.duration)
    vision = pipeline.vision_stages(chosen, header.disabled) if source.info.has_video else []
    speech = pipeline.speech_stages(chosen, header.disabled) if source.info.has_audio else []
    left_out = place(vision, speech, added(chosen.session.stages, chosen), chosen)
    pipeline.warm_up([*vision, *speech], ledger)
    stored = session.events
    with SessionWriter.reopen(session.folder), SessionWriter.create(session.folder / _BESIDE, header) as writer, pipeline.kept(writer):
        writer.event(EventKind.COMPLETED, "the evaluation was cut off, and was done again from the recording", events_before=len(stored))
        for event in stored:
            if event.kind in _KEPT:
                writer.write("events", event)
        for line in left_out:
            writer.event(EventKind.STAGE_LEFT_OUT, line)
        pipeline.record(writer, source, [vision, speech], chosen, header.interview, ledger, watch)
    beside = session.folder / _BESIDE
    names = sorted(p.name for p in beside.iterdir() if p.name != "header.json")
    for name in sorted(names, key=lambda n: n == "scores.jsonl"):
        (beside / name).replace(session.folder / name)
    shutil.rmtree(beside)
    pipeline.check(Session.open(session.folder), source)


def _from_stored(session: Session, progress: pipeline.Progress | None) -> None:
    """Recognise what was not yet, then language, windows and scores of all that is stored."""
    chosen, header, ledger = session.settings, session.header, Ledger()
    if not session.duration:
        raise SessionError(
            f"{session.folder}: was cut off before anything of the recording was stored; "
            f"give it with --media ({header.media.get('name', 'none')})"
        )
    watch = pipeline.watcher(progress, session.duration)
    marks = [e for e in session.events if e.kind == EventKind.QUESTION]
    plan = header.interview
    if header.media.get("sha256") is None:  # live: questions have the times at which they were marked
        plan = from_marks(plan, marks, session.duration)
        plan = plan if plan is not None and plan.timed else None
    with SessionWriter.reopen(session.folder) as writer, pipeline.kept(writer):
        words = len(session.transcripts)
        _rest_of_speech(session, writer, chosen, ledger, watch)
        if plan is not None and any(q.model_answer for q in plan.questions):
            similarity.warm_up(chosen.language.similarity_model)
        writer.event(
            EventKind.COMPLETED,
            f"the session was cut off, and was completed from what is stored{_not_covered(session)}",
            timestamp=session.duration, stretches_stored=words, stretches_recognised=len(_transcripts(session)) - words,
        )  # fmt: skip
        writer.event(EventKind.LATENCY, "time spent in each stage", stages=[line.to_dict() for line in ledger.summary()])
        pipeline.finish(writer, chosen, plan, ledger, watch)


def _not_covered(session: Session) -> str:
    """What a recording holds after the end of what is stored, in words; empty where that is all, or where nobody knows."""
    length = session.header.media.get("duration")
    if session.header.media.get("sha256") is None or not length or length - session.duration < _SHORTEST:
        return ""
    return f", {session.duration:.1f} of {length:.1f} s; for the rest give the recording with --media"


def _transcripts(session: Session) -> list[Any]:
    session.refresh()
    return session.transcripts


def _rest_of_speech(session: Session, writer: SessionWriter, settings: Settings, ledger: Ledger, watch: pipeline.Watch) -> None:
    """Words, prosody and affect of the stored sound: of stretches that have words only, and of all speech after the last word."""
    path = session.audio_path
    if path is None:
        return
    disabled = session.header.disabled
    names = [n for n in SPEECH if n not in disabled]
    measured = {p.segment_id for p in session.prosody}
    unmeasured = [t for t in session.transcripts if t.segment_id not in measured and "prosody" in names]
    if unmeasured:
        graph = Graph(build([n for n in names if n in SPEECH[3:]], settings), ledger)
        segments = {s.segment_id: s for s in session.segments}
        for transcript in unmeasured:
            if (first := segments.get(transcript.segment_id)) is not None:  # a stretch may be of several segments
                stretch = first.model_copy(update={"start": transcript.start, "end": transcript.end})
                _write(writer, graph.push(AlignedClip(transcript, SpeechClip(stretch, _samples(path, transcript.start, transcript.end)))))
        _write(writer, graph.flush())
        session.refresh()
    done = max((t.end for t in session.transcripts), default=0.0)
    if session.duration - done < _SHORTEST:
        return
    for stream, kept in _before(session, done).items():
        writer.replace(stream, kept)
    stages = build(names, settings)
    pipeline.warm_up(stages, ledger)
    for stage in stages:
        if isinstance(stage, VoiceActivity):
            stage.numbered_after = max((_number(s.segment_id) for s in session.segments), default=0)
    graph = Graph(stages, ledger, watch)
    for block in _blocks(path, done, settings.capture.block_seconds):
        _write(writer, graph.push(block))
    _write(writer, graph.flush())


def _before(session: Session, second: float) -> dict[str, list[Any]]:
    """The rows of speech that stay: those of the time up to the last stored word."""
    segments = [s for s in session.segments if s.start < second]
    names = {s.segment_id for s in segments}
    kept: dict[str, list[Any]] = {"segments": segments, "prosody": [p for p in session.prosody if p.segment_id in names]}
    return kept | {name: [row for row in session.messages(name) if row.timestamp < second] for name in ("speech", "acoustics", "affect")}


def _write(writer: SessionWriter, items: Iterable[Any]) -> None:
    for item in items:
        writer.add(item)


def _number(segment_id: str) -> int:
    digits = segment_id.removeprefix("seg-").partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def _samples(path: Path, start: float, end: float) -> Any:
    return soundfile.read(path, start=round(start * _RATE), stop=round(end * _RATE), dtype="float32")[0]


def _blocks(path: Path, start: float, seconds: float) -> Iterator[AudioBlock]:
    first, size = round(start * _RATE), round(seconds * _RATE)
    with soundfile.SoundFile(path) as file:
        file.seek(first)
        while len(samples := file.read(size, dtype="float32")):
            yield AudioBlock(first, samples, _RATE)
            first += len(samples)
