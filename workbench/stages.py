"""Which stages a session is made of: the workbench's own, by name, and those that installed packages add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from workbench.contracts import Event
from workbench.errors import SettingsError, WorkbenchError
from workbench.plugins import OWN, Registry
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
    name = thing if isinstance(thing, str) else ""
    if not name and _is_stage(thing):
        return Added(thing)  # type: ignore[arg-type]
    if not name and not callable(thing):
        raise SettingsError(f"stages: {thing!r} is no stage: it needs spec, process, flush and reset")
    make: Any = STAGES.get(name) if name else thing
    try:
        stage = make(settings)
    except Exception as error:
        raise _refused(name, f"it cannot be made: {type(error).__name__}: {' '.join(str(error).split())}", thing) from error
    if not _is_stage(stage):
        raise _refused(name, "what it makes is no stage: it needs spec, process, flush and reset", thing)
    return Added(stage, name)


def _is_stage(thing: object) -> bool:
    return isinstance(thing, Stage) and not isinstance(thing, type)


def _refused(name: str, why: str, thing: object) -> WorkbenchError:
    """The error for a stage that cannot be used; names the package where it was asked for by name."""
    if name and STAGES.package(name) != OWN:
        return STAGES.reject(name, why)
    return SettingsError(f"stages: {name or thing!r} cannot be used: {why}")


def place(vision: list[Stage], speech: list[Stage], more: Sequence[Added], settings: Settings) -> list[str]:
    """Add each stage to the graph, vision or speech, in which what it consumes is made; after the stages that feed it.

    The order in which the stages are given does not matter. A stage whose input is not made in this session (a recording
    without video, a channel that is off) is left out.

    Returns
    -------
    list of str
        One line for each stage that is left out.

    Raises
    ------
    PluginError, SettingsError
        If a stage consumes what no stage ever makes, or has the name of another stage.
    """
    graphs = {"vision": vision, "speech": speech}
    source: dict[str, type] = {"vision": FramePacket, "speech": AudioBlock}
    possible = {n: {source[n], Event, *_made(build(names, settings))} for n, names in (("vision", VISION), ("speech", SPEECH))}
    made = {n: {source[n], Event, *_made(chain)} if chain else set() for n, chain in graphs.items()}
    left: list[str] = []
    waiting = list(more)
    while waiting:
        ready = [(one, n) for one in waiting if (n := _graph_of(one, possible))]
        if not ready:
            one = waiting[0]
            lost = set(one.stage.spec.consumes) - set().union(*possible.values())
            kinds = ", ".join(sorted(kind.__name__ for kind in lost or one.stage.spec.consumes)) or "nothing"
            why = f"it consumes {kinds}, which no stage makes" if lost or not one.stage.spec.consumes else f"no one graph makes {kinds}"
            raise _refused(one.name, why, one.stage.spec.name)
        one, graph = ready[0]
        waiting.remove(one)
        spec = one.stage.spec
        if spec.name in {s.spec.name for chain in graphs.values() for s in chain}:
            raise _refused(one.name, f"a stage called {spec.name!r} is there already", spec.name)
        possible[graph] |= set(spec.produces)
        if set(spec.consumes) <= made[graph]:
            graphs[graph].append(one.stage)
            made[graph] |= set(spec.produces)
        else:
            kinds = ", ".join(sorted(kind.__name__ for kind in set(spec.consumes) - made[graph]))
            left.append(f"{spec.name}: {kinds} is not made in this session")
    return left


def _made(chain: Sequence[Stage]) -> set[type]:
    return {kind for stage in chain for kind in stage.spec.produces}


def _graph_of(one: Added, possible: dict[str, set[type]]) -> str:
    """The graph in which all that a stage consumes can be made; empty where there is none."""
    wanted = set(one.stage.spec.consumes)
    return next((name for name, kinds in possible.items() if wanted and wanted <= kinds), "")
