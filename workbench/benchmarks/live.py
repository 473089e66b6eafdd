"""``workbench bench live``: the live page in headless Chromium, with the sample interview as its camera and microphone."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.benchmarks.serving import chromium, served
from workbench.events import EventKind

_LISTEN = """window.words = []; const seen = new Set();
addEventListener('workbench:transcript', e => { const {closed, open} = e.detail, now = window.workbenchMedia.clock() / 16000;
  const last = (closed ?? []).slice(-2).flatMap(s => s.words);
  for (const [kind, list] of [['committed', [...last, ...(open?.committed ?? [])]], ['interim', open?.tentative ?? []]])
    for (const w of list) {
      const key = kind + w.text + w.start;
      if (!seen.has(key)) { seen.add(key); window.words.push([now, kind, w.text, w.start]); } } });"""


def live(
    seconds: Annotated[int, typer.Option(min=20, help="Length of the session, s.")] = 60,
    minutes: Annotated[int, typer.Option(help="Go on this long and report memory growth from minute 2; 0 leaves it out.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Run one session in a real browser: latencies, words' delays, frames, losses, memory."""
    found = measure(seconds, minutes)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for key, value in found.items():
        typer.echo(f"{key:32} {value}")


def measure(seconds: int = 60, minutes: int = 0) -> dict[str, Any]:
    """The figures that `live` prints.

    Raises
    ------
    WorkbenchError
        If Chromium or Playwright is missing, or the server does not start.
    """
    from workbench import sample

    paths = sample.build()
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        folder = Path(name)
        camera, microphone = fake_devices(paths.video, folder)
        flags = [
            "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}", f"--use-file-for-fake-audio-capture={microphone}",
        ]  # fmt: skip
        stored = {"WORKBENCH_SESSIONS": str(folder / "sessions")}
        with served("live", folder, "--plugins", "workbench.live", environment=stored) as server, chromium(*flags) as browser:
            found = _session(browser, server.address, server.pid, max(seconds, minutes * 60), minutes)
        return found | _stored(next((folder / "sessions").glob("*/header.json")).parent, found.pop("words"), paths.truth)


def fake_devices(video: Path, folder: Path) -> tuple[Path, Path]:
    """A recording as Chromium's fake camera (MJPEG, 640×480 at 15 fps) and microphone (WAV)."""
    import cv2
    import numpy as np
    import soundfile

    from workbench.capture.media_file import MediaFile
    from workbench.settings import Capture
    from workbench.streams import AudioBlock

    camera, microphone, sound = folder / "camera.mjpeg", folder / "microphone.wav", []
    with camera.open("wb") as out:
        for item in MediaFile(video, Capture(fps=15, max_height=480)):
            if isinstance(item, AudioBlock):
                sound.append(item.samples)
                continue
            small = cv2.resize(item.image, (640, round(item.image.shape[0] * 640 / item.image.shape[1])))
            canvas = np.zeros((480, 640, 3), np.uint8)
            top = (480 - min(480, len(small))) // 2
            canvas[top : top + len(small)] = small[:480]
            out.write(cv2.imencode(".jpg", canvas[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
    soundfile.write(microphone, np.concatenate(sound), 16000, subtype="PCM_16")
    return camera, microphone


def _session(browser: Any, url: str, pid: int, seconds: int, minutes: int) -> dict[str, Any]:
    warm = browser.new_page(viewport={"width": 1440, "height": 900})  # the first page after the server started is not the figure
    warm.goto(url)
    warm.get_by_text("Before anything is captured").wait_for(timeout=120_000)
    warm.close()
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(_LISTEN)
    began = time.monotonic()
    page.goto(url)
    page.get_by_text("Before anything is captured").wait_for(timeout=120_000)
    loaded = time.monotonic() - began
    page.get_by_role("checkbox", name="I have read this").check()
    page.get_by_role("button", name="Start with camera").click(timeout=120_000)
    memory: dict[int, float] = {}
    began = time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        page.wait_for_timeout(1000)
        if minutes:
            memory.setdefault(round(now) // 60, _rss(pid))
    if minutes:
        memory[minutes] = _rss(pid)
    words = page.evaluate("window.words")
    began = time.monotonic()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Open the report").wait_for(timeout=300_000)
    written = time.monotonic() - began
    found: dict[str, Any] = {"seconds": seconds, "page_load_s": round(loaded, 2), "stop_to_report_s": round(written, 1), "words": words}
    if minutes > 2:  # while the session runs: the report that follows is a moment's work with memory of its own
        last = memory[max(memory)]
        found |= {"memory_mb": list(memory.values()), "memory_growth": round(last / memory[2] - 1, 4)}
    return found


def _rss(pid: int) -> float:
    import psutil

    process = psutil.Process(pid)
    return round(sum(p.memory_info().rss for p in (process, *process.children(recursive=True))) / 1e6, 1)


def _stored(folder: Path, shown: list[tuple[float, str, str, float]], truth: Path) -> dict[str, Any]:
    """Figures from the stored session and from when its words stood on the page."""
    import jiwer
    import numpy as np

    from workbench.sessions.replay import matches, replay_session
    from workbench.sessions.store import Session
    from workbench.speech.words import normal, tokens

    session = Session.open(folder)
    latency = next(e.data for e in session.events if e.kind == EventKind.LATENCY)
    stages = {s["name"]: s for s in latency["stages"]}
    delays: dict[str, list[float]] = {"interim": [], "committed": []}
    for word in (w for t in session.transcripts for w in t.words):
        same = [(at, kind) for at, kind, text, start in shown if normal(text) == normal(word.word) and abs(start - word.start) < 0.7]
        for kind, kinds in (("interim", ("interim", "committed")), ("committed", ("committed",))):
            times = [at for at, k in same if k in kinds]
            if times:
                delays[kind].append(min(times) - word.end)
    said = [w["word"] for a in json.loads(truth.read_text())["answers"] for w in a["words"] if w["end"] < session.duration]
    heard = " ".join(tokens(" ".join(t.transcript for t in session.transcripts if t.start < 60)))
    percentiles = {
        f"{kind}_word_p{p}_s": round(float(np.percentile(values, p)), 2) for kind, values in delays.items() if values for p in (50, 95)
    }
    return {
        "capture_to_overlay_p95_ms": stages["capture → overlay"]["p95_ms"],
        "page_update_p95_ms": stages["page update"]["p95_ms"],
        "analysed_fps": round(len(session.detections) / session.duration, 2),
        **percentiles,
        "lost_samples": latency["lost_samples"],
        "dropped_frames": latency["dropped_frames"] + latency["skipped_frames"],
        "wer": round(jiwer.wer(" ".join(tokens(" ".join(said))), heard), 3) if said else None,
        "replay_matches": matches(session, replay_session(session)),
        "degraded_to": max((e.data["level"] for e in session.events if e.kind == EventKind.DEGRADED), default=0),
        "stages": latency["stages"],
    }
