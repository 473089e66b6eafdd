"""What a sweep's YAML file says: which settings vary, over which values, and which figure decides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from workbench import settings as tree
from workbench import yaml_files
from workbench.errors import SettingsError
from workbench.fusion import fuse
from workbench.training.benchmark import MODALITIES


class Range(tree.Section):
    """Numbers from `low` to `high`; whole ones where both are written without a point."""

    low: int | float
    high: int | float
    log: bool = False


class Registered(tree.Section):
    name: str
    alias: str = "best"


class Plan(tree.Section):
    """A sweep as its YAML file says it."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    corpus: str = "crema-d"
    objective: Literal["accuracy", "macro_f1", "log_loss", "ece", "brier"] = "log_loss"
    inputs: tuple[str, ...] = MODALITIES
    folds: int = Field(4, ge=2)
    draws: int = Field(1000, ge=1)
    seed: int = 0
    trials: int = Field(30, ge=1)
    register_as: Registered | None = None
    settings: dict[str, Any] = {}
    search: dict[str, Range | list[Any]] = Field(min_length=1)

    @property
    def smooths(self) -> bool:
        """Whether trials are evaluated after smoothing."""
        return any(name.startswith("smoothing.") for name in self.search)

    def fingerprint(self, data: str) -> str:
        """Of everything that makes trials comparable, and of the data."""
        values = self.model_dump(mode="json", exclude={"trials", "draws", "register_as"}) | {"data": data}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]

    def tree(self, values: Mapping[str, Any]) -> tree.Settings:
        """The settings of a trial.

        Raises
        ------
        SettingsError
            If a name is no setting, or a value impossible.
        """
        whole = json.loads(json.dumps(self.settings))
        for name, value in values.items():
            *path, last = name.split(".")
            at = whole
            for key in path:
                at = at.setdefault(key, {})
                if not isinstance(at, dict):
                    raise SettingsError(f"search: {name!r} is no setting: {key!r} holds a value")
            at[last] = value
        return tree.from_dict(whole, f"sweep {self.name}", environment=False)


def load(path: Path) -> Plan:
    """Read a sweep's YAML file.

    Raises
    ------
    SettingsError
        If it cannot be read, or holds unknown keys, an empty range or what is no setting.
    """
    try:
        plan = Plan(**yaml_files.read(path))
    except ValidationError as error:
        raise SettingsError(tree.explain(error, str(path))) from None
    for name, given in plan.search.items():
        if isinstance(given, Range) and not (given.low < given.high and (given.low > 0 or not given.log)):
            raise SettingsError(f"{path}: search.{name}: low must be below high, and above 0 where log is true")
        if isinstance(given, list) and not given:
            raise SettingsError(f"{path}: search.{name}: the list of choices is empty")
    ends = {name: given.high if isinstance(given, Range) else given[-1] for name, given in plan.search.items()}
    fuse.build(plan.tree(ends).fusion)
    return plan
