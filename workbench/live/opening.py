"""A new live session: consent, stages from the pool, header, store, and what the end of it computes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench import contracts, pipeline
from workbench import settings as tree
from workbench.errors import WorkbenchError
from workbench.events import EventKind
from workbench.fusion.stored import pinned
from workbench.live.pool import measuring_stages, model_pool
from workbench.live.prometheus import watch
from workbench.live.session import LiveSession, Parts
from workbench.runtime.ledger import Ledger
from workbench.sessions.consent import disabled_channels
from workbench.sessions.header import new_header
from workbench.sessions.writer import SessionWriter
from workbench.settings import Settings

CONSENT = (
    "This page records your picture and voice for the purpose chosen here. From them it computes: where your face is, "
    "probabilities of seven expression classes, your words, pitch, loudness and pauses of your voice, and scores made of these. "
    "Everything is computed on this computer and stored in one folder on it; nothing is sent anywhere else. "
    "The numbers are estimates with known errors: an expression is not a feeling, the voice model is not validated, and no score "
    "may decide about a person by itself. You may pause, stop, and have the recording deleted at any time."
)


def open_live(
    settings: Settings,
    plan: contracts.InterviewPlan | None = None,
    consent: contracts.Consent | None = None,
    media: dict[str, Any] | None = None,
    folder: Path | None = None,
) -> LiveSession:
    """A new live session, not yet begun. Takes a while where no stages are free: call it outside the document lock.

    Parameters
    ----------
    settings : Settings
    plan : InterviewPlan, optional
        Questions, model answers, keywords.
    consent : Consent
        What the person agreed to.
    media : dict, optional
        Where picture and sound come from, for the header.
    folder : Path, optional
        Session folder; a new one in `settings.sessions_dir` by default.

    Raises
    ------
    WorkbenchError
        Without consent, without weights, or where the session cannot be written.
    """
    if consent is None or not consent.given:
        raise WorkbenchError("live: no consent was given, so nothing is captured; agree on the page, or play the sample interview")
    disabled = disabled_channels(settings.session.purpose, settings.session.jurisdiction)
    models = model_pool(settings, disabled)
    stages = models.take()
    settings = pinned(settings)
    started = datetime.now(UTC)
    name = folder or tree.sessions_dir() / f"{started:%Y-%m-%dT%H-%M-%S}-live-{started.microsecond:06d}"
    header = new_header(
        name.name,
        settings,
        started=started,
        consent=consent,
        disabled=disabled,
        media=media or {"name": "browser camera and microphone"},
        plan=plan,
        models=pipeline.provenance([*stages.vision, *stages.speech, *measuring_stages(settings, disabled)], settings),
    )
    ledger = Ledger()

    marked = Marked(plan, settings)

    def finish(writer: SessionWriter, marks: list[contracts.Event], duration: float) -> None:
        pipeline.finish(writer, settings, marked.plan(marks, duration), ledger, lambda stage, seconds: None)
        if not session.hung:  # what hangs keeps its stages
            models.put(stages)

    writer = SessionWriter.create(name, header)
    for further in settings.session.stages:
        writer.event(EventKind.STAGE_LEFT_OUT, f"{further}: further stages are run over recordings only")
    session = LiveSession(writer, settings, Parts(stages.vision, stages.speech, stages.measures, marked.answers, finish), ledger)
    watch(session)
    return session


class Marked:
    """The interview's questions at the times at which they were marked, and the answers to them so far."""

    def __init__(self, plan: Any, settings: Settings) -> None:
        self._plan, self._settings = plan, settings
        self._known: tuple[Any, list[contracts.Answer]] = (None, [])

    def plan(self, marks: list[contracts.Event], duration: float) -> Any:
        """The plan with times, or None where nothing says when a question was asked: then the whole is one answer."""
        from workbench.language.interview import from_marks

        plan = from_marks(self._plan, marks, duration)
        return plan if plan is not None and plan.timed else None

    def answers(self, transcripts: list[contracts.Transcript], marks: list[contracts.Event], duration: float) -> list[contracts.Answer]:
        """Computed anew only where a segment has closed or a question was marked."""
        from workbench.language.answers import analyse

        key = (len(transcripts), len(marks))
        if key != self._known[0]:
            found = analyse(self.plan(marks, duration), transcripts, self._settings, duration) if transcripts else []
            self._known = (key, list(found))
        return self._known[1]
