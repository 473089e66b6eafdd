"""What installed packages add is found by name; what cannot be used is said in one line that names the package."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.packages import fresh, install
from workbench.plugins import OWN, PluginError, Registry

GROUP = "workbench.metrics"
OWN_THINGS = {"root": "math:sqrt"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield tmp_path
    importlib.invalidate_caches()


def registry() -> Registry[object]:
    def check(name: str, thing: object) -> object:
        if not callable(thing):
            raise TypeError(f"{name} must be callable")
        return thing

    return Registry("metric", GROUP, OWN_THINGS, check)


def test_own_things_are_imported_when_they_are_asked_for() -> None:
    made = Registry[object]("metric", GROUP, {"absent": "no_such_module:thing", "root": "math:sqrt"})
    assert made.names()[:2] == ["absent", "root"]
    assert made.get("root")(9) == 3  # type: ignore[operator]
    with pytest.raises(ModuleNotFoundError):
        made.get("absent")


def test_an_installed_package_adds_a_thing(site: Path) -> None:
    install(site, "toy-metrics", {GROUP: {"double": "toy_double:double"}}, {"toy_double": "def double(x):\n    return 2 * x\n"}, "0.3")
    made = registry()
    assert made.names() == ["root", "double"]
    assert "double" in made
    assert made.get("double")(4) == 8  # type: ignore[operator]
    assert made.package("double") == "toy-metrics 0.3"
    assert made.package("root") == OWN
    assert made.problems() == []


def test_a_name_that_nothing_offers_is_answered_with_those_that_are(site: Path) -> None:
    with pytest.raises(PluginError, match="metric 'cube' is not known; choose one of root"):
        registry().get("cube")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_library\n", "it cannot be imported: ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise SystemError('at import')\n", "it cannot be imported: SystemError: at import"),
        ("broken = 1 +\n", "it cannot be imported: SyntaxError"),
        ("other = 1\n", "it cannot be imported: AttributeError"),
        ("broken = 5\n", "TypeError: broken must be callable"),
    ],
)
def test_a_package_that_cannot_be_used_is_named_and_the_rest_works(
    site: Path, source: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    module = f"toy_{abs(hash(source))}"
    install(site, "toy-broken", {GROUP: {"broken": f"{module}:broken", "fine": "math:floor"}}, {module: source})
    made = registry()
    assert dict(made.items()).keys() == {"root", "fine"}
    (problem,) = made.problems()
    assert str(problem).startswith("package toy-broken 1.0: 'broken' of workbench.metrics is left out: ")
    assert why in str(problem)
    assert "\n" not in str(problem)
    with pytest.raises(PluginError, match=r"package toy-broken 1\.0"):
        made.get("broken")
    assert [r.getMessage() for r in caplog.records] == [str(problem)], "one line, once"


def test_two_packages_with_one_name_are_both_left_out(site: Path) -> None:
    for name in ("toy-one", "toy-two"):
        install(site, name, {GROUP: {"same": "math:floor"}}, {})
    made = registry()
    assert made.names() == ["root"]
    with pytest.raises(PluginError, match=r"package toy-one 1\.0 and toy-two 1\.0: 'same' .* both offer that name; uninstall one of them"):
        made.get("same")


def test_a_package_cannot_replace_what_the_workbench_has_itself(site: Path) -> None:
    install(site, "toy-root", {GROUP: {"root": "math:floor"}}, {})
    made = registry()
    assert made.get("root")(9) == 3  # type: ignore[operator]
    (problem,) = made.problems()
    assert "package toy-root 1.0" in str(problem)
    assert "the workbench has a metric of that name itself" in str(problem)


def test_a_notebook_may_add_a_thing_of_its_own(site: Path) -> None:
    made = registry()
    made.add("tenth", lambda x: x / 10)
    assert made.get("tenth")(5) == 0.5  # type: ignore[operator]
    with pytest.raises(TypeError):
        made.add("wrong", 5)


def test_a_fault_that_shows_in_use_leaves_the_thing_out(site: Path) -> None:
    install(site, "toy-late", {GROUP: {"late": "math:floor"}}, {})
    made = registry()
    made.get("late")
    error = made.reject("late", "it consumes what no stage makes")
    assert str(error) == "package toy-late 1.0: 'late' of workbench.metrics is left out: it consumes what no stage makes"
    with pytest.raises(PluginError, match="toy-late"):
        made.get("late")


def test_the_line_reaches_standard_error_of_a_fresh_process(tmp_path: Path) -> None:
    install(tmp_path, "toy-broken", {"workbench.strategies": {"broken": "toy_missing:Broken"}}, {})
    code = "from workbench.plugins import Registry; print(list(Registry('strategy', 'workbench.strategies', {}).items()))"
    done = fresh("-c", code, packages=(tmp_path,))
    assert done.returncode == 0
    assert done.stdout.strip() == "[]"
    assert done.stderr.strip().count("\n") == 0
    assert done.stderr.startswith("package toy-broken 1.0: 'broken' of workbench.strategies is left out")
