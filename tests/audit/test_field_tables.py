"""Tables as people have them: spellings, types, separators, names like "NA". An audit must not be reassured by them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.support.command import Done, workbench
from workbench import audit, text_tables
from workbench.audit import AuditError

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, 400)
SAID = np.where(RNG.random(400) < np.where(np.arange(400) < 200, 0.95, 0.6), TRUTH, 1 - TRUTH)
GROUP = np.where(np.arange(400) < 200, "A", "B")
Command = Callable[..., Done]


def accuracy(predictions: object, labels: object, **options: object) -> dict[str, float]:
    found = audit.run(predictions, labels, groups={"group": GROUP}, kind="classifier", **options)
    table = found.groups
    rows = table[table["metric"] == "accuracy"]
    return dict(zip(rows["group"], rows["value"].round(3), strict=True))


WANTED = {"A": float((SAID == TRUTH)[:200].mean().round(3)), "B": float((SAID == TRUTH)[200:].mean().round(3))}


@pytest.mark.parametrize(
    "spell",
    [
        lambda v: v.astype(float),
        lambda v: [f"{x}.0" for x in v],
        lambda v: [f" {x} " for x in v],
        lambda v: [f"{x}e0" for x in v],
        lambda v: [f"0{x}" for x in v],
    ],
    ids=["floats", "text with .0", "blanks", "exponents", "leading zero"],
)
def test_numbers_are_compared_as_numbers(spell: Callable[[np.ndarray], object]) -> None:
    found = accuracy(spell(SAID), TRUTH)
    assert {g: found[g] for g in WANTED} == WANTED


def test_case_and_blanks_are_no_difference() -> None:
    names = np.array(["happy", "sad"])
    found = accuracy([f"{v.title()} " for v in names[SAID]], names[TRUTH])
    assert {g: found[g] for g in WANTED} == WANTED


@pytest.mark.parametrize(
    ("said", "truth"), [(("no", "yes"), (False, True)), (("negative", "positive"), (0, 1)), (("n", "y"), ("no", "yes"))]
)
def test_values_that_have_nothing_in_common_are_refused(said: tuple[str, ...], truth: tuple[object, ...]) -> None:
    with pytest.raises(AuditError, match=r"predictions and labels share no value: labels are .*; predictions are .*; write both alike"):
        accuracy(np.array(said)[SAID], np.array(truth, object)[TRUTH])


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Done]:
    def go(text: str, encoding: str = "utf-8", **source: object) -> Done:
        (tmp_path / "rows.csv").write_bytes(text.encode(encoding))
        table = {"path": str(tmp_path / "rows.csv"), "kind": "classifier", "prediction": "said", "label": "truth", **source}
        gates = [{"metric": "accuracy", "grouping": "group", "limit": 0.1}]
        config = {
            "name": "t",
            "source": {"table": table},
            "groupings": ["group"],
            "gates": gates,
            "track": False,
            "out": str(tmp_path / "out"),
        }
        (tmp_path / "audit.yaml").write_text(yaml.safe_dump(config))
        return workbench("audit", "run", "--config", tmp_path / "audit.yaml")

    return go


def rows(group: tuple[str, str] = ("A", "B"), person: str = "p{}", separator: str = ",", tail: str = "", end: str = "\n") -> str:
    head = separator.join(["said", "truth", "group", "who"]) + tail
    lines = [
        separator.join([f"{s}.0", str(t), group[int(g == "B")], person.format(i)]) + tail
        for i, (s, t, g) in enumerate(zip(SAID, TRUTH, GROUP, strict=True))
    ]
    return end.join([head, *lines]) + end


@pytest.mark.parametrize(
    "text",
    [
        rows(), rows(separator=";"), rows(separator="\t"), rows(tail=",,"), rows(end="\r\n"), "\ufeff" + rows(),
        rows(group=("A", "NA")), rows(group=("None", "A")),
    ],
    ids=["plain", "semicolons", "tabs", "empty columns", "CRLF", "byte-order mark", "a group NA", "a group None"],
)  # fmt: skip
def test_a_limit_that_is_exceeded_fails_however_the_table_is_written(run: Callable[..., Done], text: str) -> None:
    done = run(text)
    assert done.code == 1, (done.out[-500:], done.err)


def test_ids_are_text(run: Callable[..., Done], tmp_path: Path) -> None:
    """007 and 7 are two people; so are two ids beyond what a float can tell apart."""
    lines = rows().splitlines()
    numbered = [lines[0]]
    for i, line in enumerate(lines[1:]):
        who = f"{'00' if i % 2 else ''}{i // 2}"
        numbered.append(",".join([*line.split(",")[:3], who]))
    table = text_tables.read_csv(_written(tmp_path, "\n".join(numbered)))
    assert table["who"].nunique() == 400
    assert run("\n".join(numbered), person="who").code == 1
    assert text_tables.as_text([2**53 + 1, 2**53]) == ["9007199254740993", "9007199254740992"]
    assert text_tables.as_text(pd.Series([7.0, np.nan])) == ["7", None]


def _written(folder: Path, text: str) -> Path:
    (folder / "t.csv").write_text(text)
    return folder / "t.csv"


@pytest.mark.parametrize(
    ("text", "encoding", "line"),
    [
        ("said,truth,said,group\n1,1,1,A\n", "utf-8", "two columns are called 'said'"),
        (rows(group=("Müller", "B")), "latin-1", "is not UTF-8; save it as UTF-8"),
        ("said,truth,group\n1,1,A\n1,1,A,4,5\n", "utf-8", "cannot be read"),
    ],
)
def test_what_is_no_table_is_one_line(run: Callable[..., Done], text: str, encoding: str, line: str) -> None:
    done = run(text, encoding)
    assert done.code == 2
    assert line in done.err
    assert "Traceback" not in done.err


def test_a_score_with_a_decimal_comma_is_named(run: Callable[..., Done]) -> None:
    text = "points;group\n" + "\n".join(f"{p / 10:.1f};{g}".replace(".", ",") for p, g in zip(range(400), GROUP, strict=True))
    done = run(text, kind="score", prediction="points", label=None)
    assert done.code == 2
    assert "column 'points': '0,0' in row 1 is no number; write a point for the decimal mark" in done.err
