"""Interview plans: what is read, what is refused and how, and answers cut by marks."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.contracts import Event, InterviewPlan
from workbench.errors import SettingsError
from workbench.language.interview import from_marks, load_plan

TIMED = """
title: Backend engineer
questions:
  - {id: queue, text: "How?", model_answer: With retries., keywords: [retry, message queue], start: 2, end: 18.5, weight: 2}
  - id: cache
    start: 1:05
    end: 1:23.5
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "interview.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def marks(*pressed: tuple[float, str | None]) -> list[Event]:
    return [Event(timestamp=t, kind="question", data={"question_id": q} if q else {}) for t, q in pressed]


def test_a_plan_is_read(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path, TIMED), timed=True)
    assert [q.id for q in plan.questions] == ["queue", "cache"]
    assert plan.questions[0].keywords == ("retry", "message queue")
    assert [q.weight for q in plan.questions] == [2.0, 1.0]
    assert [(q.id, a, b) for q, a, b in plan.spans(100.0)] == [("queue", 2.0, 18.5), ("cache", 65.0, 83.5)]
    assert InterviewPlan(**plan.model_dump(mode="json")) == plan  # as stored in a session's header


def test_an_answer_without_end_runs_to_the_next_or_to_the_recordings_end() -> None:
    plan = InterviewPlan(questions=[{"id": "a", "start": 1}, {"id": "b", "start": 5}])
    assert [(a, b) for _, a, b in plan.spans(9.0)] == [(1.0, 5.0), (5.0, 9.0)]
    assert [(a, b) for _, a, b in plan.spans(3.0)] == [(1.0, 3.0), (3.0, 3.0)]  # the recording ends before


def test_a_single_question_needs_no_times() -> None:
    [(question, start, end)] = InterviewPlan(questions=[{"id": "a"}]).spans(9.0)
    assert (question.id, start, end) == ("a", 0.0, 9.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("questions: [{id: a, tekst: x}]", "unknown key 'questions.0.tekst'"),
        ("titel: x\nquestions: [{id: a}]", "unknown key 'titel'"),
        ("questions: []", "questions"),
        ("title: nothing else", "questions"),
        ("", "questions"),
        ("questions: [{id: a}, {id: a}]", "the id 'a' stands twice"),
        ("questions: [{id: session}]", "'session' is reserved"),
        ("questions: [{id: two words}]", "questions.0.id"),
        ("questions: [{id: a, start: 9, end: 3}]", "ends at 3 s, not after its start"),
        ("questions: [{id: a, end: 3}]", "ends at 3 s, not after its start"),
        ("questions: [{id: a, start: -1}]", "questions.0.start"),
        ("questions: [{id: a, weight: -1}]", "questions.0.weight"),
        (
            "questions: [{id: a, start: 0, end: 9}, {id: b, start: 5, end: 12}]",
            "the answer to 'b' starts at 5 s, before that to 'a' ends (9 s)",
        ),
        ("questions: [{id: a, start: 9}, {id: b, start: 5}]", "the answer to 'b' starts at 5 s, before that to 'a' starts (9 s)"),
        ("questions: [{id: a, start: 0, end: 9}, {id: b}]", "'b' has no start while others do"),
        ("questions: [{id: a", "not valid YAML"),
        ("- a list", "expected a mapping"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_file(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_plan(written(tmp_path, text))
    message = str(caught.value)
    assert says in message
    assert str(tmp_path / "interview.yaml") in message
    assert "\n" not in message


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_plan(tmp_path / "none.yaml")


def test_a_recording_needs_times_and_a_live_interview_does_not(tmp_path: Path) -> None:
    path = written(tmp_path, "questions: [{id: a}, {id: b}]")
    plan = load_plan(path)
    with pytest.raises(SettingsError, match="'a' has no start"):
        load_plan(path, timed=True)
    with pytest.raises(SettingsError, match="or mark the questions live"):
        plan.spans(60.0)


PLAN = InterviewPlan(title="t", questions=[{"id": "a", "keywords": ["x"], "start": 1, "end": 2}, {"id": "b", "start": 3}])


def test_marks_cut_the_answers() -> None:
    plan = from_marks(PLAN, marks((10.0, "b"), (30.0, "a")), 50.0)
    assert plan is not None
    assert [(q.id, a, b) for q, a, b in plan.spans(50.0)] == [("b", 10.0, 30.0), ("a", 30.0, 50.0)]
    assert plan.questions[1].keywords == ("x",)
    assert plan.title == "t"


def test_marks_without_a_name_take_the_next_question_and_then_new_ones() -> None:
    plan = from_marks(PLAN, marks((30.0, None), (10.0, None), (40.0, None)), 50.0)
    assert plan is not None
    assert [(q.id, q.start) for q in plan.questions] == [("a", 10.0), ("b", 30.0), ("question-3", 40.0)]


def test_a_question_marked_again_starts_anew() -> None:
    plan = from_marks(PLAN, marks((10.0, "a"), (20.0, "b"), (30.0, "a")), 50.0)
    assert plan is not None
    assert [(q.id, q.start, q.end) for q in plan.questions] == [("b", 20.0, 30.0), ("a", 30.0, 50.0)]


def test_without_marks_the_plan_stays_and_without_a_plan_marks_make_one() -> None:
    other = [Event(timestamp=1.0, kind="latency")]
    assert from_marks(PLAN, other, 50.0) is PLAN
    assert from_marks(None, other, 50.0) is None
    made = from_marks(None, marks((5.0, None)), 50.0)
    assert made is not None
    assert [(q.id, q.start, q.end) for q in made.questions] == [("question-1", 5.0, 50.0)]
