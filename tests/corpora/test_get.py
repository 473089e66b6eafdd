"""``workbench corpora get``: from a server on this machine that can break off and lie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.packages import fresh
from tests.support.registry import Registry, serve
from workbench.corpora import download, generated
from workbench.errors import CorpusError

LICENCE = "ODbL 1.0"
VOTES = "processedResults/tabulatedVotes.csv"


def no_progress(label: str, done: int, total: int) -> None:
    pass


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A mirror of generated tables; what is expected of them is set accordingly."""
    root = generated.write(tmp_path / "source", persons=18)
    known = download.REMOTE["crema-d"]
    contents = {f.path: (root / f.path).read_bytes() for f in known.files}
    files = tuple(download.RemoteFile(path, len(body), hashlib.sha256(body).hexdigest()) for path, body in contents.items())
    monkeypatch.setitem(
        download.REMOTE, "crema-d", download.RemoteCorpus(known.address, known.licence, known.licence_address, known.what, files)
    )
    with serve() as server:
        server.files = dict(contents)
        yield server


def test_tables_come_whole_and_are_not_fetched_again(mirror: Registry, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    target = tmp_path / "crema-d"
    paths = download.get("crema-d", target, LICENCE, lambda *step: seen.append(step), f"{mirror.address}/files")
    assert {str(p.relative_to(target)): p.read_bytes() for p in paths} == mirror.files
    assert {label: done == total for label, done, total in seen} == dict.fromkeys((p.name for p in paths), True)
    asked = len(mirror.requests)
    download.get("crema-d", target, LICENCE, no_progress, f"{mirror.address}/files")
    assert len(mirror.requests) == asked


def test_a_cut_connection_goes_on_where_it_stopped(mirror: Registry, tmp_path: Path) -> None:
    target = tmp_path / "crema-d"
    part = target / f"{VOTES}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(mirror.files[VOTES][:1000])
    mirror.break_after = 50
    download.get("crema-d", target, LICENCE, no_progress, f"{mirror.address}/files")
    assert (target / VOTES).read_bytes() == mirror.files[VOTES]
    first = download.REMOTE["crema-d"].files[0].path
    assert [r for p, r in mirror.requests if p.endswith(first)] == [None, "bytes=50-"]
    assert (f"/files/{VOTES}", "bytes=1000-") in mirror.requests


def test_another_file_than_the_known_one_is_deleted(mirror: Registry, tmp_path: Path) -> None:
    mirror.files[VOTES] = mirror.files[VOTES].replace(b"1", b"2")
    with pytest.raises(CorpusError, match=r"this is not the known tabulatedVotes\.csv"):
        download.get("crema-d", tmp_path / "crema-d", LICENCE, no_progress, f"{mirror.address}/files")
    assert not list((tmp_path / "crema-d" / "processedResults").iterdir())


def test_the_licence_must_be_accepted_by_name(mirror: Registry, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"licence ODbL 1\.0, https://.*add --accept 'ODbL 1\.0'"):
        download.get("crema-d", tmp_path / "crema-d", "yes", no_progress, f"{mirror.address}/files")
    assert mirror.requests == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("crema-d", "--accept", LICENCE, "--from", "http://127.0.0.1:9"), "cannot be reached"),
        (("crema-d", "--accept", LICENCE, "--from", "no address"), "cannot be reached"),
        (("crema-d",), "add --accept 'ODbL 1.0'"),
        (("iemocap",), "iemocap cannot be fetched; its card datasets/iemocap.md says who gives it"),
        (("nothing",), "'nothing' is not known"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = fresh("-m", "workbench", "corpora", "get", *arguments, "--to", tmp_path / "new", folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_real_addresses_are_those_of_the_tables_that_were_counted(crema_d_root: Path) -> None:
    for file in download.REMOTE["crema-d"].files:
        body = (crema_d_root / file.path).read_bytes()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file.size, file.sha256)
