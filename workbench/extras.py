"""What to install where a library is missing: each optional library belongs to one or more extras of this package."""

from __future__ import annotations

from importlib.util import find_spec

from workbench.errors import WorkbenchError

PACKAGE = "interview-workbench"
MODULES: dict[str, tuple[str, ...]] = {
    "recorded": (
        "mediapipe", "tensorflow", "keras", "h5py", "ai_edge_litert", "whisperx", "faster_whisper", "ctranslate2", "torch", "parselmouth",
        "pocketsphinx", "resemblyzer", "webrtcvad", "sentence_transformers", "kokoro_onnx", "onnxruntime", "espeakng_loader", "phonemizer",
        "cv2", "soundfile", "soxr", "psutil", "pynvml", "huggingface_hub", "pip", "jupyter_builder",
    ),
    "live": ("prometheus_client",),
    "audit": ("fairlearn", "sklearn", "joblib", "threadpoolctl", "jiwer"),
    "review": ("panel", "panel_material_ui", "bokeh", "param", "tornado", "av", "PIL", "pyarrow", "duckdb", "snowballstemmer"),
    "lab": ("mlflow", "matplotlib", "optuna", "jupyterlab", "ipywebrtc", "ipywidgets", "papermill", "jupytext"),
}  # fmt: skip
"""Extra → the modules for which it is named; others may bring some of them too."""


class MissingExtraError(WorkbenchError):
    """A library is not installed; the message names the extra that brings it."""


def installed(module: str) -> bool:
    """Whether a library can be imported; it is not imported."""
    return find_spec(module) is not None


def require(extra: str) -> None:
    """Check that an extra is installed, before work begins that needs it.

    Raises
    ------
    MissingExtraError
        If one of its modules is not there.
    """
    for module in MODULES[extra]:
        if not installed(module):
            raise needed(module, extra)


def missing(error: ModuleNotFoundError) -> MissingExtraError | None:
    """The error for a person where an optional library is missing; None where `error` has another cause.

    Examples
    --------
    >>> print(missing(ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")))
    torch is not installed; this needs the extra [recorded]: pip install 'interview-workbench[recorded]'
    >>> missing(ModuleNotFoundError("No module named 'mymodule'", name="mymodule")) is None
    True
    """
    module = (error.name or "").partition(".")[0]
    return next((needed(module, extra) for extra, modules in MODULES.items() if module in modules), None)


def needed(module: str, extra: str) -> MissingExtraError:
    """The error that says which extra brings a module."""
    return MissingExtraError(f"{module} is not installed; this needs the extra [{extra}]: pip install '{PACKAGE}[{extra}]'")
