"""Nothing leaves the machine: commands, pages and a live session run where every look-up and connection is written down."""

import sys
from pathlib import Path

import pytest

from tests.support.egress import watched

pytestmark = [pytest.mark.media, pytest.mark.ui]  # a server and a browser: not beside other tests

OUTSIDE = """
import contextlib, socket, urllib.request
with contextlib.suppress(OSError):
    urllib.request.urlopen("https://example.org", timeout=3)
with contextlib.suppress(OSError):
    socket.create_connection(("192.0.2.7", 4000), 1)
"""


def test_a_program_that_phones_home_is_named(tmp_path: Path) -> None:
    done = watched([sys.executable, "-c", OUTSIDE], tmp_path)
    tried = "\n".join(done.tried)
    assert "look-up of example.org by" in tried
    assert "tcp to 203.0.113.9 port 443" in tried, "the connection that followed the look-up"
    assert "tcp to 192.0.2.7 port 4000" in tried, "an address needs no look-up"


def test_the_demo_phones_nobody(tmp_path: Path) -> None:
    done = watched([sys.executable, "-m", "workbench", "demo"], tmp_path)
    assert done.code == 0, done.output[-800:]
    assert done.tried == []


def test_pages_and_a_live_session_phone_nobody(tmp_path: Path) -> None:
    done = watched([sys.executable, "-m", "tests.support.visit"], tmp_path)
    assert done.code == 0, done.output[-800:]
    assert "recorded" in done.output
    assert done.tried == []
