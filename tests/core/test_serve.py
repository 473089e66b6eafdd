"""``workbench serve`` and the files that the package brings along, from a folder that holds nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.support.packages import ROOT, fresh


def command(folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return fresh("-m", "workbench", *arguments, folder=folder, **environment)


def test_default_settings_are_found_from_any_folder(tmp_path: Path) -> None:
    done = command(tmp_path, "settings", "experiments/default.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("capture:\n")


def test_a_file_of_the_working_folder_comes_before_the_one_of_that_name_in_the_package(tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "default.yaml").write_text("capture: {fps: 7}\n")
    assert "fps: 7.0" in command(tmp_path, "settings", "experiments/default.yaml").stdout


def test_a_file_that_is_nowhere_is_one_line(tmp_path: Path) -> None:
    done = command(tmp_path, "settings", "experiments/mine.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("workbench: experiments/mine.yaml: cannot be read")


def test_an_unknown_page_is_one_line(tmp_path: Path) -> None:
    done = command(tmp_path, "serve", "charts")
    assert done.returncode == 2
    assert done.stderr == "workbench: serve: no page is called 'charts'; choose one of live, tune, review, audit\n"


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = command(tmp_path, "serve", "review", "--port", port)
    assert done.returncode == 2
    assert done.stderr == f"workbench: serve: port {port} is in use; stop the other server, or choose another port with --port\n"


def test_an_address_of_another_machine_is_one_line(tmp_path: Path) -> None:
    done = command(tmp_path, "serve", "review", "--address", "192.0.2.1")
    assert done.returncode == 2
    assert "192.0.2.1 is not an address of this machine" in done.stderr


@pytest.mark.parametrize("page", ["review", "audit"])
def test_a_page_is_served_from_an_empty_folder(tmp_path: Path, page: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        [sys.executable, "-m", "workbench", "serve", page, "--port", str(port)], cwd=tmp_path, env=environment, stderr=subprocess.PIPE
    )
    try:
        for _ in range(600):
            try:
                with urlopen(f"http://127.0.0.1:{port}/{page}") as answer:
                    assert b"bokeh" in answer.read()
                    break
            except URLError:
                assert server.poll() is None, server.stderr and server.stderr.read().decode()
                time.sleep(0.2)
        else:
            pytest.fail("the server did not start")
    finally:
        server.terminate()
        server.communicate()
