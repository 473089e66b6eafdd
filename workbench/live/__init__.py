"""Live sessions: a visitor's camera and microphone through the same stages, store and fusion as a recording."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "ROUTES":  # what `panel serve --plugins workbench.live` asks for; importing this package elsewhere loads nothing
        from workbench.live.server import routes

        return routes()
    raise AttributeError(name)
