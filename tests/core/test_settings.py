"""The settings tree: strict, explained, echoed, overridable by the environment."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import settings as tree
from workbench.errors import SettingsError

DEFAULT = Path(__file__).parents[2] / "experiments" / "default.yaml"


def test_the_default_experiment_is_the_default() -> None:
    assert tree.load(DEFAULT) == tree.Settings()
    assert DEFAULT.read_text() == tree.to_yaml(tree.Settings())


@given(alpha=st.floats(0.01, 1), window=st.floats(0.5, 2.0), visual=st.floats(0, 1))
def test_yaml_reads_back_to_the_same_settings(alpha: float, window: float, visual: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = tree.from_dict({"smoothing": {"alpha": alpha}, "fusion": {"window": window, "weights": {"visual": visual, "audio": 1 - visual}}})
    path = tmp_path_factory.mktemp("s") / "s.yaml"
    path.write_text(tree.to_yaml(made))
    assert tree.load(path) == made
    assert tree.load(path).fingerprint() == made.fingerprint()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour: red\n", "unknown key 'colour'"),
        ("fusion: {windw: 1}\n", "unknown key 'fusion.windw'"),
        ("smoothing: {alpha: 0}\n", "smoothing.alpha"),
        ("- a\n- b\n", "expected a mapping"),
        ("a: [\n", "not valid YAML at line"),
    ],
)
def test_what_cannot_be_used_is_one_line(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        tree.load(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml"):
        tree.load(tmp_path / "none.yaml")


def test_the_environment_overrides_single_values_but_never_a_stored_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH__FUSION__WINDOW", "2.0")
    assert tree.load().fusion.window == 2.0
    assert tree.from_dict({}, environment=False).fusion.window == 1.0
