"""Workers drop pictures and never audio; what crashes comes back; the machine's state decides what a session gives up."""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from workbench import contracts
from workbench.errors import WeightsError, WorkbenchError
from workbench.live.health import CALM_UTILISATION, DOWN_AFTER, STEPS, UP_AFTER, Governor, Reading, must_stop
from workbench.live.observations import Observing
from workbench.live.view import Health
from workbench.runtime.graph import MAX_FAILURES, Graph
from workbench.runtime.ledger import Ledger
from workbench.runtime.process import ProcessGraph
from workbench.runtime.supervisor import Backlog, Latest, Worker
from workbench.sessions.replay import recompute
from workbench.settings import Settings, Vision
from workbench.speech.prosody import COLUMNS
from workbench.stage import StageSpec
from workbench.streams import AudioBlock, SpeechClip, Track
from workbench.views.live.health import p95s, strip
from workbench.views.live.timeline import Timeline


@dataclass(frozen=True)
class Tick:
    timestamp: float

    @property
    def reached(self) -> float:
        return self.timestamp


class Fragile:
    """Passes ticks on; raises, or ends its process, where a tick's time is in a list."""

    spec = StageSpec("fragile", (Tick,), (contracts.Event,), modality="audio")

    def __init__(self, raises: tuple[float, ...] = (), dies: tuple[float, ...] = ()) -> None:
        self.raises, self.dies = raises, dies

    def process(self, item: Tick) -> Iterable[contracts.Event]:
        if item.timestamp in self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        if item.timestamp in self.raises:
            raise RuntimeError("crashed")
        return [contracts.Event(timestamp=item.timestamp, kind="passed")]

    def flush(self) -> Iterable[contracts.Event]:
        return []

    def reset(self) -> None:
        pass


def fragile_stages(raises: tuple[float, ...], dies: tuple[float, ...]) -> list[Fragile]:
    return [Fragile(raises, dies)]


def missing_weights() -> list[Any]:
    raise WeightsError("whisper-base: not there; run `workbench models pull`")


def block(first: int, count: int) -> AudioBlock:
    return AudioBlock(first, np.arange(first, first + count, dtype=np.float32))


def test_the_latest_picture_wins_and_drops_are_counted() -> None:
    inbox = Latest()
    for i in range(5):
        inbox.put(i)
    assert inbox.get(0) == 4
    assert inbox.dropped == 4
    assert inbox.get(0) is None


def test_audio_that_waits_leaves_as_one_block_with_nothing_missing() -> None:
    inbox = Backlog()
    for first in range(0, 5000, 1000):
        inbox.put(block(first, 1000))
    assert inbox.seconds == pytest.approx(5000 / 16000)
    joined = inbox.get(0)
    assert joined.first_sample == 0
    np.testing.assert_array_equal(joined.samples, np.arange(5000, dtype=np.float32))
    assert len(inbox) == 0


def run_worker(stage: Fragile, ticks: list[Tick], wait: float = 0.0) -> tuple[list[Any], list[WorkbenchError]]:
    got, fatal, inbox = [], [], Backlog()
    worker = Worker("test", Graph([stage]), inbox, got.append, fatal.append)
    worker.start()
    for tick in ticks:
        inbox.put(tick)
    time.sleep(wait)
    worker.end()
    worker.join(10)
    assert not worker.is_alive()
    return got, fatal


def test_a_stage_that_crashes_is_restarted_with_its_error_kept() -> None:
    got, fatal = run_worker(Fragile(raises=(2.0,)), [Tick(t) for t in (1.0, 2.0, 3.0)])
    assert [(e.kind, e.timestamp) for e in got] == [("passed", 1.0), ("stage_error", 2.0), ("passed", 3.0)]
    assert got[1].data["modality"] == "audio"
    assert "crashed" in got[1].message
    assert not fatal


def test_a_stage_that_was_given_up_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.runtime.supervisor.RETRY", 0.0)
    bad = tuple(float(i) for i in range(MAX_FAILURES))
    got, _ = run_worker(Fragile(raises=bad), [*(Tick(t) for t in bad), Tick(9.0)])
    kinds = [e.kind for e in got]
    assert kinds[:MAX_FAILURES] == ["stage_error"] * (MAX_FAILURES - 1) + ["stage_down"]
    assert "stage_restarted" in kinds


