"""Kinds of events: each that the workbench writes is declared, with its severity and its words."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import workbench
from workbench.contracts import Event
from workbench.events import EventKind, Severity

PACKAGE = Path(workbench.__file__).parent


def literal_kinds() -> set[str]:
    """Kinds that are written as plain text in the package: the first argument of `.event(…)`, or `kind=` of `Event(…)`."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = [k.value for k in node.keywords if k.arg == "kind"] if name == "Event" else node.args[:1] if name == "event" else []
            found |= {value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str)}
    return found


def used_members() -> set[str]:
    """Members of `EventKind` that some other module names."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if path.name == "events.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "EventKind":
                found.add(node.attr)
    return found


def test_no_kind_is_written_as_plain_text() -> None:
    assert literal_kinds() == set()


def test_every_declared_kind_is_used() -> None:
    assert used_members() == {kind.name for kind in EventKind}


@pytest.mark.parametrize("kind", EventKind)
def test_a_kind_keeps_its_name_on_disk(kind: EventKind) -> None:
    event = Event(timestamp=1.0, kind=kind, message="m")
    assert f'"kind":"{kind.value}"' in event.line()
    again = Event.model_validate_json(event.line())
    assert again.kind == kind
    assert again.severity is kind.severity
    assert again.title == kind.heading


def test_a_kind_of_another_package_is_a_notice_in_its_own_words() -> None:
    event = Event(timestamp=0.0, kind="toy_alarm")
    assert (event.severity, event.title) == (Severity.NOTICE, "Toy alarm")
