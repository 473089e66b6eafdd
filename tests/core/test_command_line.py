"""The command line's frame: quick to start, schemas, doctor, telemetry off."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

from tests.support.command import Done
from workbench import contracts, privacy

HEAVY = (
    "tensorflow",
    "torch",
    "mediapipe",
    "whisperx",
    "keras",
    "sklearn",
    "pandas",
    "panel",
    "mlflow",
    "sentence_transformers",
    "cv2",
    "av",
)


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys; sys.argv = ['workbench', '--help']\n"
        "from workbench.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print('LOADED', sorted(m for m in {HEAVY!r} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stdout


def test_import_switches_telemetry_off_whatever_the_shell_says() -> None:
    code = f"import os, workbench; print(all(os.environ[k] == v for k, v in {privacy.OPT_OUTS!r}.items()))"
    env = os.environ | dict.fromkeys(privacy.OPT_OUTS, "on")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout.strip() == "True"


def test_schema_prints_every_message(command: Callable[..., Done]) -> None:
    assert set(command("schema").json) == {m.__name__ for m in contracts.ALL}
    assert command("schema", "FusedWindow").json["title"] == "FusedWindow"
    refused = command("schema", "Nothing")
    assert refused.code == 2
    assert "FusedWindow" in refused.err


def test_doctor_says_what_is_there(command: Callable[..., Done]) -> None:
    found = command("doctor", "--json")
    values = json.loads(found.out)
    assert values["packages"]["whisperx"]
    assert values["telemetry_off"] is True
    assert {"whisper-base", "facex-mobilenetv2"} <= {w["name"] for w in values["weights"]}
    assert (found.code == 0) == (values["problems"] == [])
    assert "Weights" in command("doctor").out


def test_settings_print_as_yaml_and_json(command: Callable[..., Done]) -> None:
    assert command("settings", "--json").json["smoothing"]["uncertain"] == 0.45
    assert "alpha: 0.6" in command("settings").out
