"""Parts of the review page without a browser: two settings on one session, addresses, and an interrupted session."""

from pathlib import Path

import pytest

from workbench.errors import SettingsError
from workbench.sessions import differences, replay, synthetic
from workbench.sessions.store import Session
from workbench.settings import to_yaml
from workbench.views.review.data import Opened
from workbench.views.review.page import ReviewPage
from workbench.views.review.session import SessionView
from workbench.views.review.weights import STORED, Refit, Sliders


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("sessions") / "2026", 2, seed=1)


def settings_file(session: Session, name: str, **weights: float) -> None:
    values = replay.overlay(session, {"fusion": {"weights": weights}}, name)
    Path("experiments").mkdir(exist_ok=True)
    Path(f"experiments/{name}.yaml").write_text(to_yaml(values))


def test_two_settings_are_compared_on_one_session(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = Session.open(folder)
    settings_file(session, "face", visual=1.0, audio=0.0)
    settings_file(session, "voice", visual=0.0, audio=1.0)
    drawn = []
    refit = Refit(Opened(session), lambda now, before: drawn.append((now, before)))
    assert refit.base.options == [STORED, "face", "voice"]
    refit.base.value = "face"
    against_stored = refit.differences
    refit.other.value = "voice"
    face, voice = (replay.replay_session(session, refit._named(name)) for name in ("face", "voice"))
    now, before = drawn[-1]
    assert now.fused.label.tolist() == face.fusion.smoothed.label.tolist()
    assert before.fused.label.tolist() == voice.fusion.smoothed.label.tolist()
    assert refit.differences == differences.between(before.start, before.fused.label, voice.scores, face)
    assert len(refit.differences["changed_labels"]) > len(against_stored["changed_labels"]) > 0
    refit.base.value = "voice"
    assert refit.differences["changed_labels"] == refit.differences["moved_scores"] == []


def test_what_was_moved_goes_into_an_address_and_back(folder):
    session = Session.open(folder)
    heard = []
    sliders = Sliders(session.settings, heard.append, lambda _: None)
    assert sliders.moved == ""
    sliders.param.update(visual=0.25, commit_windows=5, clarity=0.0)
    assert sliders.moved == "visual:0.25,commit_windows:5,clarity:0"
    again = Sliders(session.settings, heard.append, lambda _: None)
    again.move(sliders.moved)
    assert again.settings == sliders.settings == heard[-1]
    for text in ("nope:1", "visual:3", "visual:nan", "visual"):
        with pytest.raises(SettingsError, match="is no slider"):
            again.move(text)
        assert again.settings == sliders.settings


def test_an_address_may_ask_for_anything(folder):
    asked = {"session": [b"2026"], "time": [b"31.5"], "settings": [b"visual:0.1"]}
    page = ReviewPage.at(folder.parent, asked)
    assert (page.session, page.time, page.settings) == ("2026", 31.5, "visual:0.1")
    for wrong in ("../2026", "nobody", "/etc", ".."):
        page = ReviewPage.at(folder.parent, {"session": [wrong.encode()], "time": [b"soon"]})
        assert "holds no session" in page.note.object


def test_moved_weights_show_their_own_scores_and_an_interrupted_session_is_computed(folder, tmp_path, monkeypatch):
    import shutil

    monkeypatch.chdir(tmp_path)
    cut = shutil.copytree(folder, tmp_path / "cut")
    for name in ("windows", "scores"):
        (cut / f"{name}.jsonl").write_bytes(b"")
    whole, view = SessionView(folder), SessionView(cut)
    assert view.opened.stored.fused.label.tolist() == whole.opened.stored.fused.label.tolist()
    assert "No scores are stored" in view._scores.object
    whole.sliders().sliders.param.update(technical=0.0)
    assert whole.settings == "technical:0"
    moved = next(s for s in whole.refit.result.scores if (s.scope, s.name) == ("session", "composite"))
    assert "With the sliders' settings" in whole._scores.object
    assert f">{100 * moved.value:.1f}<" in whole._scores.object
