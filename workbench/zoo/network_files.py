"""The zoo's format of an emotion network: a folder with the Keras network, its fast CPU form, and the names of its outputs.

The fast form is float32 LiteRT with XNNPACK kernels; docs/measurements/emotion_runtime.md has the measurements behind this.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

KERAS, FAST, OUTPUTS = "model.keras", "model.tflite", "outputs.json"


def save(model: keras.Model, outputs: Sequence[str], folder: Path) -> None:
    """Write a classifier in both forms.

    Parameters
    ----------
    model : keras.Model
        One image input, softmax output.
    outputs : sequence of str
        The classes, in the order of the network's output columns.
    folder : Path
        Exists already.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    model.save(folder / KERAS)
    # the converter drops the weights of Keras 3 networks unless they are constants; the batch size stays open
    call = tf.function(lambda batch: model(batch, training=False))
    frozen = convert_variables_to_constants_v2(call.get_concrete_function(tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)))
    (folder / FAST).write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert())
    (folder / OUTPUTS).write_text(json.dumps(list(outputs)), encoding="utf-8")
