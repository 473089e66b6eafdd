"""Loads emotion networks from a folder in the zoo's format (see `network_files`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WeightsError
from workbench.zoo import store
from workbench.zoo.network_files import FAST, KERAS, OUTPUTS

Floats = NDArray[np.float32]


class Network:
    """A classifier ready to run.

    Attributes
    ----------
    outputs : tuple of str
        The classes, in the order of the columns.
    input_shape : tuple of int
        (height, width, channels) of one image.
    """

    def __init__(self, folder: Path, runtime: Literal["fast", "keras"] = "fast", threads: int = 2) -> None:
        needed = FAST if runtime == "fast" else KERAS
        try:
            self.outputs: tuple[str, ...] = tuple(json.loads((folder / OUTPUTS).read_text(encoding="utf-8")))
            self._run, self.input_shape = (_fast if runtime == "fast" else _keras)(folder / needed, threads)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise WeightsError(f"{folder}: no usable network ({reason:.120}); it needs {needed} and {OUTPUTS}") from None

    def __call__(self, images: Floats) -> Floats:
        """Class probabilities.

        Parameters
        ----------
        images : ndarray of float32, shape (n, height, width, channels)
            Scaled as the network's card says.

        Returns
        -------
        ndarray of float32, shape (n, k)
            Rows sum to 1; columns are `outputs`.
        """
        if len(images) == 0:
            return np.empty((0, len(self.outputs)), np.float32)
        return self._run(np.ascontiguousarray(images, np.float32))


def load(name: str | Path, runtime: Literal["fast", "keras"] = "fast", threads: int = 2) -> Network:
    """Load a network of the zoo, or of a folder of your own.

    Parameters
    ----------
    name : str or Path
    runtime : {"fast", "keras"}
        LiteRT on the CPU, or TensorFlow (which also uses a GPU).
    threads : int
        CPU threads of one call.

    Raises
    ------
    WeightsError
        If it cannot be obtained or is not in the zoo's format.
    """
    return Network(store.path(name), runtime, threads)


def _fast(file: Path, threads: int) -> tuple[Any, tuple[int, ...]]:
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(model_path=str(file), num_threads=threads)
    net.allocate_tensors()
    inputs, outputs = net.get_input_details()[0], net.get_output_details()[0]
    shape = tuple(int(n) for n in inputs["shape_signature"][1:])

    def run(images: Floats) -> Floats:
        if tuple(net.get_input_details()[0]["shape"]) != images.shape:
            net.resize_tensor_input(inputs["index"], images.shape)
            net.allocate_tensors()
        net.set_tensor(inputs["index"], images)
        net.invoke()
        return np.asarray(net.get_tensor(outputs["index"]))

    return run, shape


def _keras(file: Path, threads: int) -> tuple[Any, tuple[int, ...]]:
    import keras
    import tensorflow as tf

    model = keras.models.load_model(file, compile=False)
    shape = tuple(model.input_shape[1:])
    # `predict` costs 450 ms a call; a traced function does not
    call = tf.function(lambda batch: model(batch, training=False), input_signature=[tf.TensorSpec((None, *shape), tf.float32)])
    return (lambda images: call(tf.constant(images)).numpy()), shape
