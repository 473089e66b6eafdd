"""Reads what an audit run is about: rows with their labels, people and groups, and one or more sets of predictions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench import settings
from workbench.audit.config import Config, Source, Table, file_name
from workbench.audit.options import AuditError
from workbench.evaluation.decisions import top_classes

if TYPE_CHECKING:
    import pandas as pd

    from workbench.evaluation.samples import Samples

MODALITIES = {"voice": "audio", "face": "visual"}
"""CREMA-D's channels and the modality that each stands for in `fusion`."""


@dataclass(frozen=True)
class Material:
    """Rows to audit.

    Parameters
    ----------
    predictions : dict
        name → predictions, all of the same rows.
    samples : Samples, optional
        What fusion strategies are fitted on; for the costs of modalities.
    about : dict
        What readers must know of the data.
    """

    kind: str
    predictions: dict[str, Any]
    labels: Any
    groups: pd.DataFrame
    people: Any
    classes: tuple[str, ...] | None = None
    weights: Any = None
    samples: Samples | None = None
    about: dict[str, str] = field(default_factory=dict)

    def fingerprints(self) -> dict[str, str]:
        """First 12 hex digits of SHA-256: of the ``data`` (labels, people, groups), and of each set of predictions."""
        import pandas as pd

        frame = self.groups.reset_index(drop=True)
        for name, values in (("(label)", self.labels), ("(person)", self.people)):
            frame[name] = "" if values is None else [str(v) for v in values]
        parts = {"data": frame.to_csv()}
        parts |= {f"predictions {name}": pd.DataFrame(np.asarray(p)).to_csv() for name, p in self.predictions.items()}
        return {name: hashlib.sha256(text.encode()).hexdigest()[:12] for name, text in parts.items()}


def read(config: Config) -> Material:
    """Read a run's rows.

    Raises
    ------
    AuditError
        If the data are not there, or lack a column that was named.
    """
    if config.source.table is not None:
        return _table(config.source.table, config.groupings)
    return crema_d(config.source, config.groupings)


def crema_d(source: Source, groupings: tuple[str, ...]) -> Material:
    """CREMA-D's human votes: voice, face, both (`av`), and fusion strategies fitted on other people."""
    from workbench.audit.studies.modalities import STRATEGIES, held_out
    from workbench.corpora.crema_d import load_votes
    from workbench.evaluation.samples import from_votes
    from workbench.labels import CREMA_D

    root = source.root or (settings.data_dir() / "crema-d" if settings.data_dir() else None)  # type: ignore[operator]
    if root is None:
        raise AuditError("source.root: CREMA-D's folder is not known; set WORKBENCH_DATA to the folder that holds crema-d, or name it here")
    votes = load_votes(root)
    channels = {"voice": votes.voice, "face": votes.face, "av": votes.av}
    samples = from_votes(votes)
    predictions = {}
    for name in source.predictions:
        if name not in channels and name not in STRATEGIES:
            raise AuditError(f"source.predictions: {name!r} is not known; choose among {', '.join([*channels, *STRATEGIES])}")
        predictions[name] = channels[name] if name in channels else held_out(name, samples, tuple(MODALITIES.values()))
    about = {
        "people_are": "actors",
        "data": f"CREMA-D (Cao et al. 2014), human votes on {len(votes.table)} acted clips, fingerprint {votes.fingerprint}",
        "limits": "actors who were asked to show an emotion, judged by raters; not interviews, and not the outputs of a network",
    }
    groups = _columns(votes.table, groupings, "groupings")
    return Material("classifier", predictions, votes.table["label"], groups, votes.persons, CREMA_D, None, samples, about)


def _table(source: Table, groupings: tuple[str, ...]) -> Material:
    import pandas as pd

    ending = source.path.suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise AuditError(f"{source.path}: not a .csv or .parquet file")
    try:
        table = pd.read_csv(source.path) if ending == ".csv" else pd.read_parquet(source.path)
        digest = hashlib.sha256(source.path.read_bytes()).hexdigest()[:12]
    except (OSError, ValueError) as error:
        raise AuditError(f"{source.path}: cannot be read ({str(error).splitlines()[0]})") from None
    if (source.prediction is None) == (not source.probabilities):
        raise AuditError(f"{source.path}: give either prediction or probabilities")

    def column(name: str | None) -> Any:
        return None if name is None else _columns(table, (name,), str(source.path))[name]

    predictions: Any = column(source.prediction)
    classes = None
    if source.probabilities:
        classes = tuple(source.probabilities)
        predictions = _columns(table, tuple(source.probabilities.values()), str(source.path)).to_numpy(dtype=float)
    about = {"data": f"{source.path.name}, {len(table)} rows, fingerprint {digest}"}
    groups = _columns(table, groupings, "groupings")
    person, weight = column(source.person), column(source.weight)
    name = source.prediction or "probabilities"
    return Material(source.kind, {name: predictions}, column(source.label), groups, person, classes, weight, None, about)


def _columns(table: pd.DataFrame, names: tuple[str, ...], where: str) -> pd.DataFrame:
    if missing := [n for n in names if n not in table.columns]:
        raise AuditError(f"{where}: no column {missing[0]!r}; there are {', '.join(map(str, table.columns[:15]))}")
    return table[list(names)]


def scores_by_person(material: Material, name: str) -> pd.DataFrame:
    """One score a person: the mean of their scores, or for a classifier the share of their rows that it got right.

    Returns
    -------
    DataFrame
        `score`, and a person's groups; indexed by person.
    """
    import pandas as pd

    if name not in material.predictions:
        raise AuditError(f"ll144.predictions: {name!r} not among {', '.join(material.predictions)}")
    if material.kind == "asr":
        raise AuditError("ll144: recognised text is no score; audit the scores that come from it")
    values = material.predictions[name]
    if material.kind == "classifier":
        array = np.asarray(values)
        truth = np.asarray(material.labels).astype(str)
        if array.ndim == 2:
            values = (top_classes(array) * (truth[:, None] == np.asarray(material.classes).astype(str))).sum(axis=1)
        else:
            values = array.astype(str) == truth
    person = np.arange(len(values)) if material.people is None else np.asarray(material.people)
    frame = pd.DataFrame({"person": person, "score": np.asarray(values, dtype=float)}).join(material.groups.reset_index(drop=True))
    return frame.groupby("person").agg({"score": "mean", **dict.fromkeys(material.groups.columns, "first")})


def folder(config: Config) -> Path:
    """Where a run's files go."""
    return config.out or Path("artifacts") / "audits" / file_name(config.name)
