"""Fitted strategies in files: what settings load, classes that were not learned, and replay after the file has changed."""

import json
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import SettingsError
from workbench.fusion import fuse
from workbench.fusion.average import Average
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.logistic import Logistic
from workbench.fusion.network import Hyperparameters, Learned
from workbench.fusion.stored import Stored, load, pinned
from workbench.fusion.strategy import Strategy
from workbench.labels import BASIC, CREMA_D, reorder
from workbench.sessions import replay, synthetic
from workbench.sessions.store import Session
from workbench.settings import Fusion, Settings


def samples(n: int = 600, seed: int = 0) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(6, size=n)
    features = {m: 0.5 * np.eye(6)[labels] + 0.5 * rng.dirichlet(np.ones(6), n) for m in ("visual", "audio")}
    return features, {m: np.ones(n, bool) for m in features}, labels, np.repeat(np.arange(n // 20), 20)


@pytest.fixture(scope="module")
def learned() -> Strategy:
    return Learned(hyper=Hyperparameters(hidden=8, members=2, epochs=6)).fit(ModalityBatch(*samples()[:2]), *samples()[2:])


@pytest.fixture
def file(learned: Strategy, tmp_path: Path) -> Path:
    return Stored(learned, CREMA_D, {"corpus": "generated"}).save(tmp_path / "fusion" / "strategy.json")


def basic(n: int = 50, seed: int = 1) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return {m: rng.dirichlet(np.ones(7), n) for m in ("visual", "audio")}, {m: np.ones(n, bool) for m in ("visual", "audio")}


def test_settings_load_the_file_and_fuse_seven_classes(file: Path) -> None:
    chosen = fuse.build(Fusion(strategy="stored", parameters={"path": str(file)}))
    features, masks = basic()
    probs = chosen.predict(ModalityBatch(features, masks))
    assert probs.shape == (50, 7)
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    np.testing.assert_allclose(sum(chosen.weights(ModalityBatch(features, masks)).values()), 1)


def test_without_surprise_the_own_classes_get_just_what_was_learned(learned: Strategy, file: Path) -> None:
    features, masks, _, _ = samples(seed=3)
    seven = {m: reorder(x, CREMA_D) for m, x in features.items()}
    expected = reorder(learned.predict(ModalityBatch(features, masks)), CREMA_D)
    np.testing.assert_allclose(load(file).predict(ModalityBatch(seven, masks)), expected, atol=1e-4)
    np.testing.assert_array_equal(
        load(file).predict(ModalityBatch(features, masks)), learned.predict(ModalityBatch(features, masks))
    )  # its own classes


def test_surprise_passes_through_and_the_rest_keeps_its_proportions() -> None:
    mean = Stored(Average({"visual": 0.75, "audio": 0.25}), CREMA_D, {})
    features, masks = basic()
    surprise = BASIC.index("surprise")
    probs = mean.predict(ModalityBatch(features, masks))
    np.testing.assert_allclose(probs[:, surprise], 0.75 * features["visual"][:, surprise] + 0.25 * features["audio"][:, surprise])
    own = [BASIC.index(c) for c in CREMA_D]
    given = {m: x[:, own] / x[:, own].sum(axis=1, keepdims=True) for m, x in features.items()}
    fused = Average({"visual": 0.75, "audio": 0.25}).predict(ModalityBatch(given, masks))
    np.testing.assert_allclose(probs[:, own], (1 - probs[:, [surprise]]) * fused, atol=1e-5)


def test_a_face_that_is_all_surprise_is_fused_as_surprise(file: Path) -> None:
    features = {m: np.tile(np.eye(7)[BASIC.index("surprise")], (3, 1)) for m in ("visual", "audio")}
    probs = load(file).predict(ModalityBatch(features, {m: np.ones(3, bool) for m in features}))
    np.testing.assert_allclose(probs[:, BASIC.index("surprise")], 1)


def test_masked_rows(file: Path) -> None:
    features, masks = basic()
    features["audio"][4] = np.nan
    features["visual"][5] = features["audio"][5] = np.nan
    masks["audio"][4] = masks["audio"][5] = masks["visual"][5] = False
    probs = load(file).predict(ModalityBatch(features, masks))
    assert np.isnan(probs[5]).all()
    np.testing.assert_allclose(np.delete(probs, 5, axis=0).sum(axis=1), 1)
    assert load(file).weights(ModalityBatch(features, masks))["visual"][4] == pytest.approx(1)


def test_a_session_keeps_the_strategy_it_was_fused_with(file: Path, tmp_path: Path) -> None:
    folder = synthetic.write(tmp_path / "session", 0.5, audio=False)
    session = Session.open(folder)
    chosen = pinned(Settings(fusion=Fusion(strategy="stored", parameters={"path": str(file)})))
    before = [w.line() for w in replay.replay_session(session, chosen).windows]
    assert before != [w.line() for w in replay.replay_session(session).windows]
    Stored(Logistic().fit(ModalityBatch(*samples(seed=9)[:2]), *samples(seed=9)[2:]), CREMA_D, {}).save(file)
    again = Settings(**json.loads(json.dumps(chosen.echo())))
    assert [w.line() for w in replay.replay_session(session, again).windows] == before
    file.unlink()
    assert [w.line() for w in replay.replay_session(session, again).windows] == before


def test_pinning_leaves_other_strategies_alone() -> None:
    assert pinned(Settings()) == Settings()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("not json", "not a stored strategy"),
        ("[]", "no stored strategy"),
        ('{"format": 1}', "without strategy, classes, values"),
        ('{"format": 9, "strategy": "learned", "classes": [], "values": {}}', "format 9 is not known"),
        ('{"format": 1, "strategy": "magic", "classes": [], "values": {}}', "'magic' is not known; choose one of"),
        ('{"format": 1, "strategy": "learned", "classes": ["bored"], "values": {}}', "classes that are not known: bored"),
        ('{"format": 1, "strategy": "calibrated_average", "classes": [], "values": {}}', "are damaged"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "strategy.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match=message) as error:
        fuse.build(Fusion(strategy="stored", parameters={"path": str(path)}))
    assert "\n" not in str(error.value)


def test_nothing_given_and_no_such_registered_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="give one of path"):
        fuse.build(Fusion(strategy="stored"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(SettingsError, match="'models:/nobody@champion' cannot be had"):
        fuse.build(Fusion(strategy="stored", parameters={"model": "models:/nobody@champion"}))
