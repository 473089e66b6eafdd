"""Corrections stand beside what was computed, and the log of them shows every tampering."""

import json
import shutil

import pytest

from tests.support.command import workbench as run
from workbench.errors import SessionError
from workbench.sessions import overrides
from workbench.sessions.store import Session


@pytest.fixture
def corrected(copied):
    """A session with three corrections."""
    session = Session.open(copied)
    overrides.of_score(session, "clarity", 0.35, "misheard fillers", "ada")
    overrides.of_label(session, 10, 14, "neutral", "speaks, is not sad", "ada")
    overrides.of_score(session, "clarity", 0.4, "heard again", "ben")
    return Session.open(copied)


def lines(session):
    return (session.folder / overrides.LOG).read_bytes().splitlines(keepends=True)


def problems(session, data):
    (session.folder / overrides.LOG).write_bytes(b"".join(data))
    return overrides.verify(Session.open(session.folder)).problems


def test_the_original_stays_and_the_last_correction_is_in_force(corrected):
    stored = {(s.scope, s.name): s.value for s in corrected.score_messages}
    first, label, last = corrected.overrides
    assert first.original == last.original == stored["session", "clarity"]
    assert overrides.in_force(corrected.overrides) == {("session", "clarity"): last}
    assert (label.kind, label.start, label.end, label.value) == ("label", 10, 14, "neutral")
    row = corrected.scores.set_index(["scope", "name"]).loc[("session", "clarity")]
    assert (row["value"], row["reviewed"], row["reviewed_by"]) == (stored["session", "clarity"], 0.4, "ben")
    assert "overridden" in corrected.flags()


def test_a_whole_log_verifies_also_where_the_session_was_copied_to(corrected, tmp_path):
    assert overrides.verify(corrected).ok
    moved = overrides.verify(Session.open(shutil.copytree(corrected.folder, tmp_path / "elsewhere" / "demo")))
    assert moved.ok
    assert "moved or copied" in moved.notes[0]


def test_the_anchor_of_a_deleted_session_does_not_condemn_the_next_one_of_its_name(corrected):
    (corrected.folder / overrides.LOG).unlink()
    (corrected.folder / "events.jsonl").write_bytes(b"")
    header = corrected.folder / "header.json"
    header.write_text(header.read_text().replace(corrected.header.created, "2027-01-01T00:00:00+00:00"))
    session = Session.open(corrected.folder)
    assert overrides.verify(session).ok
    assert overrides.of_score(session, "clarity", 0.6, "first of its own", "ada").number == 1


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("key", ["value", "original", "by", "reason", "when", "name", "scope"])
def test_an_edit_of_any_field_of_any_line_is_found(corrected, number, key):
    data = lines(corrected)
    entry = json.loads(data[number - 1])
    entry[key] = 0.123 if key in ("value", "original") else "tampered"
    data[number - 1] = json.dumps(entry).encode() + b"\n"
    assert problems(corrected, data)[0].startswith(f"overrides.jsonl: line {number} was edited")


def test_an_edit_with_its_own_hash_made_anew_breaks_the_chain(corrected):
    entry = corrected.overrides[0].model_copy(update={"value": 0.9})
    data = lines(corrected)
    data[0] = entry.model_copy(update={"hash": entry.digest()}).line().encode() + b"\n"
    assert "line 2 does not follow" in problems(corrected, data)[0]


@pytest.mark.parametrize("order", [(1, 2), (0, 2), (1, 0, 2), (0, 2, 1), (2, 1, 0), (0, 0, 1, 2)])
def test_deleted_and_reordered_lines_are_found(corrected, order):
    data = lines(corrected)
    assert "does not follow the line before" in problems(corrected, [data[i] for i in order])[0]


@pytest.mark.parametrize("kept", [0, 1, 2])
@pytest.mark.parametrize("anchor", ["events", "beside"])
def test_a_tail_that_was_cut_off_is_found_by_either_anchor(corrected, kept, anchor):
    if anchor == "beside":
        (corrected.folder / "events.jsonl").write_bytes(b"")
    else:
        shutil.rmtree(corrected.folder.parent / overrides.ANCHORS)
    assert "the end was cut off" in problems(corrected, lines(corrected)[:kept])[-1]


def test_a_log_rewritten_from_its_beginning_is_found(corrected):
    (corrected.folder / overrides.LOG).unlink()
    folder = corrected.folder
    kept, anchors = (folder / "events.jsonl").read_bytes(), folder.parent / overrides.ANCHORS / "demo.json"
    anchored = anchors.read_bytes()
    (folder / "events.jsonl").write_bytes(b"")
    anchors.unlink()
    for value in (0.1, 0.2, 0.3):
        overrides.of_score(Session.open(folder), "clarity", value, "forged", "mallory")
    (folder / "events.jsonl").write_bytes(kept)
    anchors.write_bytes(anchored)
    found = overrides.verify(Session.open(folder)).problems
    assert len(found) == 4  # three events and one anchor know other hashes
    assert all("rewritten" in problem for problem in found)


def test_nothing_is_added_to_a_broken_log_and_what_is_left_is_read(corrected):
    data = lines(corrected)
    (corrected.folder / overrides.LOG).write_bytes(data[0] + data[1].replace(b"ada", b"eve") + data[2][:40])
    session = Session.open(corrected.folder)
    assert [o.number for o in session.overrides] == [1]
    assert any("line 2 was edited" in w for w in session.warnings)
    assert any("torn" in p for p in overrides.verify(session).problems)
    before = lines(corrected)
    with pytest.raises(SessionError, match="line 2 was edited"):
        overrides.of_score(session, "clarity", 0.2, "again", "ada")
    assert lines(corrected) == before


@pytest.mark.parametrize(
    ("name", "value", "reason", "by", "said"),
    [
        ("nope", 0.5, "x", "y", "no score 'nope'"), ("clarity", 1.2, "x", "y", "between 0 and 1"),
        ("clarity", float("nan"), "x", "y", "between 0 and 1"), ("clarity", 0.5, " ", "y", "needs a reason"),
        ("clarity", 0.5, "x", "", "needs a reason"),
    ],
)  # fmt: skip
def test_bad_corrections_are_refused_and_leave_nothing(copied, name, value, reason, by, said):
    with pytest.raises(SessionError, match=said):
        overrides.of_score(Session.open(copied), name, value, reason, by)
    assert not (copied / overrides.LOG).exists() or not (copied / overrides.LOG).read_bytes()


def test_command_line(corrected, monkeypatch):
    monkeypatch.setenv("WORKBENCH_SESSIONS", str(corrected.folder.parent))
    done = run("sessions", "override", "demo", "--score", "technical", "--value", "3.5", "--reason", "r", "--by", "b", "--json")
    assert (done.code, json.loads(done.out)["value"]) == (0, 0.035)
    assert json.loads(run("sessions", "verify", "--json").out) == [
        {"session": "demo", "ok": True, "entries": 4, "problems": [], "notes": []}
    ]
    (corrected.folder / overrides.LOG).write_bytes(b"".join(lines(corrected)[:-1]))
    done = run("sessions", "verify", "demo")
    assert done.code == 1
    assert "cut off" in done.out
    done = run("sessions", "override", "demo", "--reason", "r", "--by", "b")
    assert (done.code, done.err.count("\n")) == (2, 1)
