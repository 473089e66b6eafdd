"""Colours and words that people see, the same on every page, in reports, audits and notebooks. Needs no page library.

The emotion colours can be told apart by people with each kind of colour blindness: the smallest distance between two of them
(CIELAB, simulated after Machado, Oliveira & Fernandes 2009) is above 20, which is tested. On white, happy, neutral and disgust
have a contrast of 1.8 to 1.9 only: filled shapes can be seen, thin curves are weak there.
"""

from __future__ import annotations

from workbench.labels import BASIC

EMOTION_COLOURS: dict[str, str] = {
    "angry": "#85452f",
    "disgust": "#42d78a",
    "fear": "#a6068e",
    "happy": "#dfc30c",
    "neutral": "#b5c4ce",
    "sad": "#0c6dec",
    "surprise": "#ca7e2f",
}
"""Basic class → its colour, as ``#rrggbb``."""
SCORE_COLOURS: dict[str, str] = {"communication": "#42a06f", "confidence": "#d98f1c", "engagement": "#5b8def", "technical": "#8e6bd6"}
"""Running score → its colour."""
INK = "#7d8896"
"""Lines and text that can be read on light and on dark."""
ACCENT, SECOND = "#5b8def", "#e8833a"
"""What a figure is about, and what it is compared with."""
WARNING, ERROR, GOOD = "#d97706", "#e5484d", "#42a06f"
MARK = "#14b8a6"
"""Questions and other marks on a timeline."""
SHADES: tuple[str, ...] = ("#f4f7fd", "#d7e3fa", "#b3cbf5", "#8bb0ef", "#6393e6", "#3f76d8", "#2a5cb8", "#1d4590")
"""From nothing to all, for tables whose cells are shares."""

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


def emotion_css() -> str:
    """The emotion colours as CSS variables, ``--angry`` and so on."""
    return ":root { " + " ".join(f"--{name}: {EMOTION_COLOURS[name]};" for name in BASIC) + " }"
