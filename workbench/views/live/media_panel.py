"""The camera picture with its boxes: the browser's half of a live session. Also for notebooks: ``MediaPanel(intake=...)``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import panel as pn
import param
from panel.custom import JSComponent

from workbench import theme
from workbench.capture import browser
from workbench.capture.browser import Intake

HERE = Path(__file__).parent


class MediaPanel(JSComponent):
    """Captures while `state` is "live", and sends to the intake it was given by `attach`."""

    state: Any = param.Selector(default="idle", objects=["idle", "live", "paused", "stopped"])
    source: Any = param.Selector(default="camera", objects=["camera", "sample"])
    socket = param.String(default="", doc="path of the media socket; empty: Panel's own messages")
    token = param.String(default="")
    fps = param.Number(default=15.0, bounds=(1, 60))
    frame_width = param.Integer(default=640)
    frame_height = param.Integer(default=480)
    quality = param.Number(default=0.8, bounds=(0.3, 1))
    problem = param.String(default="", doc="why the browser gave no camera or microphone")
    tick = param.Integer(default=0, doc="raised with every update of the page, which measures the interval")

    _esm = HERE / "media.js"
    _stylesheets = [theme.css(), (HERE / "media.css").read_text(encoding="utf-8")]

    def __init__(self, **params: Any) -> None:
        params.setdefault("socket", browser.SOCKET if browser.mounted else "")
        super().__init__(**params)
        self._intake: Intake | None = None

    def attach(self, intake: Intake) -> None:
        """Send what is captured to `intake`."""
        self._intake = intake
        self.token = intake.token

    def _handle_msg(self, data: Any) -> None:
        """Media over Panel's messages. Only hands on: the document is locked meanwhile."""
        intake = self._intake
        if intake is None or not intake.open:
            return
        if "wire" in data:
            intake.receive(bytes(data["wire"]))
        elif data.get("control", {}).get("kind") == "hello":
            if data["control"].get("token") == intake.token:
                intake.connect(self._outlet())
        else:
            intake.control(data["control"])

    def _outlet(self) -> Any:
        document = pn.state.curdoc

        def send(message: bytes | str) -> None:
            wrapped = {"wire": message}
            if document is None or document.session_context is None:
                self._send_msg(wrapped)
            else:
                document.add_next_tick_callback(partial(self._send_msg, wrapped))

        return send
