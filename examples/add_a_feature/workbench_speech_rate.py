"""A feature that scores can be made of: ``scoring: {engagement: {speaking_ratio: 0.5, speech_rate: 0.5}}`` in the settings."""

import numpy as np

from workbench.contracts import Evidence
from workbench.scoring import bootstrap
from workbench.scoring.features import Feature, FeatureKind, Measures, Scope
from workbench.scoring.ranges import Range


def measure(measures: Measures, scope: Scope) -> Feature:
    """Words a minute over a stretch of the session, with an interval from its ten-second blocks."""
    words, minutes = measures.seen.words, (scope.end - scope.start) / 60
    low, high = np.searchsorted(words.middle, [scope.start, scope.end])
    if low == high or minutes <= 0:
        return Feature("speech_rate", missing="no words")
    edges = np.arange(scope.start, scope.end + 10, 10.0)
    counts = np.histogram(words.middle[low:high], edges)[0].astype(float)
    draws = bootstrap.ratio(counts, np.full(len(counts), 1 / 6), measures.draws, measures.random(scope, "speech_rate"))
    found = [Evidence(kind="span", start=scope.start, end=scope.end, text=f"{high - low} words", value=float(high - low))]
    return measures.feature("speech_rate", (high - low) / minutes, draws, found)


SPEECH_RATE = FeatureKind("speech_rate", measure, Range(60.0, 160.0, "words/min", "chosen"))
