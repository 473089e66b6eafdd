"""BlazeFace on real pictures with and without faces."""

import subprocess
import sys

import numpy as np
import pytest

from tests.support import faces, media
from workbench.capture.media_file import MediaFile
from workbench.settings import Vision
from workbench.stage import Stage
from workbench.streams import FramePacket
from workbench.vision.detection import FaceDetectionStage

pytestmark = pytest.mark.media


def counts(stage, path):
    """(time, number of faces) of every frame."""
    frames = [stage.process(item) for item in MediaFile(path) if isinstance(item, FramePacket)]
    return np.array([(d.detections.timestamp, len(d.detections.detections)) for (d,) in map(list, frames)])


def one(stage, image):
    (frame,) = stage.process(faces.packet(image, 7, 1.5))
    return frame.detections


def test_is_a_stage(detector):
    assert isinstance(detector, Stage)
    assert list(detector.flush()) == []
    detector.reset()


def test_a_face_that_leaves(detector):
    faces_by_time = counts(detector, faces.footage("face_noface.mov"))
    assert np.all(faces_by_time[faces_by_time[:, 0] < 2.2, 1] == 1)
    assert np.mean(faces_by_time[faces_by_time[:, 0] > 2.5, 1] == 0) > 0.9


def test_a_face_that_comes(detector):
    faces_by_time = counts(detector, faces.footage("noface_face.mov"))
    assert np.mean(faces_by_time[faces_by_time[:, 0] < 3.9, 1] == 0) > 0.9
    assert np.all(faces_by_time[(faces_by_time[:, 0] > 4.1) & (faces_by_time[:, 0] < 6.2), 1] == 1)


def test_five_faces_in_a_video(full_range, tmp_path):
    """Faces a sixth of the picture high, for which the full-range network is meant."""
    image = media.read_image(faces.footage("multi_face.jpg"))[:666]
    path = media.write(tmp_path / "five.mp4", media.still(image, 0.4))
    faces_by_time = counts(full_range, path)
    assert len(faces_by_time) == 6
    assert np.all(faces_by_time[:, 1] == 5)


def test_max_faces_keeps_the_highest_scores(full_range):
    image = media.read_image(faces.footage("multi_face.jpg"))
    everyone = one(full_range, image).detections
    assert len(everyone) == 5
    two = one(FaceDetectionStage(Vision(detector="full_range", max_faces=2)), image).detections
    assert [d.score for d in two] == sorted((d.score for d in everyone), reverse=True)[:2]


def test_boxes_and_eyes_are_fractions_of_the_upright_image(detector):
    man = faces.head("man")
    detections = one(detector, faces.scene([(man, 200, 180, 260)]))
    assert (detections.frame_id, detections.timestamp) == (7, 1.5)
    (face,) = detections.detections
    top, left, bottom, right = face.box
    assert 0 < top < bottom < 1
    assert (left + right) / 2 * 640 == pytest.approx(200, abs=15)
    assert face.score > 0.8
    eyes = face.landmarks
    assert eyes.left_eye[0] < eyes.right_eye[0]
    assert all(left < x < right and top < y < (top + bottom) / 2 for x, y in (eyes.left_eye, eyes.right_eye))
    assert face.face_id is None


def test_boxes_end_at_the_picture_s_edge(detector):
    cut = faces.scene([(faces.head("man"), 40, 180, 300)])
    (face,) = one(detector, cut).detections
    assert face.box[1] == 0.0
    assert min(face.box) >= 0
    assert max(face.box) <= 1


def test_nothing_in_noise_and_darkness(detector):
    assert one(detector, np.zeros((360, 640, 3), np.uint8)).detections == []
    assert one(detector, np.random.default_rng(0).integers(0, 255, (360, 640, 3), dtype=np.uint8)).detections == []


def test_pictures_that_are_not_contiguous(detector):
    image = np.repeat(faces.scene([(faces.head("man"), 200, 180, 260)]), 2, axis=1)[:, ::2]
    assert not image.flags.c_contiguous
    assert len(one(detector, image).detections) == 1


def test_loading_prints_nothing_and_does_not_import_tensorflow():
    code = (
        "import sys; from workbench.settings import Vision; from workbench.vision.detection import FaceDetectionStage as S; "
        "S(Vision()).warm_up(); print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert done.stderr == ""
