"""From decoded video frames to upright RGB at the analysis rate."""

from __future__ import annotations

import math

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from workbench import contracts
from workbench.capture.container import quarter_turns
from workbench.streams import FramePacket

EARLY = 0.25
"""A frame may come this part of an interval early and still count for its tick: cameras jitter, containers round."""


class FrameLine:
    """Chooses frames by presentation time, scales them down and sets them upright.

    Parameters
    ----------
    fps : float
        Frames wanted per second; a slower source gives all it has.
    max_height : int, px
        Upright pictures taller than this are scaled down.
    aspect : float
        Width of a stored pixel over its height.
    interval : float, s
        Assumed distance of frames that carry no time; `untimed` counts those.
    """

    def __init__(self, fps: float, max_height: int, aspect: float = 1.0, interval: float = 0.04) -> None:
        self._period, self._max_height, self._aspect, self._interval = 1.0 / fps, max_height, aspect, interval
        self._scaler = VideoReformatter()  # one for all frames: it keeps its scaling tables
        self._due = -math.inf
        self._count = 0
        self.untimed = 0
        self.progress = -math.inf

    def push(self, frame: VideoFrame, time: float | None) -> FramePacket | None:
        """The packet of a chosen frame; None for one between ticks, before second 0, or out of order.

        Parameters
        ----------
        frame : VideoFrame
        time : float or None
            The session second at which it is shown; None where the file does not say.
        """
        if time is None:
            time = self._untimed()
        if time <= self.progress or time < 0:
            return None
        self.progress = time
        if time < self._due - EARLY * self._period:
            return None
        # On time: the next tick of the same beat. Late by a whole interval or more: the beat starts anew.
        self._due = (time if time - self._due >= self._period else self._due) + self._period
        image = self._picture(frame)
        message = contracts.Frame(frame_id=self._count, timestamp=time, width=image.shape[1], height=image.shape[0])
        self._count += 1
        return FramePacket(message, image)

    def _untimed(self) -> float:
        self.untimed += 1
        return 0.0 if math.isinf(self.progress) else self.progress + self._interval

    def _picture(self, frame: VideoFrame) -> NDArray[np.uint8]:
        turns = quarter_turns(frame)
        width, height = frame.width * self._aspect, float(frame.height)
        scale = min(1.0, self._max_height / (width if turns % 2 else height))
        scaled = self._scaler.reformat(frame, round(width * scale), round(height * scale), "rgb24", threads=1)
        return np.ascontiguousarray(np.rot90(scaled.to_ndarray(), turns))
