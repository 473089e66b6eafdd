"""Progress of downloads and builds: a plain callback in the API, rich bars on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]
"""Called as ``progress(label, done, total)``; `done` and `total` are bytes or steps."""


@contextmanager
def bars(counts: bool = False) -> Iterator[Progress]:
    """Rich progress bars on stderr, one for each label; on a pipe only their last state is printed.

    Parameters
    ----------
    counts : bool
        Totals are always counts; otherwise totals of 1,000 and more are bytes.
    """
    from rich import filesize
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"), TimeRemainingColumn())
    display = Progress(*columns, console=Console(stderr=True))
    tasks: dict[str, TaskID] = {}

    def report(label: str, done: int, total: int) -> None:
        if not tasks:  # started late, so that an error before the first step prints one line and no empty display
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
