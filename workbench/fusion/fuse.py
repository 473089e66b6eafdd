"""Observations and settings → fused, smoothed windows. Pure arrays: what is stored and shown is made from these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import SettingsError
from workbench.fusion import strategy
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.observations import Faces, Observations
from workbench.fusion.reliability import Picture
from workbench.fusion.smoothing import Ints, Smoothed, smooth
from workbench.fusion.strategy import Strategy
from workbench.fusion.windows import Grid, Windowed, aggregate, column_mean, grid, overlap, rows_of, sums
from workbench.labels import BASIC
from workbench.settings import Fusion, Smoothing
from workbench.streams import Bools, Floats, Track

MIN_SPEECH = 0.2
"""Speech that a window must hold for the voice to count, s (chosen: about one syllable)."""


@dataclass(frozen=True)
class Fused:
    """All windows of a session.

    Parameters
    ----------
    windows : Grid
    visual, audio : ndarray, shape (n, 7)
        Probabilities of each modality, in the order of `labels.BASIC`; NaN where masked.
    weights : dict of ndarray, shape (n,)
        How much each modality counted; they sum to 1 where any was usable.
    missing : dict of list, length n
        Modality → why it is masked, '' where it is not.
    probs : ndarray, shape (n, 7)
        Fused, before smoothing; NaN where nothing was usable.
    smoothed : Smoothed
    face : ndarray of int, shape (n,)
        Index into `face_names`; -1 where no face was seen.
    face_names : tuple of str
    pitch : ndarray, shape (n,)
        Hz, mean over voiced rows; NaN where none.
    snr_db, face_px : ndarray, shape (n,)
    """

    windows: Grid
    visual: Floats
    audio: Floats
    weights: dict[str, Floats]
    missing: dict[str, list[str]]
    probs: Floats
    smoothed: Smoothed
    face: Ints
    face_names: tuple[str, ...]
    pitch: Floats
    snr_db: Floats
    face_px: Floats

    def track(self, smoothed: bool = True) -> Track:
        """Fused probabilities on the windows' middles, smoothed or raw."""
        values = self.smoothed.probs if smoothed else self.probs
        valid = self.smoothed.label >= 0
        return Track("fused" if smoothed else "fused_raw", self.windows.middle, values, BASIC, valid.astype(float), valid)


def build(settings: Fusion) -> Strategy:
    """The strategy that the settings name, given the settings' own values and ``fusion.parameters`` over them.

    Raises
    ------
    SettingsError
        If it is not known or a value is impossible.
    """
    values = {"weights": settings.weights, "low_snr_db": settings.low_snr_db, "small_face_px": settings.small_face_px}
    try:
        return strategy.build(settings.strategy, values | settings.parameters)
    except (TypeError, ValueError, AttributeError) as error:
        raise SettingsError(f"fusion.parameters: not what {settings.strategy!r} takes ({error}); see the strategy's description") from None


def fuse(seen: Observations, fusion: Fusion, smoothing: Smoothing, chosen: Strategy | None = None) -> Fused:
    """Aggregate, mask, fuse and smooth a session.

    Parameters
    ----------
    seen : Observations
    fusion : Fusion
    smoothing : Smoothing
    chosen : Strategy, optional
        Instead of building the one that `fusion` names.
    """
    windows = grid(seen.duration, fusion.window, fusion.hop)
    visual = aggregate(seen.visual, windows)
    affect = aggregate(seen.affect, windows)
    speech = overlap(seen.segments.start, seen.segments.end, windows)
    snr = _snr(seen, windows)
    face = _faces(seen.visual.times, seen.faces, windows)
    size = column_mean(seen.visual.times, seen.faces.size_px, windows)

    missing = {
        "visual": _why_no_face(seen, visual, face, windows),
        "audio": _why_no_voice(seen, affect, speech, snr, fusion.min_snr_db),
    }
    masks: dict[str, Bools] = {m: np.array([not w for w in why], bool) for m, why in missing.items()}
    features = {
        "visual": np.where(masks["visual"][:, None], visual.values, np.nan),
        "audio": np.where(masks["audio"][:, None], affect.values, np.nan),
    }
    batch = ModalityBatch(features, masks, {"snr_db": snr, "face_px": size})
    model = chosen or build(fusion)
    probs = model.predict(batch)
    pitch = column_mean(seen.acoustics.times, seen.acoustics.column("pitch"), windows)
    return Fused(
        windows, features["visual"], features["audio"], model.weights(batch), missing, probs,
        smooth(probs, smoothing, _held(face)), face, seen.faces.names, pitch, snr, size,
    )  # fmt: skip


def _snr(seen: Observations, windows: Grid) -> Floats:
    """Mean SNR over the speech in each window, dB; NaN where it is not known."""
    known = ~np.isnan(seen.segments.snr_db)
    start, end, level = seen.segments.start[known], seen.segments.end[known], seen.segments.snr_db[known]
    seconds = overlap(start, end, windows)
    return np.divide(overlap(start, end, windows, level), seconds, out=np.full(len(windows), np.nan), where=seconds > 1e-9)


def _faces(times: Floats, faces: Faces, windows: Grid) -> Ints:
    """The face seen most often in each window, the first by name on a tie; -1 where none."""
    present = np.array(sorted(np.unique(faces.face[faces.face >= 0]).tolist(), key=lambda i: faces.names[i]), np.int64)
    if len(present) == 0:
        return np.full(len(windows), -1, np.int64)
    low, high = rows_of(times, windows)
    counts = sums((faces.face[:, None] == present).astype(np.int64), low, high)
    return np.where(counts.any(axis=1), present[counts.argmax(axis=1)], -1)


def _held(face: Ints) -> Ints:
    """The smoothing buffer of each window: that of the face last seen (a glance away does not start a new one)."""
    last = np.maximum.accumulate(np.where(face >= 0, np.arange(len(face)), -1))
    return np.where(last >= 0, face[last], -1)


def _why_no_face(seen: Observations, visual: Windowed, face: Ints, windows: Grid) -> list[str]:
    if "visual_emotion" in seen.disabled:
        return [seen.disabled["visual_emotion"]] * len(face)
    if seen.faces.why is None:
        reasons = np.select(
            [visual.valid, visual.rows == 0, face < 0],
            ["", "no frame was analysed", "no face"],
            "no usable face: too small, unclear or seen too briefly",
        )
        return reasons.tolist()
    low, high = rows_of(seen.visual.times, windows)
    counts = sums((seen.faces.why[:, None] == np.arange(len(Picture))).astype(np.int64), low, high)
    main = np.where(counts[:, 1:].any(axis=1), counts[:, 1:].argmax(axis=1) + 1, 0).tolist()
    states = zip(visual.valid.tolist(), visual.rows.tolist(), main, strict=True)
    return ["" if valid else "no frame was analysed" if rows == 0 else Picture(code).words for valid, rows, code in states]


def _why_no_voice(seen: Observations, affect: Windowed, speech: Floats, snr: Floats, min_snr_db: float) -> list[str]:
    if "prosodic_affect" in seen.disabled:
        return [seen.disabled["prosodic_affect"]] * len(speech)
    reasons = np.select(
        [speech < MIN_SPEECH, snr < min_snr_db, ~affect.valid], ["no speech", "low SNR", "the voice was not analysed"], ""
    ).tolist()
    for i in np.flatnonzero((speech >= MIN_SPEECH) & (snr < min_snr_db)).tolist():
        reasons[i] = f"SNR {snr[i]:.1f} dB, below {min_snr_db:g} dB"
    return reasons
