"""What a browser sends is taken in order, once, and only from a page that may send it."""

import asyncio
import json

import numpy as np
import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.testing import AsyncHTTPTestCase, gen_test
from tornado.web import Application
from tornado.websocket import websocket_connect

from workbench.capture import browser
from workbench.capture.browser import Intake, pack_audio, pack_frame


class Sink:
    """Remembers what an intake hands on."""

    def __init__(self) -> None:
        self.blocks, self.frames, self.controls, self.sent = [], [], [], []
        self.intake = Intake(self.blocks.append, self.frames.append, self.controls.append)
        self.intake.open = True

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([b.samples for b in self.blocks])


def ramp(first: int, count: int) -> np.ndarray:
    return (np.arange(first, first + count) % 30000).astype("<i2")


def test_audio_is_taken_once_and_in_order_when_a_reconnected_browser_sends_it_again() -> None:
    sink = Sink()
    for first in (0, 1000, 2000, 1000, 2000, 3000):  # the middle ones come twice
        sink.intake.receive(pack_audio(first, ramp(first, 1000)))
    assert sink.intake.samples == 4000
    assert sink.intake.lost == 0
    np.testing.assert_allclose(sink.samples * 32768, ramp(0, 4000))
    assert [b.first_sample for b in sink.blocks] == [0, 1000, 2000, 3000]


def test_a_block_that_was_taken_in_part_gives_only_its_rest() -> None:
    sink = Sink()
    sink.intake.receive(pack_audio(0, ramp(0, 1000)))
    sink.intake.receive(pack_audio(500, ramp(500, 1000)))
    np.testing.assert_allclose(sink.samples * 32768, ramp(0, 1500))


def test_samples_that_never_came_are_counted_and_do_not_shift_the_clock() -> None:
    sink = Sink()
    sink.intake.receive(pack_audio(0, ramp(0, 1000)))
    sink.intake.receive(pack_audio(1600, ramp(1600, 400)))
    assert (sink.intake.samples, sink.intake.lost) == (2000, 600)
    assert not sink.samples[1000:1600].any()
    assert sink.blocks[-1].first_sample == 1600


def test_frames_left_out_by_the_browser_are_counted_and_repeated_ones_ignored() -> None:
    sink = Sink()
    for frame_id in (0, 1, 4, 4, 2):
        sink.intake.receive(pack_frame(frame_id, 16000, b"jpeg"))
    assert [f.frame_id for f in sink.frames] == [0, 1, 4]
    assert sink.intake.skipped == 2
    assert sink.frames[0].timestamp == 1.0


@pytest.mark.parametrize("message", [b"", b"short", bytes(16) + b"?", pack_audio(browser.MAX_GAP + 1, ramp(0, 10))])
def test_what_is_no_media_message_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"media message|clock jumped"):
        Sink().intake.receive(message)


def test_acknowledgements_tell_the_browser_what_it_may_forget() -> None:
    sink, sent = Sink(), []
    sink.intake.connect(lambda m: sent.append(json.loads(m)))
    for first in range(0, 32000, 1000):
        sink.intake.receive(pack_audio(first, ramp(first, 1000)))
    assert sent[0] == {"kind": "resume", "samples": 0}
    assert [m["samples"] for m in sent if m["kind"] == "ack"] == [8000, 16000, 24000, 32000]


class TestSocket(AsyncHTTPTestCase):
    """The WebSocket on a real tornado server."""

    def get_app(self) -> Application:
        return Application(browser.ROUTES)

    def setUp(self) -> None:
        super().setUp()
        self.sink = Sink()
        browser.register(self.sink.intake)
        self.addCleanup(browser.unregister, self.sink.intake)

    def connect(self, origin: str | None = None):
        origin = origin or f"http://127.0.0.1:{self.get_http_port()}"
        request = HTTPRequest(f"ws://127.0.0.1:{self.get_http_port()}/{browser.SOCKET}", headers={"Origin": origin})
        return websocket_connect(request)

    def hello(self, token: str) -> str:
        return json.dumps({"kind": "hello", "token": token})

    async def closing(self, socket) -> int:
        while await socket.read_message() is not None:
            pass
        return socket.close_code

    @gen_test
    async def test_a_page_of_another_origin_gets_no_connection(self) -> None:
        with pytest.raises(HTTPClientError, match="403"):
            await self.connect("http://elsewhere.example")

    @gen_test
    async def test_a_wrong_token_is_refused(self) -> None:
        socket = await self.connect()
        await socket.write_message(self.hello("guessed"))
        assert await self.closing(socket) == browser.UNKNOWN

    @gen_test
    async def test_media_before_hello_is_refused(self) -> None:
        socket = await self.connect()
        await socket.write_message(pack_audio(0, ramp(0, 100)), binary=True)
        assert await self.closing(socket) in (browser.UNKNOWN, browser.MALFORMED)
        assert self.sink.blocks == []

    @gen_test
    async def test_without_consent_nothing_is_taken(self) -> None:
        self.sink.intake.open = False
        socket = await self.connect()
        await socket.write_message(self.hello(self.sink.intake.token))
        assert await self.closing(socket) == browser.NO_CONSENT

    @gen_test
    async def test_a_cut_connection_goes_on_where_it_was(self) -> None:
        first = await self.connect()
        await first.write_message(self.hello(self.sink.intake.token))
        assert json.loads(await first.read_message()) == {"kind": "resume", "samples": 0}
        await first.write_message(pack_audio(0, ramp(0, 1000)), binary=True)
        while self.sink.intake.samples < 1000:
            await asyncio.sleep(0.01)
        first.close()
        second = await self.connect()
        await second.write_message(self.hello(self.sink.intake.token))
        assert json.loads(await second.read_message()) == {"kind": "resume", "samples": 1000}
        await second.write_message(pack_audio(500, ramp(500, 1000)), binary=True)
        while self.sink.intake.samples < 1500:
            await asyncio.sleep(0.01)
        np.testing.assert_allclose(self.sink.samples * 32768, ramp(0, 1500))
        second.close()

    @gen_test
    async def test_a_malformed_message_closes_the_connection_but_not_the_session(self) -> None:
        socket = await self.connect()
        await socket.write_message(self.hello(self.sink.intake.token))
        await socket.write_message(b"nonsense", binary=True)
        assert await self.closing(socket) == browser.MALFORMED
        again = await self.connect()
        await again.write_message(self.hello(self.sink.intake.token))
        assert json.loads(await again.read_message())["kind"] == "resume"
        again.close()
