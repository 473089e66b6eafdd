"""A recording, end to end: source → graphs → session → windows and scores. Everything here is wiring; the stages do the work."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from workbench import contracts
from workbench import settings as tree
from workbench.errors import MediaError, SessionError, WorkbenchError
from workbench.events import EventKind
from workbench.fusion.reliability import Picture
from workbench.fusion.stored import pinned
from workbench.runtime.graph import Graph
from workbench.runtime.ledger import Ledger
from workbench.runtime.recorded import run
from workbench.sessions.header import new_header
from workbench.sessions.store import Session, SessionWriter
from workbench.settings import Settings
from workbench.stage import Stage
from workbench.stages import SPEECH, VISION, Build, added, build, place

Progress = Callable[[str, float, float], None]
"""``progress(stage, seconds done, seconds in all)``."""
Watch = Callable[[str, float], None]
"""``watch(stage, seconds done)``."""


def vision_stages(settings: Settings, disabled: dict[str, str] | None = None) -> list[Stage]:
    """Face to emotion. Where the visual emotion channel is off, no face is looked for either: what is not used is not computed."""
    return [] if "visual_emotion" in (disabled or {}) else build(VISION, settings)


def speech_stages(settings: Settings, disabled: dict[str, str] | None = None) -> list[Stage]:
    """Speech to words, and how they were said."""
    return build([n for n in SPEECH if n not in (disabled or {})], settings)


def evaluate(
    path: str | Path,
    questions: str | Path | None = None,
    settings: Settings | str | Path | None = None,
    *,
    out: str | Path | None = None,
    consent: contracts.Consent | None = None,
    progress: Progress | None = None,
    ledger: Ledger | None = None,
    stages: Sequence[Stage | str | Build] = (),
    video_track: int | None = None,
    audio_track: int | None = None,
) -> Session:
    """Evaluate a recorded interview and give the stored session.

    Parameters
    ----------
    path : path
        Any media file that FFmpeg reads; with audio, video or both.
    questions : path, optional
        An ``interview.yaml``: questions, model answers, keywords, answer times. Without it there is no technical score.
    settings : Settings or path, optional
        The typed tree or a YAML file; defaults otherwise. Purpose and jurisdiction are in ``settings.session``.
    out : path, optional
        Session folder (must not exist or be empty); otherwise a new one in `settings.sessions_dir`.
    consent : Consent, optional
        What the person agreed to; stored in the header. Without it the session says that none was recorded.
    progress : callable, optional
        ``progress(stage, seconds done, seconds in all)``, called from worker threads.
    ledger : Ledger, optional
        Collects every stage's latencies.
    stages : sequence, optional
        Stages to add, after those of ``settings.session.stages``: instances, names of the entry-point group
        ``workbench.stages``, or callables ``settings -> Stage``. What their items declare is stored with the session.
    video_track, audio_track : int, optional
        Number, from 1, of the track to evaluate where the file holds several; by default see `track_choice`.

    Returns
    -------
    Session
        With ``windows``, ``words`` and ``scores`` as DataFrames.

    Raises
    ------
    MediaError
        If the file is no media, is empty, or holds neither speech nor a face (what was stored is kept).
    WeightsError
        If weights are missing or corrupt.
    SettingsError
        If settings or questions are not valid.
    PluginError
        If a stage that was asked for cannot be used; names the package that offers it.
    SessionError
        If the session cannot be written; what was written is kept.
    """
    from workbench import track_choice
    from workbench.capture.media_file import MediaFile
    from workbench.capture.source import NAME, shown_name
    from workbench.language import similarity
    from workbench.language.interview import load_plan
    from workbench.sessions.consent import disabled_channels

    chosen = pinned(settings if isinstance(settings, Settings) else tree.load(settings))
    plan = load_plan(questions, timed=True) if questions else None
    ledger = ledger or Ledger()
    source = MediaFile(path, chosen.capture, track_choice.choose(path, chosen, video_track, audio_track))
    disabled = disabled_channels(chosen.session.purpose, chosen.session.jurisdiction)
    watch = watcher(progress, source.info.duration)
    vision = vision_stages(chosen, disabled) if source.info.has_video else []
    speech = speech_stages(chosen, disabled) if source.info.has_audio else []
    left_out = place(vision, speech, added([*chosen.session.stages, *stages], chosen), chosen)
    warm_up([*vision, *speech], ledger)
    if plan is not None and speech and any(q.model_answer for q in plan.questions):
        with ledger.timing("load models"):
            similarity.warm_up(chosen.language.similarity_model)

    started = datetime.now(UTC)
    name = shown_name(Path(Path(path).stem), NAME).replace("\N{REPLACEMENT CHARACTER}", "_")
    folder = Path(out) if out else tree.sessions_dir() / f"{started:%Y-%m-%dT%H-%M-%S}-{name}"
    header = new_header(
        folder.name,
        chosen,
        started=started,
        consent=consent or contracts.Consent(given=False, text="no consent was recorded with this session"),
        disabled=disabled,
        media=source.info.to_dict(),
        plan=plan,
        models=provenance([*vision, *speech], chosen),
    )
    with SessionWriter.create(folder, header) as writer, kept(writer):
        if source.info.has_video and chosen.session.store_video:
            with ledger.timing("copy video"):
                writer.video(Path(path))
        for kind, message in track_choice.unused(source.info.streams):
            writer.event(kind, message)
        for line in left_out:
            writer.event(EventKind.STAGE_LEFT_OUT, line)
        session = record(writer, source, [vision, speech], chosen, plan, ledger, watch)
    session.refresh()
    check(session, source)
    return session


def record(
    writer: SessionWriter, source: Any, chains: list[list[Stage]], settings: Settings, plan: Any, ledger: Ledger, watch: Watch
) -> Session:
    """A recording through its stages into a new session, up to the scores. Gives the session, still open.

    Parameters
    ----------
    source : capture.source.Source
    chains : list of list of Stage
        Those of vision and those of speech, warm; an empty one is left out.
    """
    graphs = [Graph(chain, ledger, watch) for chain in chains if chain]
    run(source, graphs, writer.add, ledger)
    for graph in graphs:
        for stage in graph.stages:
            watch(stage.spec.name, source.info.duration)
    for event in source.events:
        writer.write("events", event)
    session = finish(writer, settings, plan, ledger, watch)
    for kind, message in what_is_absent(session, source.info.has_video, source.info.has_audio).items():
        writer.event(kind, message, timestamp=source.info.duration)
    writer.event(EventKind.LATENCY, "time spent in each stage", stages=[line.to_dict() for line in ledger.summary()])
    return session


def check(session: Session, source: Any) -> None:
    """Say what was wrong with the recording as a whole; what was measured is kept.

    Raises
    ------
    MediaError
        If it holds neither speech nor a face, or is cut short.
    """
    path, absent = source.info.path, {e.kind for e in session.events}
    if {EventKind.NO_VIDEO, EventKind.NO_FACE} & absent and {EventKind.NO_AUDIO, EventKind.NO_SPEECH} & absent:
        raise MediaError(
            f"{path}: holds neither a face that could be seen nor speech that could be understood, so there is nothing to score; "
            f"what was measured is kept in {session.folder}"
        )
    if cut := [e.message for e in source.events if e.kind == EventKind.CUT_SHORT]:
        raise MediaError(
            f"{path}: {cut[0]}; what could be read is evaluated and kept in {session.folder}; copy the file again for the rest"
        )


def finish(writer: SessionWriter, settings: Settings, plan: Any, ledger: Ledger, watch: Watch) -> Session:
    """What needs the whole recording: who spoke, the answers' language, windows and scores. Gives the session, still open."""
    from workbench.language.answers import analyse
    from workbench.sessions.faces import automatic
    from workbench.sessions.replay import replay_session

    for stream in ("answers", "windows", "scores"):  # of an earlier attempt that was cut off
        if (writer.folder / f"{stream}.jsonl").stat().st_size:
            writer.replace(stream, [])
    session = Session.open(writer.folder, repair=False)
    transcripts = session.transcripts
    if settings.speech.diarize and transcripts and session.audio_path is not None:
        from workbench.speech.diarization import diarize

        with ledger.timing("diarization"):
            transcripts = diarize(session.audio_path, transcripts, settings.speech)
            writer.replace("transcripts", transcripts)
            session.refresh()
        watch("diarization", session.duration)
    with ledger.timing("language"):
        for answer in analyse(plan, transcripts, settings, session.duration) if transcripts else []:
            writer.write("answers", answer)
    if session.raw("detections"):
        chosen = automatic(session)
        writer.event(EventKind.CANDIDATE, chosen.sentence, faces=list(chosen.faces), why=chosen.why)
    session.refresh()
    watch("language", session.duration)
    with ledger.timing("fusion and scoring"):
        result = replay_session(session)
    for window in result.windows:
        writer.write("windows", window)
    for score in result.scores:
        writer.write("scores", score)
    watch("fusion and scoring", session.duration)
    return session


