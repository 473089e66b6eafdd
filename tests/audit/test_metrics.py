"""The audit's figures against scikit-learn's, through Fairlearn's MetricFrame."""

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, log_loss, mean_absolute_error, recall_score

from workbench import audit
from workbench.audit.stats import simulation
from workbench.evaluation import metrics

CLASSES = simulation.CLASSES


@pytest.fixture(scope="module")
def simulated():
    return simulation.people({"a": 12, "b": 20, "c": 9}, {"a": 0.8, "b": 0.6, "c": 0.7}, random=np.random.default_rng(3))


@pytest.fixture(scope="module")
def found(simulated):
    s = simulated
    return audit.run(s.probabilities, s.labels, s.groups, people=s.people, classes=CLASSES, draws=200)


def shown(found, metric):
    return found.groups.query("grouping == 'group' and metric == @metric").set_index("group")["value"]


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("accuracy", accuracy_score),
        ("macro_f1", lambda t, p: f1_score(t, p, average="macro")),
        ("recall_sad", lambda t, p: recall_score(t, p, labels=["sad"], average="macro")),
    ],
)
def test_label_figures_are_those_of_scikit_learn_by_group(simulated, found, name, figure):
    guess = np.array(CLASSES)[simulated.probabilities.argmax(axis=1)]
    frame = MetricFrame(metrics={name: figure}, y_true=simulated.labels, y_pred=guess, sensitive_features=simulated.groups["group"])
    assert shown(found, name).to_dict() == pytest.approx(frame.by_group[name].to_dict())
    assert found.frame("group").by_group[name].to_dict() == pytest.approx(frame.by_group[name].to_dict())


@pytest.mark.parametrize(("name", "figure"), [("log_loss", log_loss), ("brier", brier_score_loss)])
def test_probability_figures_are_those_of_scikit_learn_by_group(simulated, found, name, figure):
    more = {"scale_by_half": False} if name == "brier" else {}
    for group, value in shown(found, name).items():
        rows = simulated.groups["group"] == group
        assert value == pytest.approx(figure(simulated.labels[rows], simulated.probabilities[rows], labels=list(CLASSES), **more))


def test_ece_and_overconfidence_of_a_hand_made_case():
    # two bins: (9/15, 10/15] holds 0.65 right and 0.65 wrong, (13/15, 14/15] holds 0.9 right: |2·0.65-1|/3 + |0.9-1|/3
    p = np.array([[0.65, 0.35], [0.65, 0.35], [0.1, 0.9]])
    figures = {m.name: m for m in metrics.classifier(p, np.array([0, 1, 1]), ["x", "y"], np.ones(3))}
    assert float(figures["ece"].value(figures["ece"].sums.sum(axis=0))) == pytest.approx(0.3 / 3 + 0.1 / 3)
    assert float(figures["overconfidence"].value(figures["overconfidence"].sums.sum(axis=0))) == pytest.approx((0.65 * 2 + 0.9 - 2) / 3)


def test_score_figures(simulated):
    s = simulated
    truth = np.clip(s.scores + 0.1, 0, 1)
    found = audit.run(s.scores, truth, s.groups, people=s.people, kind="score", threshold=0.6, draws=200)
    for group in "abc":
        rows = s.groups["group"] == group
        assert shown(found, "mean_score")[group] == pytest.approx(s.scores[rows].mean())
        assert shown(found, "selection_rate")[group] == pytest.approx((s.scores[rows] >= 0.6).mean())
        assert shown(found, "mae")[group] == pytest.approx(mean_absolute_error(truth[rows], s.scores[rows]))
        for q in (0.1, 0.5, 0.9):
            assert shown(found, f"quantile_{q}")[group] == np.quantile(s.scores[rows], q, method="inverted_cdf")


def test_gradients_are_the_derivatives():
    random = np.random.default_rng(0)
    p = random.dirichlet(np.ones(3), 300)
    truth = random.integers(0, 3, 300)
    figures = metrics.classifier(p, truth, ["a", "b", "c"], np.ones(300))
    figures.append(metrics.paired(figures[0], figures[1]))
    for figure in figures:
        total = figure.sums.sum(axis=0)
        step = 1e-6
        numeric = [(figure.value(total + step * e) - figure.value(total - step * e)) / (2 * step) for e in np.eye(len(total))]
        assert figure.gradient(total) == pytest.approx(np.array(numeric), abs=1e-6), figure.name
        assert figure.value(3 * total) == pytest.approx(figure.value(total)), figure.name


def test_weights_count_rows_more_often(simulated):
    s = simulated
    weights = np.random.default_rng(1).integers(0, 4, len(s.labels))
    rows = np.repeat(np.arange(len(s.labels)), weights)
    weighted = audit.run(s.probabilities, s.labels, s.groups, people=s.people, classes=CLASSES, weights=weights, draws=200)
    repeated = audit.run(
        s.probabilities[rows], s.labels[rows], {"group": s.groups["group"][rows]}, people=s.people[rows], classes=CLASSES, draws=200
    )
    columns = ["value", "low", "high"]
    assert weighted.groups[columns].to_numpy() == pytest.approx(repeated.groups[columns].to_numpy(), nan_ok=True)
