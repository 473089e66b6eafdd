"""Errors that a person can act on: one line that says what, where and what to do."""

from typing import Any


class WorkbenchError(Exception):
    """Bad input or a missing prerequisite. The command line prints the message alone and exits with code 2."""


class MediaError(WorkbenchError):
    """A media file that cannot be opened, or has neither sound nor picture to evaluate."""


class WeightsError(WorkbenchError):
    """Model weights that are missing, corrupt or of a wrong checksum."""


class SettingsError(WorkbenchError):
    """A settings, experiment or interview file with unknown keys or impossible values."""


class SessionError(WorkbenchError):
    """A session folder that cannot be written or read."""


class CorpusError(WorkbenchError):
    """A corpus folder or table that is missing, incomplete or malformed.

    Parameters
    ----------
    message : str
    findings : tuple of workbench.corpora.base.Finding
        Every problem in the folder.
    """

    def __init__(self, message: str, findings: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings
