"""Every command that README and docs show is typed as it stands, page by page, in a shell and a folder of its own.

Commands that are not simply typed are listed here with how they are tried instead.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import documents
from tests.support.packages import ROOT
from tests.support.reader import EVALUATE, Reader

QUICKER = {
    "workbench bench live": "--seconds 20",
    "workbench fusion benchmark --corpus": "--corpus generated --folds 2 --draws 20 --seeds 1",
    "workbench fusion fit": "--corpus generated --folds 2 --draws 20",
    "workbench fusion sweep": "--trials 1",
}
"""Commands that take minutes → options that are typed after their own, and win over them."""
ELSEWHERE = {
    EVALUATE: "the `evaluated` fixture types it",
    "workbench demo": "`make demo`, which CI runs; the wheel's test types it in an empty environment",
    'uv pip install ".[all]"': "the wheel's test installs into an empty environment",
    'workbench corpora get crema-d --accept "ODbL 1.0"': "it needs the web: tests/corpora/test_get.py types it against a mirror",
}
"""Commands that something else types in a fresh process."""
SERVER = re.compile(r"workbench serve (\w+)|panel serve apps/(\w+)\.py")
EXIT = {"workbench audit run": (0, 1)}  # 1: a stated limit is exceeded, which CREMA-D's votes do
COMMANDS = {page: [c for block in documents.blocks(page, "sh") for c in block.commands] for page in documents.pages()}
README = COMMANDS.pop("README.md")
IN_DOCS = {command for commands in COMMANDS.values() for command in commands}
COMMANDS["README.md"] = [command for command in README if command not in IN_DOCS]
MAKE = sorted({c.split()[1] for c in IN_DOCS | set(README) if c.startswith("make ")})


def typed(page: str) -> list[str]:
    return [c for c in COMMANDS[page] if c not in ELSEWHERE and not SERVER.match(c) and not c.startswith("make ")]


def about_crema_d(page: str) -> bool:
    """Whether a command of the page reads CREMA-D's votes."""
    return any(re.search(r"crema-d|audit_default|fusion_sweep", command) for command in typed(page))


@pytest.mark.media
@pytest.mark.parametrize("page", [page for page in COMMANDS if typed(page) and not about_crema_d(page)])
def test_commands_of_a_page(page: str, reader: Callable[[], Reader]) -> None:
    type_all(page, reader())


@pytest.mark.media
@pytest.mark.parametrize("page", [page for page in COMMANDS if about_crema_d(page)])
def test_commands_of_a_page_about_crema_d(page: str, reader: Callable[[], Reader], crema_d_root: Path) -> None:
    type_all(page, reader(), WORKBENCH_DATA=str(crema_d_root.parent))


def type_all(page: str, at: Reader, **environment: str) -> None:
    at.environment |= environment
    for command in typed(page):
        quicker = next((options for start, options in QUICKER.items() if command.startswith(start)), "")
        done = at.type(f"{command} {quicker}")
        allowed = next((codes for start, codes in EXIT.items() if command.startswith(start)), (0,))
        assert done.returncode in allowed, f"{command}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}"
        assert "Traceback" not in done.stderr, command


@pytest.mark.parametrize("target", MAKE)
def test_a_target_of_make_is_there(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", "--always-make", target], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.media
@pytest.mark.parametrize("command", sorted({c for c in IN_DOCS | set(README) if SERVER.match(c)}))
def test_a_page_is_served(command: str, reader: Callable[[], Reader]) -> None:
    at = reader()
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    which = next(filter(None, SERVER.match(command).groups()))
    server = subprocess.Popen(
        ["bash", "-c", f"exec {command} --port {port}"], cwd=at.folder, env=os.environ | at.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert "bokeh" in ask(f"http://localhost:{port}/{which}", server)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def ask(address: str, server: subprocess.Popen[str], seconds: float = 120) -> str:
    """The page, once its server answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if server.poll() is not None:
            pytest.fail(f"the server ended: {server.stdout.read() if server.stdout else ''}")
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"{address} does not answer")
