"""How the report names and prints things: plain words, fixed digits, the same everywhere."""

from __future__ import annotations

import math
import re

from workbench.theme import FEATURES, MODALITIES, SCORES

_SILENT = ("share", "score", "index", "1 - H/ln 7")
"""Units of figures from 0 to 1: their names would only clutter the card; its details say them."""
UNDOCUMENTED = ("undocumented", "unknown", "not ")
"""How a statement about training data begins that names none."""


def score_title(name: str) -> str:
    return SCORES[name][0] if name in SCORES else plain(name)


def feature_title(name: str) -> str:
    """A feature's title; the parts of a composite are scores."""
    return FEATURES.get(name) or score_title(name)


def modality_title(name: str) -> str:
    return MODALITIES.get(name) or plain(name)


def switched_off(reason: str) -> str:
    """Why a channel is off, as a sentence: the heading says already that it is."""
    return plain(reason.removeprefix("off:"))


def plain(name: str) -> str:
    """``some_name`` as ``Some name``."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def clock(seconds: float, digits: int = 1) -> str:
    """Session time as ``1:02.4`` or ``1:00:02.4``."""
    scaled = round(seconds * 10**digits)
    whole, rest = divmod(scaled, 10**digits)
    hours, minutes, secs = whole // 3600, whole // 60 % 60, whole % 60
    tail = f".{rest:0{digits}d}" if digits else ""
    return f"{hours}:{minutes:02d}:{secs:02d}{tail}" if hours else f"{minutes}:{secs:02d}{tail}"


def duration(seconds: float) -> str:
    """A length of time in words: ``4.2 s``, ``1 min 2 s``, ``2 h 5 min``."""
    if seconds < 60 and round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s".removesuffix(" 0 s")
    return f"{whole // 3600} h {whole % 3600 // 60} min".removesuffix(" 0 min")


def number(value: float | None, digits: int = 2) -> str:
    """Fixed digits; an en dash where nothing was measured."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def measure(value: float | None) -> str:
    """A raw value of unknown size with three significant digits, never in exponent form."""
    if value is None or not math.isfinite(value):
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 or value == 0 else 4
    return f"{value:.{digits}f}"


def unit(name: str) -> str:
    """A raw value's unit as it is printed beside the value."""
    return "" if name in _SILENT else name


def share(part: float, whole: float) -> str:
    """A percentage without decimals; an en dash of nothing."""
    return f"{100 * part / whole:.0f} %" if whole > 0 else "–"


def count(n: int, one: str, many: str | None = None) -> str:
    """``1 word``, ``2 words``."""
    return f"{n} {one if n == 1 else many or one + 's'}"


_NUMBER = re.compile(r"(?<![\w(])-?\d+(?:\.\d+)?(?![\w)])")


def kind_of(reason: str) -> str:
    """A reason without its figures: windows that differ only in these have the same kind of gap."""
    return _NUMBER.sub("#", reason)


def ranged(reasons: list[str]) -> str:
    """Reasons of one kind as one, each figure as the range that it takes."""
    columns = zip(*(_NUMBER.findall(r) for r in reasons), strict=True)
    spans = iter([(min(c, key=float), max(c, key=float)) for c in columns])
    return _NUMBER.sub(lambda _: " to ".join(dict.fromkeys(next(spans))), reasons[0])
