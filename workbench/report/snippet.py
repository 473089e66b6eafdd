"""A moment of a session to show to others: a frame, the sound and the words of a span, as a folder or a ZIP file."""

from __future__ import annotations

import io
import json
import wave
import zipfile
from pathlib import Path
from typing import Any

from workbench.capture.source import Tracks
from workbench.errors import MediaError, SessionError
from workbench.report.data import frames
from workbench.sessions import files
from workbench.sessions.store import Session


def parts(session: Session, start: float, end: float) -> dict[str, bytes]:
    """Files of a snippet by name: ``snippet.json``, ``words.txt`` and, where they are stored, ``audio.wav`` and ``frame.jpg``.

    Parameters
    ----------
    start, end : float
        Seconds; cut to the session.

    Raises
    ------
    SessionError
        If the span is empty or lies outside the session.
    """
    length = session.duration
    low, high = max(0.0, start), min(end, length)
    if not low < high:
        raise SessionError(f"{session.folder}: no snippet from {start:g} to {end:g} s; the session lasts {length:.1f} s")
    words = [w for t in session.transcripts for w in t.words if w.start < high and w.end > low]
    found: dict[str, bytes] = {"words.txt": (" ".join(w.word for w in words) + "\n").encode()}
    missing = []
    if session.audio_path:
        found["audio.wav"] = _sound(session.audio_path, low, high)
    else:
        missing.append("audio: none is stored")
    try:
        picture = (
            next(frames(session.video_path, [(low + high) / 2], Tracks.of(session.header.media)), None) if session.video_path else None
        )
    except MediaError as error:
        picture = None
        missing.append(f"frame: {error}")
    if picture is not None:
        found["frame.jpg"] = _jpeg(picture[1])
    elif not session.video_path:
        missing.append("frame: no video is stored")
    about: dict[str, Any] = {
        "session": session.id,
        "start": low,
        "end": high,
        "frame_time": (low + high) / 2 if picture is not None else None,
        "purpose": session.header.purpose,
        "consent": session.header.consent.model_dump(),
        "source": session.header.media.get("name", ""),
        "words": [w.model_dump() for w in words],
        "missing": missing,
    }
    found["snippet.json"] = json.dumps(about, indent=2, ensure_ascii=False).encode() + b"\n"
    return found


def write(session: Session, start: float, end: float, out: Path) -> list[Path]:
    """Write a snippet into a folder, or as one file where `out` ends in ``.zip``.

    Parameters
    ----------
    session : Session
    start, end : float, s
    out : path

    Raises
    ------
    SessionError
        If the span is empty or the files cannot be written.
    """
    made = parts(session, start, end)
    try:
        if out.suffix == ".zip":
            out.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomically(out, zipped(made))
            return [out]
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.fail(out, error) from error
    for name, data in made.items():
        files.write_atomically(out / name, data)
    return [out / name for name in made]


def zipped(made: dict[str, bytes]) -> bytes:
    """The files of a snippet as one ZIP file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in made.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _sound(path: Path, start: float, end: float) -> bytes:
    with wave.open(str(path), "rb") as source:
        rate = source.getframerate()
        source.setpos(min(int(start * rate), source.getnframes()))
        data = source.readframes(int((end - start) * rate))
        layout = (source.getnchannels(), source.getsampwidth(), rate)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as target:
        target.setnchannels(layout[0])
        target.setsampwidth(layout[1])
        target.setframerate(layout[2])
        target.writeframes(data)
    return buffer.getvalue()


def _jpeg(image: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
