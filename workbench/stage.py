"""The stage contract: what every step of the graph promises. Threads, queues and timing belong to `runtime`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class StageSpec:
    """What a stage is, without running it.

    Parameters
    ----------
    name : str
        Unique in a graph; the key of the latency ledger.
    consumes, produces : tuple of type
        Item types. The graph routes every output to the stages that consume its exact type.
    modality : {"visual", "audio", "language", None}
        A `contracts.Modality`: what is masked while the stage is down.
    window, hop : float, s
        Span of input one output rests on, and the step between outputs; 0 where the stage is per item.
    budget_ms : float
        Latency budget of one call (milliseconds); reported, never enforced.
    """

    name: str
    consumes: tuple[type, ...]
    produces: tuple[type, ...]
    modality: str | None = None
    window: float = 0.0
    hop: float = 0.0
    budget_ms: float = 0.0
    models: tuple[str, ...] = field(default=())


@runtime_checkable
class Stage(Protocol):
    """A step of the graph. Owns no thread, queue or file; may keep state between calls until `reset`.

    Examples
    --------
    A stage of its own kind, and what a graph makes of it:

    >>> from workbench.runtime.graph import Graph
    >>> class Halve:
    ...     spec = StageSpec("halve", consumes=(int,), produces=(float,))
    ...     def process(self, item):
    ...         yield item / 2
    ...     def flush(self):
    ...         return ()
    ...     def reset(self):
    ...         pass
    >>> list(Graph([Halve()]).push(3))
    [1.5]
    """

    @property
    def spec(self) -> StageSpec: ...

    def process(self, item: Any) -> Iterable[Any]:
        """Take one item and give the outputs that are ready (possibly none)."""
        ...

    def flush(self) -> Iterable[Any]:
        """Give what is still held at the end of the stream."""
        ...

    def reset(self) -> None:
        """Forget all state, ready for a new stream (also called after an error)."""
        ...


# ── what a stage may offer besides, to whoever runs it live ──────────────────────────────────────────────────────────────
@runtime_checkable
class Degradable(Protocol):
    """A stage that can do with less while the machine is short of time."""

    def degrade(self, share: float) -> None:
        """Work with this share of the usual batch, in (0, 1]; 1 is as usual."""
        ...


@runtime_checkable
class ReportsLag(Protocol):
    """A stage that says how long its last piece of work took."""

    @property
    def lag(self) -> float:
        """Seconds."""
        ...


@runtime_checkable
class TracksSpeech(Protocol):
    """A stage that knows whether somebody speaks."""

    @property
    def speaking_since(self) -> float | None:
        """The session second since which somebody speaks; None where nobody does."""
        ...
