"""BlazeFace on real pictures: where faces are, and that there are none where there are none."""

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
    found = [stage.process(item) for item in MediaFile(path) if isinstance(item, FramePacket)]
    return np.array([(d.detections.timestamp, len(d.detections.detections)) for (d,) in map(list, found)])


def one(stage, image):
    (frame,) = stage.process(faces.packet(image, 7, 1.5))
    return frame.detections


def test_is_a_stage(detector):
    assert isinstance(detector, Stage)
    assert list(detector.flush()) == []
    detector.reset()


def test_a_face_that_leaves(detector):
    found = counts(detector, faces.footage("face_noface.mov"))
    assert np.all(found[found[:, 0] < 2.2, 1] == 1)
    assert np.mean(found[found[:, 0] > 2.5, 1] == 0) > 0.9


def test_a_face_that_comes(detector):
    found = counts(detector, faces.footage("noface_face.mov"))
    assert np.mean(found[found[:, 0] < 3.9, 1] == 0) > 0.9
    assert np.all(found[(found[:, 0] > 4.1) & (found[:, 0] < 6.2), 1] == 1)


def test_five_faces_in_a_video(full_range, tmp_path):
    """Faces a sixth of the picture high: what the full-range network is for."""
    image = media.read_image(faces.footage("multi_face.jpg"))[:666]
    path = media.write(tmp_path / "five.mp4", media.still(image, 0.4))
    found = counts(full_range, path)
    assert len(found) == 6
    assert np.all(found[:, 1] == 5)


def test_max_faces_keeps_the_surest(full_range):
    image = media.read_image(faces.footage("multi_face.jpg"))
    everyone = one(full_range, image).detections
    assert len(everyone) == 5
    two = one(FaceDetectionStage(Vision(detector="full_range", max_faces=2)), image).detections
    assert [d.score for d in two] == sorted((d.score for d in everyone), reverse=True)[:2]


def test_boxes_and_eyes_are_fractions_of_the_upright_image(detector):
    man = faces.head("man")
    found = one(detector, faces.scene([(man, 200, 180, 260)]))
    assert (found.frame_id, found.timestamp) == (7, 1.5)
    (face,) = found.detections
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


def test_loading_is_quiet_and_leaves_tensorflow_alone():
    code = (
        "import sys; from workbench.settings import Vision; from workbench.vision.detection import FaceDetectionStage as S; "
        "S(Vision()).warm_up(); print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert done.stderr == ""
