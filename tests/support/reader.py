"""Somebody who reads the documentation and types what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.packages import ROOT

EVALUATE = "workbench evaluate interview.mp4 --questions interview.yaml --purpose practice --report"
"""The command of README and docs that makes the session all other commands are tried on."""


@dataclass
class Reader:
    """A reader in a folder of their own; `tools` is a folder for the commands that an installation would put on the path."""

    folder: Path
    tools: Path
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("workbench", "panel"):
            script = self.tools / name
            script.write_text(f'#!/bin/sh\nexec {json.dumps(sys.executable)} -m {name} "$@"\n')
            script.chmod(0o755)
        path = os.pathsep.join([str(self.tools), str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        sessions = str(self.folder / "sessions")
        self.environment = {"PATH": path, "PYTHONPATH": str(ROOT), "WORKBENCH_SESSIONS": sessions, "COLUMNS": "200"}

    @property
    def session(self) -> str:
        """The id of the session in the folder."""
        return next((self.folder / "sessions").glob("*/header.json")).parent.name

    def type(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line in a shell of its own; SESSION stands for the session's id."""
        return subprocess.run(
            ["bash", "-c", command.replace("SESSION", self.session) if "SESSION" in command else command],
            cwd=self.folder, env=os.environ | self.environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
