"""The report's arithmetic: cells tile time, ranges, times in words; long sessions stay small; the command line."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import stored
from workbench import contracts as c
from workbench.report import svg, timeline, wording
from workbench.report.build import render
from workbench.report.data import ReportData, cells, covered, frames, union
from workbench.streams import Track


@given(st.floats(0.5, 2.0), st.floats(0.1, 2.0), st.integers(1, 60))
def test_cells_tile_the_time_that_windows_cover(window: float, hop: float, n: int) -> None:
    windows = [c.FusedWindow(window_id=str(i), start=i * hop, end=i * hop + window) for i in range(n)]
    spans = cells(windows)
    assert sum(b - a for a, b in spans) == pytest.approx(covered((w.start, w.end) for w in windows))
    assert all(before[1] <= after[0] + 1e-9 for before, after in itertools.pairwise(spans))


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)).map(lambda p: (p[0], p[0] + p[1])), max_size=20))
def test_union_counts_no_second_twice(spans: list[tuple[float, float]]) -> None:
    merged = union(spans)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(merged))
    grid = np.linspace(0, 111, 2000)
    inside = [any(a <= t <= b for a, b in spans) for t in grid]
    assert all(any(a <= t <= b for a, b in merged) for t, held in zip(grid, inside, strict=True) if held)
    assert covered(spans) <= sum(b - a for a, b in spans) + 1e-4


@pytest.mark.parametrize(
    ("seconds", "clock", "words"),
    [(0, "0:00.0", "0.0 s"), (59.96, "1:00.0", "1 min"), (62.04, "1:02.0", "1 min 2 s"), (3600, "1:00:00.0", "1 h")],
)
def test_times_in_words(seconds: float, clock: str, words: str) -> None:
    assert wording.clock(seconds) == clock
    assert wording.duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (0.0123456, "0.0123"), (0.5, "0.50"), (71.23, "71.2"), (180.4, "180"), (0, "0.00")]
)
def test_raw_values_keep_three_digits(value: float | None, shown: str) -> None:
    assert wording.measure(value) == shown


def test_steps_leave_gaps_where_nothing_was_measured() -> None:
    path = svg.steps([(0, 2), (2, 4), (4, 6)], np.array([5, np.nan, 3]), 10)
    assert path == "M0 10V5.0H2V10ZM4 10V7.0H6V10Z"


def test_lines_break_over_unvoiced_stretches() -> None:
    path = svg.line(np.array([0.0, 1, 2, 9]), np.array([1, np.nan, 2, 3]), reach=3)
    assert path == "M0.0 1.0h0M2.0 2.0h0M9.0 3.0h0"


def test_dense_cells_are_averaged_by_column() -> None:
    windows = [
        c.FusedWindow(
            window_id=str(i), start=i, end=i + 1, missing={} if i % 4 else {"visual": "no face"},
            fused_emotion=c.FusedLabel(label="happy", score=1.0, probs={"happy": 1.0}) if i % 4 else None,
        )
        for i in range(4 * timeline.COLUMNS)
    ]  # fmt: skip
    material = ReportData(stored.header(), float(len(windows)), windows=windows)
    shown = timeline.fit(timeline.strip(material, "fused"), svg.Scale(0, material.duration))
    assert len(shown) == timeline.COLUMNS
    assert all(cell.label == "happy" and cell.probs.sum() == pytest.approx(1) for cell in shown)


def test_runs_merge_equal_neighbours_and_keep_doubt_apart() -> None:
    material = ReportData(stored.header(), stored.SECONDS, windows=stored.windows())
    found = timeline.runs(timeline.strip(material, "fused"))
    assert sum(r.span[1] - r.span[0] for r in found) == pytest.approx(stored.SECONDS)
    assert {r.uncertain for r in found} == {True, False}
    assert found[-1].reason == f"{stored.NO_FACE}; {stored.NO_SPEECH}"


def long_session(hours: float) -> ReportData:
    """Two answers a minute, a window every half second, words throughout; invented."""
    seconds = hours * 3600
    pieces = [
        t.model_copy(
            update={
                "segment_id": f"{k}-{t.segment_id}", "start": t.start + k, "end": t.end + k,
                "words": [w.model_copy(update={"start": w.start + k, "end": w.end + k}) for w in t.words],
            }
        )
        for k in np.arange(0, seconds, stored.SECONDS)
        for t in stored.transcripts()
    ]  # fmt: skip
    times = np.arange(0, seconds, 0.05)
    pitch = np.where(np.sin(times) > 0, 150 + 40 * np.sin(times * 1.7), np.nan)
    acoustics = Track.of("acoustics", times, np.stack([pitch, 60 + 5 * np.sin(times)], axis=1), ("pitch", "intensity"))
    windows = stored.windows(seconds, face_until=seconds)
    return ReportData(
        stored.header(), seconds, windows=windows, scores=stored.scores(), transcripts=pieces, tracks={"acoustics": acoustics}
    )


def test_two_hours_fold_into_parts_and_stay_small() -> None:
    material = long_session(2)
    html = render(material)
    assert len(html.encode()) < 8_000_000
    assert [p.title for p in timeline.parts(material, {m: timeline.strip(material, m) for m in ("visual", "audio", "fused")}, [])][:3] == [
        "Whole session",
        "0:00 to 5:00",
        "5:00 to 10:00",
    ]
    assert html.count('<details class="chapter"') == 12
    assert html.count('<details class="chapter" open>') == 1


def test_pictures_come_at_their_times_and_upright(tmp_path: Path) -> None:
    from tests.support import media

    clip = media.write(tmp_path / "grey.mp4", media.plain(8), rotation=90)
    found = dict(frames(clip, [0.0, 1.0, 1.2, 6.0, 100.0]))
    assert list(found) == [0.0, 1.0, 1.2, 6.0]  # nothing is shown for a time after the end
    for time, image in found.items():
        assert image.shape[:2] == (320, 240)
        assert image.mean() == pytest.approx(time * 25, abs=3)  # the picture's grey level counts its frames


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "workbench", *arguments], capture_output=True, text=True, check=False)


def test_command_line_writes_the_report_and_names_what_is_no_session(tmp_path: Path) -> None:
    session = stored.write(tmp_path / "s")
    done = run("report", str(session.folder), "--out", str(tmp_path / "page.html"), "--json")
    assert json.loads(done.stdout)["bytes"] == (tmp_path / "page.html").stat().st_size > 10_000
    wrong = run("report", str(tmp_path / "nothing"))
    assert wrong.returncode == 2
    assert len(wrong.stderr.splitlines()) == 1
    assert "holds no session" in wrong.stderr
