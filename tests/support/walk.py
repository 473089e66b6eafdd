"""Counts the files that one thing enters on its way through the package, by following it as data.

A file counts where one of its functions is handed the thing, or hands it on: the frame or sound itself, or an object of the
package made of it (a detection, a segment, a row of a track, a window, a score, the report's data). Not counted:

- files that declare what is handed (`outputs`, `streams`, `contracts`; own methods and properties of a data type);
- handles through which it is stored or read (`Session`, `SessionWriter`), settings, labels, weights and registries;
- what gets only numbers, arrays or text of it (a transform, a colour, a line of SVG), and templates.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import workbench

ROOT = str(Path(workbench.__file__).parent)
DECLARED = ("outputs.py", "streams.py", "contracts.py", "plugins.py")
NOT_THE_THING = ("workbench.settings", "workbench.zoo", "workbench.labels", "workbench.stage", "workbench.plugins", "workbench.outputs")
HANDLES = {
    "Session", "SessionHeader", "SourceInfo", "StreamInfo", "Tracks", "TrackUse", "SourceSummary", "Consent", "Event", "StageLatency",
    "InterviewPlan", "OpenMedia", "Range", "Scale", "Answer",
    "Verification", "Parts", "StageSet", "Health", "View", "Change",
}  # fmt: skip


def _made_of_it(value: Any, depth: int = 0) -> type[Any] | None:
    """The type of a data object of the package; the first item of a list, tuple or dict speaks for it."""
    kind = type(value)
    if kind.__module__.startswith("workbench."):
        data = dataclasses.is_dataclass(kind) or hasattr(kind, "model_fields")
        return kind if data and not kind.__module__.startswith(NOT_THE_THING) and kind.__name__ not in HANDLES else None
    if depth == 0 and kind in (list, tuple) and value:
        return _made_of_it(value[0], 1)
    if depth == 0 and kind is dict and value:
        return _made_of_it(next(iter(value.values())), 1)
    return None


@contextmanager
def walked(only: frozenset[str] = frozenset(), not_threads: frozenset[str] = frozenset()) -> Iterator[dict[str, set[str]]]:
    """While it is open, threads that start are followed. Gives file (relative to the package) → the functions that were entered.

    Parameters
    ----------
    only : set of str
        Names of the types to follow; all data types where empty.
    not_threads : set of str
        Names of threads that do something else with it.
    """
    files: dict[str, set[str]] = {}

    def entered(code: CodeType, frame: FrameType, value: Any) -> None:
        kind = _made_of_it(value)
        if kind is None or (only and kind.__name__ not in only) or threading.current_thread().name in not_threads:
            return
        own = frame.f_locals.get("self") is not None and type(frame.f_locals["self"]) is kind
        name = code.co_filename[len(ROOT) + 1 :]
        if not own and name not in DECLARED:
            files.setdefault(name, set()).add(code.co_qualname)

    def look(frame: FrameType, event: str, value: Any) -> None:
        code = frame.f_code
        ours = code.co_filename.startswith(ROOT) and code.co_filename.endswith(".py") and not code.co_name.startswith("<")
        if event not in ("call", "return") or not ours:
            return
        if event == "return":
            entered(code, frame, value)
        else:
            for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
                entered(code, frame, frame.f_locals.get(name))

    threading.setprofile(look)
    sys.setprofile(look)
    try:
        yield files
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]  # as documented: None ends it
