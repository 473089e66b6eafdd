"""``workbench bench replay``: the review page over generated sessions in headless Chromium."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.benchmarks.serving import chromium, served

VIEW = {"width": 1440, "height": 900}
# A release is the browser's pointerup. Curves are new when Bokeh has their data, and a frame was drawn after it.
_LISTEN = """window.released = window.clicked = 0; window.drawn = [];
addEventListener('pointerup', e => { window.released = e.timeStamp; }, true);
addEventListener('click', e => { window.clicked = e.timeStamp; performance.clearMarks(); }, true);
window.model = name => { for (const d of window.Bokeh?.documents ?? []) { const m = d.get_model_by_name(name); if (m) return m; } };
window.follow = () => window.model('review-now').properties.data.change.connect(
  () => requestAnimationFrame(() => setTimeout(() => window.drawn.push(performance.now() - window.released))));
window.open2 = () => { const find = r => { for (const n of r.querySelectorAll('*')) {
    if (n.classList?.contains('words') && n.querySelector('span')) return n;
    const inner = n.shadowRoot && find(n.shadowRoot); if (inner) return inner; } };
  const m = window.model('review-now'), plot = window.model('review-plot');
  return m && m.data.t.length > 0 && plot && !plot.properties.inner_width.is_unset && find(document) ? performance.now() : false; };
window.moved = () => { const at = n => performance.getEntriesByName(n).at(-1)?.startTime;
  return at('review-shown') && at('review-seeked') ? Math.max(at('review-shown'), at('review-seeked')) - window.clicked : false; };"""


def replay(
    repeats: Annotated[int, typer.Option(min=5, help="Slider moves and clicks that are measured.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Slider to curves, click to picture and words, opening two hours, and refusion alone, over generated sessions."""
    found = measure(repeats)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for key, value in found.items():
        typer.echo(f"{key:32} {value}")


def measure(repeats: int = 30) -> dict[str, Any]:
    """The figures that `replay` prints.

    Raises
    ------
    WorkbenchError
        If Chromium or Playwright is missing, or the server does not start.
    """
    from workbench.sessions import synthetic

    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        folder = Path(name)
        hour = synthetic.write(folder / "sessions" / "hour", 60, seed=1)
        _film(hour / "video.mp4", 3600)
        synthetic.write(folder / "sessions" / "two", 120, seed=2)
        found = {"source": "generated sessions", **_refusion(hour, repeats)}
        stored = {"WORKBENCH_SESSIONS": str(folder / "sessions")}
        with served("review", folder, environment=stored) as (address, _), chromium() as browser:
            _opened(browser, f"{address}?session=hour").close()  # the first page after the server started is not the figure
            page = _opened(browser, f"{address}?session=hour")
            found |= _clicks(page, repeats) | _slides(page, repeats)
            page.close()
            found |= _openings(browser, address)
        return found


def _film(path: Path, seconds: int, fps: int = 5) -> None:
    """A recording without anybody in it: a bar that wanders over 640×360 pictures, a key picture every ten seconds."""
    import av
    import numpy as np

    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "g": str(10 * fps)})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for i in range(seconds * fps):
            image = np.full((360, 640, 3), 40, np.uint8)
            image[:, i % 620 : i % 620 + 20] = (90, 160, 230)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        out.mux(stream.encode(None))


def _refusion(folder: Path, repeats: int) -> dict[str, Any]:
    """Refusion of stored arrays in memory: anew, and with the features kept that no weight changes (as the page does)."""
    from workbench.scoring.scores import Known
    from workbench.sessions import replay as replaying
    from workbench.sessions.store import Session

    session = Session.open(folder)
    known: Known = {}
    replaying.replay_session(session, known=known)
    out: dict[str, Any] = {}
    for key, kept in (("refusion_1h", None), ("refusion_1h_weights_moved", known)):
        times = []
        for i in range(repeats):
            fusion = session.settings.fusion.model_copy(update={"weights": {"visual": 0.3 + i / 100, "audio": 0.4}})
            settings = session.settings.model_copy(update={"fusion": fusion})
            began = time.perf_counter()
            replaying.replay_session(session, settings, kept)
            times.append(1000 * (time.perf_counter() - began))
        out |= _percentiles(key, times)
    return out


def _opened(browser: Any, address: str) -> Any:
    page = browser.new_page(viewport=VIEW)
    page.add_init_script(_LISTEN)
    page.goto(address)
    page.wait_for_function("window.open2()", timeout=120_000)
    page.wait_for_timeout(4000)  # what is read after the page has come is not part of a click
    return page


def _clicks(page: Any, repeats: int) -> dict[str, Any]:
    """Clicks on words and on tracks in turn: until the picture has come, and cursor and words were drawn."""
    tracks = page.locator(".tracks").last.bounding_box()
    words = page.locator(".words span")
    count, times = words.count(), []
    for i in range(repeats):
        if i % 2:
            page.mouse.click(tracks["x"] + 80 + (tracks["width"] - 160) * ((i * 0.37) % 1), tracks["y"] + 60)
        else:
            word = words.nth(int(count * ((i * 0.29) % 1)))
            word.scroll_into_view_if_needed()
            word.click()
        times.append(page.wait_for_function("window.moved()", polling=5).json_value())
        page.wait_for_timeout(400)
    return _percentiles("click_to_moment", times)


def _slides(page: Any, repeats: int) -> dict[str, Any]:
    """Sliders dragged and released: until the new curves were drawn."""
    page.get_by_role("tab", name="Weights").click()
    page.locator(".weight-visual input[type=range]").wait_for(state="attached")
    page.evaluate("window.follow()")
    times = []
    for i in range(repeats + 1):
        box = page.locator((".weight-visual", ".weight-alpha", ".weight-clarity")[i % 3]).locator(".MuiSlider-root").bounding_box()
        x, y = box["x"] + box["width"] * (0.2 + 0.6 * ((i * 0.37) % 1)), box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] * 0.5, y)
        page.evaluate("window.drawn = []")
        page.mouse.down()
        page.mouse.move(x, y, steps=3)
        page.mouse.up()
        times.append(page.wait_for_function("window.drawn[0] ?? false", polling=5).json_value())
        page.wait_for_timeout(300)
    return _percentiles("slider_to_curves_1h", times[1:])


def _openings(browser: Any, address: str, runs: int = 5) -> dict[str, Any]:
    """Two hours: from a click in the list, and from an address, which loads the page as well."""
    links, clicks = [], []
    for _ in range(runs):
        page = browser.new_page(viewport=VIEW)
        page.add_init_script(_LISTEN)
        page.goto(f"{address}?session=two")
        links.append(page.wait_for_function("window.open2()", polling=10, timeout=60_000).json_value())
        page.close()
        page = browser.new_page(viewport=VIEW)
        page.add_init_script(_LISTEN)
        page.goto(address)
        page.locator(".tabulator-row [tabulator-field='session']", has_text="two").click()
        began = page.evaluate("window.clicked")
        clicks.append(page.wait_for_function("window.open2()", polling=10, timeout=60_000).json_value() - began)
        page.close()
    return {
        "open_two_hours_s": round(sorted(clicks)[len(clicks) // 2] / 1000, 2),
        "open_two_hours_each_s": [round(t / 1000, 2) for t in clicks],
        "open_two_hours_with_page_load_s": [round(t / 1000, 2) for t in links],
    }


def _percentiles(name: str, milliseconds: list[float]) -> dict[str, Any]:
    import numpy as np

    return {f"{name}_p{p}_ms": round(float(np.percentile(milliseconds, p)), 1) for p in (50, 95)}
