"""What can happen to a session: every kind of event, how serious it is, and the words in which people are told."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    """How serious an event is. `ROUTINE` events belong to every session and are no trouble."""

    ROUTINE = "routine"
    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


class EventKind(StrEnum):
    """The kinds of events that the workbench itself writes; its value is what stands in ``events.jsonl``.

    Attributes
    ----------
    severity : Severity
    heading : str
        A few words for people; the event's own message follows.
    """

    severity: Severity
    heading: str

    def __new__(cls, value: str, severity: Severity, heading: str) -> Self:
        member = str.__new__(cls, value)
        member._value_, member.severity, member.heading = value, severity, heading
        return member

    # the course of a session
    STARTED = "started", Severity.ROUTINE, "Started"
    PAUSED = "paused", Severity.ROUTINE, "Paused"
    RESUMED = "resumed", Severity.ROUTINE, "Resumed"
    STOPPED = "stopped", Severity.ROUTINE, "Stopped"
    QUESTION = "question", Severity.ROUTINE, "Question"
    SETTINGS_CHANGED = "settings_changed", Severity.ROUTINE, "Settings changed"
    LATENCY = "latency", Severity.ROUTINE, "Time in each stage"
    OVERRIDE = "override", Severity.ROUTINE, "Corrected by a reviewer"
    INTERRUPTED = "interrupted", Severity.ERROR, "The evaluation was interrupted"
    CANDIDATE = "candidate", Severity.ROUTINE, "Whose face counts"
    GENERATED = "generated", Severity.NOTICE, "Generated session"
    COMPLETED = "completed", Severity.NOTICE, "Completed after an interruption"
    REPAIR = "repair", Severity.NOTICE, "Repaired after an interruption"
    # devices and media
    MUTE = "mute", Severity.NOTICE, "Sound"
    PLUGGED = "plugged", Severity.NOTICE, "Device connected"
    UNPLUGGED = "unplugged", Severity.WARNING, "Device unplugged"
    AUDIO_GAP = "audio_gap", Severity.WARNING, "Audio is missing"
    DEAD_CHANNEL = "dead_channel", Severity.NOTICE, "An audio channel is silent"
    CHANNELS_CANCEL = "channels_cancel", Severity.WARNING, "Audio channels cancel each other"
    BROKEN_SAMPLES = "broken_samples", Severity.WARNING, "Some samples were no numbers"
    CLIPPED = "clipped", Severity.WARNING, "The sound is clipped"
    NEW_PART = "new_part", Severity.WARNING, "The file is of several parts"
    TRACKS_UNUSED = "tracks_unused", Severity.NOTICE, "Not every track is used"
    UNTIMED = "untimed", Severity.NOTICE, "Pictures without times"
    DAMAGED = "damaged", Severity.WARNING, "Parts of the file are damaged"
    CUT_SHORT = "cut_short", Severity.ERROR, "The file is cut short"
    NO_VIDEO = "no_video", Severity.WARNING, "No video"
    NO_FACE = "no_face", Severity.WARNING, "No usable face"
    NO_AUDIO = "no_audio", Severity.WARNING, "No audio"
    NO_SPEECH = "no_speech", Severity.WARNING, "No speech"
    # recognition
    ASR_REJECTED = "asr_rejected", Severity.WARNING, "Some speech was left out"
    NOT_UNDERSTOOD = "not_understood", Severity.WARNING, "Some speech was not understood"
    REPETITION_CUT = "repetition_cut", Severity.WARNING, "Repeated words were left out"
    LANGUAGE_MISMATCH = "language_mismatch", Severity.WARNING, "Another language"
    # stages and load
    STAGE_ERROR = "stage_error", Severity.ERROR, "A stage broke off and was restarted"
    STAGE_LEFT_OUT = "stage_left_out", Severity.WARNING, "A stage was not run"
    STAGE_DOWN = "stage_down", Severity.ERROR, "A stage is not working; what it measures is missing"
    STAGE_HUNG = "stage_hung", Severity.ERROR, "A stage does not answer; what it measures is missing"
    STAGE_RESTARTED = "stage_restarted", Severity.NOTICE, "A stage is tried again"
    WORKER_ERROR = "worker_error", Severity.ERROR, "A picture could not be read"
    FUSION_ERROR = "fusion_error", Severity.ERROR, "Fusion broke off; the session goes on"
    DEGRADED = "degraded", Severity.WARNING, "Slowed down"
    RECOVERED = "recovered", Severity.NOTICE, "Back to speed"


_KINDS: dict[str, EventKind] = {kind.value: kind for kind in EventKind}


def severity(kind: str) -> Severity:
    """How serious an event of this kind is; kinds of other packages and of older versions count as a notice."""
    return _KINDS[kind].severity if kind in _KINDS else Severity.NOTICE


def title(kind: str) -> str:
    """Words for an event of this kind; of one that is not known, its name in words.

    Examples
    --------
    >>> title("no_face"), title("lamp_fell_over")
    ('No usable face', 'Lamp fell over')
    """
    return _KINDS[kind].heading if kind in _KINDS else kind.replace("_", " ").capitalize()
