"""The latency ledger: how long every call of every stage took, against its budget."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import Lock

import numpy as np


@dataclass(frozen=True)
class StageLatency:
    """One stage's line in the ledger. Times in ms; `share` is its part of all time spent in stages."""

    name: str
    calls: int
    p50_ms: float
    p95_ms: float
    total_s: float
    share: float
    budget_ms: float
    over_budget: int

    def to_dict(self) -> dict[str, float | int | str]:
        return asdict(self)


class Ledger:
    """Durations per stage; thread-safe. Memory: 4 bytes a call."""

    def __init__(self) -> None:
        self._durations: dict[str, array[float]] = {}
        self._budgets: dict[str, float] = {}
        self._lock = Lock()

    def declare(self, name: str, budget_ms: float = 0.0) -> None:
        """Give a stage its line (and budget), also if it is never called."""
        with self._lock:
            self._durations.setdefault(name, array("f"))
            self._budgets[name] = budget_ms

    def record(self, name: str, seconds: float) -> None:
        with self._lock:
            self._durations.setdefault(name, array("f")).append(seconds)

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.record(name, time.perf_counter() - start)

    def summary(self) -> list[StageLatency]:
        """One line a stage, in the order in which stages were declared."""
        with self._lock:
            arrays = {name: np.array(d, dtype=np.float64) for name, d in self._durations.items()}
        whole = sum(float(d.sum()) for d in arrays.values()) or 1.0
        lines = []
        for name, d in arrays.items():
            p50, p95 = np.percentile(d, [50, 95]) * 1000 if len(d) else (0.0, 0.0)
            budget = self._budgets.get(name, 0.0)
            over = int(np.sum(d * 1000 > budget)) if budget else 0
            lines.append(
                StageLatency(name, len(d), round(float(p50), 3), round(float(p95), 3), round(float(d.sum()), 3),
                             round(float(d.sum()) / whole, 4), budget, over)
            )  # fmt: skip
        return lines
