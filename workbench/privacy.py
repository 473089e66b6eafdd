"""Switches off the usage reports of our dependencies; imported before anything else by ``workbench/__init__``.

Interviews are personal data, so no library may report when or how it was used. A value that the user has set for one of these
variables is overwritten too, because the result must not depend on the shell.
"""

import os

OPT_OUTS: dict[str, str] = {
    "PYANNOTE_METRICS_ENABLED": "false",  # pyannote.audio (comes with WhisperX) counts pipeline runs
    "DO_NOT_TRACK": "true",  # the cross-tool convention; MLflow and others honour it
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime 1.32 sends a device id, the system and the interpreter's path at its first use
}

# Not telemetry, but needed before the same imports: transformers refuses Keras 3 unless it ignores TensorFlow,
# and the tokenizer library warns on fork.
COMPATIBILITY: dict[str, str] = {"USE_TF": "0", "USE_FLAX": "0", "TOKENIZERS_PARALLELISM": "false"}
# Log lines of native libraries that would hide our one-line messages; a user who set these keeps the setting.
QUIET: dict[str, str] = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1", "GLOG_minloglevel": "3"}
# oneDNN caches compiled code for each of the last 1,024 tensor shapes. Live recognition has a new length in every pass, so the
# cache grew by 7 to 20 MB a minute and made no pass faster. A user who set this keeps the setting.
BOUNDED: dict[str, str] = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"}


def apply() -> None:
    """Set every opt-out in this process's environment (inherited by its children)."""
    os.environ.update(OPT_OUTS)
    os.environ.update(COMPATIBILITY)
    for name, value in (QUIET | BOUNDED).items():
        os.environ.setdefault(name, value)


apply()
