"""Emotion stage: batches, averaging, class orders, and clear expressions in real footage."""

import cv2
import numpy as np
import pytest

from tests.support import faces, media
from workbench import contracts, zoo
from workbench.capture.media_file import MediaFile
from workbench.errors import WeightsError
from workbench.labels import BASIC, COMPOUND, derive_compound
from workbench.settings import Capture, Vision
from workbench.stage import Stage
from workbench.streams import FaceCrop, FramePacket, TrackedFrame
from workbench.vision.alignment import CropAlign, align
from workbench.vision.emotion import EmotionStage, tempered
from workbench.vision.tracking import FaceTracker
from workbench.zoo import networks

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def stage():
    return EmotionStage(Vision())


@pytest.fixture(scope="module")
def crops():
    """Noise, each crop different."""
    return list(np.random.default_rng(0).integers(0, 255, (8, 200, 200, 3), dtype=np.uint8))


def crop(image, i, time):
    quality = contracts.CropQuality(size_px=100, sharpness=50, brightness=0.5, score=0.9)
    return FaceCrop(contracts.CropItem(face_id="f-1", frame_id=i, timestamp=time, quality=quality), image)


def chain(detector, path, capture=None):
    """Every prediction of a clip, through the stages in their order."""
    settings = Vision()
    tracker, aligner, emotion = FaceTracker(settings), CropAlign(settings), EmotionStage(settings)
    outputs = []
    for item in MediaFile(path, capture):
        if isinstance(item, FramePacket):
            for found in detector.process(item):
                for tracked in tracker.process(found):
                    for cropped in aligner.process(tracked):
                        outputs += emotion.process(cropped)
                    outputs += emotion.process(tracked)
    return [p for output in [*outputs, *emotion.flush()] for p in output.predictions]


def test_is_a_stage(stage):
    assert isinstance(stage, Stage)
    assert stage.spec.models == ("facex-mobilenetv2", "fer-mini-xception")


def test_a_full_batch_is_predicted_at_once(stage, crops):
    stage.reset()
    out = [list(stage.process(crop(c, i, i * 0.02))) for i, c in enumerate(crops)]
    assert [len(o) for o in out] == [0] * 7 + [1]
    (output,) = out[-1]
    assert [p.frame_id for p in output.predictions] == list(range(8))
    assert output.models == ["facex-mobilenetv2", "fer-mini-xception"]
    assert list(stage.flush()) == []


def test_a_smaller_batch_is_predicted_after_the_window(stage, crops):
    stage.reset()
    out = [len(list(stage.process(crop(c, i, i * 0.1)))) for i, c in enumerate(crops[:6])]
    assert out == [0, 0, 0, 0, 1, 0]  # 0.4 s after the first
    nobody = contracts.Detections(frame_id=9, timestamp=0.95)
    (late,) = stage.process(TrackedFrame(faces.packet(crops[0]), nobody))  # no face any more, but time goes on
    assert [p.frame_id for p in late.predictions] == [5]


def test_flush_gives_the_rest_and_reset_drops_it(stage, crops):
    stage.reset()
    list(stage.process(crop(crops[0], 0, 0.0)))
    (rest,) = stage.flush()
    assert len(rest.predictions) == 1
    list(stage.process(crop(crops[0], 1, 0.1)))
    stage.reset()
    assert list(stage.flush()) == []


def test_predictions_are_distributions_with_a_marked_read_out(stage, crops):
    stage.reset()
    for i, c in enumerate(crops[:3]):
        list(stage.process(crop(c, i, 0.0)))
    (output,) = stage.flush()
    for p in output.predictions:
        assert tuple(p.probs) == BASIC
        assert sum(p.probs.values()) == pytest.approx(1)
        assert p.top == (max(p.probs, key=p.probs.get), max(p.probs.values()))
        assert p.quality.score == 0.9
        assert tuple(p.derived) == COMPOUND
        assert list(p.derived.values()) == pytest.approx(list(derive_compound([*p.probs.values()])))
        assert p.derived_note == "derived from basic classes; no compound weights"
    plain = EmotionStage(Vision(compound_readout=False))
    list(plain.process(crop(crops[0], 0, 0.0)))
    (output,) = plain.flush()
    assert output.predictions[0].derived is None
    assert output.predictions[0].derived_note is None