def what_is_absent(session: Session, has_video: bool, has_audio: bool) -> dict[str, str]:
    """Kind of event → one line, for a whole modality that a recording turned out not to have."""
    absent: dict[str, str] = {}
    if not has_video:
        absent[EventKind.NO_VIDEO] = "the recording holds no video: scores rest on the voice and the words"
    elif "visual_emotion" not in session.header.disabled and not session.observations.visual.valid.any():
        absent[EventKind.NO_FACE] = f"{_why_never(session)} in the whole recording: scores rest on the voice and the words"
    if not has_audio:
        absent[EventKind.NO_AUDIO] = "the recording holds no audio: scores rest on the face alone"
    elif not any(t.words for t in session.transcripts):
        absent[EventKind.NO_SPEECH] = "no speech was found in the whole recording: scores rest on the face alone"
    return absent


def _why_never(session: Session) -> str:
    """Why no face could be used, where none could."""
    why = session.observations.faces.why
    main = Picture(int(np.bincount(why).argmax())) if why is not None and len(why) else Picture.NO_FACE
    return "no usable face" if main in (Picture.NO_FACE, Picture.USABLE) else f"no usable face ({main.words})"


def warm_up(stages: list[Stage], ledger: Ledger | None = None) -> None:
    """Load every stage's models now, so that missing weights are named before anything is written."""
    for stage in stages:
        load = getattr(stage, "warm_up", None)
        if load is not None:
            with ledger.timing("load models") if ledger else contextlib.nullcontext():
                load()


@contextlib.contextmanager
def kept(writer: SessionWriter) -> Iterator[None]:
    """On an error, note it in the session as its last event (if the disk still takes one) and let it pass."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(WorkbenchError, OSError):
            writer.event(EventKind.INTERRUPTED, f"{type(error).__name__}: {error}")
        if isinstance(error, OSError) and not isinstance(error, WorkbenchError):
            raise SessionError(f"{writer.folder}: {error.strerror or error}; what was written so far is kept") from error
        raise


def watcher(progress: Progress | None, duration: float) -> Watch:
    """What stages report to, in terms of a recording's length."""
    if progress is None:
        return lambda name, seconds: None
    return lambda name, seconds: progress(name, min(seconds, duration), duration)


def provenance(stages: list[Stage], settings: Settings) -> dict[str, dict[str, str]]:
    from workbench import zoo

    names = [model for stage in stages for model in stage.spec.models]
    if any("speech" in type(stage).__module__ for stage in stages):
        names.append(settings.language.similarity_model)
    return zoo.provenance(list(dict.fromkeys(names)))
