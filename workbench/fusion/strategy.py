"""What every fusion strategy promises, and the strategies that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from numpy.typing import NDArray

from workbench.errors import SettingsError
from workbench.fusion.batch import ModalityBatch
from workbench.plugins import PluginError, Registry
from workbench.streams import Bools, Floats

__all__ = ["STRATEGIES", "Bools", "Floats", "Strategy", "build"]


class Strategy(Protocol):
    """Fuses the modalities' class probabilities into one distribution a row.

    A class with these methods is all that a package needs to add a strategy (entry-point group ``workbench.strategies``).
    Where it can be fitted on a corpus and compared with the others, it has one more class method, ``for_benchmark(seed)``,
    that gives an unfitted one; without it the benchmark builds it by ``from_dict({})``.
    """

    name: ClassVar[str]

    def fit(self, batch: ModalityBatch, labels: NDArray[Any], persons: NDArray[Any] | None = None) -> Strategy:
        """Learn from training rows.

        Parameters
        ----------
        batch : ModalityBatch
        labels : ndarray of int, shape (n,)
            Index of the true class, in the order of the probabilities' columns.
        persons : ndarray, shape (n,), optional
            Whose rows they are, for what has to be held out inside the fit.
        """
        ...

    def predict(self, batch: ModalityBatch) -> Floats:
        """Class probabilities, shape (n, k), each row summing to 1; a row of NaN where no modality may be used."""
        ...

    def weights(self, batch: ModalityBatch) -> dict[str, Floats]:
        """How much each modality counted in each row, shape (n,), in [0, 1]; they sum to 1 where any may be used."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` makes the same strategy of: what is stored."""
        ...

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Strategy:
        """From stored values, or from settings: then `values` also holds the fusion settings' own keys, to be left alone."""
        ...


_METHODS = ("fit", "predict", "weights", "to_dict", "from_dict")


def _check(name: str, thing: Any) -> type[Strategy]:
    if lost := [method for method in _METHODS if not callable(getattr(thing, method, None))]:
        raise SettingsError(f"a fusion strategy needs the methods {', '.join(_METHODS)}; it lacks {', '.join(lost)}")
    if getattr(thing, "name", None) != name:
        raise SettingsError(f"its attribute name is {getattr(thing, 'name', None)!r}; it must be {name!r}, as its entry point says")
    return thing  # type: ignore[no-any-return]


STRATEGIES: Registry[type[Strategy]] = Registry(
    "fusion strategy",
    "workbench.strategies",
    {
        "average": "workbench.fusion.average:Average",
        "rules": "workbench.fusion.rules:Rules",
        "calibrated_average": "workbench.fusion.calibrated:CalibratedAverage",
        "product": "workbench.fusion.product:Product",
        "logistic": "workbench.fusion.logistic:Logistic",
        "learned": "workbench.fusion.network:Learned",
        "stored": "workbench.fusion.stored:Stored",
    },
    _check,
)
"""Every fusion strategy by name; what installed packages add is among them."""


def build(name: str, values: Mapping[str, Any]) -> Strategy:
    """A strategy from its name and plain values.

    Raises
    ------
    SettingsError
        If no strategy has that name, or the package that offers it cannot be used.
    """
    try:
        return STRATEGIES.get(name).from_dict(values)
    except PluginError as error:
        raise SettingsError(f"fusion.strategy: {error}") from None
