"""An audit as HTML: what is shown, what is greyed, nothing that reaches outside; figures for notebooks."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.support import pictures
from workbench import audit
from workbench.audit.present import bundle, page, plots
from workbench.audit.present.findings import findings
from workbench.audit.stats import simulation
from workbench.audit.studies import ll144, modalities
from workbench.audit.studies.modalities import Fused

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def found():
    random = np.random.default_rng(4)
    s = simulation.people({"a": 24, "b": 30, EVIL: 3}, {"a": 0.85, "b": 0.55, EVIL: 0.7}, random=random, others={"sex": ("f", "m")})
    about = {"data": "simulated people", "people_are": "actors", "label": "simulated: says nothing about people"}
    return audit.run(
        s.probabilities, s.labels, s.groups, people=s.people, classes=simulation.CLASSES, draws=200, name="simulated", about=about
    )


@pytest.fixture(scope="module")
def costs():
    random = np.random.default_rng(1)
    person = np.repeat(np.arange(40), 20)
    fused = [Fused("average", (m,), random.dirichlet([3, 1 + i], len(person))) for i, m in enumerate(("voice", "face"))]
    labels = np.array(["no"] * len(person))
    return modalities.costs(fused, labels, {"group": np.where(person < 20, "a", "b")}, person, ("no", "yes"), draws=100)


def test_a_forest_shows_every_group_its_n_and_its_interval_or_why_not(found):
    shown = page.forest(found, "accuracy", "group")
    row = found.groups.query("group == 'a' and metric == 'accuracy'").iloc[0]
    assert f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" in shown
    assert "not shown: 3 people: fewer than 5" in shown
    assert EVIL not in shown
    assert "&lt;script&gt;" in shown
    strips = re.findall(r'class="range" style="left:([\d.]+)%;width:([\d.]+)%"></i><i class="point" style="left:([\d.]+)%"', shown)
    assert len(strips) == 2  # a and b; the third group is too small
    for left, width, point in (map(float, strip) for strip in strips):
        assert 0 <= left <= point <= left + width <= 100


def test_a_heat_map_greys_small_cells_and_shows_intervals_in_the_others(found):
    shown = page.heat(found, "accuracy", "group × sex")
    cells = re.findall(r'<td class="cell([^"]*)"(.*?)</td>', shown)
    rows = found.groups.query("grouping == 'group × sex' and metric == 'accuracy'")
    assert len([c for c in cells if "small" in c[0]]) >= (rows["status"] == "suppressed").sum() > 0
    for css, text in cells:
        assert ("[" in text and "%" in text) != ("small" in css)
    assert "stands" in shown  # the gap between a and b is large
    assert "better than everyone" in shown
    assert "higher than everyone" in page.heat(found, "overconfidence", "group × sex")


def test_the_whole_page_is_one_file_with_the_evidence_and_reaches_nowhere(found, costs):
    text = bundle.Bundle("simulated", {"simulated": found}, costs=costs, exceeded=["a limit"], remarks=["a remark"]).html()
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", text)
    assert "url(" not in text
    assert EVIL not in text
    for part in ("simulated: says nothing about people", "a limit", "a remark", "What each modality adds", "How it was made"):
        assert part in text
    stored = dict(re.findall(r'<script type="application/json" id="evidence-\d+" data-name="([^"]+)">(.*?)</script>', text, re.S))
    assert audit.Audit.from_json(stored["simulated"].replace("<\\/", "</")).people == found.people
    assert len(json.loads(stored["costs"])) == len(costs)
    anchors = re.findall(r'<a href="#([^"]+)"', text)
    assert anchors
    assert all(f'id="{a}"' in text for a in anchors)


def test_the_frontier_is_a_picture_and_a_table(costs):
    shown = page.frontier(costs)
    picture = ElementTree.fromstring(re.search(r"<svg.*?</svg>", shown, re.S).group(0))
    assert len(picture.findall(".//circle")) == len(costs)
    assert "average (voice)" in shown
    for text in picture.findall(".//text"):
        assert text.text


def test_findings_quote_figures_with_interval_and_n(found):
    said = findings(found)
    assert said[0].level == "gap"
    for f in said:
        if f.level in ("gap", "open", "close") and f.group:
            assert re.search(r"n = \d+", f.text), f.text
            assert re.search(r"\[[^\]]+, [^\]]+\]", f.text), f.text
    few = [f.text for f in said if f.level == "suppressed" and f.group == EVIL]
    assert few == [f"{EVIL}: 3 people: fewer than 5; nothing is shown."]


def test_too_wide_to_say_is_said_with_the_n():
    s = simulation.people({"Asian": 7, "other": 40}, 0.7, random=np.random.default_rng(0))
    found = audit.run(
        s.probabilities, s.labels, s.groups, people=s.people, classes=simulation.CLASSES, draws=200, metrics=["accuracy"],
        about={"people_are": "actors"},
    )  # fmt: skip
    (text,) = [f.text for f in findings(found) if f.level == "open"]
    assert text.startswith("For n = 7 Asian actors the interval is too wide to say: accuracy differs from other by ")


def test_figures_for_notebooks(found, costs, tmp_path):
    forest = plots.forest(found, "accuracy")
    (axes,) = forest.axes
    assert [t.get_text() for t in axes.get_yticklabels()][1] == f"group: {EVIL} (n = 3)"
    assert "simulated: says nothing about people" in axes.get_title()
    assert "95% interval over actors" in axes.get_xlabel()
    assert len(axes.lines) == 2 * 5 + 1  # two for each of everyone, a, b, f and m, and the dashed line
    picture = plots.frontier(costs, "group")
    assert picture.axes[0].get_ylabel() == "accuracy"
    for name, figure in (("forest", forest), ("frontier", picture)):
        figure.savefig(tmp_path / f"{name}.png")
        pictures.assert_same(tmp_path / f"{name}.png", f"audit_{name}")


def test_the_laws_tables_as_a_page(tmp_path):
    random = np.random.default_rng(0)
    tables = ll144.tables(random.random(60), ["f", "m"] * 30, ["x", "y", None] * 20, draws=100, about={"score": "a score"})
    text = page.ll144(tables)
    for part in ("Race/ethnicity", "Not included because the category is unknown: 20", "the four-fifths convention", "Not legal advice"):
        assert part in text
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", text)
