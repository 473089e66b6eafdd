"""What ``workbench bench`` measures. Every figure is a median of several runs on this machine, after a warm-up."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ONE_RUN = """
import json, resource, sys
from workbench.pipeline import evaluate
session = evaluate(sys.argv[1], out=sys.argv[2])
print(json.dumps({"peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "duration": session.duration}))
"""


def measure_pipeline(runs: int = 3, media: Path | None = None) -> dict[str, Any]:
    """Evaluate a recording `runs` times in this process, after one run that loads and warms every model.

    Returns
    -------
    dict
        ``real_time_factor`` (wall seconds / seconds of recording, median), ``peak_rss_mb``, and ``stages`` of the median
        run: ``name``, ``calls``, ``p50_ms``, ``p95_ms``, ``share``.
    """
    import psutil

    from workbench import sample
    from workbench.pipeline import evaluate
    from workbench.runtime.ledger import Ledger

    paths = sample.build()
    source, questions = (media, None) if media else (paths.video, paths.interview)
    found: list[tuple[float, Ledger]] = []
    with tempfile.TemporaryDirectory() as folder:
        duration = evaluate(source, questions, out=Path(folder) / "warm").duration
        for i in range(runs):
            ledger = Ledger()
            start = time.perf_counter()
            evaluate(source, questions, out=Path(folder) / str(i), ledger=ledger)
            found.append((time.perf_counter() - start, ledger))
    seconds, ledger = sorted(found, key=lambda f: f[0])[len(found) // 2]
    return {
        "real_time_factor": round(seconds / duration, 3),
        "real_time_factors": [round(s / duration, 3) for s, _ in found],
        "duration_s": duration,
        "peak_rss_mb": round(_peak_mb(), 1),
        "cores": len(psutil.Process().cpu_affinity()),
        "stages": [
            {k: v for k, v in line.to_dict().items() if k in {"name", "calls", "p50_ms", "p95_ms", "share"}} for line in ledger.summary()
        ],
    }


def measure_vision() -> dict[str, Any]:
    """Detection a 640×360 frame, and a batch of 8 crops at 200 px through each emotion network and their average."""
    from workbench import sample, streams, zoo
    from workbench.capture.media_file import MediaFile
    from workbench.settings import Settings
    from workbench.vision.alignment import CropAlign
    from workbench.vision.detection import FaceDetectionStage
    from workbench.vision.emotion import EmotionStage
    from workbench.vision.tracking import FaceTracker

    settings = Settings()
    frames = [i for i in MediaFile(sample.build().video, settings.capture) if isinstance(i, streams.FramePacket)][:400]
    detector, tracker, aligner, emotion = (
        FaceDetectionStage(settings.vision), FaceTracker(settings.vision), CropAlign(settings.vision), EmotionStage(settings.vision),
    )  # fmt: skip
    detector.warm_up()
    emotion.warm_up()
    detection, crops = [], []
    for frame in frames:
        start = time.perf_counter()
        found = list(detector.process(frame))
        detection.append(time.perf_counter() - start)
        crops += [c.image for d in found for t in tracker.process(d) for c in aligner.process(t)]
    batches = [np.stack(crops[i : i + 8]) for i in range(0, len(crops) - 8, 8)]
    network = zoo.load("facex-mobilenetv2")
    inputs = [b.astype(np.float32) / 255 for b in batches]
    return {
        "frame": f"{frames[0].message.width}x{frames[0].message.height}",
        "detection_p50_ms": _ms(np.percentile(detection, 50)),
        "detection_p95_ms": _ms(np.percentile(detection, 95)),
        "emotion_batch8_mobilenetv2_p50_ms": _timed(network, inputs),
        "emotion_batch8_averaged_p50_ms": _timed(emotion.probabilities, batches),
    }


def measure_refusion(hours: float = 1.0, runs: int = 15) -> dict[str, Any]:
    """Fusion + smoothing + scoring of a generated session's observations in memory (no file is read)."""
    from workbench.sessions.replay import recompute
    from workbench.sessions.synthetic import observations
    from workbench.settings import Settings

    seen, settings = observations(minutes=hours * 60), Settings()
    recompute(seen, settings)
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        recompute(seen, settings)
        times.append(time.perf_counter() - start)
    return {
        "hours": hours,
        "rows": len(seen.visual),
        "runs": runs,
        "p50_ms": _ms(np.percentile(times, 50)),
        "p95_ms": _ms(np.percentile(times, 95)),
    }


def measure_memory(minutes: list[int]) -> dict[str, Any]:
    """Peak resident memory of one evaluation a length, each in a fresh process."""
    from workbench import sample

    rows = []
    for n in minutes:
        media = sample.build().video if n == 1 else sample.long_sample(n)
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", ONE_RUN, str(media), str(Path(folder) / "s")],
                capture_output=True,
                text=True,
                check=True,
            )
            row = json.loads(done.stdout.splitlines()[-1])
            rows.append({"minutes": n, **row, "wall_s": round(time.perf_counter() - start, 1)})
    growth = rows[-1]["peak_rss_mb"] / rows[0]["peak_rss_mb"] - 1
    return {"growth_percent": round(100 * growth, 1), "lengths": rows}


def measure_startup(runs: int = 7) -> dict[str, Any]:
    """Wall time of ``workbench --help`` in a fresh process."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "workbench", "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return {"runs": runs, "p50_s": round(statistics.median(times[1:]), 3), "max_s": round(max(times[1:]), 3)}


def _timed(call: Callable[[Any], Any], inputs: list[Any]) -> float:
    for item in inputs[:3]:
        call(item)
    times = []
    for item in inputs:
        start = time.perf_counter()
        call(item)
        times.append(time.perf_counter() - start)
    return _ms(np.percentile(times, 50))


def _ms(seconds: float) -> float:
    return round(float(seconds) * 1000, 2)


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
