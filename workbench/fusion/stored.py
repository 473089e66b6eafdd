"""A fitted strategy in a file (or in MLflow's registry), and its use on features of another set of classes.

The file is JSON: ``format``, ``strategy`` (a registered name), ``classes`` (the order it learned), ``values`` (what
`to_dict` gave) and ``about`` (what it was fitted on). Settings name it by ``fusion.strategy: stored`` and
``fusion.parameters`` with one of ``path`` (a file), ``model`` (``models:/NAME@ALIAS``) or ``content`` (the file's content).

Classes that it did not learn (CREMA-D has no surprise): the strategy decides among its own classes, given that it is one
of them, and the probabilities of other classes pass through uncalibrated::

    s        = Σ_m w_m p_m(other classes)          w: how much each modality counted
    fused(c) = (1 - s) · strategy(c | own classes)  for its own classes
    fused(c) = Σ_m w_m p_m(c)                       for the others
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench import settings as tree
from workbench.contracts import EMOTION_MODALITIES
from workbench.errors import SettingsError
from workbench.fusion import fuse, strategy
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.strategy import Floats, Strategy
from workbench.labels import BASIC, reorder
from workbench.settings import Fusion, Settings

FORMAT = 1
FILE = "strategy.json"
"""Name of the file among a registered model's artifacts."""
_EPS = 1e-6


class Stored:
    """A fitted strategy, used on probabilities of its own classes or of `labels.BASIC`.

    Parameters
    ----------
    inner : Strategy
    classes : tuple of str
        The order that `inner` learned; each one of `labels.BASIC`.
    about : mapping
        What it was fitted on.
    """

    name: ClassVar[str] = "stored"

    def __init__(self, inner: Strategy, classes: tuple[str, ...], about: Mapping[str, Any]) -> None:
        if unknown := set(classes) - set(BASIC):
            raise SettingsError(f"fusion: stored strategy of classes that are not known: {', '.join(sorted(unknown))}")
        self.inner, self.classes, self.about = inner, tuple(classes), dict(about)
        self._own = [BASIC.index(c) for c in self.classes]
        self._other = [i for i in range(len(BASIC)) if i not in self._own]

    def fit(self, batch: ModalityBatch, labels: NDArray[np.int64], persons: NDArray[Any] | None = None) -> Stored:
        raise SettingsError(f"fusion: a stored strategy is fitted already; fit {self.inner.name} instead")

    def _among_own(self, batch: ModalityBatch) -> ModalityBatch:
        """Probabilities among its own classes: what `inner` learned from."""
        changed = {}
        for m in EMOTION_MODALITIES:
            if m in batch and batch.features[m].shape[1] == len(BASIC):
                part = batch.features[m][:, self._own] + (_EPS if self._other else 0.0)
                changed[m] = part / part.sum(axis=1, keepdims=True)
        return batch.with_features(changed)

    def predict(self, batch: ModalityBatch) -> Floats:
        own = self._among_own(batch)
        probs = self.inner.predict(own)
        foreign = [m for m in EMOTION_MODALITIES if m in batch and batch.features[m].shape[1] == len(BASIC)]
        if not foreign:
            return probs
        full = reorder(probs, self.classes)
        if self._other:
            shares = self.inner.weights(own)
            passed = np.sum(
                [
                    np.where(batch.masks[m][:, None], batch.features[m][:, self._other] * shares[m][:, None], 0.0)
                    for m in foreign
                    if m in shares
                ],
                axis=0,
            )
            full = full * (1 - passed.sum(axis=1, keepdims=True))
            full[:, self._other] = np.where(np.isnan(probs[:, :1]), np.nan, passed)
        return full

    def weights(self, batch: ModalityBatch) -> dict[str, Floats]:
        return self.inner.weights(self._among_own(batch))

    def to_dict(self) -> dict[str, Any]:
        return {"content": self.content()}

    def content(self) -> dict[str, Any]:
        """What the file holds."""
        values = {"strategy": self.inner.name, "classes": list(self.classes), "values": self.inner.to_dict(), "about": self.about}
        return {"format": FORMAT, **values}

    def save(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.content(), indent=1) + "\n", encoding="utf-8")
        return path

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Strategy:
        """From settings: `path`, `model` or `content`; other keys are left alone.

        Raises
        ------
        SettingsError
            If none or more than one of them is given, or what it names is no stored strategy.
        """
        given = [k for k in ("path", "model", "content") if values.get(k)]
        if len(given) != 1:
            raise SettingsError("fusion.parameters: give one of path (a file), model (models:/NAME@ALIAS) or content for a stored strategy")
        if given[0] == "path":
            return load(Path(values["path"]))
        if given[0] == "model":
            return load(registered(str(values["model"])))
        return build(values["content"], "fusion.parameters.content")


def build(content: Any, source: str) -> Stored:
    """From a file's content.

    Raises
    ------
    SettingsError
        If it is no stored strategy, or of a format that this version does not read.
    """
    missing = [k for k in ("format", "strategy", "classes", "values") if not isinstance(content, dict) or k not in content]
    if missing:
        raise SettingsError(f"{source}: no stored strategy (without {', '.join(missing)}); write one with `workbench fusion fit`")
    if content["format"] != FORMAT:
        raise SettingsError(f"{source}: format {content['format']!r} is not known; this version reads {FORMAT}")
    try:
        inner = strategy.build(content["strategy"], content["values"])
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"{source}: the values of {content['strategy']!r} are damaged ({error}); write the file again") from None
    return Stored(inner, tuple(content["classes"]), content.get("about", {}))


def load(path: Path) -> Stored:
    """From a file.

    Raises
    ------
    SettingsError
        If it is missing or no stored strategy.
    """
    try:
        modified = path.stat().st_mtime_ns
    except OSError:
        raise SettingsError(f"{path}: no such file; write a stored strategy with `workbench fusion fit`") from None
    return _load(path, modified)


@lru_cache(maxsize=16)
def _load(path: Path, modified: int) -> Stored:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SettingsError(f"{path}: not a stored strategy; write one with `workbench fusion fit`") from None
    return build(content, str(path))


def registered(reference: str) -> Path:
    """The file of a model in MLflow's registry, named ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.

    Raises
    ------
    SettingsError
        If there is no such model.
    """
    import mlflow

    try:
        folder = mlflow.artifacts.download_artifacts(artifact_uri=reference, tracking_uri=tree.tracking_uri())
    except Exception as error:  # MLflow has no one type for "no such model"
        reason = str(error).splitlines()[0]
        raise SettingsError(f"fusion.parameters.model: {reference!r} cannot be had from {tree.tracking_uri()} ({reason})") from None
    return Path(folder) / FILE


def pinned(settings: Settings) -> Settings:
    """The settings with a stored strategy's content in place of its path or name.

    A session keeps these: it then replays to the same bytes after the file or the alias has changed.

    Raises
    ------
    SettingsError
        If the strategy is not known or its parameters are impossible: before any model is loaded.
    """
    if settings.fusion.strategy != Stored.name or "content" in settings.fusion.parameters:
        fuse.build(settings.fusion)
        return settings
    chosen = Stored.from_dict(settings.fusion.parameters)
    own = {k: v for k, v in settings.fusion.parameters.items() if k not in ("path", "model")}
    return settings.model_copy(update={"fusion": Fusion(**{**settings.fusion.model_dump(), "parameters": own | chosen.to_dict()})})
