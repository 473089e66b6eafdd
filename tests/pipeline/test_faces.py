"""Whose face counts, and when a picture of a face says nothing: the cases F1 to F4 of the field, on real footage."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support import faces
from tests.support.command import Done
from tests.support.faces import Image
from tests.support.film import film, halved, inset, man, noisy, portrait, shaken, speaker, wall
from workbench import evaluate, report
from workbench.contracts import FusedWindow
from workbench.errors import MediaError
from workbench.live.observations import Observing
from workbench.live.view import fused_label
from workbench.sessions.overrides import verify
from workbench.sessions.replay import matches, replay_session
from workbench.sessions.store import Session
from workbench.streams import TrackedFrame
from workbench.views.review.session import SessionView

pytestmark = pytest.mark.media
Command = Callable[..., Done]
FROZEN, OTHERS = "picture frozen", "only faces of other people"


def seen(path: Path, draw: Callable[[float], Image], seconds: float = 6.0) -> Session:
    """A film without sound, evaluated; what has no usable face at all is refused, and what was measured is kept."""
    try:
        return evaluate(film(path / "film.mp4", draw, seconds), out=path / "session")
    except MediaError:
        return Session.open(path / "session")


def small(time: float) -> Image:
    """The speaker, small, on the right."""
    return inset(wall(), halved(speaker(time)), 310, 170)


def photo(time: float) -> Image:
    """A photo with a dark rim in somebody's hand."""
    return shaken(cv2.copyMakeBorder(portrait(280), 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=(30, 30, 30)), time, 1.5)


def labels(session: Session) -> list[str | None]:
    return [w.visual.label if w.visual else None for w in session.fused_windows]


def reasons(windows: list[FusedWindow]) -> set[str]:
    """Why the face is masked; '' for windows in which it counts."""
    return {w.missing.get("visual", "") for w in windows}


def choice(session: Session) -> tuple[list[str], str]:
    (event,) = [e for e in session.events if e.kind == "candidate"]
    return event.data["faces"], event.data["why"]


