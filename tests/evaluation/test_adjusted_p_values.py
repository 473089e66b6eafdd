"""Adjusted p-values against those of statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from workbench.evaluation.gaps import adjust


@pytest.mark.parametrize(("method", "name"), [("holm", "holm"), ("bh", "fdr_bh")])
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_adjusted_p_values_are_those_of_statsmodels(method: str, name: str, p: list[float]) -> None:
    np.testing.assert_array_equal(adjust(p, method), multipletests(p, method=name)[1])


def test_no_adjustment_gives_the_values_back() -> None:
    assert adjust([0.2, 0.01], "none").tolist() == [0.2, 0.01]
    assert adjust([], "bh").tolist() == []