def test_the_average_is_of_tempered_networks_in_the_right_order(crops):
    """By hand: each network's columns put in BASIC order by name, at its temperature, weighted."""
    batch = np.stack(crops)
    settings = Vision(ensemble_weight=0.3, temperature=2.0, temperature_second=1.5)
    first, second = networks.load("facex-mobilenetv2"), networks.load("fer-mini-xception")
    p1 = tempered(first(batch.astype(np.float32) / 255), 2.0)
    grey = np.stack([cv2.resize(cv2.cvtColor(c, cv2.COLOR_RGB2GRAY), (64, 64), interpolation=cv2.INTER_AREA) for c in crops])
    p2 = tempered(second(grey[..., None].astype(np.float32) / 127.5 - 1), 1.5)
    expected = {name: 0.7 * p1[:, first.outputs.index(name)] + 0.3 * p2[:, second.outputs.index(name)] for name in BASIC}
    got = EmotionStage(settings).probabilities(crops)
    assert got == pytest.approx(np.stack([expected[n] for n in BASIC], axis=1), abs=1e-5)
    alone = EmotionStage(Vision(ensemble=False, temperature=1.0)).probabilities(crops)
    assert alone == pytest.approx(
        np.stack([first(batch.astype(np.float32) / 255)[:, first.outputs.index(n)] for n in BASIC], axis=1), abs=1e-5
    )


def test_both_runtimes_agree(crops):
    fast, keras = (EmotionStage(Vision(runtime=r)).probabilities(crops) for r in ("fast", "keras"))
    assert np.array_equal(fast.argmax(axis=1), keras.argmax(axis=1))
    assert np.abs(fast - keras).max() < 0.01


def test_temperature_keeps_the_order_of_the_classes():
    p = np.array([[0.9, 0.08, 0.02], [0.2, 0.3, 0.5]])
    assert tempered(p, 1.0) == pytest.approx(p)
    cooled = tempered(p, 2.0)
    assert cooled.sum(axis=1) == pytest.approx([1, 1])
    assert cooled[0] == pytest.approx(np.sqrt(p[0]) / np.sqrt(p[0]).sum())
    assert np.array_equal(cooled.argmax(axis=1), p.argmax(axis=1))
    assert np.all(np.isfinite(tempered(np.array([[1.0, 0.0, 0.0]]), 2.0)))


def test_a_network_of_other_classes_is_refused(tmp_path):
    source = zoo.path("facex-mobilenetv2")
    (tmp_path / "model.tflite").symlink_to(source / "model.tflite")
    (tmp_path / "outputs.json").write_text('["calm", "angry", "fear", "happy", "neutral", "sad", "surprise"]')
    with pytest.raises(WeightsError, match=r"calm.*give a network of the seven"):
        EmotionStage(Vision(emotion_model=str(tmp_path))).warm_up()


@pytest.mark.parametrize("name", ["face_noface.mov", "noface_face.mov"])
def test_a_neutral_face_that_smiles(detector, name):
    """A real clip whose man looks neutral for half a second and then smiles; there are no faces in the cartoon around it."""
    seen = chain(detector, faces.footage(name))
    start, end = (0.0, 2.4) if name == "face_noface.mov" else (4.0, 6.4)
    assert all(start <= p.timestamp <= end for p in seen)
    assert len({p.face_id for p in seen}) == 1
    neutral = [p.top[0] for p in seen if p.timestamp < start + 0.45]
    smiling = [p.top[0] for p in seen if start + 0.9 < p.timestamp < end - 0.1]
    assert set(neutral) == {"neutral"}
    assert smiling.count("happy") >= 0.9 * len(smiling)
    assert len(smiling) > 15


def test_an_expression_that_changes(detector):
    """Stock footage of a woman who cries, is startled, and laughs."""
    seen = chain(detector, zoo.path("footage-portrait"), Capture(fps=5))
    assert len(seen) > 90
    crying = [p.top[0] for p in seen if p.timestamp < 5]
    laughing = [p.top[0] for p in seen if p.timestamp > 11]
    assert crying.count("sad") > 0.8 * len(crying)
    assert laughing.count("happy") > 0.9 * len(laughing)
    assert all(p.quality.score > 0.9 for p in seen)


def test_small_smiles_in_a_group_picture(full_range, stage):
    image = media.read_image(faces.footage("multi_face.jpg"))
    (frame,) = full_range.process(faces.packet(np.ascontiguousarray(image)))
    tops = {d.box[1]: BASIC[int(stage.probabilities([align(image, d, 0.05)]).argmax())] for d in frame.detections.detections}
    smiling = [label for left, label in tops.items() if not 0.42 < left < 0.46]  # the boy in the middle does not smile
    assert smiling == ["happy"] * 4
