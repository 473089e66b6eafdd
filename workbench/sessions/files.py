"""The files of a session: appended to, never rewritten in place, and put right after a crash.

A line is handed to the operating system as one write and is not buffered here: killing the process loses nothing that
`write` returned from. A write that fails part-way (disk full) is rolled back, so that what was kept stays readable.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

from workbench.errors import SessionError

WAV_HEADER = 44
_SAMPLE_BYTES = 2


def fail(path: Path, error: OSError, action: str = "written") -> SessionError:
    """The one line that a person gets when the disk says no."""
    advice = {
        "No space left on device": "free some space",
        "Permission denied": "choose a folder that you may write to",
        "Read-only file system": "choose a folder that can be written to",
    }.get(error.strerror or "", "check the folder")
    return SessionError(f"{path}: cannot be {action} ({error.strerror or error}); {advice}; what was written so far is kept")


class Appender:
    """An append-only binary file without a buffer of its own.

    Raises
    ------
    SessionError
        From every method, if the file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("ab", buffering=0)
            self.size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise fail(path, error) from error

    def append(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[_write(self._file.fileno(), rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):  # needs no space: half a line must not stay before a later whole one
                self._file.truncate(self.size)
            raise fail(self.path, error) from error
        self.size += len(data)

    def skip(self, count: int) -> None:
        """Append `count` zero bytes (a hole on most file systems)."""
        try:
            self._file.truncate(self.size + count)
        except OSError as error:
            raise fail(self.path, error) from error
        self.size += count

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()


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
        raise fail(path, error) from error


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
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        at = end
        while at > 0:
            step = min(at, 65536)
            file.seek(at - step)
            found = file.read(step).rfind(b"\n")
            if found >= 0:
                return end - (at - step + found + 1)
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


def drop_tail(path: Path, count: int) -> None:
    """Cut the last `count` bytes off a file."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - count)
