"""Average and rule-based fusion: weights after masking, preferences, the registry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.errors import SettingsError
from workbench.fusion import fuse, strategy
from workbench.fusion.average import Average
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.rules import Rules
from workbench.settings import Fusion

VISUAL = np.array([[0.7, 0.2, 0.1]])
AUDIO = np.array([[0.1, 0.1, 0.8]])
YES, NO = np.array([True]), np.array([False])


def both(visual=VISUAL, audio=AUDIO):
    return {"visual": visual, "audio": audio}


def test_average_by_hand():
    got = Average({"visual": 0.6, "audio": 0.4}).predict(ModalityBatch(both(), {"visual": YES, "audio": YES}))
    np.testing.assert_allclose(got, [[0.46, 0.16, 0.38]], rtol=1e-15)


def test_a_masked_modality_leaves_the_other_as_it_is():
    features = both(visual=np.full((1, 3), np.nan))
    masks = {"visual": NO, "audio": YES}
    np.testing.assert_allclose(Average().predict(ModalityBatch(features, masks)), AUDIO, rtol=1e-15)
    assert {m: w[0] for m, w in Average().weights(ModalityBatch(features, masks)).items()} == {"visual": 0.0, "audio": 1.0}


def test_nothing_usable_is_nan():
    masks = {"visual": NO, "audio": NO}
    assert np.isnan(Average().predict(ModalityBatch(both(), masks))).all()
    assert sum(w[0] for w in Average().weights(ModalityBatch(both(), masks)).values()) == 0


def test_only_a_modality_without_weight_is_nothing_usable():
    assert np.isnan(Average({"visual": 1.0, "audio": 0.0}).predict(ModalityBatch(both(), {"visual": NO, "audio": YES}))).all()


@pytest.mark.parametrize("chosen", [Average, Rules])
@pytest.mark.parametrize("weights", [{"visual": -0.1, "audio": 1.0}, {"visual": float("nan")}, {"visual": 0.0}, {}])
def test_impossible_weights_are_one_line(chosen, weights):
    with pytest.raises(SettingsError, match=r"fusion\.weights"):
        chosen(weights)


PROBS = arrays(float, (6, 7), elements=st.floats(1e-6, 1)).map(lambda a: a / a.sum(axis=1, keepdims=True))
MASKS = arrays(bool, 6)


@given(PROBS, PROBS, MASKS, MASKS, st.floats(0.01, 10), st.floats(0.01, 10), st.sampled_from(["average", "rules"]))
def test_output_is_a_distribution_wherever_anything_is_usable(v, a, mv, ma, wv, wa, name):
    chosen = strategy.build(name, {"weights": {"visual": wv, "audio": wa}})
    quality = {"snr_db": np.linspace(0, 20, 6), "face_px": np.linspace(100, 20, 6)}
    masks = {"visual": mv, "audio": ma}
    got = chosen.predict(ModalityBatch(both(v, a), masks, quality))
    weights = chosen.weights(ModalityBatch(both(v, a), masks, quality))
    usable = mv | ma
    np.testing.assert_allclose(got[usable].sum(axis=1), 1, rtol=1e-12)
    assert (got[usable] >= 0).all()
    assert np.isnan(got[~usable]).all()
    np.testing.assert_allclose((weights["visual"] + weights["audio"])[usable], 1, rtol=1e-12)
    assert (weights["visual"][~mv] == 0).all()
    assert (weights["audio"][~ma] == 0).all()


@given(PROBS, PROBS, st.permutations(range(7)))
def test_classes_may_be_named_in_any_order(v, a, order):
    masks = {"visual": np.ones(6, bool), "audio": np.ones(6, bool)}
    straight = Average().predict(ModalityBatch(both(v, a), masks))
    np.testing.assert_allclose(Average().predict(ModalityBatch(both(v[:, order], a[:, order]), masks)), straight[:, order], rtol=1e-12)


@given(PROBS, PROBS, st.floats(0.1, 100))
def test_only_proportions_of_weights_count(v, a, scale):
    masks = {"visual": np.ones(6, bool), "audio": np.ones(6, bool)}
    one, other = Average({"visual": 0.6, "audio": 0.4}), Average({"visual": 0.6 * scale, "audio": 0.4 * scale})
    np.testing.assert_allclose(one.predict(ModalityBatch(both(v, a), masks)), other.predict(ModalityBatch(both(v, a), masks)), rtol=1e-9)


def rule_weights(snr, face, **more):
    masks = {"visual": YES, "audio": YES}
    got = Rules({"visual": 0.6, "audio": 0.4}, **more).weights(
        ModalityBatch(both(), masks, {"snr_db": np.array([snr]), "face_px": np.array([face])})
    )
    return got["visual"][0], got["audio"][0]


def test_rules_prefer_the_picture_where_the_sound_is_poor():
    np.testing.assert_allclose(rule_weights(8.0, 100.0), (0.6 / 0.7, 0.1 / 0.7))


def test_rules_prefer_the_sound_where_the_face_is_small():
    visual, audio = rule_weights(20.0, 50.0)
    np.testing.assert_allclose((visual, audio), (0.15 / 0.55, 0.4 / 0.55))
    assert audio > visual


@pytest.mark.parametrize(("snr", "face"), [(20.0, 100.0), (8.0, 50.0), (np.nan, np.nan), (10.0, 64.0)])
def test_rules_keep_the_proportion_where_neither_or_both_are_poor(snr, face):
    np.testing.assert_allclose(rule_weights(snr, face), (0.6, 0.4))


def test_rules_refuse_an_impossible_doubt():
    with pytest.raises(SettingsError, match="doubt"):
        Rules(doubt=1.5)


def test_strategies_survive_their_own_dictionary():
    for chosen in (Average({"visual": 2.0, "audio": 1.0}), Rules({"visual": 1.0, "audio": 1.0}, 7.0, 80.0, 0.5)):
        again = strategy.build(chosen.name, chosen.to_dict())
        assert again.to_dict() == chosen.to_dict()


def test_settings_reach_the_strategy_and_parameters_win():
    built = fuse.build(Fusion(strategy="rules", low_snr_db=12, parameters={"doubt": 0.5, "small_face_px": 90}))
    assert built.to_dict() == {"weights": {"visual": 0.6, "audio": 0.4}, "low_snr_db": 12, "small_face_px": 90, "doubt": 0.5}


def test_an_unknown_strategy_names_the_known_ones():
    with pytest.raises(SettingsError, match=r"'magic' is not known; choose one of .*average.*rules"):
        fuse.build(Fusion(strategy="magic"))


@pytest.mark.parametrize("parameters", [{"doubt": "much"}, {"weights": 5}, {"weights": {"visual": "all"}}])
def test_parameters_of_the_wrong_kind_are_one_line(parameters):
    with pytest.raises(SettingsError, match=r"fusion\.parameters: not what 'rules' takes") as caught:
        fuse.build(Fusion(strategy="rules", parameters=parameters))
    assert "\n" not in str(caught.value)
