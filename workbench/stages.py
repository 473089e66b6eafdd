"""Which stages a session is made of: the workbench's own, by name, and those that installed packages add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from workbench.contracts import Event
from workbench.errors import SettingsError
from workbench.plugins import PluginError, Registry
from workbench.settings import Settings
from workbench.stage import Stage
from workbench.streams import AudioBlock, FramePacket

Build = Callable[[Settings], Stage]
VISION: tuple[str, ...] = ("face_detection", "face_tracking", "face_alignment", "visual_emotion")
"""Face to emotion, in the order in which they feed each other."""
SPEECH: tuple[str, ...] = ("voice_activity", "transcription", "word_alignment", "prosody", "prosodic_affect")
"""Speech to words, and how they were said."""
MEASURES: tuple[str, ...] = SPEECH[2:]
"""The stages of `SPEECH` that follow recognition."""


def _check(name: str, thing: Any) -> Build:
    if not callable(thing):
        raise SettingsError("a stage's entry point names a callable that takes the settings and gives a stage")
    if name in VISION or name in SPEECH:  # the workbench's own take their section of the settings
        return partial(_own, thing, "vision" if name in VISION else "speech")
    return thing  # type: ignore[no-any-return]


def _own(kind: Callable[[Any], Stage], section: str, settings: Settings) -> Stage:
    return kind(getattr(settings, section))


STAGES: Registry[Build] = Registry(
    "stage",
    "workbench.stages",
    {
        "face_detection": "workbench.vision.detection:FaceDetectionStage",
        "face_tracking": "workbench.vision.tracking:FaceTracker",
        "face_alignment": "workbench.vision.alignment:CropAlign",
        "visual_emotion": "workbench.vision.emotion:EmotionStage",
        "voice_activity": "workbench.speech.vad:VoiceActivity",
        "transcription": "workbench.speech.transcription:Transcriber",
        "word_alignment": "workbench.speech.word_alignment:WordAligner",
        "prosody": "workbench.speech.prosody:ProsodyStage",
        "prosodic_affect": "workbench.speech.affect:ProsodicAffect",
    },
    _check,
)
"""Every stage by name: ``STAGES.get(name)(settings)`` makes one."""


def build(names: Sequence[str], settings: Settings) -> list[Stage]:
    """Stages by name, models not loaded yet."""
    return [STAGES.get(name)(settings) for name in names]


@dataclass(frozen=True)
class Added:
    """A stage that is added to the workbench's own, and the name by which it was asked for (empty where it was handed over)."""

    stage: Stage
    name: str = ""


def added(asked: Sequence[Stage | str | Build], settings: Settings) -> list[Added]:
    """The stages that somebody adds: instances, names in the registry, or callables that take the settings.

    Raises
    ------
    PluginError
        If a name is not known, or the package that offers it cannot be used.
    SettingsError
        If something is no stage.
    """
    return [_added(thing, settings) for thing in asked]


def _added(thing: Stage | str | Build, settings: Settings) -> Added:
    if isinstance(thing, str):
        try:
            stage = STAGES.get(thing)(settings)
        except PluginError:
            raise
        except Exception as error:
            raise STAGES.reject(thing, f"it cannot be made: {type(error).__name__}: {' '.join(str(error).split())}") from error
        if not isinstance(stage, Stage):
            raise STAGES.reject(thing, "what it makes is no stage: it needs spec, process, flush and reset")
        return Added(stage, thing)
    stage = thing if isinstance(thing, Stage) else thing(settings)
    if not isinstance(stage, Stage):
        raise SettingsError(f"stages: {thing!r} is no stage: it needs spec, process, flush and reset")
    return Added(stage)


def place(vision: list[Stage], speech: list[Stage], more: Sequence[Added], settings: Settings) -> None:
    """Add each stage to the graph, vision or speech, in which what it consumes is made; after the stages that are there.

    A stage whose graph is not there (a recording without video) is left out.

    Raises
    ------
    PluginError, SettingsError
        If a stage consumes what no stage makes; names the package.
    """
    makes = {
        "vision": {FramePacket, Event, *(kind for s in build(VISION, settings) for kind in s.spec.produces)},
        "speech": {AudioBlock, Event, *(kind for s in build(SPEECH, settings) for kind in s.spec.produces)},
    }
    graphs = {"vision": vision, "speech": speech}
    for one in more:
        spec = one.stage.spec
        name = next((n for n, kinds in makes.items() if set(spec.consumes) & kinds), None)
        lost = set(spec.consumes) - makes[name] if name else set(spec.consumes)
        if name is None or lost:
            what = f"it consumes {', '.join(sorted(kind.__name__ for kind in lost)) or 'nothing'}, which no stage makes"
            raise STAGES.reject(one.name, what) if one.name else SettingsError(f"stages: {spec.name!r} cannot be used: {what}")
        makes[name] |= set(spec.produces)
        if graphs[name]:
            graphs[name].append(one.stage)
