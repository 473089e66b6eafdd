"""The recorded driver: a source through the graphs as fast as the machine allows, nothing dropped.

Each graph (vision, speech) runs in a thread of its own behind a bounded queue, so that a slow one holds the source
back instead of filling memory. Outputs reach the sink one at a time; those of one graph in the order they were made.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from workbench.runtime.graph import Graph
from workbench.runtime.ledger import Ledger

DEPTH = 32
"""Items a graph may lag behind the source: 32 frames at 640×360 are 22 MB."""
_END = object()


class _Worker(threading.Thread):
    def __init__(self, graph: Graph, deliver: Callable[[Any], None], stop: threading.Event) -> None:
        super().__init__(name=f"graph-{graph.stages[0].spec.name}", daemon=True)
        self.graph, self.deliver, self.stop_all = graph, deliver, stop
        self.inbox: queue.Queue[Any] = queue.Queue(DEPTH)
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while (item := self.inbox.get()) is not _END:
                if self.stop_all.is_set():
                    return
                for output in self.graph.push(item):
                    self.deliver(output)
            if not self.stop_all.is_set():
                for output in self.graph.flush():
                    self.deliver(output)
        except BaseException as error:  # handed to the caller's thread by `run`
            self.error = error
            self.stop_all.set()

    def offer(self, item: Any) -> None:
        while not self.stop_all.is_set():
            try:
                return self.inbox.put(item, timeout=0.2)
            except queue.Full:
                continue
        return None


def run(source: Iterable[Any], graphs: Sequence[Graph], sink: Callable[[Any], None], ledger: Ledger | None = None) -> None:
    """Drive every item of `source` through the graphs that accept it.

    Parameters
    ----------
    source : iterable
        Items in time order.
    graphs : sequence of Graph
    sink : callable
        Gets every source item and every output; called by one thread at a time.
    ledger : Ledger, optional
        Collects the time that each item took to decode.

    Raises
    ------
    Exception
        The first error of the source, the sink or a graph; all threads have ended by then.
    """
    lock, stop = threading.Lock(), threading.Event()

    def deliver(item: Any) -> None:
        with lock:
            sink(item)

    workers = [_Worker(g, deliver, stop) for g in graphs if g.stages]
    for worker in workers:
        worker.start()
    try:
        items = iter(source)
        while True:
            with ledger.timing("decode") if ledger else nullcontext():
                item = next(items, _END)
            if item is _END or stop.is_set():
                break
            deliver(item)
            for worker in workers:
                if worker.graph.accepts(item):
                    worker.offer(item)
    except BaseException:
        stop.set()
        raise
    finally:
        for worker in workers:
            worker.offer(_END)
            if stop.is_set():  # wake a worker that waits on an empty queue
                _drain(worker.inbox)
                worker.inbox.put(_END)
            worker.join()
    for worker in workers:
        if worker.error is not None:
            raise worker.error


def _drain(inbox: queue.Queue[Any]) -> None:
    while True:
        try:
            inbox.get_nowait()
        except queue.Empty:
            return
