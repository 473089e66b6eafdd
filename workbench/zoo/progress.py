"""Progress of downloads and builds: a plain callback in the API, rich bars on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]
"""Called with what is under way, how much of it is done, and how much there is (bytes or steps)."""


@contextmanager
def bars(counts: bool = False) -> Iterator[Progress]:
    """Rich progress bars on stderr, one a label; on a pipe only their last state is printed. `counts`: large totals are no bytes."""
    from rich import filesize
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"), TimeRemainingColumn())
    display = Progress(*columns, console=Console(stderr=True))
    tasks: dict[str, TaskID] = {}

    def report(label: str, done: int, total: int) -> None:
        if not tasks:  # not before: an error on the way here should be one line, not an empty display and a line
            display.start()
        amount = f"{done}/{total}" if counts or total < 1000 else f"{filesize.decimal(done)} of {filesize.decimal(total)}"
        if label not in tasks:
            tasks[label] = display.add_task(label, total=total, amount=amount)
        display.update(tasks[label], completed=done, total=total, amount=amount)

    try:
        yield report
    finally:
        if tasks:
            display.stop()
