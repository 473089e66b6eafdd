"""Calibration of one modality's probabilities: temperature, vector and Dirichlet scaling, all log-linear.

Every method is ``softmax(log(p + floor) W + b)``: temperature has ``W = I / T``, ``b = 0`` (Guo et al. 2017); vector a
diagonal ``W`` and ``b`` (ibid.); Dirichlet a full ``W`` and ``b`` (Kull et al. 2019). All minimise the log-loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SettingsError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Method = Literal["none", "temperature", "vector", "dirichlet"]
METHODS: tuple[Method, ...] = ("none", "temperature", "vector", "dirichlet")
SMOOTHING = 0.1
"""Added to every probability before the logarithm: about one vote in ten, which is what a share of 0 of ten votes can hide."""
_RIDGE = 1e-4
"""L2 penalty on the distance from "no change"; keeps classes that are rare in the training data near it."""


def softmax(z: Floats) -> Floats:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_shares(probs: Floats, floor: float) -> Floats:
    """Logarithm of the smoothed probabilities, which sum to 1 again."""
    raised = probs + floor
    return np.log(raised / raised.sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class Calibrator:
    """A fitted calibration.

    Parameters
    ----------
    method : {"none", "temperature", "vector", "dirichlet"}
    matrix : ndarray, shape (k, k)
    bias : ndarray, shape (k,)
    floor : float
        In [0, 1]; see `SMOOTHING`.
    """

    method: Method
    matrix: Floats
    bias: Floats
    floor: float = SMOOTHING

    def __call__(self, probs: Floats) -> Floats:
        """Calibrated probabilities, shape (n, k); rows of NaN stay NaN."""
        return probs if self.method == "none" else softmax(log_shares(probs, self.floor) @ self.matrix + self.bias)

    @property
    def temperature(self) -> float:
        """T of temperature scaling: above 1 it makes the probabilities less sure."""
        return float(1 / self.matrix[0, 0])

    def to_dict(self) -> dict[str, Any]:
        return {"method": self.method, "matrix": self.matrix.tolist(), "bias": self.bias.tolist(), "floor": self.floor}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibrator:
        return cls(values["method"], np.asarray(values["matrix"], float), np.asarray(values["bias"], float), float(values["floor"]))


def fit(probs: Floats, labels: Ints, method: Method = "dirichlet", floor: float = SMOOTHING) -> Calibrator:
    """Fit on held-out or training persons; the caller sees to it that no test person is among them.

    Parameters
    ----------
    probs : ndarray, shape (n, k)
        Rows of NaN are left out.
    labels : ndarray of int, shape (n,)
    method : str
        One of `METHODS`.
    floor : float

    Raises
    ------
    SettingsError
        If the method is not known or no usable row is left.
    """
    from scipy.optimize import minimize

    if method not in METHODS:
        raise SettingsError(f"calibration: {method!r} is not known; choose one of {', '.join(METHODS)}")
    usable = ~np.isnan(probs).any(axis=1)
    x, y = log_shares(probs[usable], floor), labels[usable]
    n, k = x.shape
    if n == 0:
        raise SettingsError("calibration: no usable row to fit on; check the modality's mask")
    if method == "none":
        return Calibrator(method, np.eye(k), np.zeros(k), floor)
    target = np.eye(k)[y]
    start = {"temperature": np.ones(1), "vector": np.r_[np.ones(k), np.zeros(k)], "dirichlet": np.r_[np.eye(k).ravel(), np.zeros(k)]}[
        method
    ]

    def unpack(theta: Floats) -> tuple[Floats, Floats]:
        if method == "temperature":
            return np.eye(k) * theta, np.zeros(k)
        return (np.diag(theta[:k]) if method == "vector" else theta[: k * k].reshape(k, k)), theta[-k:]

    def loss(theta: Floats) -> tuple[float, Floats]:
        matrix, bias = unpack(theta)
        q = softmax(x @ matrix + bias)
        error = (q - target) / n
        gradient = x.T @ error
        if method == "temperature":
            slope = np.array([np.trace(gradient)])
        else:
            slope = np.r_[np.diag(gradient) if method == "vector" else gradient.ravel(), error.sum(axis=0)]
        change = theta - start
        value = -np.log(np.maximum((q * target).sum(axis=1), 1e-300)).mean() + _RIDGE * (change @ change)
        return float(value), slope + 2 * _RIDGE * change

    result = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-7})  # 1e-5 nats from the end
    return Calibrator(method, *unpack(result.x), floor)
