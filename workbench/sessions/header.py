"""The header of a new session: the same for recordings and live sessions."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from workbench.contracts import Clock, Consent, InterviewPlan, SessionHeader
from workbench.settings import Settings

SOFTWARE: tuple[str, ...] = (
    "interview-workbench", "mediapipe", "ai-edge-litert", "whisperx", "ctranslate2", "praat-parselmouth", "pocketsphinx",
)  # fmt: skip
"""Packages whose versions a header states."""


def new_header(
    session_id: str,
    settings: Settings,
    *,
    started: datetime,
    consent: Consent,
    disabled: Mapping[str, str],
    media: Mapping[str, Any],
    plan: InterviewPlan | None = None,
    models: Mapping[str, dict[str, str]] | None = None,
) -> SessionHeader:
    """A session's header, with the versions of the software that makes it.

    Parameters
    ----------
    session_id : str
        The name of the session's folder.
    settings : Settings
        In force at the start; purpose and jurisdiction are among them.
    started : datetime
        The wall-clock time of second 0, with its time zone.
    disabled : mapping of str to str
        Channel → why it is off, from `consent.disabled_channels`.
    media : mapping
        Where picture and sound come from.
    models : mapping, optional
        Weights and their provenance, from `zoo.provenance`.
    """
    return SessionHeader(
        session_id=session_id,
        created=started.isoformat(timespec="seconds"),
        purpose=settings.session.purpose,
        jurisdiction=settings.session.jurisdiction,
        consent=consent,
        disabled=dict(disabled),
        media=dict(media),
        settings=settings.echo(),
        interview=plan,
        models=dict(models or {}),
        clock=Clock(wall_zero=started.isoformat(timespec="milliseconds"), sample_rate=settings.capture.sample_rate),
        software={name: installed for name in SOFTWARE if (installed := _version(name))} | {"python": platform.python_version()},
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # an extra that is not installed
        return None
