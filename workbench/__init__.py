"""Interview Workbench: evaluates recorded and live interviews, with evidence and uncertainty beside every score."""

from workbench import privacy  # first: switches telemetry off before any library is imported

__version__ = "0.1.0"
__all__ = ["__version__", "evaluate", "open_session", "privacy"]


def __getattr__(name: str) -> object:  # lazy: `import workbench` must not load a model library
    if name == "evaluate":
        from workbench.pipeline import evaluate

        return evaluate
    if name == "open_session":
        from workbench.sessions.store import Session

        return Session.find
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")
