"""Loaded models for live sessions: stages that one session uses at a time, and the pool in which they wait."""

from __future__ import annotations

import gc
import threading
from dataclasses import dataclass, field

from workbench import pipeline
from workbench.errors import WorkbenchError
from workbench.runtime.process import ProcessGraph
from workbench.settings import Settings
from workbench.stage import Stage
from workbench.stages import MEASURES, build


@dataclass
class StageSet:
    """One set of loaded stages; used by one session at a time, then by the next."""

    vision: list[Stage]
    speech: list[Stage]
    measures: ProcessGraph

    def warm_up(self) -> None:
        """Load all models."""
        self.measures.start()
        pipeline.warm_up([*self.vision, *self.speech])

    def reset(self) -> None:
        """Forget what was seen and heard."""
        for stage in (*self.vision, *self.speech):
            stage.reset()
        self.measures.reset()


def measuring_stages(settings: Settings, disabled: dict[str, str]) -> list[Stage]:
    """The recorded path's stages after recognition (word alignment, prosody, affect), and pitch and level of speech that goes on."""
    from workbench.speech.provisional import ProvisionalVoice

    return [*build([n for n in MEASURES if n not in disabled], settings), ProvisionalVoice()]


def build_stage_set(settings: Settings, disabled: dict[str, str]) -> StageSet:
    """The recorded path's stages, with streaming recognition in place of the recorded one."""
    from workbench.speech.provisional import NewestSpeech
    from workbench.speech.streaming import StreamingTranscriber
    from workbench.speech.vad import VoiceActivity

    activity = VoiceActivity(settings.speech)
    listener = StreamingTranscriber(settings.speech, lambda: activity.speaking_since)
    newest = NewestSpeech(lambda: activity.speaking_since)
    specs = [s.spec for s in measuring_stages(settings, disabled)]
    measures = ProcessGraph("workbench.live.pool:measuring_stages", (settings, disabled), specs)
    return StageSet(pipeline.vision_stages(settings, disabled), [newest, listener, activity], measures)


@dataclass
class ModelPool:
    """Stage sets that wait for a session. Weights that cannot be shared are loaded once a set, and a set serves many sessions."""

    settings: Settings
    disabled: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    _free: list[StageSet] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _warm: threading.Event = field(default_factory=threading.Event)

    @property
    def ready(self) -> bool:
        return self._warm.is_set()

    def open(self, sets: int = 1) -> None:
        """Load models; says in `error` what is missing."""
        try:
            for _ in range(sets):
                self.put(self._build())
            gc.collect()
            gc.freeze()  # models stay: a collection need not walk their two million objects again, and a page that loads waits for it
            self.error = None
            self._warm.set()
        except WorkbenchError as error:
            self.error = str(error)

    def open_soon(self) -> None:
        """Load in the background unless that was done or is under way."""
        with self._lock:
            if not self.ready and not any(t.name == "live-warm-up" for t in threading.enumerate()):
                threading.Thread(target=self.open, name="live-warm-up", daemon=True).start()

    def take(self) -> StageSet:
        """A free stage set, or a new one."""
        with self._lock:
            if self._free:
                return self._free.pop()
        return self._build()

    def put(self, stages: StageSet) -> None:
        """Take a stage set back, forgetting what it has seen."""
        stages.reset()
        with self._lock:
            self._free.append(stages)

    def _build(self) -> StageSet:
        from workbench.language import similarity

        stages = build_stage_set(self.settings, self.disabled)
        stages.warm_up()
        similarity.warm_up(self.settings.language.similarity_model)
        return stages


_pools: dict[str, ModelPool] = {}


def model_pool(settings: Settings, disabled: dict[str, str] | None = None) -> ModelPool:
    """The process's pool for these models (vision and speech settings, and channels that are off, decide)."""
    off = disabled or {}
    return _pools.setdefault(repr((settings.vision, settings.speech, settings.language, sorted(off))), ModelPool(settings, off))
