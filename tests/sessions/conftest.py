"""Stored sessions for these tests: generated, nobody was recorded."""

import shutil

import pytest

from workbench import contracts, settings
from workbench.sessions import synthetic


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """A stored session of two and a half minutes; not to be written to."""
    return synthetic.write(tmp_path_factory.mktemp("generated") / "demo", 2.5, seed=1)


@pytest.fixture
def copied(generated, tmp_path):
    """A copy of the generated session that a test may damage."""
    return shutil.copytree(generated, tmp_path / "demo")


@pytest.fixture
def header():
    return contracts.SessionHeader(
        session_id="s-1",
        created="2026-01-01T00:00:00+00:00",
        purpose="research",
        jurisdiction="unstated",
        consent=contracts.Consent(given=True, by="tester"),
        settings=settings.Settings().echo(),
        clock=contracts.Clock(wall_zero="2026-01-01T00:00:00+00:00", sample_rate=16000),
    )
