"""The plan of an interview, as a message: its questions, what good answers hold, and when they were given."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from workbench.errors import SettingsError

Text = Annotated[str, Field(min_length=1)]
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):([0-5]\d(?:\.\d*)?)")


def _seconds(value: Any) -> Any:
    """Clock times as seconds; anything else is left for pydantic to judge."""
    if not isinstance(value, str) or ":" not in value:
        return value
    parts = _CLOCK.fullmatch(value.strip())
    if parts is None or (parts[1] and int(parts[2]) > 59):
        raise ValueError("a time is written as seconds (83.5), minutes (1:23.5) or hours (1:02:03)")
    return 3600 * int(parts[1] or 0) + 60 * int(parts[2]) + float(parts[3])


Time = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]
"""Seconds since the recording's start."""


class Question(BaseModel):
    """One question. `start` and `end` are seconds of the *answer*; ``1:23.5`` (minutes) and ``1:02:03`` (hours) are taken, too."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)

    id: Annotated[str, Field(pattern=r"^[\w.-]+$", description="letters, digits, '.', '_' or '-'")]
    text: str = ""
    model_answer: str | None = None
    keywords: tuple[Text, ...] = ()
    start: Time | None = None
    end: Time | None = Field(None, description="s; without it the next answer's start or the recording's end")
    weight: Annotated[float, Field(ge=0)] = 1.0


class InterviewPlan(BaseModel):
    """An interview's questions, in the order in which they are asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)

    title: str = ""
    language: Annotated[str, Field(min_length=2, max_length=3, description="ISO 639-1")] = "en"
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]

    @property
    def timed(self) -> bool:
        """Whether the answers' times are known (a single question needs none)."""
        return len(self.questions) == 1 or all(q.start is not None for q in self.questions)

    def spans(self, duration: float) -> list[tuple[Question, float, float]]:
        """Every question with its answer's start and end, s, within a recording of `duration` s.

        Raises
        ------
        SettingsError
            If the plan has no answer times.
        """
        if not self.timed:
            missing = next(q.id for q in self.questions if q.start is None)
            raise SettingsError(
                f"interview plan: question {missing!r} has no start; give every question the start (and end) of its answer in seconds, "
                "or mark the questions live"
            )
        starts = [q.start or 0.0 for q in self.questions]
        ends = [duration if q.end is None else q.end for q in self.questions]
        for i, q in enumerate(self.questions[:-1]):
            ends[i] = starts[i + 1] if q.end is None else ends[i]
        return [(q, min(a, duration), min(max(a, b), duration)) for q, a, b in zip(self.questions, starts, ends, strict=True)]


def older_plan(plan: Any) -> Any:
    """Generated sessions of version 0.1 call a question's text "question"."""
    if isinstance(plan, dict) and any(isinstance(q, dict) and "question" in q for q in plan.get("questions", ())):
        renamed = [{("text" if key == "question" else key): value for key, value in q.items()} for q in plan["questions"]]
        return {**plan, "questions": renamed}
    return plan
