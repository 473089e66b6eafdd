"""Camera and microphone of a browser: the wire format, its sample-count clock, and the WebSocket media travels on.

A media message is a 16-byte little-endian header (kind uint8, 3 zero bytes, frame id uint32, sample count uint64) and a
payload: signed 16-bit mono PCM at 16 kHz whose first sample is the sample count, or a JPEG picture taken when that
many samples had been captured. Everything else is JSON text. The module is a plug-in of ``panel serve --plugins``.
"""

from __future__ import annotations

import json
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlparse

import numpy as np
from bokeh.server.util import check_allowlist
from tornado.ioloop import IOLoop
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from workbench.contracts import Frame
from workbench.streams import AudioBlock, FramePacket

RATE = 16000
HEADER = struct.Struct("<BxxxIQ")
AUDIO, FRAME = 1, 2
SOCKET = "workbench/media"
MAX_GAP = 60 * RATE
"""A jump of the clock beyond this (samples) is a broken client, not a gap."""

UNKNOWN, NO_CONSENT, MALFORMED = 4401, 4403, 4400


@dataclass(frozen=True)
class JpegFrame:
    """A compressed frame as it arrived; `sample` is the audio sample count when it was taken."""

    frame_id: int
    sample: int
    data: bytes

    @property
    def timestamp(self) -> float:
        return self.sample / RATE

    @property
    def reached(self) -> float:
        return self.timestamp


