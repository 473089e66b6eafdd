"""Writes a session while it happens."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from workbench import contracts
from workbench.contracts import Message, SessionHeader
from workbench.errors import SessionError
from workbench.events import EventKind
from workbench.outputs import outputs_of
from workbench.sessions import files
from workbench.streams import STREAMS, AudioBlock

HEADER, AUDIO = "header.json", "audio.wav"
RESERVED = ("overrides", "header")
"""Names in a session's folder that no stage may write."""
_STREAM = re.compile(r"[a-z][a-z0-9_]{0,40}")


class SessionWriter:
    """Writes one session; safe to call from several threads. Use as a context manager.

    The folder is locked while the writer lives, so that nobody repairs a session that is still being recorded.
    """

    def __init__(self, folder: Path, header: SessionHeader) -> None:
        self.folder = folder
        self.header = header
        self._lock = threading.RLock()
        self._streams: dict[str, files.Appender] = {}
        self._audio: files.Appender | None = None
        self._guard = files.Guard(folder)
        self._header_at = 0

    @classmethod
    def create(cls, folder: str | Path, header: SessionHeader) -> SessionWriter:
        """Make the folder with its header and empty streams.

        Raises
        ------
        SessionError
            If the folder holds something already or cannot be written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            taken = any(folder.iterdir())
        except OSError as error:
            raise files.fail(folder, error) from error
        if taken:
            raise SessionError(f"{folder}: is not empty; choose another folder, a session never overwrites anything")
        writer = cls(folder, header)
        files.write_atomically(folder / HEADER, header.model_dump_json(indent=2).encode() + b"\n")
        writer._open()
        return writer

    @classmethod
    def reopen(cls, folder: str | Path) -> SessionWriter:
        """Go on with a session that was cut off; open it with `Session.open` first, which repairs torn lines.

        Raises
        ------
        SessionError
            If somebody writes it at this moment, or it cannot be written.
        """
        folder = Path(folder)
        writer = cls(folder, SessionHeader.model_validate_json((folder / HEADER).read_bytes()))
        writer._open()
        if (folder / AUDIO).exists():
            writer._audio = files.Appender(folder / AUDIO, lines=False)
            writer._header_at = writer._audio.size
        return writer

    def _open(self) -> None:
        for name in STREAMS:
            self._streams[name] = files.Appender(self.folder / f"{name}.jsonl")

    def write(self, stream: str, message: Message) -> None:
        """Append one message to a stream; it is with the operating system when this returns.

        Raises
        ------
        SessionError
            If the message is not of the stream's type, the stream's name cannot be one, or the disk does not take it.
        """
        if not isinstance(message, STREAMS.get(stream, Message)):
            raise SessionError(f"stream {stream!r} does not take a {type(message).__name__}; streams: {', '.join(STREAMS)}")
        data = message.line().encode() + b"\n"
        with self._lock:
            if stream not in self._streams:
                self._streams[stream] = self._added(stream)
            self._streams[stream].append(data)

    def _added(self, stream: str) -> files.Appender:
        """The file of a stream that a stage of another package writes."""
        if not _STREAM.fullmatch(stream) or stream in RESERVED:
            raise SessionError(
                f"stream {stream!r} cannot be stored: a name is lower-case letters, digits and '_', and none of the session's own"
            )
        return files.Appender(self.folder / f"{stream}.jsonl")

    def add(self, item: Any) -> None:
        """Write one item of the graphs to the streams that its type declares (see `outputs`); audio goes into the recording."""
        if isinstance(item, AudioBlock):
            self.audio(item)
            return
        for output in outputs_of(item):
            for row in output.rows(item):
                self.write(output.stream_of(item), row)

    def event(self, kind: str, message: str = "", *, timestamp: float = 0.0, stage: str | None = None, **data: Any) -> None:
        """Append to ``events``; `data` must be plain values."""
        self.write("events", contracts.Event(timestamp=timestamp, kind=kind, stage=stage, message=message, data=data))

    def audio(self, block: AudioBlock) -> None:
        """Append samples at their place on the clock: a gap is filled with silence, what is there already is kept.

        Raises
        ------
        SessionError
            If the sample rate is not the header's, or the disk does not take it.
        """
        rate = self.header.clock.sample_rate
        if block.sample_rate != rate:
            raise SessionError(f"{self.folder / AUDIO}: samples at {block.sample_rate} Hz, the session's clock runs at {rate} Hz")
        with self._lock:
            if self._audio is None:
                self._audio = files.Appender(self.folder / AUDIO, lines=False)
                self._audio.append(files.wav_header(0, rate))
            written = (self._audio.size - files.WAV_HEADER) // 2
            gap = block.first_sample - written
            if gap > 0:
                self._audio.skip(2 * gap)
                self.event(EventKind.AUDIO_GAP, f"{gap / rate:.3f} s without samples were filled with silence", timestamp=written / rate)
            pcm = np.clip(np.round(block.samples[max(0, -gap) :] * 32768.0), -32768, 32767).astype("<i2")
            self._audio.append(pcm.tobytes())
            if self._audio.size - self._header_at >= 2 * rate:  # once a second
                self._finish_audio()

    def _finish_audio(self) -> None:
        if self._audio is not None:
            files.set_wav_header(self._audio.path, self.header.clock.sample_rate)
            self._header_at = self._audio.size

    def video(self, source: str | Path) -> None:
        """Copy the source's video into the folder as ``video.SUFFIX``.

        Raises
        ------
        SessionError
            If it cannot be read or there is no room for it; no half copy is left.
        """
        source = Path(source)
        target = self.folder / f"video{source.suffix.lower()}"
        part = target.with_name(target.name + ".part")
        try:
            shutil.copyfile(source, part)
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise files.fail(target, error) from error

    def replace(self, stream: str, messages: Iterable[Message]) -> None:
        """Put `messages` in place of all that a stream holds, in one step (e.g. when diarization has named the speakers)."""
        lines = b"".join(m.line().encode() + b"\n" for m in messages)
        with self._lock:
            self._streams[stream].close()
            files.write_atomically(self.folder / f"{stream}.jsonl", lines)
            self._streams[stream] = files.Appender(self.folder / f"{stream}.jsonl")

    def close(self) -> None:
        """Finish the WAV header and release the folder; nothing more can be written."""
        with self._lock:
            try:
                self._finish_audio()
            finally:
                for file in (*self._streams.values(), *filter(None, [self._audio])):
                    file.close()
                self._streams, self._audio = {}, None
                self._guard.release()

    def __enter__(self) -> SessionWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
