"""The plan of an interview: its questions, what good answers hold, and when they were given (``interview.yaml``)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError

from workbench import yaml_files
from workbench.contracts import Event
from workbench.errors import SettingsError
from workbench.events import EventKind
from workbench.interview_plan import InterviewPlan, Question
from workbench.settings import explain

WHOLE = "session"
"""The id of the one answer that everything belongs to where there is no plan."""


def load_plan(path: str | Path, timed: bool = False) -> InterviewPlan:
    """Read an ``interview.yaml``.

    Parameters
    ----------
    path : path
    timed : bool
        Whether the answers' times must be given, as for a recording.

    Raises
    ------
    SettingsError
        If it cannot be read, holds unknown keys, no question, an id twice, or answers that overlap or end before they start.
    """
    path = Path(path)
    try:
        plan = InterviewPlan(**yaml_files.read(path))
    except ValidationError as error:
        raise SettingsError(explain(error, str(path))) from None
    _check(plan, str(path))
    if timed and not plan.timed:
        missing = next(q.id for q in plan.questions if q.start is None)
        raise SettingsError(f"{path}: question {missing!r} has no start; give every question the start (and end) of its answer in seconds")
    return plan


def _check(plan: InterviewPlan, source: str) -> None:
    seen: set[str] = set()
    for q in plan.questions:
        if q.id in seen:
            raise SettingsError(f"{source}: the id {q.id!r} stands twice; give every question an id of its own")
        if q.id == WHOLE:
            raise SettingsError(f"{source}: the id {WHOLE!r} is reserved for the whole session; choose another")
        if q.end is not None and (q.start is None or q.end <= q.start):
            raise SettingsError(
                f"{source}: question {q.id!r}: its answer ends at {q.end:g} s, not after its start ({q.start}); correct the times"
            )
        seen.add(q.id)
    timed = [q for q in plan.questions if q.start is not None]
    if timed and len(timed) < len(plan.questions):
        missing = next(q.id for q in plan.questions if q.start is None)
        raise SettingsError(f"{source}: question {missing!r} has no start while others do; give all questions times, or none")
    for a, b in pairwise(timed):
        start, end, following = a.start or 0.0, a.end, b.start or 0.0
        if following < (end if end is not None else start):
            raise SettingsError(
                f"{source}: the answer to {b.id!r} starts at {following:g} s, before that to {a.id!r} "
                f"{'ends' if end is not None else 'starts'} ({end if end is not None else start:g} s); "
                "list questions in order, with answers that do not overlap"
            )


def from_marks(plan: InterviewPlan | None, marks: Sequence[Event], duration: float) -> InterviewPlan | None:
    """The plan with the answers' times as they were marked live: each runs from its mark to the next one or to the end.

    Parameters
    ----------
    plan : InterviewPlan or None
    marks : sequence of Event
        Of kind `EventKind.QUESTION`, others are passed over. A mark without a ``question_id`` is for the next question not yet asked; one
        that the plan does not know is added as a question of its own. A question marked again starts anew.
    duration : float
        s.

    Returns
    -------
    InterviewPlan or None
        The questions that were asked, in that order; `plan` itself where nothing was marked.
    """
    pressed = sorted((m for m in marks if m.kind == EventKind.QUESTION), key=lambda m: m.timestamp)
    if not pressed:
        return plan
    known = {q.id: q for q in plan.questions} if plan else {}
    asked: dict[str, float] = {}
    for mark in pressed:
        name = str(mark.data.get("question_id") or next((i for i in known if i not in asked), f"question-{len(asked) + 1}"))
        asked.pop(name, None)
        asked[name] = mark.timestamp
    starts = list(asked.values())
    ends = [*starts[1:], max(duration, starts[-1])]
    questions = tuple(
        known.get(name, Question(id=name)).model_copy(update={"start": start, "end": end})
        for (name, start), end in zip(asked.items(), ends, strict=True)
    )
    title, language = (plan.title, plan.language) if plan else ("", "en")
    return InterviewPlan(title=title, language=language, questions=questions)
