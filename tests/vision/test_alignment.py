"""Face alignment: level eyes, the crop's frame, and quality that falls with small, blurred or dark faces."""

import cv2
import numpy as np
import pytest

from tests.support import faces
from workbench import contracts
from workbench.settings import Vision
from workbench.stage import Stage
from workbench.streams import TrackedFrame
from workbench.vision.alignment import SIZE, CropAlign, align, quality, transform

MARGIN = Vision().crop_margin


def face_of(detector, image):
    (frame,) = detector.process(faces.packet(image))
    (face,) = frame.detections.detections
    return face


def turned(image, degrees):
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def eye_angle(points):
    (x1, y1), (x2, y2) = points
    return np.degrees(np.arctan2(y2 - y1, x2 - x1))


def likeness(a, b):
    """Correlation of the middles of two crops."""
    middle = np.s_[30:-30, 30:-30]
    return np.corrcoef(a[middle].ravel(), b[middle].ravel())[0, 1]


@pytest.fixture(scope="module")
def upright():
    return faces.scene([(faces.head("man"), 320, 180, 300)])


@pytest.mark.media
@pytest.mark.parametrize("degrees", [-25, -15, 10, 25])
def test_a_turned_head_is_levelled(detector, upright, degrees):
    image = turned(upright, degrees)
    face = face_of(detector, image)
    height, width = image.shape[:2]
    eyes = np.array([face.landmarks.left_eye, face.landmarks.right_eye]) * [width, height]
    assert abs(eye_angle(eyes)) > abs(degrees) - 6
    matrix = transform(face, width, height, MARGIN)
    placed = eyes @ matrix[:, :2].T + matrix[:, 2]
    assert abs(eye_angle(placed)) < 1
    assert np.all(placed > 0)
    assert np.all(placed < SIZE)
    # in the pixels too: detected again in the crop, the eyes are level and where the matrix puts them
    crop = align(image, face, MARGIN)
    again = face_of(detector, cv2.copyMakeBorder(crop, 100, 100, 100, 100, cv2.BORDER_REPLICATE))
    seen = np.array([again.landmarks.left_eye, again.landmarks.right_eye]) * 400 - 100
    assert abs(eye_angle(seen)) < 4
    assert seen.mean(axis=0) == pytest.approx(placed.mean(axis=0), abs=10)


@pytest.mark.media
def test_an_upright_head_is_framed_as_the_detector_s_box(detector, upright):
    face = face_of(detector, upright)
    top, left, bottom, right = np.array(face.box) * [360, 640, 360, 640]
    grow = MARGIN * (bottom - top)
    plain = upright[int(top - grow) : int(bottom + grow), int(left - grow) : int(right + grow)]
    assert likeness(align(upright, face, MARGIN), cv2.resize(plain, (SIZE, SIZE))) > 0.95


def test_the_margin_is_a_fraction_of_the_box():
    face = contracts.Detection(box=(0.25, 0.25, 0.75, 0.75), score=1)
    matrix = transform(face, 400, 400, margin=0.1)
    assert matrix @ [200, 200, 1] == pytest.approx([100, 100])
    assert matrix @ [100 - 20, 100 - 20, 1] == pytest.approx([0, 0])
    assert matrix @ [300 + 20, 300 + 20, 1] == pytest.approx([200, 200])


@pytest.mark.parametrize(
    ("box", "centre"),
    [((0.25, 0.0, 0.75, 0.3), (60 - 40, 80)), ((0.25, 0.8, 0.75, 1.0), (160 + 40, 80)), ((0.7, 0.4, 1.0, 0.8), (120, 152))],
)
def test_a_box_cut_by_the_edge_keeps_the_face_in_the_middle(box, centre):
    """Image of 200×160 px; the box was a square before the edge cut it."""
    matrix = transform(contracts.Detection(box=box, score=1), 200, 160, margin=0.0)
    assert matrix @ [*centre, 1] == pytest.approx([SIZE / 2, SIZE / 2])


def test_the_candidate_and_the_largest_others_are_cropped():
    image = np.random.default_rng(0).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    boxes = {"f-1": (0.1, 0.1, 0.5, 0.4), "f-2": (0.1, 0.5, 0.6, 0.8), None: (0.6, 0.1, 0.9, 0.3)}
    detections = [contracts.Detection(face_id=i, box=b, score=0.9) for i, b in boxes.items()]
    assert isinstance(CropAlign(Vision()), Stage)

    def crops(candidate, most=3):
        message = contracts.Detections(frame_id=3, timestamp=0.2, detections=detections, candidate=candidate)
        return list(CropAlign(Vision(analysed_faces=most)).process(TrackedFrame(faces.packet(image), message)))

    crop, other = crops("f-1")  # a face without a name is nobody's yet
    assert crop.image.shape == (SIZE, SIZE, 3)
    assert crop.image.dtype == np.uint8
    assert (crop.item.face_id, crop.item.frame_id, crop.item.timestamp) == ("f-1", 3, 0.2)
    assert crop.item.quality is not None
    assert other.item.face_id == "f-2"
    assert [c.item.face_id for c in crops("f-1", most=1)] == ["f-1"]
    assert [c.item.face_id for c in crops(None, most=1)] == ["f-2"], "the largest"


@pytest.mark.media
def test_quality_falls_with_distance_blur_and_darkness(detector):
    man = faces.head("man")

    def score(blur=0.0, light=1.0, scale=1.0):
        image = faces.scene([(man, 320, 180, 260)], light=light)
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if blur:
            image = cv2.GaussianBlur(image, (0, 0), blur)
        face = face_of(detector, image)
        return quality(align(image, face, MARGIN), face, image.shape)

    best = score()
    assert best.score > 0.9
    assert best.size_px == pytest.approx(155, abs=25)
    assert best.score > score(blur=1.5).score > score(blur=3).score
    assert best.score > score(scale=0.4).score > score(scale=0.2).score
    assert best.score > score(light=0.3).score > score(light=0.15).score
    assert score(light=0.3).brightness < best.brightness
    assert score(blur=1.5).sharpness < best.sharpness
