"""How an item of the graph is stored, declared on the item's type and nowhere else.

A type of item (see `streams`) may have two class attributes:

``outputs``
    A tuple of `Output`: the session's streams that the item is written to. Without it the item is only passed on.
``reached``
    A property: the session second that the item reaches to, or None where it has no time.

A package that adds a stage declares its own items in the same way; their streams are stored, read and exported like the
workbench's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Output:
    """One stream that items of a type are written to.

    Parameters
    ----------
    stream : str or callable
        Name of the stream, its file is ``NAME.jsonl``; or ``stream(item)`` where the item itself says it.
    message : type
        A `contracts.Message`: what each line holds.
    rows : callable
        ``rows(item)`` → the messages, one a line.
    track : callable, optional
        ``track(item)`` → the same rows as a `streams.Track`, for dense series.
    """

    stream: str | Callable[[Any], str]
    message: type[Any]
    rows: Callable[[Any], Iterable[Any]]
    track: Callable[[Any], Any] | None = None

    def stream_of(self, item: Any) -> str:
        """The stream that `item` is written to."""
        return self.stream if isinstance(self.stream, str) else self.stream(item)


def outputs_of(item: Any) -> tuple[Output, ...]:
    """What is stored of an item; empty where it is only passed on."""
    return getattr(type(item), "outputs", ())


def reached(item: Any) -> float | None:
    """The session second that an item reaches to, or None where it has no time."""
    return getattr(item, "reached", None)
