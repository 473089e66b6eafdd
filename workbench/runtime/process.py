"""A graph in a process of its own, for stages whose libraries keep Python's lock while they compute (PocketSphinx, Praat).

To its worker it looks like a `Graph`. The process has a lower priority than the page's; when it dies it is started again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection, Pipe
from typing import Any

from workbench import contracts
from workbench.errors import WorkbenchError
from workbench.events import EventKind
from workbench.outputs import reached
from workbench.runtime.graph import Graph
from workbench.runtime.ledger import Ledger
from workbench.stage import StageSpec

_START = "import sys; from workbench.runtime.process import serve; serve(int(sys.argv[1]))"
_STOP_AFTER = 3.0  # s


class ProcessGraph:
    """Runs the stages that ``factory(*args)`` builds in a child process.

    Parameters
    ----------
    factory : str
        Importable function, ``module:name``, that gives stages.
    args : tuple
        Its arguments; must be picklable.
    specs : sequence of StageSpec
        The stages' specs, known without building them.
    """

    def __init__(self, factory: str, args: tuple[Any, ...], specs: list[StageSpec]) -> None:
        self.specs = specs
        self.ledger = Ledger()
        self._build = (factory, args)
        self._child: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None
        self._failing: dict[str, str | None] = {}
        self._down: list[str] = []

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the process and wait until its models are loaded.

        Raises
        ------
        WorkbenchError
            What the factory or a stage's `warm_up` raised, e.g. missing weights.
        """
        ours, theirs = Pipe()
        command = [sys.executable, "-c", _START, str(theirs.fileno())]
        self._child = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self._line = ours
        try:
            self._ask("build", self._build)
        except (EOFError, OSError):
            self.stop()
            raise WorkbenchError("live: the process that measures speech could not be started; see the server's log") from None

    def use(self, ledger: Ledger) -> None:
        """Take times into `ledger` from now on."""
        self.ledger = ledger
        for spec in self.specs:
            ledger.declare(spec.name, spec.budget_ms)

    def push(self, item: Any) -> Iterator[Any]:
        """As `Graph.push`; all outputs come together."""
        yield from self._work("push", item)

    def flush(self) -> Iterator[Any]:
        if self._line is not None:
            yield from self._work("flush", None)

    def idle(self, now: float) -> Iterator[Any]:
        """Nothing waits: see whether the process lives, and start it where it does not."""
        if self._line is None:
            self.start()
        elif self._child is not None and self._child.poll() is not None:
            yield self._died(now)

    def reset(self) -> None:
        """Forget all state."""
        with contextlib.suppress(EOFError, OSError):
            self._ask("reset", None)

    def failing(self) -> dict[str, str | None]:
        return dict(self._failing)

    def down(self) -> list[str]:
        return list(self._down)

    def revive(self, name: str) -> None:
        with contextlib.suppress(EOFError, OSError):
            self._ask("revive", name)

    def kill(self) -> None:
        """End a process that does not answer, from another thread: the call that waits for it notices, and it is started again."""
        if self._child:
            self._child.kill()

    def stop(self) -> None:
        """End the process."""
        if self._line:
            self._line.close()  # it ends at the end of its input
        if self._child:
            try:
                self._child.wait(_STOP_AFTER)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._child = self._line = None

    def _work(self, verb: str, item: Any) -> list[Any]:
        try:
            if self._line is None:
                self.start()
            return self._ask(verb, item)
        except (EOFError, OSError):
            return [self._died(reached(item) or 0.0)]

    def _died(self, now: float) -> contracts.Event:
        """Note that the process is gone; `idle` or the next item starts it again."""
        code = self._child.wait() if self._child else None
        self.stop()
        self._failing = {"measures": "audio"}
        data = {"modality": "audio", "exit_code": code}
        message = f"the process ended (exit code {code}); it is started again"
        return contracts.Event(timestamp=now, kind=EventKind.STAGE_ERROR, stage="measures", message=message, data=data)

    def _ask(self, verb: str, item: Any) -> Any:
        if self._line is None:
            raise EOFError
        self._line.send((verb, item))
        result, times, self._failing, self._down = self._line.recv()
        for name, seconds in times:
            self.ledger.record(name, seconds)
        if isinstance(result, WorkbenchError):
            raise result
        return result


class _Times(Ledger):
    """Hands the durations on to the parent."""

    def __init__(self) -> None:
        super().__init__()
        self.fresh: list[tuple[str, float]] = []

    def record(self, name: str, seconds: float) -> None:
        self.fresh.append((name, seconds))


def serve(descriptor: int) -> None:
    """The child's main loop. It ends with its parent; a signal to the whole group is for the parent, which ends its work first."""
    from importlib import import_module

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

    with contextlib.suppress(OSError):
        os.nice(5)
    line, times = Connection(descriptor), _Times()
    graph = Graph([])
    while True:
        try:
            verb, item = line.recv()
        except (EOFError, OSError):
            return
        result: Any = None
        try:
            if verb == "build":
                module, name = item[0].split(":")
                stages = getattr(import_module(module), name)(*item[1])
                for stage in stages:
                    getattr(stage, "warm_up", lambda: None)()
                graph = Graph(stages, times)
            elif verb == "push":
                result = list(graph.push(item))
            elif verb == "flush":
                result = list(graph.flush())
            elif verb == "revive":
                graph.revive(item)
            elif verb == "reset":
                for stage in graph.stages:
                    stage.reset()
        except WorkbenchError as error:
            result = error
        fresh, times.fresh = times.fresh, []
        line.send((result, fresh, graph.failing(), graph.down()))
