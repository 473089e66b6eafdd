"""Workers: a graph, a thread and an inbox each. Pictures may be dropped (latest wins), audio never is; what crashes restarts."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from workbench import contracts
from workbench.errors import WorkbenchError
from workbench.events import EventKind
from workbench.outputs import reached
from workbench.streams import AudioBlock

RETRY = 5.0
"""Seconds after which a stage that was given up is tried again."""


class Inbox(Protocol):
    """Where a worker's items wait."""

    def put(self, item: Any) -> None: ...

    def get(self, timeout: float) -> Any | None: ...

    def __len__(self) -> int: ...


class Latest:
    """Room for one item: a newer one takes the place of one that waits, which is counted in `dropped`."""

    def __init__(self) -> None:
        self.dropped = 0
        self._item: Any = None
        self._there = threading.Condition()

    def put(self, item: Any) -> None:
        with self._there:
            self.dropped += self._item is not None
            self._item = item
            self._there.notify()

    def get(self, timeout: float) -> Any | None:
        with self._there:
            if self._item is None:
                self._there.wait(timeout)
            item, self._item = self._item, None
            return item

    def __len__(self) -> int:
        return int(self._item is not None)


class Backlog:
    """Everything waits in order; nothing is dropped. Audio blocks that wait together leave as one."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._there = threading.Condition()

    def put(self, item: Any) -> None:
        with self._there:
            self._items.append(item)
            self._there.notify()

    def get(self, timeout: float) -> Any | None:
        with self._there:
            if not self._items:
                self._there.wait(timeout)
            if not self._items:
                return None
            taken = [self._items.popleft()]
            while self._items and isinstance(taken[0], AudioBlock) and isinstance(self._items[0], AudioBlock):
                taken.append(self._items.popleft())
        return taken[0] if len(taken) == 1 else joined(taken)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def seconds(self) -> float:
        """Seconds of audio that wait."""
        with self._there:
            return sum(len(i.samples) / i.sample_rate for i in self._items if isinstance(i, AudioBlock))


def joined(blocks: Sequence[AudioBlock]) -> AudioBlock:
    """Blocks that follow one another as one."""
    return AudioBlock(blocks[0].first_sample, np.concatenate([b.samples for b in blocks]), blocks[0].sample_rate)


class Runs(Protocol):
    """What a worker needs of a graph."""

    def push(self, item: Any) -> Iterator[Any]: ...

    def flush(self) -> Iterator[Any]: ...

    def kill(self) -> None: ...

    def idle(self, now: float) -> Iterable[Any]: ...

    def failing(self) -> dict[str, str | None]: ...

    def down(self) -> list[str]: ...

    def revive(self, name: str) -> None: ...


class Worker(threading.Thread):
    """Runs a graph over its inbox until it is told to end, then flushes it.

    Parameters
    ----------
    name : str
    graph : Graph or ProcessGraph
    inbox : Inbox
    deliver : callable
        Gets every output, in this thread.
    prepare : callable, optional
        Turns what waits in the inbox into what the graph takes, e.g. a JPEG into pixels; None leaves it out.
    fatal : callable
        Gets an error that no restart helps against (weights missing, disk full); the worker has ended then.
    clock : callable, optional
        The session's second now: when something happens while nothing waits, it is later than what was worked through.
    """

    def __init__(
        self,
        name: str,
        graph: Runs,
        inbox: Inbox,
        deliver: Callable[[Any], None],
        fatal: Callable[[WorkbenchError], None],
        prepare: Callable[[Any], Any | None] = lambda item: item,
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        super().__init__(name=f"live-{name}", daemon=True)
        self.graph, self.inbox = graph, inbox
        self.reached = 0.0
        """Session second that has been worked through."""
        self.busy_since: float | None = None
        self._deliver, self._fatal, self._prepare, self._clock = deliver, fatal, prepare, clock
        self._ending = threading.Event()
        self._down: dict[str, float] = {}

    def hung(self, limit: float) -> float | None:
        """Seconds that the item at hand has taken, where that is more than `limit`."""
        since = self.busy_since
        taken = time.monotonic() - since if since is not None else 0.0
        return taken if taken > limit else None

    def end(self) -> None:
        """Work off what waits, flush, and stop."""
        self._ending.set()

    def run(self) -> None:
        try:
            while True:
                item = self.inbox.get(timeout=0.1)
                if item is not None:
                    self._work(item)
                elif self._ending.is_set():
                    break
                else:
                    for output in self.graph.idle(max(self.reached, self._clock())):
                        self._deliver(output)
                self._revive()
            for output in self.graph.flush():
                self._deliver(output)
        except WorkbenchError as error:
            self._fatal(error)

    def _work(self, item: Any) -> None:
        self.busy_since = time.monotonic()
        try:
            ready = self._prepare(item)
            if ready is not None:
                for output in self.graph.push(ready):
                    self._deliver(output)
                self.reached = max(self.reached, reached(ready) or 0.0)
        except WorkbenchError:
            raise
        except Exception as error:  # outside the stages, e.g. a picture that is none: the next item may be whole
            now = reached(item) or self.reached
            message = f"{type(error).__name__}: {error}"
            self._deliver(contracts.Event(timestamp=now, kind=EventKind.WORKER_ERROR, stage=self.name, message=message))
        finally:
            self.busy_since = None

    def _revive(self) -> None:
        """Try stages again that were given up, after a while."""
        now = time.monotonic()
        down = self.graph.down()
        self._down = {name: self._down.get(name, now) for name in down}
        for name, since in list(self._down.items()):
            if now - since >= RETRY:
                self.graph.revive(name)
                del self._down[name]
                self._deliver(contracts.Event(timestamp=self.reached, kind=EventKind.STAGE_RESTARTED, stage=name, message="tried again"))
