"""Downloads from a model hub: the hub's own client with a hub on this machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from workbench.errors import WeightsError
from workbench.zoo import hub
from workbench.zoo.registry import ModelEntry

REVISION = "0123456789abcdef0123456789abcdef01234567"
CONTENT = {"config.json": b"{}", "model.bin": b"weights" * 1000}


@pytest.fixture
def endpoint() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self, with_body: bool) -> None:
            prefix = f"/someone/model/resolve/{REVISION}/"
            body = CONTENT.get(self.path.removeprefix(prefix)) if self.path.startswith(prefix) else None
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            if body:
                self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
                self.send_header("X-Repo-Commit", REVISION)
            else:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            if with_body:
                self.wfile.write(body or b"")

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def entry(**files: bytes) -> ModelEntry:
    listed = [{"path": n.replace("_", "."), "size": len(b), "sha256": hashlib.sha256(b).hexdigest()} for n, b in files.items()]
    return ModelEntry.model_validate(
        {"name": "whisper", "kind": "", "set": "extra", "version": "", "licence": "MIT", "training_data": "", "main": "", "card": ""}
        | {"files": listed, "hub": {"repo": "someone/model", "revision": REVISION}}
    )


def test_files_of_a_pinned_revision(endpoint: str, tmp_path: Path) -> None:
    hub.obtain(entry(config_json=CONTENT["config.json"], model_bin=CONTENT["model.bin"]), tmp_path, endpoint)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == CONTENT


def test_bytes_other_than_the_catalogue_s_are_refused(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"whisper/model\.bin: wrong checksum"):
        hub.obtain(entry(model_bin=b"x" * len(CONTENT["model.bin"])), tmp_path, endpoint)
    assert not (tmp_path / "model.bin").exists()


def test_a_hub_that_lacks_the_file_is_named(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"whisper: hub repository someone/model failed \(") as caught:
        hub.obtain(entry(absent_bin=b"x"), tmp_path, endpoint)
    assert "\n" not in str(caught.value)


def test_a_hub_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^the model hub cannot be reached \(ConnectError\)$"):
        hub.obtain(entry(model_bin=CONTENT["model.bin"]), tmp_path, "http://127.0.0.1:9")
