"""Fetching entries: complete, interrupted, with wrong bytes, missing, damaged later, and by several threads at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.support.registry import Registry
from tests.support.small_zoo import FIRST, NETWORK, TEXT, no_progress, wheel, write_catalogue
from workbench import settings, zoo
from workbench.errors import WeightsError
from workbench.zoo import registry, store


def downloads() -> list[str]:
    return sorted(p.name for p in (settings.cache_dir() / "downloads").glob("*"))


def test_an_entry_is_made_from_archives_which_are_then_deleted(small_zoo: Registry) -> None:
    seen = []
    place = zoo.pull(["tiny"], lambda *step: seen.append(step))["tiny"]
    assert (place / "model.bin").read_bytes() == NETWORK
    assert (place / "sub" / "text.txt").read_bytes() == TEXT
    assert sorted(p.name for p in place.iterdir()) == ["manifest.json", "model.bin", "sub"]
    assert downloads() == []
    assert {label for label, *_ in seen} == {"first", "second"}
    assert all(done == total for label, done, total in seen if (label, done, total) == [s for s in seen if s[0] == label][-1])


def test_what_is_there_is_not_fetched_again(small_zoo: Registry) -> None:
    zoo.pull(["tiny"], no_progress)
    asked = len(small_zoo.requests)
    assert zoo.path("tiny", no_progress) == zoo.pull(["tiny"], no_progress)["tiny"]
    assert len(small_zoo.requests) == asked


def test_an_index_in_html_works_too(small_zoo: Registry) -> None:
    small_zoo.html = True
    assert (zoo.path("tiny", no_progress) / "model.bin").read_bytes() == NETWORK


def test_a_download_continues_where_the_connection_broke(small_zoo: Registry) -> None:
    small_zoo.break_after = 300_000
    assert (zoo.path("tiny", no_progress) / "model.bin").read_bytes() == NETWORK
    assert [r for path, r in small_zoo.requests if path == "/files/first-1.0.whl"] == [None, "bytes=300000-"]


def test_a_download_that_was_cut_off_resumes_in_the_next_run(small_zoo: Registry) -> None:
    part = settings.cache_dir() / "downloads" / "first-1.0.whl.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(small_zoo.files["first-1.0.whl"][:1000])
    assert (zoo.path("tiny", no_progress) / "model.bin").read_bytes() == NETWORK
    assert ("/files/first-1.0.whl", "bytes=1000-") in small_zoo.requests
    assert downloads() == []


def test_a_server_without_ranges_sends_everything_again(small_zoo: Registry) -> None:
    small_zoo.ranges = False
    small_zoo.break_after = 300_000
    assert (zoo.path("tiny", no_progress) / "model.bin").read_bytes() == NETWORK


def test_a_wrong_checksum_is_deleted_and_named(small_zoo: Registry) -> None:
    good = small_zoo.files["first-1.0.whl"]
    small_zoo.files["first-1.0.whl"] = good[:-1] + bytes([good[-1] ^ 1])
    with pytest.raises(WeightsError, match=r"first-1\.0\.whl: wrong checksum .* the file was deleted") as caught:
        zoo.path("tiny", no_progress)
    assert "\n" not in str(caught.value)
    assert downloads() == []
    assert store.present(zoo.find("tiny")) is None


def test_an_archive_that_lacks_a_member_is_named(small_zoo: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_zoo.files[FIRST] = wheel(first__other=TEXT)
    monkeypatch.setattr(registry, "CATALOGUE", write_catalogue(tmp_path / "other.yaml", small_zoo.files))
    with pytest.raises(WeightsError, match=r"first-1\.0\.whl: has no member 'first/"):
        zoo.path("tiny", no_progress)


def test_without_a_network_it_says_which_where_and_what_to_do(small_zoo: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9")  # nothing listens there
    with pytest.raises(WeightsError) as caught:
        zoo.path("tiny", no_progress)
    message = str(caught.value)
    assert message.startswith(f"tiny: not in the cache ({settings.cache_dir() / 'models' / 'tiny@'}")
    assert "the package registry cannot be reached" in message
    assert "Set WORKBENCH_WEIGHT_TINY to a path" in message
    assert "\n" not in message


def test_the_network_can_be_forbidden(small_zoo: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    with pytest.raises(WeightsError, match="WORKBENCH_OFFLINE is set"):
        zoo.path("tiny", no_progress)
    assert small_zoo.requests == []


def test_an_index_that_does_not_list_the_file(small_zoo: Registry) -> None:
    del small_zoo.files["second-1.0.whl"]
    with pytest.raises(WeightsError, match=r"second-1\.0\.whl: not on the configured package index"):
        zoo.path("tiny", no_progress)


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("model.bin", lambda data: data[: len(data) // 2]),
        ("model.bin", lambda data: data[:100] + b"!" + data[101:]),
        ("sub/text.txt", lambda data: b"b" + data[1:]),
        ("manifest.json", lambda data: data[:10]),
    ],
)
def test_a_damaged_cached_entry_is_fetched_again_on_first_use(small_zoo: Registry, file: str, damage: object) -> None:
    place = zoo.path("tiny", no_progress)
    (place / file).write_bytes(damage((place / file).read_bytes()))
    store.checked.clear()  # a new process
    again = zoo.path("tiny", no_progress)
    assert (again / "model.bin").read_bytes() == NETWORK
    assert (again / "sub" / "text.txt").read_bytes() == TEXT


def test_a_damaged_entry_without_a_network_is_named_in_one_line(small_zoo: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    place = zoo.path("tiny", no_progress)
    (place / "model.bin").write_bytes(b"")
    store.checked.clear()
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"^tiny: ") as caught:
        zoo.path("tiny", no_progress)
    assert "\n" not in str(caught.value)
    assert not place.exists()


def test_two_pulls_at_once_download_once(small_zoo: Registry) -> None:
    folders: list[Path] = []
    threads = [threading.Thread(target=lambda: folders.append(zoo.pull(["tiny"], no_progress)["tiny"])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(folders)) == 1
    assert len(folders) == 4
    assert sum(path.startswith("/files/") for path, _ in small_zoo.requests) == 2


def test_a_cache_that_cannot_be_written_is_named(small_zoo: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match=r"cannot be written \(Not a directory\); set WORKBENCH_CACHE"):
        zoo.pull(["tiny"], no_progress)
