"""What an audit run is: a YAML file under ``experiments/``, checked before anything is computed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from workbench import yaml_files
from workbench.audit.options import AuditError, Options
from workbench.settings import Section, explain


class Table(Section):
    """Any table: CSV or Parquet, one row a prediction."""

    path: Path
    kind: Literal["classifier", "score", "asr"]
    prediction: str | None = Field(None, description="column of labels, scores or recognised text")
    probabilities: dict[str, str] = Field({}, description="class → column of its probability, in place of `prediction`")
    label: str | None = Field(None, description="column of true labels, true scores or reference text")
    person: str | None = Field(None, description="column that says whom a row is about; rows count as people where left out")
    weight: str | None = None


class DataSource(Section):
    """Where predictions come from: a corpus that the workbench knows, or a table."""

    corpus: str | None = Field(None, description="a corpus with votes or other samples (`workbench corpora list`)")
    root: Path | None = Field(None, description="folder of the corpus; found under WORKBENCH_DATA where left out")
    predictions: tuple[str, ...] = Field(
        ("voice", "face", "logistic"), description="voice, face, av (people on both), or fusion strategies"
    )
    table: Table | None = None

    @model_validator(mode="after")
    def _one(self) -> DataSource:
        if (self.corpus is None) == (self.table is None):
            raise ValueError("give either a corpus or a table")
        return self


class Costs(Section):
    strategies: tuple[str, ...] = ("average", "rules", "product", "calibrated_average", "logistic")
    baseline: str = Field("average (face)", description="what the changes are counted from")


class Mitigation(Section):
    label: str = Field(description="the decision: is it this label?")
    grouping: str = "sex"


class LocalLaw(Section):
    predictions: str = Field(description="which predictions the scores come from")
    sex: str = "sex"
    race: str = "race"
    ethnicity: str | None = Field("ethnicity", description="where given, categories combine as on the EEO-1 form")


class Gate(Section):
    """A stated limit; the run fails where a gap exceeds it."""

    metric: str
    grouping: str
    limit: float = Field(gt=0, description="of the absolute difference between a group and what it is compared with")
    predictions: str | None = Field(None, description="one audit; all where left out")
    by: Literal["interval", "estimate"] = Field(
        "interval", description="interval: the whole interval lies beyond the limit (shown to exceed); estimate: the figure does"
    )


class Config(Section):
    """An audit run."""

    name: str
    source: DataSource
    groupings: tuple[str, ...] = Field(min_length=1)
    metrics: tuple[str, ...] | None = None
    audit: Options = Options()
    compare: tuple[str, str] | None = Field(None, description="before and after: two of the predictions, side by side")
    costs: Costs | None = None
    mitigation: Mitigation | None = None
    ll144: LocalLaw | None = None
    gates: tuple[Gate, ...] = ()
    model_run: str | None = Field(None, description="MLflow run of the model that is audited")
    track: bool = Field(True, description="keep the run in MLflow")
    out: Path | None = Field(None, description="folder for tables and the page; artifacts/audits/NAME where left out")


def load(path: Path) -> Config:
    """Read an audit's YAML.

    Raises
    ------
    SettingsError
        If the file cannot be read or is not YAML.
    AuditError
        Naming the first unknown key or impossible value.
    """
    try:
        return Config(**yaml_files.read(path))
    except ValidationError as error:
        raise AuditError(explain(error, str(path))) from None
    except TypeError:
        raise AuditError(f"{path}: keys must be words; check the YAML") from None


def default() -> Config:
    """The audit that is run where nobody names one: of CREMA-D's votes, or of generated ones where CREMA-D is not there."""
    from workbench.corpora import generated

    config = load(Path("experiments/audit_default.yaml"))
    corpus = generated.default_votes()
    if corpus == config.source.corpus:
        return config
    return config.model_copy(
        update={"name": f"{corpus} votes", "source": config.source.model_copy(update={"corpus": corpus, "root": None}), "gates": ()}
    )


def file_name(name: str) -> str:
    """A name as a file's."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or "audit"
