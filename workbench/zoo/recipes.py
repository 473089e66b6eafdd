"""Entries that are made on this machine: the emotion network from facex's TFLite file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.zoo.progress import Progress

if TYPE_CHECKING:
    import keras

SIZE = 200  # px, the network's input


def run(recipe: str, source: Path, target: Path, progress: Progress) -> None:
    """Make the files of a derived entry in the folder `target` from the folder `source`."""
    {"keras_mobilenetv2": _keras_mobilenetv2}[recipe](source, target, progress)


def _keras_mobilenetv2(source: Path, target: Path, progress: Progress) -> None:
    steps = "converting facex to Keras MobileNetV2"
    progress(steps, 0, 1)
    model = mobilenetv2(_weights(source / "model.tflite"))
    model.save(target / "model.keras")
    progress(steps, 1, 1)


def _weights(tflite: Path) -> dict[str, tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
    """Layer name → (operation, dequantised kernel, bias) of a weight-quantised TFLite network."""
    import tensorflow as tf

    net: Any = tf.lite.Interpreter(
        str(tflite),
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    net.allocate_tensors()
    tensors = {t["index"]: t for t in net.get_tensor_details()}

    def value(index: int) -> NDArray[np.float32]:
        stored, tensor = net.get_tensor(index), tensors[index]["quantization_parameters"]
        if len(tensor["scales"]) != 1 or stored.dtype not in (np.uint8, np.int8):
            return np.asarray(stored, np.float32)
        if stored.dtype == np.uint8 and tensor["zero_points"][0] == 0:
            stored = stored.view(np.int8)  # declared uint8 by the old converter, really int8
        return (stored.astype(np.float32) - tensor["zero_points"][0]) * tensor["scales"][0]

    operations = net._get_ops_details()
    origin = {op["outputs"][0]: op["inputs"][0] for op in operations if op["op_name"] == "DEQUANTIZE"}
    found = {}
    for op in operations:
        if op["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            kernel, bias = (origin.get(i, i) for i in op["inputs"][1:3])
            found[tensors[kernel]["name"].split("/")[0]] = (op["op_name"], value(kernel), value(bias))
    return found


def mobilenetv2(weights: dict[str, tuple[str, NDArray[np.float32], NDArray[np.float32]]]) -> keras.Model:
    """The Keras network: MobileNetV2 trunk, Flatten, Dense 7; batch norm frozen, since it comes folded into the weights."""
    import keras

    # any input size: with a fixed one Keras pads the strided layers differently from the source at 200 px
    trunk = keras.applications.MobileNetV2(input_shape=(None, None, 3), include_top=False, weights=None)
    inputs = keras.layers.Input((SIZE, SIZE, 3))
    outputs = keras.layers.Dense(7, activation="softmax", name="predictis")(keras.layers.Flatten()(trunk(inputs)))
    model = keras.Model(inputs, outputs, name="facex_mobilenetv2")
    layers = {layer.name: layer for layer in (*model.layers, *trunk.layers)}
    norms = {"Conv1": "bn_Conv1", "Conv_1": "Conv_1_bn"}
    for name, (operation, kernel, bias) in weights.items():
        if operation == "FULLY_CONNECTED":
            layers[name].set_weights([kernel.T, bias])
            continue
        layers[name].set_weights([np.transpose(kernel, (1, 2, 3, 0))])
        norm = layers[norms.get(name, f"{name}_BN")]
        one = np.ones(len(bias), np.float32)
        norm.set_weights([one, bias, 0 * one, one - np.float32(norm.epsilon)])  # identity scale, bias as beta
        norm.trainable = False
    return model
