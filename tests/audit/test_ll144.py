"""Local Law 144's tables against a worked example computed by hand."""

import numpy as np
import pytest

from workbench.audit import AuditError
from workbench.audit.studies import ll144

# Twelve people; scores 1 to 12, so the median of the whole sample is 6.5 and "above" means 7 or more.
#   who      sex  race/ethnicity  score        who      sex  race/ethnicity  score
SAMPLE = [
    ("Male", "White", 12), ("Male", "White", 11), ("Male", "White", 3), ("Male", "Asian", 10),
    ("Male", "Asian", 2), ("Female", "White", 9), ("Female", "White", 4), ("Female", "White", 1),
    ("Female", "Asian", 8), ("Female", "Asian", 5), ("Female", None, 7), (None, "Asian", 6),
]  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    sex, race, score = zip(*SAMPLE, strict=True)
    return ll144.tables(score, sex, race, draws=400)


def by_category(tables, name):
    return tables.table(name).set_index("category")


def test_sex_by_hand(tables):
    # male: 12, 11, 10 of five lie above 6.5; female: 9, 8, 7 of six
    found = by_category(tables, "sex")
    assert found["n"].to_dict() == {"Female": 6, "Male": 5}
    assert found["above_median"].to_dict() == {"Female": 3, "Male": 3}
    assert found["scoring_rate"].to_dict() == pytest.approx({"Female": 3 / 6, "Male": 3 / 5})
    assert found["impact_ratio"].to_dict() == pytest.approx({"Female": (3 / 6) / (3 / 5), "Male": 1.0})
    assert tables.unknown["sex"] == 1


def test_race_ethnicity_by_hand(tables):
    # White: 12, 11, 9 of six; Asian: 10, 8 of five (the person of unknown sex counts here)
    found = by_category(tables, "race_ethnicity")
    assert found["scoring_rate"].to_dict() == pytest.approx({"Asian": 2 / 5, "White": 3 / 6})
    assert found["impact_ratio"].to_dict() == pytest.approx({"Asian": 0.8, "White": 1.0})
    assert tables.unknown["race_ethnicity"] == 1


def test_intersection_by_hand(tables):
    found = by_category(tables, "intersection")
    rates = {"Female, Asian": 1 / 2, "Female, White": 1 / 3, "Male, Asian": 1 / 2, "Male, White": 2 / 3}
    assert found["scoring_rate"].to_dict() == pytest.approx(rates)
    assert found["impact_ratio"].to_dict() == pytest.approx({k: v / (2 / 3) for k, v in rates.items()})
    assert tables.unknown["intersection"] == 2


def test_intervals_hold_the_figures(tables):
    rows = tables.rows
    assert ((rows["rate_low"] <= rows["scoring_rate"]) & (rows["scoring_rate"] <= rows["rate_high"])).all()
    assert ((rows["ratio_low"] <= rows["impact_ratio"]) & (rows["impact_ratio"] <= rows["ratio_high"])).all()


def test_scores_at_the_median_are_not_above_it():
    found = ll144.tables([1, 2, 2, 2, 3, 2], ["m", "f"] * 3, ["x", "x", "x", "y", "y", "y"], draws=100)
    assert by_category(found, "sex")["above_median"].to_dict() == {"f": 0, "m": 1}


def test_categories_under_2_percent_are_left_out_of_the_ratio_only():
    n = 200
    race = ["White"] * 120 + ["Asian"] * 77 + ["Other"] * 3  # 1.5 %, and all three score highest
    score = np.concatenate([np.tile([0.2, 0.8], 60), np.tile([0.3, 0.7], 39)[:77], [0.9] * 3])
    sex = np.tile(["m", "f"], n // 2)
    found = by_category(ll144.tables(score, sex, race, draws=100), "race_ethnicity")
    assert found.loc["Other", "left_out"]
    assert found.loc["Other", "n"] == 3
    assert found.loc["Other", "scoring_rate"] == 1.0
    assert np.isnan(found.loc["Other", "impact_ratio"])
    assert found["impact_ratio"].max() == 1.0  # of those that are left
    kept = by_category(ll144.tables(score, sex, race, draws=100, leave_out_small=False), "race_ethnicity")
    assert kept.loc["Other", "impact_ratio"] == 1.0
    assert kept.loc["White", "impact_ratio"] == pytest.approx(kept.loc["White", "scoring_rate"])


def test_quantile_gaps_show_what_the_median_hides():
    # both sexes have half of their scores above the median, but women's high scores are much lower
    score = np.concatenate([np.linspace(0.1, 0.4, 60), np.linspace(0.6, 1.0, 60), np.linspace(0.1, 0.4, 60), np.linspace(0.51, 0.6, 60)])
    sex = ["m"] * 120 + ["f"] * 120
    found = ll144.tables(score, sex, np.tile(["x", "y"], 120), draws=400)
    assert by_category(found, "sex")["impact_ratio"].to_numpy() == pytest.approx(1.0)
    gap = found.quantiles.query("grouping == 'sex' and metric == 'quantile_0.9'").iloc[0]
    assert gap["group"] == "f"
    assert gap["high"] < -0.2


def test_public_summary_and_files(tables, tmp_path):
    text = tables.summary()
    assert "- Female: n = 6, scoring rate 0.50 [" in text
    assert "impact ratio 0.83 [" in text
    assert "Not included because the category is unknown: 1" in text
    assert "a convention, not a line of this law" in text
    paths = tables.save(tmp_path / "tables")
    assert [p.name for p in paths] == ["ll144.csv", "ll144_quantiles.csv", "ll144.txt"]
    assert "Race/ethnicity" in paths[2].read_text()
    assert paths[0].read_text().startswith("table,category,n,share,above_median,scoring_rate")


def test_race_and_ethnicity_combine_as_on_the_eeo_form():
    race = ["Caucasian", "African American", "Asian", "Unknown", "Unknown", "Asian"]
    ethnicity = ["Hispanic", "Not Hispanic", "Not Hispanic", "Not Hispanic", "Hispanic", None]
    assert ll144.race_ethnicity(race, ethnicity) == [
        "Hispanic or Latino", "Black or African American", "Asian", None, "Hispanic or Latino", None,
    ]  # fmt: skip


def test_one_category_has_no_ratio():
    with pytest.raises(AuditError, match="sex: 1 known categories; an impact ratio needs two or more"):
        ll144.tables([1, 2, 3], ["f", "f", None], ["x", "y", "x"], draws=100)
