"""The command line as a test calls it, and the sample interview evaluated once for all tests."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from workbench.sample import SamplePaths, build
from workbench.sessions.store import Session


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def workbench(*arguments: object) -> Done:
    """Run ``workbench ARGUMENTS`` in this process (models stay loaded) through its real entry point."""
    from workbench.cli import main

    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err), patch("sys.argv", ["workbench", *map(str, arguments)]):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Done(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def command() -> Callable[..., Done]:
    return workbench


@pytest.fixture(scope="session")
def sample_paths() -> SamplePaths:
    return build()


@pytest.fixture(scope="session")
def evaluated_json(sample_paths: SamplePaths, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``workbench evaluate … --json`` prints for the sample interview; evaluated once a test run."""
    out = tmp_path_factory.mktemp("evaluated") / "session"
    done = workbench(
        "evaluate",
        sample_paths.video,
        "--questions",
        sample_paths.interview,
        "--purpose",
        "demonstration",
        "--out",
        out,
        "--report",
        "--json",
    )
    assert done.code == 0, done.err
    return dict(done.json)


@pytest.fixture(scope="session")
def evaluated(evaluated_json: dict[str, Any]) -> Session:
    """The sample interview's session. Tests that write to it must copy its folder first."""
    return Session.open(Path(evaluated_json["folder"]))
