"""The fast form of the emotion networks compared with Keras on real faces, and folders without a network."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from workbench import labels, zoo
from workbench.errors import WeightsError
from workbench.zoo import network_files

Crops = NDArray[np.uint8]


def crops_of(images: list[NDArray[np.uint8]]) -> list[Crops]:
    """200 px crops with 5 % margin of every face that BlazeFace finds."""
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceDetectorOptions(base_options=BaseOptions(model_asset_path=str(zoo.path("blazeface-short-range"))))
    crops = []
    with vision.FaceDetector.create_from_options(options) as detector:
        for image in images:
            result = detector.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(image)))
            for box in (d.bounding_box for d in result.detections):
                x, y = max(0, int(box.origin_x - 0.05 * box.width)), max(0, int(box.origin_y - 0.05 * box.height))
                crop = image[y : int(box.origin_y + 1.05 * box.height), x : int(box.origin_x + 1.05 * box.width)]
                crops.append(cv2.resize(crop, (200, 200)))
    return crops


def frames(path: Path, step: int) -> list[NDArray[np.uint8]]:
    import av

    with av.open(str(path)) as box:
        return [f.to_ndarray(format="rgb24") for i, f in enumerate(box.decode(video=0)) if i % step == 0]


@pytest.fixture(scope="module")
def real_crops() -> Crops:
    """At least 200 crops of real faces: two actors' footage and photographs."""
    faces = zoo.path("footage-faces")
    images = frames(zoo.path("footage-portrait"), 3) + frames(faces / "face_noface.mov", 2) + frames(faces / "noface_face.mov", 2)
    images += [cv2.cvtColor(cv2.imread(str(faces / n)), cv2.COLOR_BGR2RGB) for n in ("multi_face.jpg", "single_face.jpg")]
    crops = np.stack(crops_of(images))
    assert len(crops) >= 200
    return crops


def inputs(name: str, crops: Crops) -> NDArray[np.float32]:
    if name == "facex-mobilenetv2":
        return crops.astype(np.float32) / 255
    grey = [cv2.resize(cv2.cvtColor(c, cv2.COLOR_RGB2GRAY), (64, 64)) for c in crops]
    return np.stack(grey)[..., None].astype(np.float32) / 127.5 - 1


@pytest.mark.media
@pytest.mark.parametrize("name", ["facex-mobilenetv2", "fer-mini-xception"])
def test_the_fast_form_agrees_with_keras_on_real_faces(name: str, real_crops: Crops) -> None:
    fast, reference = zoo.load(name), zoo.load(name, runtime="keras")
    assert fast.outputs == reference.outputs == zoo.find(name).outputs
    assert fast.input_shape == reference.input_shape
    assert sorted(fast.outputs) == sorted(labels.BASIC)
    batches = np.array_split(inputs(name, real_crops), range(8, len(real_crops), 8))
    p, q = (np.concatenate([net(batch) for batch in batches]) for net in (fast, reference))
    assert p.shape == (len(real_crops), 7)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-4)
    assert np.mean(p.argmax(axis=1) == q.argmax(axis=1)) >= 0.99
    assert np.abs(p - q).max() <= 0.02


@pytest.mark.media
def test_the_converted_network_agrees_with_the_original(real_crops: Crops) -> None:
    """Against the author's own file: it rounds activations to 8 bits at run time, so probabilities differ a little."""
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(str(zoo.path("facex")))
    net.allocate_tensors()
    source, sample = [], inputs("facex-mobilenetv2", real_crops)[::8]
    for image in sample:
        net.set_tensor(net.get_input_details()[0]["index"], image[None])
        net.invoke()
        source.append(net.get_tensor(net.get_output_details()[0]["index"])[0])
    converted = zoo.load("facex-mobilenetv2")(sample)
    assert np.mean(np.argmax(source, axis=1) == converted.argmax(axis=1)) >= 0.9
    assert np.abs(np.array(source) - converted).mean() <= 0.03


@pytest.mark.media
def test_any_batch_size_gives_the_same_rows(real_crops: Crops) -> None:
    net, images = zoo.load("facex-mobilenetv2"), inputs("facex-mobilenetv2", real_crops[:8])
    together = net(images)
    assert np.allclose(np.concatenate([net(images[:3]), net(images[3:])]), together, atol=1e-5)
    assert net(images[:0]).shape == (0, 7)


def test_a_folder_that_is_no_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no usable network \(.*\); it needs model\.tflite and outputs\.json"):
        zoo.load(tmp_path)
    (tmp_path / "outputs.json").write_text('["a", "b"]')
    (tmp_path / "model.tflite").write_bytes(b"no network at all")
    with pytest.raises(WeightsError, match="no usable network"):
        zoo.load(tmp_path)


def test_your_own_network_in_the_zoo_s_format(tmp_path: Path) -> None:
    import keras

    inputs_ = keras.layers.Input((8, 8, 1))
    model = keras.Model(inputs_, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(inputs_)))
    network_files.save(model, ["calm", "tense"], tmp_path)
    images = np.random.default_rng(0).random((5, 8, 8, 1), np.float32)
    fast, reference = zoo.load(tmp_path), zoo.load(tmp_path, runtime="keras")
    assert fast.outputs == ("calm", "tense")
    assert fast.input_shape == (8, 8, 1)
    assert np.allclose(fast(images), reference(images), atol=1e-6)
