"""Downloads of archives: resumable, checked by SHA-256, and renamed into place when complete."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import WeightsError
from workbench.zoo import indexes
from workbench.zoo.progress import Progress
from workbench.zoo.registry import Archive, ModelEntry

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 4  # connections per download; each continues where the last one broke off
BLOCK = 1 << 20


class RefusedError(WeightsError):
    """A server that answered with an error; `status` is its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ChecksumError(WeightsError):
    """A downloaded file that is not the one that was expected; it was deleted."""


def digest(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check(path: Path, size: int, sha256: str, what: str) -> None:
    """Delete a file whose size or checksum is wrong.

    Raises
    ------
    WeightsError
        Naming the file, both checksums, and that it was deleted.
    """
    actual = digest(path) if path.stat().st_size == size else f"a length of {path.stat().st_size} bytes, not {size}"
    if actual != sha256:
        path.unlink()
        raise ChecksumError(
            f"{what}: wrong checksum (expected SHA-256 {sha256[:16]}…, found {actual:.40}); the file was deleted, pull again"
        )


def download(url: str, target: Path, size: int, sha256: str, http: httpx.Client, progress: Progress, label: str) -> None:
    """Download to ``target.part``, continue a part that is already there, check it, and rename it to `target`.

    Parameters
    ----------
    url : str
    target : Path
    size : int
        Bytes.
    sha256 : str
        Hex.
    http : httpx.Client
    progress : callable
        Called with `label`, the bytes so far and `size`.
    label : str

    Raises
    ------
    WeightsError
        If the checksum is wrong (the file is deleted) or the server refuses.
    httpx.TransportError
        If the connection fails `ATTEMPTS` times; the part stays for the next call.
    """
    import httpx

    part = target.with_name(target.name + ".part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _continue(url, part, size, http, lambda done: progress(label, done, size))
            break
        except httpx.TransportError:
            if attempt == ATTEMPTS:
                raise
    check(part, size, sha256, target.name)
    part.replace(target)


def _continue(url: str, part: Path, size: int, http: httpx.Client, report: Callable[[int], None]) -> None:
    import httpx

    have = part.stat().st_size if part.exists() else 0
    if have >= size:
        if have == size:
            return
        part.unlink()
        have = 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with http.stream("GET", url, headers=headers) as answer:
        if answer.is_error:
            why = f"{part.stem}: the registry answered {answer.status_code}; try again later or give a path to the weights"
            raise RefusedError(why, answer.status_code)
        resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
        done = have if resumed else 0  # a server that ignores ranges sends everything again
        with part.open("ab" if resumed else "wb") as stream:
            for block in answer.iter_raw():  # written as it comes, so that the part before a broken connection is kept
                stream.write(block)
                done += len(block)
                report(done)
    if done < size:
        raise httpx.ReadError(f"{part.stem}: the connection closed after {done} of {size} bytes")


def obtain(archive: Archive, folder: Path, http: httpx.Client, progress: Progress) -> Path:
    """The archive in `folder`, downloaded where it is not there yet."""
    target = folder / archive.file
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        download(indexes.locate(archive, http), target, archive.size, archive.sha256, http, progress, archive.name)
    return target


def _members(archive: Path, wanted: Iterable[str], into: Path) -> dict[str, Path]:
    """Copy members of a zip or tar file into a folder, in one pass; their paths by name."""
    names, copies = set(wanted), dict[str, Path]()
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as box:
            for name in names & set(box.namelist()):
                copies[name] = into / str(len(copies))
                with box.open(name) as source, copies[name].open("wb") as target:
                    shutil.copyfileobj(source, target, BLOCK)
    else:
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.name in names and (stream := tar.extractfile(member)):
                    copies[member.name] = into / str(len(copies))
                    with copies[member.name].open("wb") as target:
                        shutil.copyfileobj(stream, target, BLOCK)
    if missing := names - set(copies):
        raise WeightsError(f"{archive.name}: has no member {min(missing)!r}; the catalogue does not match this file")
    return copies


def assemble(entry: ModelEntry, archives: dict[str, Path], folder: Path) -> None:
    """Write an entry's files into `folder` from its archives and check each.

    Raises
    ------
    WeightsError
        If a member is missing or a file's checksum is wrong.
    """
    parts: dict[tuple[str, str], Path] = {}
    scratch = folder / ".members"
    for key, path in archives.items():
        own = scratch / key
        own.mkdir(parents=True)
        wanted = [f.parts[key] for f in entry.files if key in f.parts]
        parts |= {(key, member): copy for member, copy in _members(path, wanted, own).items()}
    for file in entry.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as stream:
            for key, member in file.parts.items():
                with parts[key, member].open("rb") as source:
                    shutil.copyfileobj(source, stream, BLOCK)
        check(target, file.size, file.sha256, f"{entry.name}/{file.path}")
    shutil.rmtree(scratch)


def offline() -> bool:
    """Whether the user forbade the network (``WORKBENCH_OFFLINE``)."""
    return os.environ.get("WORKBENCH_OFFLINE", "") not in ("", "0", "false")