def test_an_error_that_a_person_must_mend_ends_the_worker() -> None:
    class Unready(Fragile):
        def process(self, item: Tick) -> Iterable[contracts.Event]:
            raise WeightsError("no weights; pull them")

    got, fatal = run_worker(Unready(), [Tick(1.0)])
    assert not got
    assert [str(e) for e in fatal] == ["no weights; pull them"]


@pytest.fixture
def child() -> Iterable[ProcessGraph]:
    graph = ProcessGraph("tests.live.test_live_parts:fragile_stages", ((2.0,), (3.0,)), [Fragile.spec])
    graph.use(Ledger())
    graph.start()
    yield graph
    graph.stop()


def test_a_graph_in_another_process_gives_the_same_outputs_and_times(child: ProcessGraph) -> None:
    assert [e.kind for e in child.push(Tick(1.0))] == ["passed"]
    assert [e.kind for e in child.push(Tick(2.0))] == ["stage_error"]
    assert child.failing() == {"fragile": "audio"}
    assert [line.calls for line in child.ledger.summary()] == [2]


def test_a_process_that_dies_is_started_again(child: ProcessGraph) -> None:
    before = child.pid
    [event] = child.push(Tick(3.0))
    assert (event.kind, event.timestamp, event.data["exit_code"]) == ("stage_error", 3.0, -signal.SIGKILL)
    assert child.failing() == {"measures": "audio"}
    assert [e.kind for e in child.push(Tick(4.0))] == ["passed"]
    assert child.pid != before
    assert child.failing() == {}


def test_a_signal_to_the_whole_group_does_not_end_the_process_before_its_parent(child: ProcessGraph) -> None:
    before = child.pid
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(before or 0, number)
    assert [e.kind for e in child.push(Tick(1.0))] == ["passed"]
    assert child.pid == before


