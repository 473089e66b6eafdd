"""The files of a session: appended to, never rewritten in place, and put right after a crash.

A line is handed to the operating system as one write and is not buffered here: killing the process loses nothing that
`write` returned from. A write that fails part-way (disk full) is rolled back, so that what was kept stays readable.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from workbench.errors import SessionError

WAV_HEADER = 44
_SAMPLE_BYTES = 2


def fail(path: Path, error: OSError, action: str = "written") -> SessionError:
    """The one line that a person gets when the disk says no."""
    advice = {
        "No space left on device": "free some space",
        "Disk quota exceeded": "free some space, or ask for more",
        "File too large": "raise the limit of a file's size (ulimit -f), or choose another disk",
        "Permission denied": "choose a folder that you may write to",
        "Read-only file system": "choose a folder that can be written to",
    }.get(error.strerror or "", "check the folder")
    return SessionError(f"{path}: cannot be {action} ({error.strerror or error}); {advice}; what was written so far is kept")


class Appender:
    """An append-only file without a buffer of its own, safe beside other processes and threads that append to it.

    Every append is made under a lock on the file: only then is its end known, to which a write that fails is rolled back. In a
    file of lines, half a line that a killed process left at the end was never acknowledged, and is cut off before the next one.

    Parameters
    ----------
    path : Path
    lines : bool
        Whether the file holds lines; otherwise bytes of any kind.

    Raises
    ------
    SessionError
        From every method, if the file cannot be opened or written.
    """

    def __init__(self, path: Path, *, lines: bool = True) -> None:
        self.path, self._lines = path, lines
        self._held = 0
        self._open()

    def _open(self) -> None:
        try:
            self._file = self.path.open("ab+", buffering=0)
            self.size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise fail(self.path, error) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other appenders of this file away; may be nested."""
        if self._held:
            yield
            return
        _lock(self._file.fileno(), fcntl.LOCK_EX)
        with contextlib.suppress(OSError):
            while os.fstat(self._file.fileno()).st_ino != self.path.stat().st_ino:  # replaced as a whole meanwhile
                self._file.close()
                self._open()
                _lock(self._file.fileno(), fcntl.LOCK_EX)
        self._held, self.size = 1, os.fstat(self._file.fileno()).st_size
        try:
            yield
        finally:
            self._held = 0
            _lock(self._file.fileno(), fcntl.LOCK_UN)

    def append(self, data: bytes) -> None:
        with self.locked():
            self._cut_half_a_line()
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[_write(self._file.fileno(), rest) :]
            except OSError as error:
                self.roll_back(self.size)  # half a line must not stay before a later whole one
                raise fail(self.path, error) from error
            self.size += len(data)

    def _cut_half_a_line(self) -> None:
        if self._lines and self.size and os.pread(self._file.fileno(), 1, self.size - 1) != b"\n":
            self.roll_back(self.size - _torn(self._file, self.size))

    def roll_back(self, size: int) -> None:
        """Take back what was appended after the file had `size` bytes; call it in `locked`."""
        with contextlib.suppress(OSError):  # needs no space
            self._file.truncate(size)
            self.size = size

    def sync(self) -> None:
        """Wait until what was appended would survive a power cut."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise fail(self.path, error) from error

    def skip(self, count: int) -> None:
        """Append `count` zero bytes (a hole on most file systems)."""
        with self.locked():
            try:
                self._file.truncate(self.size + count)
            except OSError as error:
                raise fail(self.path, error) from error
            self.size += count

    def close(self) -> None:
        self._file.close()


def append_line(path: Path, line: str) -> None:
    """Append one line to a file of lines, as `Appender` does."""
    file = Appender(path)
    try:
        file.append(line.encode() + b"\n")
    finally:
        file.close()


def _lock(descriptor: int, how: int) -> None:
    with contextlib.suppress(OSError):  # a file system without locks only loses the guard
        fcntl.flock(descriptor, how)


class Guard:
    """Says that a session's folder is being written: a lock on the folder itself, which ends with the process that holds it."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = -1
        with contextlib.suppress(OSError):
            self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        for _ in range(_TRIES):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:  # a reader looks whether somebody writes, or somebody does
                time.sleep(0.02)
            except (OSError, ValueError):  # no locks here
                return
        self.release()
        raise SessionError(f"{folder}: is being recorded or finished by another process; wait for it, or stop it")

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @staticmethod
    def held(folder: Path) -> bool:
        """Whether somebody writes the folder. Readers that ask at the same time do not take one another for a writer."""
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        except OSError:  # no locks here
            return False
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Keep appenders of a file away while it is looked at; nothing where the file is missing or cannot be locked."""
    try:
        file = path.open("rb")
    except OSError:
        yield
        return
    with file:
        _lock(file.fileno(), fcntl.LOCK_SH)
        yield


_TRIES = 100
_write: Callable[[int, memoryview], int] = os.write


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file so that a reader sees either the old or the new content, also after a power cut.

    Raises
    ------
    SessionError
        If the file cannot be written; the old content is kept.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise fail(path, error) from error


def keep(folder: Path, name: str, files: tuple[str, ...]) -> None:
    """Copy files of a folder into a folder in it, once: what lies there already stays.

    Raises
    ------
    SessionError
        If they cannot be read or written.
    """
    try:
        (folder / name).mkdir(exist_ok=True)
        for file in files:
            if (folder / file).exists() and not (folder / name / file).exists():
                write_atomically(folder / name / file, (folder / file).read_bytes())
    except OSError as error:
        raise fail(folder / name, error) from error


def wav_header(data_bytes: int, sample_rate: int) -> bytes:
    """The 44 bytes before mono 16-bit PCM samples (RIFF/WAVE, ``fmt `` chunk of 16 bytes)."""
    rate = sample_rate * _SAMPLE_BYTES
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", 36 + data_bytes, b"WAVE", b"fmt ", 16, 1, 1, sample_rate, rate, _SAMPLE_BYTES, 16, b"data", data_bytes,
    )  # fmt: skip


def set_wav_header(path: Path, sample_rate: int) -> None:
    """Make the header of a session's WAV tell the samples that are there."""
    try:
        with path.open("r+b") as file:
            _lock(file.fileno(), fcntl.LOCK_EX)
            whole = max(0, os.fstat(file.fileno()).st_size - WAV_HEADER) // _SAMPLE_BYTES * _SAMPLE_BYTES
            file.truncate(WAV_HEADER + whole)
            file.write(wav_header(whole, sample_rate))
    except OSError as error:
        raise fail(path, error) from error