def decode(frame: JpegFrame, max_height: int) -> FramePacket:
    """Its pixels (RGB), no higher than `max_height`.

    Raises
    ------
    ValueError
        If it is no picture.
    """
    import cv2

    picture = cv2.imdecode(np.frombuffer(frame.data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("a picture from the browser could not be decoded")
    if picture.shape[0] > max_height:
        scale = max_height / picture.shape[0]
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = picture.shape[:2]
    message = Frame(frame_id=frame.frame_id, timestamp=frame.timestamp, width=width, height=height)
    return FramePacket(message, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def pack_audio(first_sample: int, samples: np.ndarray) -> bytes:
    """One audio message from int16 samples."""
    return HEADER.pack(AUDIO, 0, first_sample) + np.asarray(samples, "<i2").tobytes()


def pack_frame(frame_id: int, sample: int, jpeg: bytes) -> bytes:
    """One frame message."""
    return HEADER.pack(FRAME, frame_id, sample) + jpeg


class Intake:
    """Takes a browser's messages, in order and once each, whatever socket they came on.

    Parameters
    ----------
    on_audio, on_frame, on_control : callable
        Called with an `AudioBlock`, a `JpegFrame`, or the JSON object of a control message; must return at once.

    Attributes
    ----------
    token : str
        Secret that a socket must present.
    open : bool
        False until consent was given: until then every socket is refused.
    samples : int
        Samples taken so far, which is the session's clock.
    lost, skipped : int
        Samples that never came (filled with silence); frames that the browser left out.
    """

    def __init__(
        self,
        on_audio: Callable[[AudioBlock], None],
        on_frame: Callable[[JpegFrame], None],
        on_control: Callable[[dict[str, Any]], None],
    ) -> None:
        self.token = secrets.token_urlsafe(24)
        self.open = False
        self.samples = self.lost = self.skipped = 0
        self._last_frame = -1
        self._acknowledged = 0
        self._on_audio, self._on_frame, self._on_control = on_audio, on_frame, on_control
        self._outlet: Callable[[bytes | str], None] | None = None
        self._lock = Lock()

    def receive(self, message: bytes) -> None:
        """Take one media message.

        Raises
        ------
        ValueError
            If it is not one.
        """
        if len(message) < HEADER.size:
            raise ValueError("a media message is shorter than its header")
        kind, frame_id, sample = HEADER.unpack_from(message)
        if kind == AUDIO:
            with self._lock:
                self._audio(sample, np.frombuffer(message, "<i2", offset=HEADER.size))
        elif kind == FRAME:
            if frame_id <= self._last_frame:
                return
            self.skipped += frame_id - self._last_frame - 1
            self._last_frame = frame_id
            self._on_frame(JpegFrame(frame_id, sample, message[HEADER.size :]))
        else:
            raise ValueError(f"media messages of kind {kind} are not known")

    def _audio(self, first: int, pcm: np.ndarray) -> None:
        gap = first - self.samples
        if gap > MAX_GAP:
            raise ValueError(f"the audio clock jumped by {gap} samples")
        if gap > 0:  # a client that could not keep what was unacknowledged: the clock must not slip, and it must be said
            self.lost += gap
            self._take(np.zeros(gap, np.float32))
        elif gap < 0:  # sent again after a reconnect
            pcm = pcm[-gap:]
        if len(pcm):
            self._take(pcm.astype(np.float32) / 32768)
        if self.samples - self._acknowledged >= RATE // 2:
            self._acknowledged = self.samples
            self.send({"kind": "ack", "samples": self.samples})

    def _take(self, samples: np.ndarray) -> None:
        self._on_audio(AudioBlock(self.samples, samples, RATE))
        self.samples += len(samples)

    def control(self, message: dict[str, Any]) -> None:
        """Take one control message."""
        self._on_control(message)

    def connect(self, outlet: Callable[[bytes | str], None]) -> None:
        """Route what is sent to the browser into `outlet`, and tell the browser from which sample to go on."""
        self._outlet = outlet
        self.send({"kind": "resume", "samples": self.samples})

    def disconnect(self, outlet: Callable[[bytes | str], None]) -> None:
        if self._outlet == outlet:
            self._outlet = None

    @property
    def connected(self) -> bool:
        return self._outlet is not None

    def send(self, message: dict[str, Any] | bytes) -> None:
        """Send to the browser from any thread; dropped while no socket is there (overlays are out of date at once)."""
        outlet = self._outlet
        if outlet is not None:
            outlet(message if isinstance(message, bytes) else json.dumps(message))


_intakes: dict[str, Intake] = {}
mounted = False
"""True once `panel serve --plugins` has loaded this module's route; otherwise media travels as Panel messages."""


def register(intake: Intake) -> None:
    _intakes[intake.token] = intake


def unregister(intake: Intake) -> None:
    """Forget the token; a socket that still presents it is told that the session has ended."""
    _intakes.pop(intake.token, None)


class MediaSocket(WebSocketHandler):
    """One browser's media connection. Its first message must be ``{"kind": "hello", "token": …}``."""

    intake: Intake | None = None

    def check_origin(self, origin: str) -> bool:
        """Only pages that the server itself served, or that ``--allow-websocket-origin`` names."""
        host = urlparse(origin).netloc.lower()
        if host == self.request.host.lower():
            return True
        return check_allowlist(host, list(getattr(self.application, "websocket_origins", ())))

    def open(self, *args: str, **kwargs: str) -> None:
        self._loop = IOLoop.current()
        self.set_nodelay(True)

    def on_message(self, message: str | bytes) -> None:
        try:
            if self.intake is None:
                self._hello(message)
            elif isinstance(message, bytes):
                self.intake.receive(message)
            else:
                self.intake.control(_object(message))
        except ValueError as error:
            self.close(MALFORMED, str(error)[:100])

    def _hello(self, message: str | bytes) -> None:
        hello = _object(message)
        intake = _intakes.get(str(hello.get("token", "")))
        if hello.get("kind") != "hello" or intake is None:
            return self.close(UNKNOWN, "unknown or ended session")
        if not intake.open:
            return self.close(NO_CONSENT, "no consent was given")
        self.intake = intake
        return intake.connect(self._send)

    def _send(self, message: bytes | str) -> None:
        self._loop.add_callback(self._write, message)

    async def _write(self, message: bytes | str) -> None:
        try:
            await self.write_message(message, binary=isinstance(message, bytes))
        except WebSocketClosedError:
            self.on_close()

    def on_close(self) -> None:
        if self.intake is not None:
            self.intake.disconnect(self._send)


def _object(message: str | bytes) -> dict[str, Any]:
    values = json.loads(message)
    if not isinstance(values, dict):
        raise ValueError("a control message must be a JSON object")
    return values


ROUTES = [(rf"/{SOCKET}", MediaSocket)]
