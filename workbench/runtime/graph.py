"""The graph: stages joined by the types they consume and produce, run depth-first, timed and supervised.

The graph owns no thread. A driver decides who calls `push`: `recorded.run` for files; the live page has its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from workbench import contracts
from workbench.errors import WorkbenchError
from workbench.events import EventKind
from workbench.outputs import reached
from workbench.runtime.ledger import Ledger
from workbench.stage import Stage

MAX_FAILURES = 3
"""A stage that raised this often in a row is left out for the rest of the stream; its modality counts as missing."""


class Graph:
    """Stages joined by the types of items that they consume and produce.

    An output goes at once to the stages that consume its exact type. Several that consume the same type get it in the order
    in which they are given, which is also the order in which they are flushed.

    Parameters
    ----------
    stages : sequence of Stage
    ledger : Ledger, optional
        Shared by several graphs of one session.
    watch : callable, optional
        ``watch(stage_name, seconds)`` after each call, with the stream time that the stage has reached.

    Raises
    ------
    ValueError
        If two stages share a name.
    """

    def __init__(self, stages: Sequence[Stage], ledger: Ledger | None = None, watch: Callable[[str, float], None] | None = None) -> None:
        self.stages = list(stages)
        self.ledger = ledger or Ledger()
        self._watch = watch or (lambda name, seconds: None)
        self._failures = {s.spec.name: 0 for s in self.stages}
        if len(self._failures) != len(self.stages):
            raise ValueError(f"stage names must differ: {[s.spec.name for s in self.stages]}")
        self._consumers: dict[type, list[Stage]] = {}
        for stage in self.stages:
            self.ledger.declare(stage.spec.name, stage.spec.budget_ms)
            for kind in stage.spec.consumes:
                self._consumers.setdefault(kind, []).append(stage)

    def accepts(self, item: Any) -> bool:
        return type(item) in self._consumers

    def push(self, item: Any) -> Iterator[Any]:
        """Run everything that follows from one item; yields every item that any stage made, depth-first."""
        for stage in self._consumers.get(type(item), ()):
            yield from self._onward(stage, partial(stage.process, item), reached(item))

    def flush(self) -> Iterator[Any]:
        """End the stream: flush the stages in order, each one's rest running through those after it."""
        for stage in self.stages:
            yield from self._onward(stage, stage.flush, None)

    def down(self) -> list[str]:
        """Names of the stages that were given up."""
        return [name for name, n in self._failures.items() if n >= MAX_FAILURES]

    def failing(self) -> dict[str, str | None]:
        """Stages whose last call raised, each with the modality that is missing meanwhile."""
        return {s.spec.name: s.spec.modality for s in self.stages if self._failures[s.spec.name]}

    def kill(self) -> None:
        """End a process of its own that does not answer; there is none here."""

    def idle(self, now: float) -> Iterable[Any]:
        """Called where nothing waits; a graph in a process of its own looks after that."""
        return ()

    def revive(self, name: str) -> None:
        """Take a stage that was given up back in: one more error gives it up again."""
        self._failures[name] = MAX_FAILURES - 1

    def _onward(self, stage: Stage, call: Callable[[], Iterable[Any]], now: float | None) -> Iterator[Any]:
        for output in self._supervised(stage, call, now):
            yield output
            yield from self.push(output)

    def _supervised(self, stage: Stage, call: Callable[[], Iterable[Any]], now: float | None) -> list[Any]:
        name = stage.spec.name
        if self._failures[name] >= MAX_FAILURES:
            return []
        start = time.perf_counter()
        try:
            outputs = list(call())
            self._failures[name] = 0
        except WorkbenchError:
            raise  # a person must act: no restart helps
        except Exception as error:  # a crashed stage must not end the session: it is restarted, its error kept
            outputs = self._restart(stage, error, now or 0.0)
        self.ledger.record(name, time.perf_counter() - start)
        if now is not None:
            self._watch(name, now)
        return outputs

    def _restart(self, stage: Stage, error: Exception, now: float) -> list[contracts.Event]:
        name = stage.spec.name
        self._failures[name] += 1
        given_up = self._failures[name] >= MAX_FAILURES
        stage.reset()
        return [
            contracts.Event(
                timestamp=now,
                kind=EventKind.STAGE_DOWN if given_up else EventKind.STAGE_ERROR,
                stage=name,
                message=f"{type(error).__name__}: {error}",
                data={"modality": stage.spec.modality, "failures": self._failures[name]},
            )
        ]