def test_a_process_killed_from_outside_is_started_again(child: ProcessGraph) -> None:
    os.kill(child.pid or 0, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while not (events := list(child.idle(5.0))):  # noticed although nothing waits
        assert time.monotonic() < deadline
    assert [(e.kind, e.timestamp) for e in events] == [("stage_error", 5.0)]
    assert list(child.idle(5.0)) == []
    assert [e.kind for e in child.push(Tick(1.0))] == ["passed"]


def test_a_process_that_hangs_is_replaced(child: ProcessGraph) -> None:
    before = child.pid
    os.kill(before or 0, signal.SIGSTOP)
    got: list[Any] = []
    worker = Worker("measures", child, Backlog(), got.append, lambda error: None)
    worker.inbox.put(Tick(1.0))
    worker.start()
    deadline = time.monotonic() + 30
    while worker.hung(0.2) is None:
        assert time.monotonic() < deadline
    child.kill()
    worker.inbox.put(Tick(4.0))
    worker.end()
    worker.join(30)
    assert [(e.kind, e.timestamp) for e in got] == [("stage_error", 1.0), ("passed", 4.0)]
    assert child.pid != before
    assert worker.hung(0.2) is None


def test_missing_weights_in_the_process_are_named_here() -> None:
    graph = ProcessGraph("tests.live.test_live_parts:missing_weights", (), [])
    with pytest.raises(WeightsError, match="whisper-base: not there"):
        graph.start()
    graph.stop()


def reading(cpu: float = 0.3, temperature: float | None = None, backlog: float = 0.0, **more: float) -> Reading:
    values = {"memory_mb": 800.0, "memory_free_gb": 8.0, "disk_free_gb": 50.0} | more
    return Reading(cpu=cpu, temperature=temperature, backlog=backlog, **values)


def levels(governor: Governor, readings: list[Reading], start: float = 0.0) -> list[int]:
    found = []
    for i, r in enumerate(readings):
        governor.look(start + i, r)
        found.append(governor.level)
    return found


def test_a_hot_gpu_steps_down_once_it_stayed_hot_and_up_only_when_cool_for_long() -> None:
    governor = Governor()
    hot, warm, cool = reading(temperature=86), reading(temperature=82), reading(temperature=70)
    down = levels(governor, [hot] * int(DOWN_AFTER + 1))
    assert down == [0] * int(DOWN_AFTER) + [1]
    assert set(levels(governor, [warm] * 60, start=100)) == {1}  # neither hot nor cool: it stays
    up = levels(governor, [cool] * int(UP_AFTER + 1), start=200)
    assert up == [1] * int(UP_AFTER) + [0]


def test_a_short_peak_changes_nothing() -> None:
    late = reading(cpu=0.99, delay=0.9)
    assert set(levels(Governor(), [late, late, reading()] * 20)) == {0}


def test_a_busy_processor_that_keeps_up_is_no_reason() -> None:
    assert set(levels(Governor(), [reading(cpu=0.99, delay=0.2, lag=0.4)] * 60)) == {0}
    assert levels(Governor(), [reading(cpu=0.99, lag=1.4)] * 60)[-1] > 0


def test_the_strip_is_red_for_a_busy_processor_only_where_somebody_waits() -> None:
    calm = Health(reading=reading(cpu=0.99), asr_lag=0.4, overlay_p95_ms=120.0, connected=True)
    assert "bad" not in strip(calm)
    assert "<span class='chip bad'>processor" in strip(replace(calm, asr_lag=1.4))


def test_the_strip_shows_the_p95_of_each_stage_that_ran_red_over_its_budget() -> None:
    ledger = Ledger()
    for name, budget in (("quick", 50.0), ("slow", 50.0), ("never called", 5.0)):
        ledger.declare(name, budget)
    ledger.record("quick", 0.004)
    ledger.record("slow", 0.2)
    shown = p95s(ledger.summary())
    assert "<span class='chip'>quick <b>4.0</b>" in shown
    assert "<span class='chip bad'>slow <b>200</b>" in shown
    assert "never called" not in shown


def test_somebody_who_still_speaks_is_not_scored_as_silent() -> None:
    seen = Observing(Vision())
    seen.add(SpeechClip(contracts.SpeechSegment(segment_id="seg-1", start=0.0, end=1.0), np.zeros(16000, np.float32)))
    share = {
        since: next(s.value for s in recompute(seen.observations(5.0, since), Settings()).scores if s.name == "engagement")
        for since in (None, 2.0)
    }
    assert share == pytest.approx({None: 0.2, 2.0: 0.8})


def test_pale_curves_of_two_stretches_are_not_joined() -> None:
    timeline = Timeline()
    times = np.array([1.0, 1.01, 3.0, 3.01])
    timeline.hear(Track("acoustics", times, np.ones((4, len(COLUMNS))), COLUMNS, np.ones(4), np.ones(4, bool)))
    np.testing.assert_array_equal(timeline._open.data["level"], [1, 1, np.nan, 1, 1])


def test_a_growing_backlog_steps_to_the_bottom_and_a_late_picture_does_not() -> None:
    assert levels(Governor(), [reading(backlog=10)] * 60)[-1] == len(STEPS) - 1
    busy = levels(Governor(), [reading(cpu=0.99, delay=0.9)] * 60)[-1]
    assert 0 < busy < len(STEPS) - 1
    assert STEPS[busy].frames * 15 >= 10


def test_each_step_is_announced_with_its_reason() -> None:
    governor = Governor()
    notices = [governor.look(float(t), reading(temperature=90)) for t in range(7)]
    assert [n for n in notices if n] == ["GPU at 90 °C: analysing 80% of the frames"]


def test_between_the_two_thresholds_the_level_stays() -> None:
    governor = Governor()
    levels(governor, [reading(gpu=0.9)] * 8)
    level = governor.level
    assert level > 0
    assert set(levels(governor, [reading(gpu=(CALM_UTILISATION + 0.75) / 2)] * 100, start=50)) == {level}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"temperature": 96}, "GPU is at 96"),
        ({"disk_free_gb": 0.1}, "100 MB of disk"),
        ({"memory_free_gb": 0.2}, "200 MB of memory"),
        ({"backlog": 61}, "too slow"),
    ],
)
def test_at_a_hard_limit_the_session_must_stop(bad: dict[str, float], why: str) -> None:
    assert why in (must_stop(reading(**bad)) or "")
    assert must_stop(reading()) is None