def wav_seconds(path: Path, sample_rate: int) -> float:
    """Length of a session's WAV by its size: right also while it is written, and where the header is not yet."""
    return max(0, path.stat().st_size - WAV_HEADER) // _SAMPLE_BYTES / sample_rate if path.exists() else 0.0


def wav_is_finished(path: Path, sample_rate: int) -> bool:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return file.read(WAV_HEADER) == wav_header(size - WAV_HEADER, sample_rate) if size >= WAV_HEADER else False


def torn_bytes(path: Path) -> int:
    """How many bytes after the last newline a killed writer left behind."""
    with reading(path), path.open("rb") as file:
        return _torn(file, file.seek(0, os.SEEK_END))


def _torn(file: BinaryIO, end: int) -> int:
    at = end
    while at > 0:
        step = min(at, 65536)
        newline = os.pread(file.fileno(), step, at - step).rfind(b"\n")
        if newline >= 0:
            return end - (at - step + newline + 1)
        at -= step
    return end


def last_line(path: Path) -> bytes:
    """The last whole line, without reading the file from its beginning; empty if there is none."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END) - torn_bytes(path)
        at, tail = end, b""
        while at > 0 and b"\n" not in tail[:-1]:
            step = min(at, 65536)
            at -= step
            file.seek(at)
            tail = file.read(step) + tail
        return tail[:-1].rpartition(b"\n")[2]


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and contents of the header and the message files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("header.json"), *folder.glob("*.jsonl")]):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def cut_torn(path: Path) -> None:
    """Cut half a line off the end of a file of lines."""
    file = Appender(path)
    try:
        file.append(b"")
    finally:
        file.close()
