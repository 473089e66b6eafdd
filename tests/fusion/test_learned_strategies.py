"""Every strategy that learns: one interface, masks, storing, and what each is for."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from workbench.errors import SettingsError
from workbench.fusion import strategy
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.calibrated import CalibratedAverage
from workbench.fusion.logistic import Logistic
from workbench.fusion.network import Hyperparameters, Learned, person_shares
from workbench.fusion.product import Product
from workbench.fusion.strategy import Strategy

QUICK = Hyperparameters(hidden=8, members=2, epochs=8, batch=128)
BUILDS: dict[str, Callable[[], Strategy]] = {
    "calibrated_average": lambda: CalibratedAverage({"visual": 0.5, "audio": 0.5}),
    "product": lambda: Product(),
    "calibrated_product": lambda: Product(method="temperature"),
    "logistic": lambda: Logistic(),
    "learned": lambda: Learned(hyper=QUICK),
}
Data = tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def data() -> Data:
    """Two modalities that each know something else: the face tells classes 0 and 1 apart, the voice 2 and 3."""
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=900)
    visual = np.where(labels[:, None] < 2, np.eye(4)[labels], [0, 0, 0.5, 0.5]) + rng.dirichlet(np.ones(4), 900)
    audio = np.where(labels[:, None] < 2, [0.5, 0.5, 0, 0], np.eye(4)[labels]) + rng.dirichlet(np.ones(4), 900)
    features = {"visual": visual / visual.sum(axis=1, keepdims=True), "audio": audio / audio.sum(axis=1, keepdims=True)}
    masks = {m: np.ones(900, bool) for m in features}
    return features, masks, labels, np.repeat(np.arange(30), 30).astype(str)


@pytest.fixture(scope="module")
def fitted(data: Data) -> dict[str, Strategy]:
    return {name: build().fit(ModalityBatch(data[0], data[1]), *data[2:]) for name, build in BUILDS.items()}


def accuracy(probs: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(probs.argmax(axis=1) == labels))


@pytest.mark.parametrize("name", BUILDS)
def test_fusion_knows_more_than_either_modality(name: str, fitted: dict[str, Strategy], data: Data) -> None:
    features, masks, labels, _ = data
    probs = fitted[name].predict(ModalityBatch(features, masks))
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    assert accuracy(probs, labels) > max(accuracy(features["visual"], labels), accuracy(features["audio"], labels)) + 0.05


@pytest.mark.parametrize("name", BUILDS)
def test_a_masked_modality_has_no_say_whatever_it_holds(name: str, fitted: dict[str, Strategy], data: Data) -> None:
    features, masks, _, _ = data
    off = {**masks, "audio": np.zeros(900, bool)}
    other = {**features, "audio": np.full((900, 4), np.nan)}
    probs = fitted[name].predict(ModalityBatch(features, off))
    np.testing.assert_array_equal(probs, fitted[name].predict(ModalityBatch(other, off)))
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    shares = fitted[name].weights(ModalityBatch(other, off))
    np.testing.assert_allclose(shares["visual"], 1)
    np.testing.assert_allclose(shares["audio"], 0)


@pytest.mark.parametrize("name", BUILDS)
def test_rows_without_any_modality_are_nan_and_the_others_unchanged(name: str, fitted: dict[str, Strategy], data: Data) -> None:
    features, masks, _, _ = data
    some = {m: np.arange(900) != 7 for m in masks}
    probs = fitted[name].predict(ModalityBatch(features, some))
    assert np.isnan(probs[7]).all()
    np.testing.assert_allclose(
        np.delete(probs, 7, axis=0), np.delete(fitted[name].predict(ModalityBatch(features, masks)), 7, axis=0), atol=1e-6
    )
    assert all(share[7] == 0 for share in fitted[name].weights(ModalityBatch(features, some)).values())


@pytest.mark.parametrize("name", BUILDS)
def test_weights_sum_to_one(name: str, fitted: dict[str, Strategy], data: Data) -> None:
    shares = fitted[name].weights(ModalityBatch(data[0], data[1]))
    np.testing.assert_allclose(sum(shares.values()), 1)


@pytest.mark.parametrize("name", BUILDS)
def test_stored_and_built_by_name_predicts_the_same(name: str, fitted: dict[str, Strategy], data: Data) -> None:
    stored = json.loads(json.dumps(fitted[name].to_dict()))
    again = strategy.build(fitted[name].name, stored)
    np.testing.assert_array_equal(again.predict(ModalityBatch(data[0], data[1])), fitted[name].predict(ModalityBatch(data[0], data[1])))


@pytest.mark.parametrize("name", ["calibrated_average", "product", "logistic", "learned"])
def test_an_unfitted_strategy_says_so(name: str, data: Data) -> None:
    with pytest.raises(SettingsError, match="has not been fitted; give the file"):
        BUILDS[name]().predict(ModalityBatch(data[0], data[1]))


def test_product_of_independent_calibrated_modalities_is_bayes_rule() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=20000)
    features = {}
    for m in ("visual", "audio"):
        z = rng.normal(0, 1, (20000, 3)) + 1.2 * np.eye(3)[labels]  # log-likelihood of class c is 1.2 z_c + constant
        p = np.exp(1.2 * z)
        features[m] = p / p.sum(axis=1, keepdims=True)
    masks = {m: np.ones(20000, bool) for m in features}
    found = Product(floor=1e-9).fit(ModalityBatch(features, masks), labels)
    assert found.exponents == pytest.approx({"visual": 1.0, "audio": 1.0}, abs=0.05)


def test_network_is_reproducible_by_its_seed(data: Data) -> None:
    features, masks, labels, persons = data
    runs = [
        Learned(seed=s, hyper=QUICK).fit(ModalityBatch(features, masks), labels, persons).predict(ModalityBatch(features, masks))
        for s in (1, 1, 2)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 1e-3


def test_network_stops_early_when_persons_left_out_do_not_improve(data: Data) -> None:
    features, masks, labels, persons = data
    shuffled = np.random.default_rng(0).permutation(labels)  # nothing to learn
    found = Learned(hyper=Hyperparameters(hidden=8, members=2, epochs=200, patience=3, batch=128)).fit(
        ModalityBatch(features, masks), shuffled, persons
    )
    assert len(found.history) < 100
    assert found.predict(ModalityBatch(features, masks)).max() < 0.6


def test_network_members_share_out_whole_persons() -> None:
    persons = np.repeat([f"p{i}" for i in range(23)], 7)
    share = person_shares(persons, 4, seed=0)
    assert all(len(set(share[persons == p])) == 1 for p in set(persons))
    assert set(share) == {0, 1, 2, 3}
    with pytest.raises(SettingsError, match="3 training persons are too few for 4 members"):
        person_shares(np.array(["a", "b", "c"]), 4, 0)


def test_modality_dropout_teaches_to_do_without(data: Data) -> None:
    features, masks, labels, persons = data
    off = {**masks, "visual": np.zeros(900, bool)}
    losses = []
    for rate in (0.0, 0.4):
        hyper = Hyperparameters(hidden=8, members=2, epochs=12, batch=128, modality_dropout=rate)
        probs = Learned(hyper=hyper).fit(ModalityBatch(features, masks), labels, persons).predict(ModalityBatch(features, off))
        losses.append(-np.log(probs[np.arange(900), labels]).mean())
    assert losses[1] < losses[0]


def test_class_weights_find_a_rare_class(data: Data) -> None:
    features, masks, labels, persons = data
    rng = np.random.default_rng(0)
    keep = (labels != 3) | (rng.random(900) < 0.1)
    noisy = {m: 0.4 * x[keep] + 0.6 * rng.dirichlet(np.ones(4), keep.sum()) for m, x in features.items()}
    some = {m: x[keep] for m, x in masks.items()}
    recalls = []
    for balanced in (False, True):
        hyper = Hyperparameters(hidden=8, members=2, epochs=12, batch=128, balanced=balanced)
        said = (
            Learned(hyper=hyper)
            .fit(ModalityBatch(noisy, some), labels[keep], persons[keep])
            .predict(ModalityBatch(noisy, some))
            .argmax(axis=1)
        )
        recalls.append(np.mean(said[labels[keep] == 3] == 3))
    assert recalls[1] > recalls[0]


def test_network_takes_prosody_and_text_beside_probabilities(data: Data) -> None:
    features, masks, labels, persons = data
    rng = np.random.default_rng(0)
    more = {**features, "prosody": rng.normal(150, 20, (900, 5)), "text": rng.normal(0, 1, (900, 12))}
    more["prosody"][::4] = np.nan  # not measured
    all_masks = {**masks, "prosody": ~np.isnan(more["prosody"]).any(axis=1), "text": masks["visual"]}
    found = Learned(hyper=QUICK).fit(ModalityBatch(more, all_masks), labels, persons)
    assert np.isfinite(found.predict(ModalityBatch(more, all_masks))).all()
    np.testing.assert_allclose(found.predict(ModalityBatch(features, masks)).sum(axis=1), 1)  # live, without them


@pytest.mark.parametrize(
    ("hyper", "message"),
    [
        ({"layers": 3}, "unknown hyperparameter layers"),
        ({"members": 1}, "members must be at least 2"),
        ({"dropout": 1.0}, "dropouts lie in"),
    ],
)
def test_impossible_hyperparameters_are_said(hyper: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        strategy.build("learned", {"hyper": hyper})


def test_wrong_number_of_features_is_said(fitted: dict[str, Strategy], data: Data) -> None:
    features, masks, _, _ = data
    with pytest.raises(SettingsError, match="visual has 3 features, the network learned from 4"):
        fitted["learned"].predict(ModalityBatch({**features, "visual": features["visual"][:, :3]}, masks))


def test_a_temperature_set_by_hand_sharpens_or_flattens_and_moves_no_first_class(data: Data) -> None:
    features, masks, _, _ = data
    plain = CalibratedAverage({"visual": 1.0}, "none").predict(ModalityBatch(features, masks))
    np.testing.assert_allclose(plain, features["visual"])
    for where in ("visual", "fused"):
        sure = CalibratedAverage({"visual": 1.0}, "none", temperatures={where: 0.5}).predict(ModalityBatch(features, masks))
        np.testing.assert_allclose(sure, plain**2 / (plain**2).sum(axis=1, keepdims=True))
        np.testing.assert_array_equal(sure.argmax(axis=1), plain.argmax(axis=1))


def test_an_unsure_modality_does_not_count_unless_it_is_all_there_is(data: Data) -> None:
    features, masks, _, _ = data
    chosen = CalibratedAverage({"visual": 0.5, "audio": 0.5}, "none", minimum={"visual": 0.6, "audio": 0.6})
    sure = {m: features[m].max(axis=1) >= 0.6 for m in masks}
    shares = chosen.weights(ModalityBatch(features, masks))
    alone = sure["visual"] & ~sure["audio"]
    neither = ~sure["visual"] & ~sure["audio"]
    assert alone.any()
    assert neither.any()
    np.testing.assert_array_equal(shares["visual"][alone], 1)
    np.testing.assert_array_equal(shares["visual"][neither], 0.5)
    np.testing.assert_allclose(chosen.predict(ModalityBatch(features, masks))[alone], features["visual"][alone])


@pytest.mark.parametrize(
    ("values", "message"),
    [({"temperatures": {"visual": 0.0}}, "each must be above 0"), ({"minimum": {"audio": 1.5}}, r"each must lie in \[0, 1\]")],
)
def test_impossible_values_by_hand_are_said(values: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        strategy.build("calibrated_average", {"weights": {"visual": 1.0}, "method": "none", **values})


def test_a_network_can_lose_a_further_track_alone(data: Data) -> None:
    features, masks, labels, persons = data
    more = {**features, "visual_strength": features["visual"] * 0.7}
    all_masks = {**masks, "visual_strength": masks["visual"]}
    losses = []
    for rate in (0.0, 0.5):
        hyper = Hyperparameters(hidden=8, members=2, epochs=12, batch=128, modality_dropout=rate)
        found = Learned({"visual_strength": "visual"}, hyper=hyper).fit(ModalityBatch(more, all_masks), labels, persons)
        probs = found.predict(ModalityBatch(features, masks))
        losses.append(-np.log(probs[np.arange(900), labels]).mean())
    assert losses[1] < losses[0]
