"""What an audit can vary, and its defaults."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationError

from workbench.errors import WorkbenchError
from workbench.evaluation.calibration import BINS
from workbench.settings import Section, explain

UNKNOWN = ("unknown", "unspecified", "not stated", "prefer not to say", "n/a", "other/unknown")
"""Values, compared without case, that say that a person's group is not known."""


class AuditError(WorkbenchError):
    """Predictions, labels or groups that cannot be audited as they are."""


class Options(Section):
    """How an audit is made; every field is echoed into the audit it made."""

    level: float = Field(0.95, gt=0.5, lt=1, description="confidence level of every interval")
    draws: int = Field(1000, ge=100, le=20000, description="bootstrap draws over people")
    seed: int = 0
    min_people: int = Field(5, ge=3, description="a group of fewer people is suppressed, its n shown")
    min_rows: int = Field(20, ge=1, description="a group of fewer rows is suppressed, where people have several rows")
    intersections: int = Field(2, ge=1, le=4, description="how many groupings are crossed at most; 1: none")
    control: Literal["bh", "holm", "none"] = Field("bh", description="multiple-comparison control over the whole list of gaps")
    reference: dict[str, str] = Field({}, description="grouping → the group others are compared with; by default all others together")
    unknown: tuple[str, ...] = Field(UNKNOWN, description="group values that mean 'not known' (without case)")
    same: dict[str, str] = Field({}, description="group value → the value it is to be counted under")
    distinct: tuple[tuple[str, str], ...] = Field((), description="pairs of similar group values that are meant to differ")
    bins: int = Field(BINS, ge=2, le=100, description="equal-width confidence bins of the ECE")
    threshold: float = Field(0.5, description="scores at or above are selected")
    quantiles: tuple[float, ...] = Field((0.1, 0.25, 0.5, 0.75, 0.9), description="of scores, each in (0, 1)")


def options(base: Options | None = None, **changes: Any) -> Options:
    """Options from a base and changes.

    Raises
    ------
    AuditError
        Naming the first unknown option or impossible value.
    """
    try:
        return Options(**{**(base.model_dump() if base else {}), **changes})
    except ValidationError as error:
        raise AuditError(explain(error, "audit options")) from None
