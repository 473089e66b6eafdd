"""One session, many processes, a disk that fills: what was acknowledged is there, and readers see what is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from workbench import contracts
from workbench.errors import SessionError
from workbench.sessions import files, overrides
from workbench.sessions.store import Session, SessionWriter

CORRECT = """
    import json, os, resource, sys
    from workbench.errors import SessionError
    from workbench.sessions import overrides
    from workbench.sessions.store import Session

    folder, processes, each, limit = sys.argv[1], *map(int, sys.argv[2:])
    for child in range(processes):
        if os.fork():
            continue
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # a file that cannot grow: what a full disk looks like to a process
        for i in range(each):
            try:
                entry = overrides.of_score(Session.open(folder), "clarity", i / each, "reason " * 20, f"reviewer {child}")
                line = json.dumps({"number": entry.number, "hash": entry.hash})
            except SessionError as error:
                line = json.dumps({"error": str(error)})
            os.write(1, line.encode() + b"\\n")
        os._exit(0)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
"""


def correct(folder: Path, processes: int, each: int, limit: int) -> list[dict[str, object]]:
    """What each of `processes` was told that made `each` corrections, in files that cannot grow beyond `limit` bytes."""
    code = [sys.executable, "-c", textwrap.dedent(CORRECT), folder, processes, each, limit]
    done = subprocess.run([str(c) for c in code], capture_output=True, text=True, timeout=300)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_corrections_of_many_processes_on_a_disk_that_fills_are_kept_or_refused(copied: Path) -> None:
    told = correct(copied, 10, 6, limit=16_000)
    acknowledged = {(t["number"], t["hash"]) for t in told if "hash" in t}
    refused = [str(t["error"]) for t in told if "error" in t]
    assert len(told) == 60
    assert len(acknowledged) > 10
    assert len(refused) > 10
    assert all("cannot be written" in line for line in refused)
    state = overrides.verify(Session.open(copied))
    assert state.ok, state.problems
    assert {(e.number, e.hash) for e in state.entries} == acknowledged
    with_room = overrides.of_score(Session.open(copied), "clarity", 0.5, "there is room again", "ada")
    assert with_room.number == len(acknowledged) + 1


def test_corrections_whose_processes_are_killed_leave_a_whole_chain(copied: Path) -> None:
    code = textwrap.dedent(CORRECT).replace("SessionError as error", "ZeroDivisionError as error")
    process = subprocess.Popen(
        [sys.executable, "-c", code, copied, "4", "200", "1000000000"], stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(8)]
    os.killpg(process.pid, signal.SIGKILL)
    acknowledged = [json.loads(line) for line in [*lines, *process.stdout.read().splitlines()] if line.endswith(("}", "}\n"))]
    process.wait()
    state = overrides.verify(Session.open(copied))
    assert state.ok, state.problems
    assert {(a["number"], a["hash"]) for a in acknowledged} <= {(e.number, e.hash) for e in state.entries}
    assert overrides.of_score(Session.open(copied), "clarity", 0.5, "after", "ada").number > len(acknowledged)


def test_zeros_that_a_power_cut_leaves_at_the_end_are_cut_off(copied: Path) -> None:
    overrides.of_score(Session.open(copied), "clarity", 0.5, "first", "ada")
    before = {}
    for name in ("visual.jsonl", "events.jsonl", overrides.LOG):
        before[name] = (copied / name).read_bytes()
        (copied / name).write_bytes(before[name] + bytes(5000))
    session = Session.open(copied)
    assert any("visual.jsonl: its last line was torn; 5000 bytes were dropped" in w for w in session.warnings)
    assert (copied / "visual.jsonl").read_bytes() == before["visual.jsonl"]
    assert (copied / "events.jsonl").read_bytes().startswith(before["events.jsonl"] + b"{")
    assert overrides.of_score(session, "clarity", 0.6, "second", "ada").number == 2
    assert overrides.verify(Session.open(copied)).ok


def test_a_torn_last_line_that_nobody_was_told_of_does_not_lock_the_log(copied: Path) -> None:
    overrides.of_score(Session.open(copied), "clarity", 0.5, "first", "ada")
    log = copied / overrides.LOG
    log.write_bytes(log.read_bytes() + b'{"number":2,"kind":"sco')
    state = overrides.verify(Session.open(copied))
    assert state.ok
    assert "never acknowledged" in state.notes[0]
    assert overrides.of_score(Session.open(copied), "clarity", 0.6, "second", "ada").number == 2
    assert overrides.verify(Session.open(copied)).notes == []
    assert [e.reason for e in Session.open(copied).overrides] == ["first", "second"]


def test_a_torn_line_that_was_acknowledged_is_told_and_nothing_is_added(copied: Path) -> None:
    for reason in ("first", "second"):
        overrides.of_score(Session.open(copied), "clarity", 0.5, reason, "ada")
    log = copied / overrides.LOG
    log.write_bytes(log.read_bytes()[:-10])
    before = log.read_bytes()
    assert "torn" in overrides.verify(Session.open(copied)).problems[0]
    with pytest.raises(SessionError, match="torn"):
        overrides.of_score(Session.open(copied), "clarity", 0.6, "third", "ada")
    assert log.read_bytes() == before


def test_readers_that_open_a_finished_session_together_do_not_take_one_another_for_a_writer(copied: Path) -> None:
    code = f"""
        import os
        from pathlib import Path
        from workbench.sessions.store import Session
        for child in range(4):
            if not os.fork():
                wrong = sum(Session.open({str(copied)!r}).recording for _ in range(300))
                os.write(1, b"%d " % wrong)
                os._exit(0)
        for child in range(4):
            os.wait()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert (done.stdout.split(), done.stderr) == (["0"] * 4, "")


def test_a_folder_that_is_written_is_recording_for_readers_and_closed_to_other_writers(tmp_path: Path, header) -> None:
    with SessionWriter.create(tmp_path / "a", header):
        assert Session.open(tmp_path / "a").recording
        with pytest.raises(SessionError, match="is being recorded or finished by another process"):
            files.Guard(tmp_path / "a")
    assert not Session.open(tmp_path / "a").recording


def test_lines_of_many_processes_stay_whole_also_after_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"whole": 1}\n{"half')
    line = contracts.Event(timestamp=0.0, kind="question", message="x" * 3000).line()
    for _ in range(4):
        if not os.fork():
            for _ in range(50):
                files.append_line(path, line)
            os._exit(0)
    for _ in range(4):
        os.wait()
    lines = path.read_text().splitlines()
    assert lines[0] == '{"whole": 1}'
    assert lines[1:] == [line] * 200


def test_an_append_goes_to_the_file_that_took_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "segments.jsonl"
    file = files.Appender(path)
    file.append(b"old\n")
    files.write_atomically(path, b"new\n")
    file.append(b"more\n")
    file.close()
    assert path.read_bytes() == b"new\nmore\n"
