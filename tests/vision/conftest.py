"""Networks that are loaded once a session, because loading takes longer than the tests."""

import pytest

from workbench.settings import Vision
from workbench.vision.detection import FaceDetectionStage


@pytest.fixture(scope="session")
def detector():
    return FaceDetectionStage(Vision())


@pytest.fixture(scope="session")
def full_range():
    return FaceDetectionStage(Vision(detector="full_range"))
