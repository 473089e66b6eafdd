"""Renew the pictures in ``docs/images`` from the pages as they are: ``make pictures``.

Reviews, tuning and audits are shown with generated data; the live page and the report with the sample interview, whose pictures
of a face are blurred or left out. Look at the new files before you commit them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.support import pages  # noqa: E402
from workbench import evaluate, sample  # noqa: E402
from workbench.benchmarks.serving import chromium  # noqa: E402
from workbench.report import build  # noqa: E402

OUT = ROOT / "docs" / "images"
_BLUR = """() => { const all = r => { for (const e of r.querySelectorAll('*')) {
  if (e.matches('.stage video, .stage canvas')) e.style.filter = 'blur(20px)'; if (e.shadowRoot) all(e.shadowRoot); } }; all(document); }"""


def keep(name: str, take: Callable[..., Any]) -> None:
    """Take a picture and store it; `take` is a page's or an element's ``screenshot``."""
    path = OUT / f"{name}.png"
    take(path=path)
    with Image.open(path) as drawn:
        drawn.convert("RGB").save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


def main() -> None:
    """Serve every page, open it in Chromium, and store what it shows."""
    paths = sample.build()
    with tempfile.TemporaryDirectory(prefix="workbench-pictures-") as name:
        folder = Path(name)
        report = build(evaluate(paths.video, paths.interview, out=folder / "sample"))
        with pages.serve(folder) as address, chromium() as browser:
            page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
            for state, height in (("tune", 900), ("audit", 700), ("review", 840)):
                page.set_viewport_size({"width": 1440, "height": height})
                pages.STATES[state](page, address)
                pages.settle(page)
                keep(state, page.screenshot)

            page.goto(report.as_uri())
            page.add_style_tag(content=".track:has(svg image), .proof img { display: none }")  # no pictures of the face
            keep("report_scores", page.locator("#scores .cards").first.screenshot)
            keep("report_timeline", page.locator("#timeline .scroller").first.screenshot)

            page.set_viewport_size({"width": 1440, "height": 1500})
            pages.live(page, address)
            page.get_by_role("button", name="Play sample interview").click(timeout=pages.WAIT)
            page.locator(".transcript .w").first.wait_for(timeout=pages.WAIT)
            page.evaluate(_BLUR)
            page.wait_for_timeout(40_000)
            keep("live", page.screenshot)


if __name__ == "__main__":
    main()
