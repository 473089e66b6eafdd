"""What fusion strategies predict for people that they were not fitted on: what an audit of fusion rests on."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.audit.options import AuditError
from workbench.errors import SettingsError
from workbench.evaluation import splits
from workbench.evaluation.metrics import Floats
from workbench.evaluation.samples import Samples
from workbench.fusion import strategy
from workbench.fusion.strategy import STRATEGIES

MODALITIES: dict[str, str] = {"voice": "audio", "face": "visual"}
"""Words for people → the modality in `fusion`."""


def names() -> list[str]:
    """Strategies that can be audited: all but a stored one, which was fitted on people already."""
    return [name for name in STRATEGIES.names() if name != "stored"]


def held_out(name: str, samples: Samples, modalities: Sequence[str], folds: int = 5, seed: int = 0) -> Floats:
    """Predictions of a strategy for people that it was not fitted on, shape (n, classes).

    Parameters
    ----------
    name : str
        One of `names`.
    modalities : sequence of str
        Those that the strategy may see, among `samples.features`.
    folds : int
        Folds by person.

    Raises
    ------
    AuditError
        If the strategy is not known, or the package that offers it cannot be used.
    CorpusError
        If there are fewer people than folds.
    """
    if name not in names():
        raise AuditError(f"strategies: {name!r} is not known; choose among {', '.join(names())}")
    values = {"weights": dict.fromkeys(modalities, 1.0), "modalities": list(modalities)}
    seen = samples.only(modalities)
    try:
        return splits.held_out(seen, lambda _: strategy.build(name, values), splits.by_person(samples.persons, folds, seed), seed)
    except SettingsError as error:
        raise AuditError(f"strategies: {name}: {error}") from None
