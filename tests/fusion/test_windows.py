"""The grid of analysis windows, and what tracks and spans amount to in each window."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.fusion.windows import Grid, aggregate, column_mean, grid, overlap, rows_of, sums
from workbench.streams import Track


def test_grid_covers_the_session_and_cuts_the_last_window():
    windows = grid(3.7, window=1.0, hop=0.5)
    assert windows.start.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert windows.end.tolist() == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 3.7]


def test_grid_gains_no_window_by_rounding():
    assert len(grid(1.1 + 2.2, window=0.3, hop=0.1)) == len(grid(3.3, window=0.3, hop=0.1)) == 31


@pytest.mark.parametrize(("duration", "count"), [(0.0, 0), (0.2, 1), (1.0, 1), (1.01, 2), (2.0, 3)])
def test_number_of_windows(duration, count):
    windows = grid(duration, window=1.0, hop=0.5)
    assert len(windows) == count
    assert np.all(windows.end > windows.start)


@given(st.floats(0.01, 500), st.floats(0.5, 2), st.floats(0.05, 2))
def test_grid_reaches_the_end_once(duration, window, hop):
    windows = grid(duration, window, hop)
    assert windows.end[-1] == pytest.approx(duration, abs=1e-6) or hop > window
    assert np.all(windows.end[:-1] < duration + 1e-9)


def test_mean_is_weighted_by_confidence_and_leaves_invalid_rows_out():
    track = Track.of(
        "t", [0.1, 0.2, 0.3, 1.5], [[0.2, 0.8], [0.6, 0.4], [1.0, 0.0], [0.5, 0.5]], ("a", "b"),
        confidence=[1.0, 3.0, 1.0, 0.5], valid=[True, True, False, True],
    )  # fmt: skip
    got = aggregate(track, Grid(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])))
    np.testing.assert_allclose(got.values[0], [0.5, 0.5], rtol=1e-15)
    np.testing.assert_allclose(got.values[1], [0.5, 0.5])
    assert got.valid.tolist() == [True, True, False]
    assert np.isnan(got.values[2]).all()
    assert (got.rows.tolist(), got.usable.tolist()) == ([3, 1, 0], [2, 1, 0])


def test_a_window_needs_a_share_of_valid_rows():
    track = Track.of("t", np.arange(10) / 10, np.ones((10, 1)), ("a",), valid=[True] * 2 + [False] * 8)
    whole = Grid(np.array([0.0]), np.array([1.0]))
    assert not aggregate(track, whole, minimum=0.25).valid[0]
    assert aggregate(track, whole, minimum=0.2).valid[0]


def test_rows_without_confidence_do_not_count():
    track = Track.of("t", [0.1, 0.2], [[1.0], [0.0]], ("a",), confidence=[0.0, 0.0])
    assert not aggregate(track, Grid(np.array([0.0]), np.array([1.0]))).valid[0]


def test_a_window_depends_on_its_own_rows_alone():
    """What a live session appends must be what a replay of the whole computes: the same bits."""
    random = np.random.default_rng(1)
    times = np.sort(random.uniform(0, 60, 900))
    track = Track.of("t", times, random.random((900, 7)), tuple("abcdefg"), confidence=random.random(900), valid=random.random(900) > 0.2)
    windows = grid(60.0, 1.0, 0.5)
    whole = aggregate(track, windows).values
    for i in (0, 17, 60, len(windows) - 1):
        alone = Grid(windows.start[i : i + 1], windows.end[i : i + 1])
        up_to_now = aggregate(track.slice(0, windows.end[i]), alone).values
        assert up_to_now.tobytes() == whole[i : i + 1].tobytes()


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=8), st.integers(0, 3))
def test_sums_are_those_of_slices(ranges, columns):
    values = np.arange(20.0 * max(1, columns)).reshape(20, -1) if columns else np.arange(20.0)
    low = np.array([min(r) for r in ranges], np.int64)
    high = np.array([max(r) for r in ranges], np.int64)
    got = sums(values, low, high)
    assert got.shape == (len(ranges), *values.shape[1:])
    for row, a, b in zip(got, low, high, strict=True):
        np.testing.assert_array_equal(row, values[a:b].sum(axis=0))


def test_column_mean_skips_what_was_not_measured():
    windows = Grid(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    got = column_mean(np.array([0.0, 0.5, 0.9, 1.1]), np.array([100.0, np.nan, 200.0, np.nan]), windows)
    assert got[0] == 150.0
    assert np.isnan(got[1])


@given(st.lists(st.floats(0, 30), min_size=2, max_size=12, unique=True), st.floats(0.1, 5), st.floats(0.1, 5))
def test_overlap_is_the_sum_of_common_lengths(edges, window, hop):
    edges = sorted(edges)[: len(edges) // 2 * 2]
    start, end = np.array(edges[::2]), np.array(edges[1::2])
    value = np.arange(1.0, len(start) + 1)
    windows = grid(30.0, window, hop)
    common = np.clip(np.minimum(end, windows.end[:, None]) - np.maximum(start, windows.start[:, None]), 0, None)
    np.testing.assert_allclose(overlap(start, end, windows), common.sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(overlap(start, end, windows, value), common @ value, atol=1e-9)


def test_nothing_overlaps_where_there_are_no_spans():
    assert overlap(np.empty(0), np.empty(0), grid(3.0, 1.0, 0.5)).tolist() == [0.0] * 5


def test_rows_are_half_open():
    low, high = rows_of(np.array([0.0, 0.5, 1.0, 1.5]), Grid(np.array([0.5]), np.array([1.5])))
    assert (low[0], high[0]) == (1, 3)
