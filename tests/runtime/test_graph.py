"""The graph routes by type, times every call, and outlives a stage that crashes."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from workbench import contracts
from workbench.errors import WeightsError
from workbench.outputs import reached
from workbench.runtime.graph import MAX_FAILURES, Graph
from workbench.runtime.ledger import Ledger
from workbench.runtime.recorded import DEPTH, run
from workbench.stage import Stage, StageSpec


@dataclass(frozen=True)
class Tick:
    timestamp: float

    @property
    def reached(self) -> float:
        return self.timestamp


@dataclass(frozen=True)
class Pair:
    timestamp: float
    total: float


@dataclass(frozen=True)
class Label:
    timestamp: float


class Pairs:
    """Sums two ticks; holds the odd one until the flush."""

    spec = StageSpec("pairs", (Tick,), (Pair,), modality="visual", budget_ms=5)

    def __init__(self) -> None:
        self.held: list[Tick] = []

    def process(self, item: Tick) -> Iterable[Pair]:
        self.held.append(item)
        if len(self.held) == 2:
            yield from self.flush()

    def flush(self) -> Iterable[Pair]:
        if self.held:
            yield Pair(self.held[-1].timestamp, sum(t.timestamp for t in self.held))
        self.held = []

    def reset(self) -> None:
        self.held = []


class Labels:
    spec = StageSpec("labels", (Pair,), (Label,))

    def process(self, item: Pair) -> Iterable[Label]:
        return [Label(item.timestamp)]

    def flush(self) -> Iterable[Label]:
        return []

    def reset(self) -> None: ...


class Fragile(Labels):
    """Crashes where told."""

    spec = StageSpec("fragile", (Tick,), (Label,), modality="audio")

    def __init__(self, bad: set[float], error: type[Exception] = RuntimeError) -> None:
        self.bad, self.error, self.resets = bad, error, 0

    def process(self, item: Tick) -> Iterable[Label]:
        if item.timestamp in self.bad:
            raise self.error("boom")
        return [Label(item.timestamp)]

    def reset(self) -> None:
        self.resets += 1


def test_outputs_run_depth_first_and_the_flush_passes_through_later_stages() -> None:
    graph = Graph([Pairs(), Labels()])
    outputs = [o for t in (1.0, 2.0, 3.0) for o in graph.push(Tick(t))]
    assert outputs == [Pair(2.0, 3.0), Label(2.0)]
    assert list(graph.flush()) == [Pair(3.0, 3.0), Label(3.0)]


def test_every_call_is_in_the_ledger() -> None:
    ledger = Ledger()
    graph = Graph([Pairs(), Labels()], ledger)
    for t in range(4):
        list(graph.push(Tick(float(t))))
    lines = {line.name: line for line in ledger.summary()}
    assert (lines["pairs"].calls, lines["labels"].calls) == (4, 2)
    assert lines["pairs"].budget_ms == 5
    assert sum(line.share for line in lines.values()) == pytest.approx(1, abs=1e-3)


def test_a_crashed_stage_restarts_and_its_error_is_kept() -> None:
    stage = Fragile({1.0})
    graph = Graph([stage])
    outputs = [o for t in (0.0, 1.0, 2.0) for o in graph.push(Tick(t))]
    assert [type(o) for o in outputs] == [Label, contracts.Event, Label]
    event = outputs[1]
    assert (event.kind, event.stage, event.timestamp, event.data["modality"]) == ("stage_error", "fragile", 1.0, "audio")
    assert "RuntimeError: boom" in event.message
    assert stage.resets == 1
    assert graph.down() == []


def test_a_stage_that_keeps_crashing_is_given_up() -> None:
    stage = Fragile({float(t) for t in range(10)})
    graph = Graph([stage])
    outputs = [o for t in range(10) for o in graph.push(Tick(float(t)))]
    assert [o.kind for o in outputs] == ["stage_error"] * (MAX_FAILURES - 1) + ["stage_down"]
    assert graph.down() == ["fragile"]


def test_an_error_that_a_person_must_mend_is_not_swallowed() -> None:
    graph = Graph([Fragile({0.0}, WeightsError)])
    with pytest.raises(WeightsError, match="boom"):
        list(graph.push(Tick(0.0)))


def test_two_stages_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="names must differ"):
        Graph([Labels(), Labels()])


def test_stages_satisfy_the_protocol() -> None:
    assert isinstance(Pairs(), Stage)


def test_items_say_the_session_second_that_they_reach_to() -> None:
    assert reached(Tick(2.0)) == 2.0
    prediction = contracts.VisualPrediction(face_id="f", frame_id=1, timestamp=7.0, probs={}, top=("sad", 0.5))
    assert reached(contracts.VisualOutput(batch_id="b", predictions=[prediction])) == 7.0
    assert reached(Label(1.0)) is None, "a type that declares no time"


def test_the_recorded_driver_drops_nothing_and_keeps_each_graph_in_order() -> None:
    n = DEPTH * 5
    seen: list[object] = []
    run([Tick(float(t)) for t in range(n)], [Graph([Pairs()]), Graph([Fragile(set())])], seen.append)
    assert [t.timestamp for t in seen if isinstance(t, Tick)] == list(range(n))
    assert [t.timestamp for t in seen if isinstance(t, Label)] == list(range(n))
    assert len([p for p in seen if isinstance(p, Pair)]) == n / 2


@pytest.mark.parametrize("where", ["source", "sink", "graph"])
def test_an_error_anywhere_stops_all_threads_and_reaches_the_caller(where: str) -> None:
    def source() -> Iterable[Tick]:
        for t in range(DEPTH * 5):
            if where == "source" and t == 100:
                raise OSError("disk full")
            yield Tick(float(t))

    def sink(item: object) -> None:
        if where == "sink" and isinstance(item, Label) and item.timestamp > 60:
            raise OSError("disk full")

    graph = Graph([Fragile({70.0} if where == "graph" else set(), WeightsError)])
    before = threading.active_count()
    with pytest.raises((OSError, WeightsError)):
        run(source(), [graph, Graph([Pairs()])], sink)
    assert threading.active_count() == before