@pytest.fixture(scope="module")
def upright(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return seen(tmp_path_factory.mktemp("upright"), speaker)


# ── F1: a portrait larger than the speaker ──────────────────────────────────────────────────────────────────────────
STILL = {
    "on the wall": lambda t: inset(small(t), portrait(), 20, 15),
    "before a camera that shakes": lambda t: shaken(inset(small(t), portrait(), 20, 15), t),
    "a photo that is waved": lambda t: inset(small(t), photo(t), 20, 10),
    "a noisy television picture": lambda t: inset(small(t), noisy(portrait(), round(t * 1000), 8), 20, 15),
}


@pytest.mark.parametrize("draw", STILL.values(), ids=STILL)
def test_a_still_picture_is_no_candidate_while_another_face_moves(draw: Callable[[float], Image], tmp_path: Path) -> None:
    session = seen(tmp_path, draw)
    (candidate,), why = choice(session)
    assert why.startswith("the only face that moves")
    assert why.endswith("is a still picture")
    boxes = {d.face_id: d.box for d in session.detections[-1].detections}
    assert len(boxes) == 2
    assert boxes[candidate][1] > 0.45, "the speaker is on the right"
    assert {w.face_id for w in session.fused_windows} == {candidate}
    assert reasons(session.fused_windows) == {""}


@pytest.mark.parametrize("draw", [lambda t: shaken(inset(wall(), portrait(), 180, 15), t), photo], ids=["poster", "photo"])
def test_a_still_picture_alone_is_masked(draw: Callable[[float], Image], tmp_path: Path) -> None:
    session = seen(tmp_path, draw, 5.0)
    assert reasons(session.fused_windows) == {"a still picture or a drawing of a face"}
    assert any("still picture" in e.message for e in session.events if e.kind == "no_face")


def test_the_voice_is_that_of_the_face_whose_mouth_moves_with_it(tmp_path: Path, sample_paths) -> None:
    """Two living faces; the smaller one speaks: its mouth moves where there is sound, and only there."""
    import soundfile

    spoken, rate = soundfile.read(sample_paths.audio, dtype="float32", start=7 * 16000, frames=2 * 16000)
    assert rate == 16000
    sound = np.tile(np.concatenate([np.zeros_like(spoken), spoken]), 5)  # two seconds of silence, two of speech, and so on
    mouth = np.cumsum([(i / 15) % 4 >= 2 for i in range(301)]) / 15  # its time stands still while it is silent

    def draw(time: float) -> Image:
        smile = 0.4 + 0.5 * abs(2.5 * mouth[round(time * 15)] % 2 - 1)  # his mouth opens and shuts in this half second of the footage
        other = shaken(halved(man(float(smile))), time, 0.3)
        return inset(inset(wall(), halved(speaker(time % 10)), 310, 170), other, 0, 20)

    session = evaluate(film(tmp_path / "film.mp4", draw, 20.0, sound), out=tmp_path / "session")
    (candidate,), why = choice(session)
    assert why.startswith("its mouth moves with the voice")
    boxes = {d.face_id: d.box for d in session.detections[-1].detections}
    assert boxes[candidate][1] < 0.45, "he is on the left, and smaller"
    areas = {name: (b[2] - b[0]) * (b[3] - b[1]) for name, b in boxes.items()}
    assert areas[candidate] < max(areas.values())


# ── F2: another person is cut in ────────────────────────────────────────────────────────────────────────────────────
def test_at_a_cut_faces_are_told_apart_anew(tmp_path: Path) -> None:
    session = seen(tmp_path, lambda t: man(t) if 3 <= t < 5.5 else speaker(t), 8.0)
    assert [round(d.timestamp, 1) for d in session.detections if d.cut] == [3.0, 5.5]
    (candidate,), _ = choice(session)
    for window in session.fused_windows:
        assert window.face_id in (candidate, None)
        if window.start >= 3 and window.end <= 5.5:
            assert (window.visual, window.missing["visual"]) == (None, OTHERS)
    back = [w for w in session.fused_windows if w.start >= 6]
    assert reasons(back) == {""}, "she is known again by her look"


@pytest.mark.parametrize("light", [0.5, 1.4])
def test_a_lamp_is_no_cut(light: float, tmp_path: Path) -> None:
    session = seen(tmp_path, lambda t: np.clip(speaker(t) * (light if t >= 1.5 else 1.0), 0, 255).astype(np.uint8), 4.0)
    assert not any(d.cut for d in session.detections)
    assert {f.face_id for d in session.detections[3:] for f in d.detections} == {"f-1"}


# ── F3: unchanging pixels ───────────────────────────────────────────────────────────────────────────────────────────
FREEZES = {
    "sharp": lambda t: speaker(t if t < 2 else max(2.0, t - 2.5)),
    "encoded again with noise": lambda t: noisy(speaker(t if t < 2 else max(2.0, t - 2.5)), round(t * 1000)),
    "only the camera's inset": lambda t: inset(
        cv2.putText(wall(round(100 + 15 * t)), f"slide {t:.0f}", (40, 120), 0, 2, (10, 10, 60), 3),
        halved(speaker(t if t < 2 else max(2.0, t - 2.5))), 310, 170,
    ),
}  # fmt: skip


@pytest.mark.parametrize("draw", FREEZES.values(), ids=FREEZES)
def test_a_frozen_picture_is_no_observation(draw: Callable[[float], Image], tmp_path: Path) -> None:
    session = seen(tmp_path, draw, 7.0)
    for window in session.fused_windows:
        if window.start >= 2 and window.end <= 4.5:
            assert window.visual is None
            assert window.missing["visual"] == FROZEN
        elif window.end <= 2 or window.start >= 5:
            assert "visual" not in window.missing
    certainty = next(s for s in session.score_messages if s.name == "confidence" and s.scope == "session")
    evidence = [e.start for c in certainty.contributions for e in c.evidence if e.kind == "frame"]
    assert evidence
    assert not any(2.0 < t < 4.4 for t in evidence), "no score rests on frozen frames"
    assert FROZEN in report.build(session).read_text(encoding="utf-8")
    assert matches(session, replay_session(session))
    assert_live_says_the_same(session)


@pytest.mark.parametrize("sigma", [0.0, 4.0], ids=["sharp", "noise"])
def test_one_still_as_a_whole_video_gives_no_emotion(sigma: float, tmp_path: Path) -> None:
    path = film(tmp_path / "still.mp4", lambda t: noisy(speaker(2.0), round(t * 1000), sigma), 5.0)
    with pytest.raises(MediaError, match="neither a face"):
        evaluate(path, out=tmp_path / "session")
    session = Session.open(tmp_path / "session")
    assert reasons(session.fused_windows) == {FROZEN}
    (event,) = [e for e in session.events if e.kind == "no_face"]
    assert FROZEN in event.message
    replay = replay_session(session)
    assert fused_label(replay, session.duration) == FROZEN, "what a live page writes at the face"


def assert_live_says_the_same(session: Session) -> None:
    """A live session collects the same messages as they come."""
    live = Observing(session.settings.vision)
    for item in session.detections:
        live.add(TrackedFrame(faces.packet(wall(), item.frame_id, item.timestamp), item))
        for output in session.visual:
            if any(p.frame_id == item.frame_id for p in output.predictions):
                live.add(output)
    ours, stored = live.observations(session.duration), session.observations
    assert ours.faces.why is not None
    assert stored.faces.why is not None
    named = stored.faces.face >= 0  # before it has a name, no face is the candidate's
    assert ours.faces.why[named].tolist() == stored.faces.why[named].tolist()
    assert ours.visual.valid.tolist() == stored.visual.valid.tolist()


# ── F4: upside down and on its side ─────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_picture_without_a_rotation_tag_is_read_the_right_way_up(turns: int, upright: Session, tmp_path: Path) -> None:
    session = seen(tmp_path, lambda t: np.ascontiguousarray(np.rot90(speaker(t), turns)))
    pairs = [(a, b) for a, b in zip(labels(session), labels(upright), strict=True) if a and b]
    assert len(pairs) >= 10
    assert np.mean([a == b for a, b in pairs]) >= 0.8
    marks = session.detections[-1].detections[0].landmarks
    assert marks is not None
    assert marks.mouth is not None
    eyes = (np.array(marks.left_eye) + marks.right_eye) / 2
    down = {1: (1, 0), 2: (0, -1), 3: (-1, 0)}[turns]  # where the mouth lies from the eyes, as (x, y)
    assert (np.array(marks.mouth) - eyes) @ down > 0.05


def test_a_phone_that_is_turned_while_it_records(upright: Session, tmp_path: Path) -> None:
    """From upright to upside down: read wrongly for no longer than it takes to look again."""
    session = seen(tmp_path, lambda t: speaker(t) if t < 2 else np.ascontiguousarray(np.rot90(speaker(t), 2)))
    pairs = [(a, b) for a, b, w in zip(labels(session), labels(upright), session.fused_windows, strict=True) if a and b and w.start >= 4.5]
    assert np.mean([a == b for a, b in pairs]) >= 0.7


# ── reliability: dark, blurred, far away ────────────────────────────────────────────────────────────────────────────
POOR = {
    "the face is too dark": lambda t: (speaker(t) * 0.12).astype(np.uint8),
    "the face is not sharp enough": lambda t: cv2.GaussianBlur(speaker(t), (0, 0), 9),
    "the face is too small": lambda t: inset(wall(), cv2.resize(speaker(t), (120, 68), interpolation=cv2.INTER_AREA), 260, 130),
}


@pytest.mark.parametrize(("reason", "draw"), POOR.items(), ids=POOR)
def test_a_poor_picture_is_masked_with_its_reason(reason: str, draw: Callable[[float], Image], tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("vision: {detector: full_range}\n" if "small" in reason else "{}\n")
    with pytest.raises(MediaError):
        evaluate(film(tmp_path / "film.mp4", draw, 4.0), settings=settings, out=tmp_path / "session")
    session = Session.open(tmp_path / "session")
    assert Counter(w.missing["visual"] for w in session.fused_windows).most_common(1)[0][0] == reason
    assert not session.observations.visual.valid.any()


# ── further inputs, see docs/robustness.md ──────────────────────────────────────────────────────────────────────────
FURTHER = {
    "black and white": lambda t: cv2.cvtColor(cv2.cvtColor(speaker(t), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
    "slides": lambda t: inset(wall(100 + 40 * (int(t) % 3)), halved(speaker(t)), 310, 170),
    "pillarboxed": lambda t: inset(wall(0), halved(speaker(t)), 160, 90),
}


@pytest.mark.parametrize("draw", FURTHER.values(), ids=FURTHER)
def test_a_picture_that_is_only_unusual_is_read(draw: Callable[[float], Image], upright: Session, tmp_path: Path) -> None:
    session = seen(tmp_path, draw)
    assert choice(session)[0] == ["f-1"]
    assert reasons(session.fused_windows) == {""}
    assert np.mean([a == b for a, b in zip(labels(session), labels(upright), strict=True)]) >= 0.6


def test_a_face_that_leaves_and_comes_back_is_the_same(tmp_path: Path) -> None:
    session = seen(tmp_path, lambda t: noisy(wall(60), 1) if 2 <= t < 5 else speaker(t), 7.0)
    assert choice(session)[0] == ["f-1"]
    assert {f.face_id for d in session.detections for f in d.detections} - {None} == {"f-1"}
    assert reasons([w for w in session.fused_windows if w.start >= 2 and w.end <= 5]) == {"no face"}
    assert reasons([w for w in session.fused_windows if w.start >= 5.5]) == {""}


# ── the choice can be corrected ─────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    return seen(folder, lambda t: inset(small(t), halved(man(t)), 0, 20)).folder


def other(session: Session) -> str:
    (candidate,), _ = choice(session)
    return ({"f-1", "f-2"} - {candidate}).pop()


def test_the_faces_are_listed_and_another_is_chosen_without_a_model(two: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(two, tmp_path / "two"))
    before = Session.open(folder)
    chosen, first = other(before), labels(before)
    no_models = (
        "import sys; from workbench.cli import main; sys.exit(main() or [m for m in ('tensorflow', 'mediapipe') if m in sys.modules])"
    )

    def fresh(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-c", no_models, "sessions", "candidate", str(folder), *arguments]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    done = fresh("--json")
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert listed["candidate"] == choice(before)[0]
    assert {f["face"]: f["moving"] for f in listed["faces"]} == {"f-1": "moving", "f-2": "moving"}
    assert all(f["seconds"] > 5 and f["size_px"] > 48 and f["analysed_frames"] > 25 for f in listed["faces"])

    done = fresh("--face", chosen, "--by", "tester", "--reason", "he was interviewed", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["candidate"] == [chosen]
    after = Session.open(folder)
    assert {w.face_id for w in after.fused_windows} == {chosen}
    assert labels(after) != first
    assert matches(after, replay_session(after)), "a replay honours it"
    (entry,) = after.overrides
    assert (entry.kind, entry.original, entry.value, entry.by) == ("candidate", listed["candidate"][0], chosen, "tester")
    for name in ("windows.jsonl", "scores.jsonl"):
        assert (folder / "original" / name).read_bytes() == (two / name).read_bytes(), "the first ones are kept"
    assert "chosen by tester: he was interviewed" in report.build(after).read_text(encoding="utf-8")


def test_reviewers_who_choose_at_the_same_time_leave_one_choice(two: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(two, tmp_path / "two")
    line = [sys.executable, "-m", "workbench", "sessions", "candidate", str(folder), "--by", "tester"]
    every = [subprocess.Popen([*line, "--face", f"f-{1 + i % 2}", "--reason", f"so {i}"], stdout=subprocess.DEVNULL) for i in range(4)]
    assert [p.wait(120) for p in every] == [0] * 4
    session = Session.open(folder)
    assert verify(session).ok
    last = [e for e in session.overrides if e.kind == "candidate"][-1]
    assert {w.face_id for w in session.fused_windows} == {last.value}
    assert matches(session, replay_session(session))


def test_back_again_gives_the_first_bytes(two: Path, tmp_path: Path, command: Command) -> None:
    folder = Path(shutil.copytree(two, tmp_path / "two"))
    first = choice(Session.open(folder))[0][0]
    for face in (other(Session.open(folder)), first):
        assert command("sessions", "candidate", folder, "--face", face, "--by", "tester", "--reason", "so").code == 0
    for name in ("windows.jsonl", "scores.jsonl"):
        assert (folder / name).read_bytes() == (two / name).read_bytes()
    assert len(Session.open(folder).overrides) == 2
    assert command("sessions", "verify", folder).code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--face", "f-9", "--by", "tester", "--reason", "so"], "no face 'f-9'; faces: f-1, f-2"),
        (["--face", "f-1", "--reason", "so"], "needs a reason and who decides"),
        (["--face", "f-1", "--face", "f-2", "--by", "tester"], "needs a reason and who decides"),
    ],
)
def test_what_cannot_be_chosen(arguments: list[str], says: str, two: Path, tmp_path: Path, command: Command) -> None:
    folder = Path(shutil.copytree(two, tmp_path / "two"))
    done = command("sessions", "candidate", folder, *arguments)
    assert done.code == 2
    assert says in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert {p.name for p in folder.iterdir()} == {p.name for p in two.iterdir()}, "nothing was changed"


def test_a_person_may_say_that_somebody_very_calm_lives(tmp_path: Path, command: Command) -> None:
    session = seen(tmp_path, lambda t: shaken(inset(wall(), portrait(), 180, 15), t), 5.0)
    assert "" not in reasons(session.fused_windows)
    done = command("sessions", "candidate", session.folder, "--face", "f-1", "--by", "tester", "--reason", "she listened")
    assert done.code == 0, done.err
    assert reasons(Session.open(session.folder).fused_windows) == {""}


def test_the_review_page_shows_every_face_and_stores_the_choice(two: Path, tmp_path: Path) -> None:
    view = SessionView(Path(shutil.copytree(two, tmp_path / "two")))
    renewed: list[object] = []
    view.param.watch(renewed.append, "renewed")
    form = view.corrections
    form.what.value = "Candidate"
    shown = form.faces.pictures.object
    assert shown.count("<figure") == shown.count("data:image/jpeg") == 2
    assert form.faces.choice.value == choice(view.opened.session)[0][0]
    form.faces.choice.value = chosen = other(view.opened.session)
    form.store.clicks += 1
    assert "needs a reason" in form.message.object
    assert not renewed
    form.by.value, form.reason.value = "tester", "he was interviewed"
    form.store.clicks += 1
    assert len(renewed) == 1, "windows and scores are others: the page is made anew"
    again = SessionView(view.opened.session.folder)
    assert {w.face_id for w in again.opened.session.fused_windows} == {chosen}
    assert "he was interviewed" in again.corrections.log.object
