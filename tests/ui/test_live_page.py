"""The live page in a real browser with the sample interview as its camera and microphone."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.support.browser import FLAGS, Watched, chromium, watch
from tests.support.fake_devices import devices, flags
from tests.support.live_server import Server, serve
from tests.support.packages import ROOT
from workbench import sample, settings
from workbench.capture import browser
from workbench.events import EventKind
from workbench.report.data import frames
from workbench.sessions.replay import matches, replay_session
from workbench.sessions.store import Session

pytestmark = [pytest.mark.ui, pytest.mark.media]
COUNT = (
    "window.asked = 0; const m = navigator.mediaDevices, g = m.getUserMedia.bind(m);m.getUserMedia = c => { window.asked++; return g(c); }"
)
FIND = """const find = (s, r = document) => { for (const e of r.querySelectorAll('*')) {
  const found = e.matches(s) ? e : e.shadowRoot && find(s, e.shadowRoot); if (found) return found; } };"""
KNOCK = """([url, token]) => new Promise(done => { const s = new WebSocket(url);
  s.onopen = () => s.send(JSON.stringify({kind: 'hello', token})); s.onclose = e => done(e.code); })"""
WAIT = 90_000  # ms; a busy machine
SHOTS = ROOT / "artifacts" / "live"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    sample.build()
    with serve(tmp_path_factory.mktemp("live"), "--plugins", "workbench.live") as running:
        yield running


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return flags(*devices(sample.build().video, tmp_path_factory.mktemp("devices")))


@pytest.fixture(scope="module")
def visitors(driver: Playwright, fake: list[str]) -> Iterator[Browser]:
    with chromium(driver, *fake) as started:
        yield started


@pytest.fixture
def visit(visitors: Browser, server: Server) -> Iterator[Callable[..., Watched]]:
    contexts = []

    def come(width: int = 1440, height: int = 900, **options: object) -> Watched:
        context = visitors.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.add_init_script(COUNT)
        seen = watch(context.new_page())
        seen.open(server.url)
        expect(seen.page.get_by_text("Before anything is captured")).to_be_visible(timeout=WAIT)
        return seen

    yield come
    for context in contexts:
        context.close()


def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def agree_and_start(page: Page) -> None:
    page.get_by_role("checkbox", name="I have read this").check()
    page.get_by_role("button", name="Start with camera").click(timeout=WAIT)


def stop_and_store(page: Page, server: Server) -> Session:
    before = {p for p in server.folders() if (p / "report.html").exists()}
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Open the report")).to_be_visible(timeout=WAIT)
    [new] = [p for p in server.folders() if (p / "report.html").exists() and p not in before]
    return Session.open(new)


def slide_to_end(page: Page, name: str) -> None:
    handle = page.locator(f".weight-{name}").get_by_role("slider")
    handle.focus()
    handle.press("End")


def unlike(video: Path, time: float) -> float:
    """Mean difference, in [0, 1], of a stored picture to the picture of the sample interview that is nearest to it."""

    def thumbnail(picture: np.ndarray) -> np.ndarray:
        height, width, _ = picture.shape
        top = (height - round(width * 9 / 16)) // 2  # the fake camera put bars above and below
        return np.asarray(Image.fromarray(picture[top : height - top]).resize((64, 36)), float) / 255

    (_, stored), *_ = frames(video, [time])
    shown = frames(sample.build().video, [float(t) for t in np.arange(0.25, 60, 0.5)])
    return min(float(np.abs(thumbnail(stored) - thumbnail(picture)).mean()) for _, picture in shown)


def test_without_consent_nothing_is_captured(visit: Callable[..., Watched], server: Server) -> None:
    page = visit().page
    before = server.folders()
    shot(page, "consent")
    expect(page.get_by_role("button", name="Start with camera")).to_be_disabled()
    page.get_by_role("button", name="No, thanks").click()
    expect(page.get_by_text("The camera is off. Nothing is captured.")).to_be_visible()
    page.wait_for_timeout(1500)
    assert page.evaluate("window.asked") == 0
    assert server.folders() == before


def test_hiring_in_the_eu_says_what_is_off_before_anything_is_captured(visit: Callable[..., Watched]) -> None:
    page = visit().page
    page.get_by_role("button", name="hiring").click()
    place = page.get_by_label("Country")
    place.fill("DE")
    place.press("Enter")
    expect(page.get_by_text("Art. 5(1)(f)").first).to_be_visible(timeout=WAIT)


def test_a_session_on_the_camera_from_consent_to_report(visit: Callable[..., Watched], server: Server) -> None:
    seen = visit()
    page = seen.page
    agree_and_start(page)
    expect(page.locator(".face.candidate span")).to_contain_text("f-1 ·", timeout=WAIT)  # a box with an id and a label
    expect(page.locator(".now").first).to_be_visible(timeout=WAIT)
    expect(page.locator(".transcript")).to_contain_text("message queue", timeout=WAIT, ignore_case=True)
    shot(page, "running")

    slide_to_end(page, "uncertain")  # nothing reaches a probability of 1: every label becomes uncertain, with its top two
    expect(page.locator(".now").first).to_contain_text("uncertain:", timeout=WAIT)
    expect(page.locator(".face.candidate span")).to_contain_text(" / ", timeout=WAIT)
    page.get_by_role("button", name="Mark question").click()

    page.get_by_label("Save as experiments/NAME.yaml").fill("strict")
    page.get_by_role("button", name="Save these settings").click()
    expect(page.get_by_text("Saved as experiments/strict.yaml")).to_be_visible(timeout=WAIT)
    assert settings.load(server.folder / "experiments" / "strict.yaml").smoothing.uncertain == 1

    page.evaluate("window.workbenchMedia.cut()")
    expect(page.get_by_text("Connection lost.")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("Connection lost.")).to_be_hidden(timeout=WAIT)

    page.get_by_role("button", name="Mute").click()
    page.get_by_role("button", name="Unmute").click()
    page.evaluate(f"{FIND} find('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_text("The camera was unplugged")).to_be_visible(timeout=WAIT)
    expect(page.locator(".notices")).to_contain_text("Device unplugged", timeout=WAIT)
    shot(page, "unplugged")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The camera was unplugged")).to_be_hidden(timeout=WAIT)

    for child in psutil.Process(server.pid).children():  # the processes of measures; those of idle kits as well
        child.kill()
    expect(page.locator(".notices")).to_contain_text("A stage broke off and was restarted", timeout=WAIT)
    expect(page.locator(".notices")).to_contain_text("Device unplugged")  # an earlier notice stays
    page.wait_for_timeout(3_000)  # the next segment's measures come from the new process
    shot(page, "stage-restarted")

    session = stop_and_store(page, server)
    shot(page, "stopped")
    assert matches(session, replay_session(session))
    assert [e.kind for e in session.events].count(EventKind.SETTINGS_CHANGED) == 1
    assert {"question", "mute", "unplugged", "plugged"} <= {e.kind for e in session.events}
    assert session.video_path is not None
    assert unlike(session.video_path, session.duration / 2) < 0.05  # it shows what the camera saw
    assert any(e.kind == "stage_error" for e in session.events)  # the killed process of measures
    assert next(e.data for e in session.events if e.kind == "latency")["lost_samples"] == 0
    assert "The camera is off" in page.locator(".placeholder").inner_text()

    with page.context.expect_page() as opened:
        page.get_by_text("Open the report").click()
    expect(opened.value.locator("body")).to_contain_text("message queue", timeout=WAIT, ignore_case=True)
    assert [e for e in seen.errors if "WebSocket" not in e] == []


def test_a_second_session_on_the_same_page_begins_anew(visit: Callable[..., Watched], server: Server) -> None:
    page = visit().page
    page.get_by_role("button", name="Play sample interview").click()
    expect(page.locator(".transcript .w").first).to_be_visible(timeout=WAIT)
    page.get_by_role("button", name="Mute").click()
    first = stop_and_store(page, server)
    page.get_by_role("button", name="Start a session").click()
    agree_and_start(page)
    page.wait_for_timeout(6_000)  # some words of its own
    expect(page.locator(".face.candidate span")).to_contain_text("f-1", timeout=WAIT)
    expect(page.get_by_role("button", name="Mute", exact=True)).to_be_visible()
    expect(page.locator(".transcript .w").first).to_be_visible(timeout=WAIT)
    shot(page, "second-session")
    second = stop_and_store(page, server)
    shown = {w.strip() for w in page.locator(".transcript .committed").all_inner_texts()}
    assert shown <= {w.word for t in second.transcripts for w in t.words} | {""}, "words of the session before"
    page.get_by_role("button", name="Start a session").click()
    agree_and_start(page)
    page.wait_for_timeout(6_000)  # some words of its own
    expect(page.locator(".transcript .w").first).to_be_visible(timeout=WAIT)
    third = stop_and_store(page, server)
    for session in (first, second, third):
        assert matches(session, replay_session(session))
        assert session.transcripts
        assert next(e.data for e in session.events if e.kind == "latency")["lost_samples"] == 0
    assert "sample" in str(first.header.media)
    assert "sample" not in str(second.header.media)


def test_the_media_socket_refuses_a_wrong_token_and_another_origin(visit: Callable[..., Watched], server: Server) -> None:
    page = visit().page
    socket = f"ws://{server.host}/{browser.SOCKET}"
    assert page.evaluate(KNOCK, [socket, "guessed"]) == browser.UNKNOWN
    page.goto("data:text/html,<p>another page</p>")
    assert page.evaluate(KNOCK, [socket, "guessed"]) == 1006  # not even opened


def test_without_the_plugin_the_same_page_sends_media_as_messages(visitors: Browser, tmp_path: Path) -> None:
    with serve(tmp_path) as plain:
        page = visitors.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.goto(plain.url)
        expect(page.get_by_text("Before anything is captured")).to_be_visible(timeout=WAIT)
        agree_and_start(page)
        expect(page.locator(".face.candidate span")).to_contain_text("f-1", timeout=WAIT)
        expect(page.locator(".transcript .w").first).to_be_visible(timeout=WAIT)
        shot(page, "without-plugin")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("Download the report")).to_be_visible(timeout=WAIT)
        page.context.close()
        [folder] = plain.folders()
    session = Session.open(folder)
    assert len(session.detections) > 3
    assert next(e.data for e in session.events if e.kind == "latency")["lost_samples"] == 0
    assert matches(session, replay_session(session))


def test_two_visitors_at_once_each_have_their_own_session(visit: Callable[..., Watched], server: Server) -> None:
    before = set(server.folders())
    pages = [visit().page, visit(width=390, height=844, color_scheme="dark").page]
    for page in pages:
        page.get_by_role("button", name="Play sample interview").click()
    for page in pages:
        expect(page.locator(".face.candidate span")).to_contain_text("f-1", timeout=WAIT)
        expect(page.locator(".transcript")).to_contain_text("message queue", timeout=WAIT, ignore_case=True)
    shot(pages[1], "phone-dark")
    new = [p for p in server.folders() if p not in before]
    assert len(new) == 2
    for page in pages:
        page.close()
    deadline = time.monotonic() + WAIT / 1000
    while not all((p / "scores.jsonl").stat().st_size for p in new):  # leaving stores the session
        assert time.monotonic() < deadline
        time.sleep(0.5)
    for folder in new:
        session = Session.open(folder)
        assert matches(session, replay_session(session))


def test_a_refused_camera_is_explained_and_nothing_is_stored_of_it(visitors: Browser, server: Server) -> None:
    arguments = [*FLAGS, "--use-fake-device-for-media-stream"]  # without the switch that allows everything
    strict = visitors.browser_type.launch(executable_path=shutil.which("chromium"), headless=True, args=arguments)
    try:
        for device in ("camera", "microphone"):
            refusal = {"permission": {"name": device}, "setting": "denied"}
            strict.new_browser_cdp_session().send("Browser.setPermission", refusal)
        page = strict.new_page(viewport={"width": 1440, "height": 900})
        page.goto(server.url)
        expect(page.get_by_text("Before anything is captured")).to_be_visible(timeout=WAIT)
        agree_and_start(page)
        expect(page.get_by_text("was not allowed to use the camera")).to_be_visible(timeout=WAIT)
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
        shot(page, "refused")
    finally:
        strict.close()


def test_metrics_are_there_for_prometheus(server: Server) -> None:
    import httpx

    text = httpx.get(f"http://{server.host}/metrics").text
    assert "# TYPE workbench_sessions gauge" in text
    assert "workbench_audio_backlog_seconds" in text
    assert not any(name in text for name in (str(p) for p in server.sessions.glob("*")))
