"""The one reader of YAML: what is read, and what is refused with its line; through the commands that people give their files to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workbench import yaml_files
from workbench.errors import SettingsError
from workbench.language.interview import load_plan

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
PLAN = "questions:\n- id: q1\n  start: {start}\n  end: 20\n"


def refused(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        yaml_files.read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fusion:\n  window: 1\n  hop: 1\n  window: 2\n", "line 4: the key 'window' stands twice, first in line 2"),
        ('questions: []\n"questions": []\n', "line 2: the key 'questions' stands twice, first in line 1"),
        ("a: {b: 1, c: [{d: 1, d: 2}]}\n", "line 1: the key 'd' stands twice"),
        (BOMB, "aliases ('*') multiply"),
        ("a: &a [1, *a]\n", "line 1: an alias ('*') stands inside what it repeats"),
        ("a: " + 3000 * "[" + 3000 * "]", "line 1: lists and mappings lie more than 50 deep"),
        ("\n".join(" " * i + "a:" for i in range(300)), "line 50: lists and mappings lie more than 50 deep"),
        (400_000 * "[", "more than 50 deep"),
        ("a: [" + 300_000 * "1," + "]", "more than 20,000 values"),
        ("a: &x [" + 300 * "1," + "]\nb: [" + 300 * "*x," + "]", "multiply"),
        ("a: !!python/object/apply:os.system [ls]\n", "line 1: the tag '!!python/object/apply:os.system' is not taken"),
        ("a: 1\nb: !mine 2\n", "line 2: the tag '!mine' is not taken"),
        ("a: 1\nb: .nan\n", "line 2: '.nan' is no finite number"),
        ("a: -.inf\n", "line 1: '-.inf' is no finite number"),
        ("a: 1.0e+999\n", "line 1: '1.0e+999' is no finite number"),
        ("a: " + 5000 * "9", "is no whole number"),
        ("a:\n\tb: 1\n", "line 2: a tab stands where spaces belong"),
        ("a: 1\n---\na: 2\n", "line 2: a second document begins"),
        ("a: 1\nb: \x07\n", "line 2: the character U+0007"),
        ("a: 1\n2: x\n", "line 2: '2' as a key is no text"),
        ("a: 1\n? [b, c]\n: x\n", "line 2: a list or mapping as a key"),
        ("- a\n", "expected a mapping (key: value), but it holds a list"),
    ],
)
def test_what_would_be_read_wrong_or_never_end_is_refused_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    assert message in refused(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a: 1\ntitle: José\n".encode("latin-1"), "not UTF-8 at line 2 (byte 0xe9)"),
        ("a: 1\n".encode("utf-16"), "not UTF-8 at line 1"),
        (b"#" * 50_000_000, "larger than 1 MB"),
    ],
)
def test_what_is_no_text_of_a_person_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    assert message in refused(path)


def test_values_mean_what_they_look_like() -> None:
    text = "\ufefflanguage: no\nwhen: 2026-11-27\nat: 1:30\nperson: 007\nsmall: 1.5e-3\nwhole: -3\nyes_: true\nnone: ~\n"
    path = "a file"
    assert yaml_files.parse(text.removeprefix("\ufeff"), path) == {
        "language": "no", "when": "2026-11-27", "at": "1:30", "person": "007", "small": 0.0015, "whole": -3, "yes_": True, "none": None,
    }  # fmt: skip
    assert yaml_files.parse("a: &x {b: 1}\nc: {<<: *x, d: 2}\n", path)["c"] == {"b": 1, "d": 2}


def test_a_byte_order_mark_and_an_empty_file_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert yaml_files.read(path) == {"a": 1}
    path.write_bytes(b"# nothing yet\n")
    assert yaml_files.read(path) == {}


@pytest.mark.parametrize(("start", "seconds"), [("0:05", 5.0), ("1:23.5", 83.5), ("1:02:03", 3723.0), ("7", 7.0), ("1e1", 10.0)])
def test_answer_times_may_be_clock_times(start: str, seconds: float, tmp_path: Path) -> None:
    path = tmp_path / "interview.yaml"
    path.write_text(PLAN.format(start=start).replace("end: 20", "end: 9999"))
    assert load_plan(path).questions[0].start == seconds


@pytest.mark.parametrize("start", ["0:75", "1:5", "00:00:01,500", "1:99:00", "nan", "soon"])
def test_a_time_that_is_none_is_refused(start: str, tmp_path: Path) -> None:
    path = tmp_path / "interview.yaml"
    path.write_text(PLAN.format(start=start))
    with pytest.raises(SettingsError, match=r"questions\.0\.start"):
        load_plan(path)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("evaluate", "none.mp4", "--questions", "x.yaml"), PLAN.format(start=0) + "questions: []\n"),
        (("evaluate", "none.mp4", "--settings", "x.yaml"), BOMB),
        (("audit", "run", "--config", "x.yaml"), "name: a\nname: b\n"),
        (("fusion", "sweep", "x.yaml"), "name: a\nname: b\n"),
    ],
    ids=["questions", "settings", "audit", "sweep"],
)
def test_every_command_refuses_in_one_line(arguments: tuple[str, ...], text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text)
    done = subprocess.run([sys.executable, "-m", "workbench", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("workbench: x.yaml: line ")
    assert done.stderr.count("\n") == 1
