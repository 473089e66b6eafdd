"""Colours and words that people see, the same on every page, in reports, audits and notebooks. Needs no page library.

Two kinds of colours. What is drawn (curves, bars, dots) has one colour for light and for dark pages, because charts are drawn
on the server, which does not know the page: each has a contrast of 3 or more to every surface of `LIGHT` and of `DARK` (WCAG
1.4.11). What surrounds it (text, cards, lines) has one colour for each: a `Scheme`. Style sheets take both from `css`.

The emotion colours can be told apart by people with each kind of colour blindness: the smallest distance between two of them
(CIELAB, simulated after Machado, Oliveira & Fernandes 2009) is 22. Contrasts and distances are tested.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

EMOTION_COLOURS: dict[str, str] = {
    "angry": "#c83439",
    "disgust": "#1da068",
    "fear": "#8b52bf",
    "happy": "#a08c05",
    "neutral": "#5f7172",
    "sad": "#3566fb",
    "surprise": "#c46eb9",
}
"""Basic class → its colour, as ``#rrggbb``."""
SCORE_COLOURS: dict[str, str] = {"communication": "#5f7444", "confidence": "#aa880d", "engagement": "#0a8cf5", "technical": "#be4091"}
"""Running score → its colour."""
INK = "#6b7684"
"""Grey lines and bars; text of figures on white."""
ACCENT, SECOND = "#3f7fd6", "#c9661f"
"""What a figure is about, and what it is compared with."""
WARNING, ERROR, GOOD = "#c77700", "#dc4045", "#2f8f5e"
MARK = "#0d9488"
"""Questions and other marks on a timeline."""
SHADES: dict[str, tuple[str, ...]] = {
    "light": ("#f4f7fd", "#d7e3fa", "#b3cbf5", "#8bb0ef", "#346acb", "#2a5cb8", "#1d4590", "#16356f"),
    "dark": ("#20262e", "#24344b", "#284268", "#2c4f82", "#5f93df", "#7daaea", "#9cc0f2", "#bcd6f9"),
}
"""From nothing to all, for tables whose cells are shares, on light and on dark pages; text changes its colour in the middle."""
ON_SHADES = {"light": ("#10151c", "#ffffff"), "dark": ("#ffffff", "#10151c")}
"""Text on the first and on the second half of `SHADES`."""
STAGE, ON_STAGE, BOX = "#10141a", "#c6d0db", "#4cc38a"
"""What lies behind a video, text there, and the box of the candidate's face: the same on light and dark pages."""


@dataclass(frozen=True)
class Scheme:
    """What surrounds the drawn things on light or on dark pages; ``on_x`` is text on ``x``. Text has a contrast of 4.5 or more."""

    page: str
    card: str
    ground: str
    """Behind curves and bars."""
    line: str
    ink: str
    soft: str
    """Text of less weight."""
    accent: str
    """Links, buttons, focus."""
    on_accent: str
    warn: str
    on_warn: str
    warn_line: str
    alarm: str
    """Something failed."""
    on_alarm: str
    error: str
    """Text of errors and of values that a person set."""
    good: str
    mask: str
    """Where nothing could be measured."""
    on_mask: str
    part_0: str
    """The parts that a score is made of, side by side."""
    part_1: str
    part_2: str
    part_3: str
    part_4: str
    worse: str
    """Lower and higher than everyone together, in maps of groups."""
    better: str


LIGHT = Scheme(
    page="#f4f5f7", card="#ffffff", ground="#f1f3f6", line="#d6dce4", ink="#18202b", soft="#4d5867", accent="#14559e",
    on_accent="#ffffff", warn="#fdf0dc", on_warn="#7a3d00", warn_line="#e0a95a", alarm="#fde3e1", on_alarm="#8c1d18",
    error="#b3261e", good="#0a6b4c", mask="#d3d8de", on_mask="#2b333e",
    part_0="#14559e", part_1="#4a8cc4", part_2="#0f7d74", part_3="#8d7bc2", part_4="#5b6676", worse="#c4622d", better="#14559e",
)  # fmt: skip
DARK = Scheme(
    page="#121212", card="#1e1e1e", ground="#222222", line="#3d434b", ink="#e8ecf1", soft="#a9b4c1", accent="#86baf2",
    on_accent="#10151c", warn="#35270f", on_warn="#ffd9a0", warn_line="#8a6426", alarm="#451a1a", on_alarm="#ffb4ab",
    error="#ff8a80", good="#6fd3ae", mask="#3b4450", on_mask="#dbe1e8",
    part_0="#5c9fe6", part_1="#9cc9ee", part_2="#3db7a8", part_3="#b3a3e3", part_4="#93a0b1", worse="#f0965f", better="#86baf2",
)  # fmt: skip

SCORES: dict[str, tuple[str, str]] = {
    "technical": ("Technical", "How close the answers come to the model answers, and which keywords they mention."),
    "clarity": ("Clarity", "How few fillers there are, and how varied the vocabulary is."),
    "confidence": ("Confidence", "How steady the voice is, and how sure the emotion network was. It does not measure how the person felt."),
    "engagement": ("Engagement", "How much of the time was speech, and how much the voice moved."),
    "composite": ("Composite", "The weighted sum of the other scores; the weights are settings, not facts."),
}
"""Score name → title and one plain sentence."""

FEATURES: dict[str, str] = {
    "semantic_similarity": "Similarity to the model answer",
    "keyword_coverage": "Keyword coverage",
    "filler_rate": "Few fillers",
    "lexical_diversity": "Lexical diversity",
    "vocal_steadiness": "Vocal steadiness",
    "visual_certainty": "Visual certainty",
    "speaking_ratio": "Speaking ratio",
    "prosodic_variation": "Prosodic variation",
}

MODALITIES: dict[str, str] = {
    "visual": "Face",
    "audio": "Voice",
    "text": "Words",
    "fused": "Fused estimate",
    "visual_emotion": "Emotion from the face",
    "prosodic_affect": "Affect from the voice",
}
"""Modalities of windows and channels of sessions."""


def css(selector: str = ":root, :host") -> str:
    """Every colour as a CSS variable (``--angry``, ``--accent``, ``--part-0``), set on `selector`.

    Colours of a `Scheme` follow the element's ``color-scheme``, which a page sets for what lies in it.
    """
    drawn = EMOTION_COLOURS | {
        "pen": INK, "mark": ACCENT, "second": SECOND, "warning": WARNING, "fault": ERROR, "fine": GOOD, "stage": STAGE,
        "on-stage": ON_STAGE, "box": BOX,
    }  # fmt: skip
    around = {f.name.replace("_", "-"): f"light-dark({getattr(LIGHT, f.name)}, {getattr(DARK, f.name)})" for f in fields(Scheme)}
    return f"{selector} {{ {' '.join(f'--{name}: {colour};' for name, colour in (drawn | around).items())} }}\n"
