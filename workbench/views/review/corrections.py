"""The form in which a reviewer overrules a score or a label, and the log of what was overruled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from workbench.errors import SessionError, WorkbenchError
from workbench.labels import BASIC
from workbench.sessions import overrides
from workbench.views.review import html
from workbench.views.review.data import Opened
from workbench.views.review.faces import FacePicker


class Corrections(pn.viewable.Viewer):
    """Set a score of any scope, or the label of the selected span; the original stays beside it.

    Parameters
    ----------
    opened : Opened
    selection : callable
        Gives the selected span, start and end in seconds, or nothing.
    changed : callable
        Called after a correction was stored.
    renew : callable
        Called after the candidate was corrected: windows and scores are others now.
    """

    def __init__(
        self, opened: Opened, selection: Callable[[], list[float]], changed: Callable[[], None], renew: Callable[[], None], **params: Any
    ) -> None:
        super().__init__(**params)
        self.opened, self._selection, self._changed, self._renew = opened, selection, changed, renew
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "size": "small"}
        names = [s.name for s in opened.session.scores_of("session")]
        self.what = pmui.RadioButtonGroup(options=["Score", "Label of the selection", "Candidate"], value="Score", size="small")
        self.scope = pmui.Select(label="Of", options=opened.scopes(), value="session", margin=(14, 10, 5, 10), **wide)
        self.score = pmui.Select(label="Score", options=names, value=names[0] if names else None, **wide)
        self.value = pmui.FloatInput(label="New value, 0 to 100", start=0, end=100, step=1, value=None, **wide)
        self.label = pmui.Select(label="New label", options=list(BASIC), value="neutral", visible=False, **wide)
        self.faces = FacePicker(opened.session)
        self._choice = pn.Column(self.faces, visible=False, sizing_mode="stretch_width")
        self.reason = pmui.TextInput(label="Reason", placeholder="why the computed value is wrong", **wide)
        self.by = pmui.TextInput(label="By", placeholder="name, role or pseudonym", **wide)
        self.store = pmui.Button(label="Store the correction", size="small", on_click=lambda _: self._store())
        self.message = pn.pane.HTML("", sizing_mode="stretch_width")
        self.log = pn.pane.HTML("", sizing_mode="stretch_width")
        self.what.param.watch(lambda _: self.follow(), "value")
        self.follow()
        self._list()

    def follow(self) -> None:
        """Show what the choice and the selection ask for."""
        score, label = self.what.value == "Score", self.what.value == "Label of the selection"
        self.scope.visible = self.score.visible = self.value.visible = score
        self.label.visible = label
        if self.what.value == "Candidate" and not self._choice.visible:
            self.faces.show()
        self._choice.visible = not score and not label
        span = self._selection() if label else []
        if label:
            text = f"{html.clock(span[0])} to {html.clock(span[1])}" if span else "Drag over a track to select a span first."
            self.message.object = f"<p style='font-size:13px;margin:4px 0'>{text}</p>"

    def _store(self) -> None:
        session = self.opened.session
        try:
            if self.what.value == "Score":
                if self.value.value is None:
                    raise SessionError("Give a new value from 0 to 100, a reason, and who decides.")
                value = self.value.value / 100
                made = overrides.of_score(session, self.score.value or "", value, self.reason.value, self.by.value, self.scope.value)
            elif self.what.value == "Candidate":
                if self.faces.store(self.reason.value, self.by.value) is None:
                    return self._say("That face counts already; windows and scores were computed again.", "inherit")
                return self._renew()
            else:
                start, end = self._selection() or (0.0, 0.0)
                made = overrides.of_label(session, start, end, self.label.value, self.reason.value, self.by.value)
        except WorkbenchError as error:
            return self._say(str(error), "var(--error)")
        self._say(f"Stored as correction {made.number}. The original is kept.", "inherit")
        self._list()
        return self._changed()

    def _say(self, text: str, colour: str) -> None:
        self.message.object = f"<p class='said' style='font-size:13px;margin:4px 0;color:{colour}'>{html.escape(text)}</p>"

    def _list(self) -> None:
        self.log.object = html.corrections(overrides.verify(self.opened.session))

    def __panel__(self) -> Any:
        return pn.Column(
            pn.Spacer(height=8),
            self.what, self.scope, self.score, self.value, self.label, self._choice,
            self.reason, self.by, self.store, self.message, self.log,
            sizing_mode="stretch_width",
        )  # fmt: skip
