"""Derived entries, made on this machine from another entry's files: the two emotion networks in the zoo's format.

Each recipe runs in its own process (``python -m workbench.zoo.recipes RECIPE SOURCE TARGET``), so that TensorFlow, which only
recipes need, is not loaded into the process that evaluates.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WeightsError

if TYPE_CHECKING:
    import keras

Layers = dict[str, tuple[str, NDArray[np.float32], NDArray[np.float32]]]
SIZE = 200  # px, facex's input


def run(recipe: str, source: Path, target: Path) -> None:
    """Make the files of a derived entry in the folder `target` from the file `source`.

    Raises
    ------
    WeightsError
        With the last line of the conversion's output.
    """
    command = [sys.executable, "-m", "workbench.zoo.recipes", recipe, str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise WeightsError(f"{source}: could not be converted ({last:.200}); run `workbench doctor`")


def _facex(source: Path, target: Path) -> None:
    from workbench.zoo import network_files
    from workbench.zoo.registry import find

    network_files.save(mobilenetv2(dequantised(source)), find("facex-mobilenetv2").outputs, target)


def _fer(source: Path, target: Path) -> None:
    import keras

    from workbench.zoo import network_files
    from workbench.zoo.registry import find

    old = keras.models.load_model(source, compile=False)
    # built again, because Keras warns about the input name of the stored graph at every call
    inputs = keras.layers.Input(old.input_shape[1:])
    network_files.save(keras.Model(inputs, old(inputs), name="fer"), find("fer-mini-xception").outputs, target)


RECIPES = {"facex": _facex, "fer": _fer}


def dequantised(tflite: Path) -> Layers:
    """Layer name → (operation, kernel, bias), in float32, of a weight-quantised TFLite network."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    net: Any = Interpreter(
        str(tflite),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    net.allocate_tensors()
    tensors = {t["index"]: t for t in net.get_tensor_details()}

    def value(index: int) -> NDArray[np.float32]:
        stored, how = net.get_tensor(index), tensors[index]["quantization_parameters"]
        if len(how["scales"]) != 1 or stored.dtype not in (np.uint8, np.int8):
            return np.asarray(stored, np.float32)
        if stored.dtype == np.uint8 and how["zero_points"][0] == 0:
            stored = stored.view(np.int8)  # declared uint8 by the old converter, really int8
        return (stored.astype(np.float32) - how["zero_points"][0]) * how["scales"][0]

    operations = net._get_ops_details()
    origin = {op["outputs"][0]: op["inputs"][0] for op in operations if op["op_name"] == "DEQUANTIZE"}
    layers: Layers = {}
    for op in operations:
        if op["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            kernel, bias = (origin.get(i, i) for i in op["inputs"][1:3])
            layers[tensors[kernel]["name"].split("/")[0]] = (op["op_name"], value(kernel), value(bias))
    return layers


def mobilenetv2(weights: Layers) -> keras.Model:
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


if __name__ == "__main__":
    RECIPES[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
