"""``workbench bench tune``: from a slider of the tuning page to all its figures, in headless Chromium."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.benchmarks.serving import chromium, served

_WATCH = """() => {
  const find = root => { for (const e of root.querySelectorAll('*')) {
    if (e.matches('.tune-figures')) return root;
    if (e.shadowRoot) { const r = find(e.shadowRoot); if (r) return r; } } };
  const root = find(document), now = () => root.querySelector('.tune-figures')?.dataset.point;
  window.waited = [];
  addEventListener('keydown', () => { const begun = performance.now(), before = now();
    const look = () => { if (now() && now() !== before)
        requestAnimationFrame(() => requestAnimationFrame(() => window.waited.push(performance.now() - begun)));
      else requestAnimationFrame(look); };
    look(); }, true);
}"""
SLIDERS = ("visual", "audio", "t_visual", "t_fused", "min_audio", "uncertain")


def tune(
    moves: Annotated[int, typer.Option(min=6, help="Moves of a slider, over weights, temperatures and thresholds.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Move sliders of the tuning page in a real browser: how long until every figure is drawn."""
    found = measure(moves)
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(f"{k:14} {v}" for k, v in found.items()))


def measure(moves: int = 60) -> dict[str, Any]:
    """Milliseconds from a key on a slider to the second frame after the figures, charts included, have changed.

    Raises
    ------
    WorkbenchError
        If Chromium or Playwright is missing, the server does not start, or there is no corpus.
    """
    import numpy as np

    from workbench.corpora import folder as corpus_folder
    from workbench.training import catalogue

    catalogue.load("crema-d")  # says what is wrong with the corpus before a server is started
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as folder:
        changed = {"OMP_NUM_THREADS": "1", "WORKBENCH_DATA": str(corpus_folder("crema-d").parent.resolve())}
        with served("tune", Path(folder), environment=changed) as server, chromium() as browser:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(server.visit())
            page.locator(".tune-figures").wait_for(timeout=120_000)
            page.wait_for_timeout(2000)
            page.evaluate(_WATCH)
            for i in range(moves):
                page.locator(f".tune-{SLIDERS[i % len(SLIDERS)]} input[type=range]").press(
                    "ArrowLeft" if i // len(SLIDERS) % 2 else "ArrowRight"
                )
                page.wait_for_function("n => window.waited.length > n", arg=i, timeout=30_000)
            waited = page.evaluate("window.waited")
    p50, p95 = np.percentile(waited, [50, 95])
    return {"moves": moves, "p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "max_ms": round(max(waited), 1), "corpus": "crema-d"}
