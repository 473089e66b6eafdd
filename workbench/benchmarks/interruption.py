"""What `kill -9` of an evaluation costs, and whether the session can be completed: many kills at random moments."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def measure_interruptions(moments: int = 12, seed: int = 0) -> dict[str, Any]:
    """Kill evaluations of the sample interview at random moments, and complete each with ``workbench sessions finish``.

    Parameters
    ----------
    moments : int
        How many; one in each of as many equal parts of an undisturbed run's time, from when its folder is there.
    seed : int

    Returns
    -------
    dict
        ``moments`` (one row a kill), ``completed``, ``same_scores``, ``words_lost``: words of stretches that had ended before the kill
        and are not there afterwards.
    """
    from workbench import sample
    from workbench.sessions.store import Session

    paths = sample.build()
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        base = Path(name)
        undisturbed = base / "undisturbed"
        began = time.monotonic()
        process = _evaluate(paths, undisturbed)
        _wait_for(undisturbed / "header.json", process)
        opened = time.monotonic() - began
        process.wait()
        length = time.monotonic() - began - opened
        wanted = Session.open(undisturbed)
        words = [(w.word, round(w.start, 2)) for t in wanted.transcripts for w in t.words]
        rows: list[dict[str, Any]] = []
        for k in range(moments):
            folder = base / f"session-{k}"
            process = _evaluate(paths, folder)
            _wait_for(folder / "header.json", process)
            time.sleep(length * (k + dice.random()) / moments)
            process.kill()
            process.wait()
            killed = Session.open(folder)
            ended, stored = max((s.end for s in killed.segments), default=0.0), sum(len(t.words) for t in killed.transcripts)
            began = time.monotonic()
            done = subprocess.run([sys.executable, "-m", "workbench", "sessions", "finish", str(folder), "--json"], capture_output=True)
            completed = Session.open(folder)
            there = {(w.word, round(w.start, 2)) for t in completed.transcripts for w in t.words}
            rows.append(
                {
                    "speech_stored_s": round(ended, 1),
                    "words_stored": stored,
                    "completed": done.returncode == 0,
                    "seconds": round(time.monotonic() - began, 1),
                    "words_lost": sum(w not in there for w in words if w[1] < ended),
                    "same_scores": completed.raw("scores") == wanted.raw("scores"),
                }
            )
    return {
        "moments": rows,
        "completed": sum(r["completed"] for r in rows),
        "same_scores": sum(r["same_scores"] for r in rows),
        "words_lost": sum(r["words_lost"] for r in rows),
    }


def _evaluate(paths: Any, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "workbench", "evaluate", str(paths.video), "--questions", str(paths.interview), "--out", str(out)]
    return subprocess.Popen([*command, "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    while not path.exists() and process.poll() is None:
        time.sleep(0.05)
