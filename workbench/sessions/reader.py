"""A session's folder as it lies on disk: its header, its media, and its streams of messages, read when asked for.

Arrays (`tracks`), tables (`tables`) and corrections (`overrides`) are made of what this reads; `store.Session` puts all of them together.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from workbench import contracts, settings
from workbench.contracts import Message, SessionHeader
from workbench.errors import SessionError
from workbench.events import EventKind
from workbench.sessions import files
from workbench.sessions.writer import AUDIO, HEADER, RESERVED
from workbench.streams import STREAMS

M = TypeVar("M", bound=Message)


class SessionReader:
    """What a session's folder holds. Build with `open` or `find`."""

    def __init__(self, folder: Path, header: SessionHeader, recording: bool) -> None:
        self.folder = folder
        self.header = header
        self.recording = recording
        self.warnings: list[str] = []

    @classmethod
    def open(cls, folder: str | Path, repair: bool = True) -> Self:
        """Open a folder and put right what a killed writer left: torn last lines, unfinished WAV headers.

        Every repair is a line in `warnings` and an event. A session that is still being recorded is never touched,
        and a folder that cannot be written is read as far as it is whole.

        Raises
        ------
        SessionError
            If the folder holds no session, or its header is not readable.
        """
        folder = Path(folder)
        path = folder / HEADER
        try:
            header = SessionHeader.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise SessionError(f"{folder}: holds no session ({HEADER} is missing); give a session's id or folder") from None
        except OSError as error:
            raise files.fail(path, error, "read") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(p) for p in first["loc"]) or "the file"
            raise SessionError(f"{path}: not a session header: {where}: {first['msg']}; restore it from a copy") from None
        session = cls(folder, header, files.Guard.held(folder))
        if repair and not session.recording:
            session._repair()
        return session

    def refresh(self) -> None:
        """Forget what was read of the streams, so that it is read anew: something was written since."""
        for name in [n for n in vars(self) if n != "settings" and isinstance(getattr(type(self), n, None), cached_property)]:
            delattr(self, name)
        self.recording = files.Guard.held(self.folder)

    @classmethod
    def find(cls, name: str | Path) -> Self:
        """Open a session by its folder, or by its id in the sessions folder."""
        return cls.open(name if Path(name).exists() else settings.sessions_dir() / name)

    def _repair(self) -> None:
        rate = self.header.clock.sample_rate
        for stream in ("events", *(s for s in STREAMS if s != "events")):  # first, because the other repairs are noted there
            path = self.folder / f"{stream}.jsonl"
            if not path.exists():
                self.warnings.append(f"{path.name} is missing; the session is read without it")
            elif torn := files.torn_bytes(path):
                self._put_right(path, f"{path.name}: its last line was torn; {torn} bytes were dropped", files.cut_torn)
        audio = self.audio_path
        if audio and not files.wav_is_finished(audio, rate):
            self._put_right(
                audio, f"{audio.name}: its header was unfinished and was rewritten", lambda path: files.set_wav_header(path, rate)
            )

    def _put_right(self, path: Path, message: str, action: Callable[[Path], None]) -> None:
        try:
            action(path)
            files.append_line(
                self.folder / "events.jsonl", contracts.Event(timestamp=self.duration, kind=EventKind.REPAIR, message=message).line()
            )
        except (OSError, SessionError):
            message += " in memory only (the folder cannot be written)"
        self.warnings.append(message)

    @property
    def id(self) -> str:
        return self.header.session_id

    @cached_property
    def settings(self) -> settings.Settings:
        """The settings in the header.

        Raises
        ------
        SettingsError
            If they are not valid (any more).
        """
        return settings.from_dict(self.header.settings, f"{self.folder}/{HEADER}", environment=False)

    @property
    def audio_path(self) -> Path | None:
        path = self.folder / AUDIO
        return path if path.exists() else None

    @property
    def video_path(self) -> Path | None:
        found = sorted(p for p in self.folder.glob("video.*") if p.suffix != ".part")
        return found[0] if found else None

    @property
    def duration(self) -> float:
        """Seconds from 0 to the end of the audio or the last analysed frame, whichever is later."""
        line = files.last_line(self.folder / "detections.jsonl")
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return max(files.wav_seconds(self.folder / AUDIO, self.header.clock.sample_rate), float(json.loads(line)["timestamp"]))
        return files.wav_seconds(self.folder / AUDIO, self.header.clock.sample_rate)

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def messages(self, stream: str) -> list[Any]:
        """All messages of a stream, in the order they were written; a line that cannot be read is left out with a warning.

        Raises
        ------
        SessionError
            If there is no such stream.
        """
        if stream in self.added_streams:
            return [json.loads(line) for line in self.raw(stream).splitlines()]
        if stream not in STREAMS:
            raise SessionError(f"{self.folder}: no stream is called {stream!r}; streams: {', '.join([*STREAMS, *self.added_streams])}")
        return self._read(stream, STREAMS[stream])

    @property
    def added_streams(self) -> list[str]:
        """Streams that stages of other packages wrote; their messages are read as plain dicts."""
        own = {*STREAMS, *RESERVED}
        return sorted(p.stem for p in self.folder.glob("*.jsonl") if p.stem not in own)

    def _read(self, stream: str, kind: type[M]) -> list[M]:
        path = self.folder / f"{stream}.jsonl"
        lines = self.raw(stream).splitlines()
        try:
            return TypeAdapter(list[kind]).validate_json(b"[" + b",".join(lines) + b"]")  # type: ignore[valid-type]
        except ValidationError:
            return self._read_slowly(path, lines, kind)

    def _read_slowly(self, path: Path, lines: list[bytes], kind: type[M]) -> list[M]:
        found, bad = [], []
        for number, line in enumerate(lines, start=1):
            try:
                found.append(kind.model_validate_json(line))
            except ValidationError:
                bad.append(number)
        if bad:
            warning = f"{path.name}: {len(bad)} unreadable lines are left out (line {bad[0]} is the first)"
            if warning not in self.warnings:
                self.warnings.append(warning)
        return found

    def raw(self, stream: str) -> bytes:
        """A stream's whole lines as they lie on disk; empty where the file is missing."""
        path = self.folder / f"{stream}.jsonl"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise files.fail(path, error, "read") from error
        return data[: data.rfind(b"\n") + 1]

    @cached_property
    def detections(self) -> list[contracts.Detections]:
        return self._read("detections", contracts.Detections)

    @cached_property
    def visual(self) -> list[contracts.VisualOutput]:
        return self._read("visual", contracts.VisualOutput)

    @cached_property
    def segments(self) -> list[contracts.SpeechSegment]:
        return self._read("segments", contracts.SpeechSegment)

    @cached_property
    def transcripts(self) -> list[contracts.Transcript]:
        return self._read("transcripts", contracts.Transcript)

    @cached_property
    def prosody(self) -> list[contracts.Prosody]:
        return self._read("prosody", contracts.Prosody)

    @cached_property
    def answers(self) -> list[contracts.Answer]:
        return self._read("answers", contracts.Answer)

    def scores_of(self, scope: str) -> list[contracts.Score]:
        """The scores of one scope ('session' or a question's id), without reading the others' evidence."""
        mark = b'"scope":' + json.dumps(scope, ensure_ascii=False).encode()
        lines = [line for line in self.raw("scores").splitlines() if mark in line]
        return [s for s in self._read_slowly(self.folder / "scores.jsonl", lines, contracts.Score) if s.scope == scope]

    @cached_property
    def fused_windows(self) -> list[contracts.FusedWindow]:
        return self._read("windows", contracts.FusedWindow)

    @cached_property
    def score_messages(self) -> list[contracts.Score]:
        return self._read("scores", contracts.Score)

    @cached_property
    def events(self) -> list[contracts.Event]:
        return self._read("events", contracts.Event)
