"""Reads what an audit run is about: rows with their labels, people and groups, and one or more sets of predictions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench import text_tables
from workbench.audit import strategies
from workbench.audit.config import Config, DataSource, Table, file_name
from workbench.audit.options import AuditError
from workbench.audit.strategies import MODALITIES
from workbench.evaluation.decisions import top_classes

if TYPE_CHECKING:
    import pandas as pd

    from workbench.evaluation.samples import Samples


@dataclass(frozen=True)
class AuditData:
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


def read(config: Config) -> AuditData:
    """Read a run's rows.

    Raises
    ------
    AuditError
        If the data are not there, or lack a column that was named.
    """
    if config.source.table is not None:
        return _table(config.source.table, config.groupings)
    return of_corpus(config.source, config.groupings)


def of_corpus(source: DataSource, groupings: tuple[str, ...]) -> AuditData:
    """A corpus's samples: voice and face as they are, both together (`av`) where people judged both, and fusion strategies
    fitted on other people.

    Raises
    ------
    AuditError
        If the corpus has no samples, or something that was asked for is not known.
    CorpusError
        If the corpus is not known or not there.
    """
    from workbench.corpora import generated
    from workbench.corpora import samples as read_samples

    name = source.corpus or ""
    samples: Samples | None = read_samples(name, source.root)
    if samples is None:
        raise AuditError(f"source.corpus: {name!r} has no votes or other samples to audit; extract it, or give a table")
    channels = {word: samples.features[m] for word, m in MODALITIES.items() if m in samples.features}
    channels |= {} if samples.human is None else {"av": samples.human}
    predictions = {}
    for wanted in source.predictions:
        if wanted not in channels and wanted not in strategies.names():
            raise AuditError(f"source.predictions: {wanted!r} is not known; choose among {', '.join([*channels, *strategies.names()])}")
        predictions[wanted] = channels[wanted] if wanted in channels else strategies.held_out(wanted, samples, _modalities(samples))
    about = {"people_are": "actors" if name in ABOUT else "people"}
    about |= ABOUT.get(name, {"limits": samples.source})
    about["data"] = f"{about.pop('title', name)} on {len(samples)} clips, fingerprint {samples.fingerprint}"
    if samples.name == generated.NAME:
        about["label"] = generated.NOTICE
    labels = np.asarray(samples.classes)[samples.labels]
    groups = _columns(samples.groups, groupings, "groupings")
    return AuditData("classifier", predictions, labels, groups, samples.persons, samples.classes, None, samples, about)


ABOUT: dict[str, dict[str, str]] = {
    "crema-d": {
        "title": "CREMA-D (Cao et al. 2014), human votes",
        "limits": "actors who were asked to show an emotion, judged by raters; not interviews, and not the outputs of a network",
    },
    "generated": {
        "title": "generated votes",
        "limits": "nobody was recorded or judged: it shows the audit, and nothing about people",
    },
}


def _modalities(samples: Samples) -> tuple[str, ...]:
    return tuple(m for m in MODALITIES.values() if m in samples.features)


def _table(source: Table, groupings: tuple[str, ...]) -> AuditData:
    import pandas as pd

    ending = source.path.suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise AuditError(f"{source.path}: not a .csv or .parquet file")
    try:
        table = text_tables.read_csv(source.path) if ending == ".csv" else pd.read_parquet(source.path)
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
        chosen = _columns(table, tuple(source.probabilities.values()), str(source.path))
        predictions = np.stack([_numbers(chosen[c], str(source.path), c) for c in chosen.columns], axis=1)
    elif source.kind == "score":
        predictions = _numbers(predictions, str(source.path), source.prediction)
    about = {"data": f"{source.path.name}, {len(table)} rows, fingerprint {digest}"}
    groups = _columns(table, groupings, "groupings").apply(lambda values: text_tables.as_text(values))
    person, weight, label = column(source.person), column(source.weight), column(source.label)
    person = None if person is None else text_tables.as_text(person)
    weight = None if weight is None else _numbers(weight, str(source.path), source.weight)
    if source.kind == "score" and label is not None:
        label = _numbers(label, str(source.path), source.label)
    name = source.prediction or "probabilities"
    return AuditData(source.kind, {name: predictions}, label, groups, person, classes, weight, None, about)


def _numbers(values: Any, path: str, name: str | None) -> Any:
    try:
        return np.array(text_tables.numbers(values, f"column {name!r}"))
    except ValueError as error:
        raise AuditError(f"{path}: {error}") from None


def _columns(table: pd.DataFrame, names: tuple[str, ...], where: str) -> pd.DataFrame:
    if missing := [n for n in names if n not in table.columns]:
        raise AuditError(f"{where}: no column {missing[0]!r}; there are {', '.join(map(str, table.columns[:15]))}")
    return table[list(names)]


def scores_by_person(data: AuditData, name: str) -> pd.DataFrame:
    """One score a person: the mean of their scores, or for a classifier the share of their rows that it got right.

    Returns
    -------
    DataFrame
        `score`, and a person's groups; indexed by person.
    """
    import pandas as pd

    if name not in data.predictions:
        raise AuditError(f"ll144.predictions: {name!r} not among {', '.join(data.predictions)}")
    if data.kind == "asr":
        raise AuditError("ll144: recognised text is no score; audit the scores that come from it")
    values = data.predictions[name]
    if data.kind == "classifier":
        array = np.asarray(values)
        truth = np.asarray(data.labels).astype(str)
        if array.ndim == 2:
            values = (top_classes(array) * (truth[:, None] == np.asarray(data.classes).astype(str))).sum(axis=1)
        else:
            values = array.astype(str) == truth
    person = np.arange(len(values)) if data.people is None else np.asarray(data.people)
    frame = pd.DataFrame({"person": person, "score": np.asarray(values, dtype=float)}).join(data.groups.reset_index(drop=True))
    return frame.groupby("person").agg({"score": "mean", **dict.fromkeys(data.groups.columns, "first")})


def folder(config: Config) -> Path:
    """Where a run's files go."""
    return config.out or Path("artifacts") / "audits" / file_name(config.name)
