"""Group tables: missing values are counted, spellings asked about, people kept in one group."""

import numpy as np
import pytest

from workbench.audit import AuditError, Options, run
from workbench.audit.stats.groups import MISSING, people

DEFAULTS = Options()


def test_missing_and_unknown_values_are_counted_shown_and_not_compared():
    sex = ["f"] * 8 + ["m"] * 8 + [None, "Unknown", float("nan"), " ", "unknown"]
    found = run(["yes", "no"] * 10 + ["yes"], ["yes"] * 21, {"sex": sex}, draws=100)
    unstated = found.groups.query("group == @MISSING and metric == 'accuracy'").iloc[0]
    assert unstated["n_people"] == 5
    assert MISSING not in set(found.gaps["group"]) | set(found.gaps["reference"])
    assert "sex: not stated for 5 of 21 people; they are shown and not compared" in found.notes


@pytest.mark.parametrize(
    ("values", "how"),
    [
        (["Female", "female "], "case"),
        (["not-hispanic", "Not Hispanic"], "case"),
        (["Caucasian", "Caucasion"], "one letter"),
        (["African American", "African Amercan"], "one letter"),
    ],
)
def test_groups_that_differ_by_spelling_are_asked_about(values, how):
    with pytest.raises(AuditError, match=f"differ only by {how}.*same=.*distinct=") as error:
        people({"g": values * 5}, None, 10, DEFAULTS)
    assert "\n" not in str(error.value)


def test_the_answer_to_the_question_is_followed():
    values = ["Female", "female"] * 5
    merged = people({"g": values}, None, 10, Options(same={"female": "Female"}))
    assert set(merged.table["g"]) == {"Female"}
    assert merged.notes == ["g: 'female' is counted under 'Female', as asked"]
    apart = people({"g": values}, None, 10, Options(distinct=(("Female", "female"),)))
    assert set(apart.table["g"]) == {"Female", "female"}


def test_words_that_are_merely_alike_are_not_asked_about():
    values = ["Male", "Female", "Hispanic", "Not Hispanic", "20-29", "30-39", "en-gb", "en-us", "group 1", "group 2"]
    assert len(set(people({"g": values}, None, 10, DEFAULTS).table["g"])) == 10


def test_crossed_groups_and_their_missing_values():
    who = people({"sex": ["f", "m", "f"], "race": ["x", "y", None]}, None, 3, DEFAULTS)
    assert who.table["sex × race"].tolist() == ["f × x", "m × y", MISSING]


def test_a_person_in_two_groups_is_named():
    with pytest.raises(AuditError, match=r"groups: sex: person 'p1' is in two groups, 'f' and 'm' \(row 2\)"):
        people({"sex": ["f", "m", "m"]}, ["p1", "p2", "p1"], 3, DEFAULTS)


def test_rows_without_a_person_are_refused():
    with pytest.raises(AuditError, match=r"people: 1 rows have no person \(first: row 1\)"):
        people({"sex": ["f", "m"]}, ["p1", None], 2, DEFAULTS)


def test_a_group_of_one_is_suppressed_and_says_so():
    sex = ["f"] * 10 + ["m"] * 10 + ["x"]
    found = run(["yes", "no"] * 10 + ["yes"], ["yes"] * 21, {"sex": sex}, draws=100)
    alone = found.groups.query("group == 'x' and metric == 'accuracy'").iloc[0]
    assert alone["status"] == "suppressed"
    assert alone["reason"] == "1 person: fewer than 5"
    assert alone["n_people"] == 1
    assert np.isnan([alone["value"], alone["low"], alone["high"]]).all()
    assert found.gaps.query("group == 'x'")["difference"].isna().all()


def test_a_crossed_group_of_the_same_people_is_not_tested_twice():
    sex = np.repeat(["f", "f", "m", "m"], 10)
    race = np.repeat(["x", "y", "z", "z"], 10)  # all of z are m, and all of m are z
    found = run(["yes", "no"] * 20, ["yes"] * 40, {"sex": sex, "race": race}, draws=100, metrics=["accuracy"])
    crossed = found.gaps.query("grouping == 'sex × race'").set_index("group")
    assert crossed.loc["m × z", "reason"] == "the same people as m (sex)"
    assert not crossed.loc["m × z", "tested"]


def test_a_named_reference_is_compared_with():
    found = run(["yes", "no"] * 15, ["yes"] * 30, {"g": np.repeat(["a", "b", "c"], 10)}, draws=100, reference={"g": "b"})
    assert set(zip(found.gaps["group"], found.gaps["reference"], strict=True)) == {("a", "b"), ("c", "b")}
    with pytest.raises(AuditError, match="reference: g has no group 'z'; choose one of a, b, c"):
        run(["yes", "no"] * 15, ["yes"] * 30, {"g": np.repeat(["a", "b", "c"], 10)}, draws=100, reference={"g": "z"})
