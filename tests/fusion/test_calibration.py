"""Calibration finds a distortion that was put in, improves what it promises, and survives storing."""

import json

import numpy as np
import pytest

from workbench.errors import SettingsError
from workbench.fusion import calibration
from workbench.fusion.calibration import Calibrator, fit, log_shares, softmax


def honest(n: int = 6000, k: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the true distribution of the labels."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.5, (n, k))
    return z, (softmax(z).cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)


def loss(probs: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(probs[np.arange(len(labels)), labels]).mean())


def test_temperature_finds_the_temperature_that_was_put_in() -> None:
    z, y = honest()
    found = fit(softmax(2.5 * z), y, "temperature", floor=1e-9)
    assert found.temperature == pytest.approx(2.5, rel=0.06)


@pytest.mark.parametrize("method", ["vector", "dirichlet"])
def test_richer_methods_undo_a_class_bias_that_a_temperature_cannot(method: calibration.Method) -> None:
    z, y = honest()
    distorted = softmax(1.8 * z + np.array([2.0, 0.0, -1.0, 0.0]))
    assert loss(fit(distorted, y, "temperature", 1e-9)(distorted), y) > loss(softmax(z), y) + 0.05
    assert loss(fit(distorted, y, method, 1e-9)(distorted), y) == pytest.approx(loss(softmax(z), y), abs=0.02)


def test_dirichlet_undoes_confusion_between_classes() -> None:
    z, y = honest()
    z -= z.mean(axis=1, keepdims=True)  # what a softmax keeps of z
    distorted = softmax(z @ np.array([[1, 0.9, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0.5], [0, 0, 0, 1]]))
    found = {m: loss(fit(distorted, y, m, 1e-9)(distorted), y) for m in ("vector", "dirichlet")}
    assert found["dirichlet"] == pytest.approx(loss(softmax(z), y), abs=0.01)
    assert found["vector"] > found["dirichlet"] + 0.02


@pytest.mark.parametrize("method", calibration.METHODS)
def test_storing_keeps_every_digit_and_masked_rows_stay_masked(method: calibration.Method) -> None:
    z, y = honest(500)
    probs = softmax(z)
    probs[3] = np.nan
    found = fit(probs, y, method)
    again = Calibrator.from_dict(json.loads(json.dumps(found.to_dict())))
    np.testing.assert_array_equal(found(probs), again(probs))
    assert np.isnan(found(probs)[3]).all()
    np.testing.assert_allclose(np.delete(found(probs), 3, axis=0).sum(axis=1), 1)


def test_shares_of_zero_are_no_infinities() -> None:
    assert np.isfinite(log_shares(np.array([[1.0, 0.0]]), 0.1)).all()


def test_unknown_method_and_nothing_to_fit_are_said() -> None:
    with pytest.raises(SettingsError, match="'platt' is not known; choose one of none, temperature"):
        fit(np.ones((2, 2)) / 2, np.array([0, 1]), "platt")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="no usable row"):
        fit(np.full((2, 2), np.nan), np.array([0, 1]))
