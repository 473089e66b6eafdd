"""Samples for tests of evaluation."""

import pytest

from tests.support.samples import generated
from workbench.evaluation.samples import Samples


@pytest.fixture(scope="session")
def samples() -> Samples:
    return generated()
