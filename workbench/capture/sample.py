"""A recording played at real-time pace into a live session, as the messages that a browser would send."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np

from workbench.capture.browser import RATE, Intake, pack_audio, pack_frame
from workbench.capture.media_file import MediaFile
from workbench.settings import Capture
from workbench.streams import AudioBlock

_BLOCK = 1024  # samples a message, as the browser's
_QUALITY = 80  # JPEG, as the browser's


class Player(threading.Thread):
    """Feeds `intake` with a file's frames and audio, each at its time, and shows them to the page as well.

    Parameters
    ----------
    path : Path
        Any media file.
    intake : Intake
    settings : Capture
    speed : float
        Times real time; 1 for a page.
    """

    def __init__(self, path: Path, intake: Intake, settings: Capture, speed: float = 1.0) -> None:
        super().__init__(name="live-player", daemon=True)
        self._source = MediaFile(path, settings.model_copy(update={"block_seconds": _BLOCK / RATE}))
        self._intake, self._speed = intake, speed
        self._running = threading.Event()
        self._running.set()
        self._stopped = False
        self.finished = threading.Event()

    def pause(self, on: bool) -> None:
        """Hold the playback, or go on."""
        (self._running.clear if on else self._running.set)()

    def stop(self) -> None:
        """End the playback early."""
        self._stopped = True
        self._running.set()

    def run(self) -> None:
        import cv2

        began, frame_id = time.monotonic(), 0
        for item in self._source:
            paused = time.monotonic()
            self._running.wait()
            began += time.monotonic() - paused
            now = item.end if isinstance(item, AudioBlock) else item.message.timestamp
            time.sleep(max(0.0, began + now / self._speed - time.monotonic()))
            if self._stopped:
                break
            if isinstance(item, AudioBlock):
                pcm = np.round(np.clip(item.samples, -1, 1) * 32767).astype("<i2")
                message = pack_audio(item.first_sample, pcm)
            else:
                picture = cv2.cvtColor(item.image, cv2.COLOR_RGB2BGR)
                jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
                message = pack_frame(frame_id, round(item.message.timestamp * RATE), jpeg)
                frame_id += 1
            self._intake.send(message)
            self._intake.receive(message)
        self._intake.control({"kind": "end", "samples": self._intake.samples})
        self.finished.set()
