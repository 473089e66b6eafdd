"""Progress of downloads and builds: a plain callback in the API, rich bars on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Progress = Callable[[str, int, int], None]
"""Called with what is under way, how much of it is done, and how much there is (bytes or steps)."""


@contextmanager
def bars(unit: Literal["bytes", "steps"] = "bytes") -> Iterator[Progress]:
    """Rich progress bars on stderr, one a label; on a pipe only their last state is printed."""
    from rich import progress as rich
    from rich.console import Console

    amount = [rich.DownloadColumn(), rich.TransferSpeedColumn()] if unit == "bytes" else [rich.MofNCompleteColumn()]
    text = rich.TextColumn("{task.description}")
    with rich.Progress(text, rich.BarColumn(), *amount, rich.TimeRemainingColumn(), console=Console(stderr=True)) as display:
        tasks: dict[str, rich.TaskID] = {}

        def report(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = display.add_task(label, total=total)
            display.update(tasks[label], completed=done, total=total)

        yield report
