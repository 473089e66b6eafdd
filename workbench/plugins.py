"""Open doors: what installed packages add to the workbench, found by entry points and read in one place.

A package declares, in its own ``pyproject.toml``, an entry point of one of the groups below. Nothing in the workbench is
edited, and nothing is imported until it is asked for by name.

=========================  ==================================================================================
group                      an entry point names
=========================  ==================================================================================
``workbench.stages``       a callable ``settings -> Stage`` (a class will do)
``workbench.strategies``   a class with the methods of `workbench.fusion.strategy.Strategy`
``workbench.corpora``      a `workbench.corpora.registry.CorpusEntry`
``workbench.metrics``      a callable ``(y_true, y_pred, sample_weight) -> float``, or a builder of metrics
``workbench.features``     a `workbench.scoring.features.FeatureKind`
=========================  ==================================================================================
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from workbench.errors import WorkbenchError

GROUPS: tuple[str, ...] = ("workbench.stages", "workbench.strategies", "workbench.corpora", "workbench.metrics", "workbench.features")
OWN = "interview-workbench"
"""The package that the built-in things come from."""

T = TypeVar("T")


class PluginError(WorkbenchError):
    """A plug-in that cannot be used, or a name that nothing offers."""


@dataclass(frozen=True)
class Problem:
    """Why a plug-in is left out.

    Parameters
    ----------
    package : str
        The installed package that offers it; several, joined by "and", where two offer one name.
    group, name : str
        Its entry point.
    message : str
        What is wrong with it, in one line.
    """

    package: str
    group: str
    name: str
    message: str

    def __str__(self) -> str:
        return f"package {self.package}: {self.name!r} of {self.group} is left out: {self.message}"


class Registry(Generic[T]):
    """All things of one kind by name: the workbench's own, and those of installed packages.

    Own things are declared as ``"module:attribute"`` and imported when they are asked for, so that neither the order of
    imports nor a missing library of another thing matters.

    Parameters
    ----------
    kind : str
        What one thing is called in messages ("fusion strategy").
    group : str
        The entry-point group that adds to it, one of `GROUPS`.
    own : mapping of str to str
        Name → ``"module:attribute"`` of the workbench's own things, in the order in which they are listed.
    check : callable, optional
        ``check(name, thing)`` gives the thing to use, or raises an error that says what is wrong with it.

    Examples
    --------
    >>> shapes = Registry("shape", "workbench.shapes", {"path": "pathlib:PurePath"})
    >>> shapes.add("square", "□")
    >>> shapes.names()
    ['path', 'square']
    >>> shapes.get("round")
    Traceback (most recent call last):
    ...
    workbench.plugins.PluginError: shape 'round' is not known; choose one of path, square
    """

    def __init__(self, kind: str, group: str, own: Mapping[str, str], check: Callable[[str, Any], T] | None = None) -> None:
        self.kind, self.group = kind, group
        self._own, self._check = dict(own), check or (lambda name, thing: thing)
        self._added: dict[str, T] = {}
        self._loaded: dict[str, T] = {}
        self._problems: dict[str, Problem] = {}
        self._found: dict[str, tuple[EntryPoint, str]] | None = None

    def names(self) -> list[str]:
        """Names of everything that is offered: own ones first, then those of other packages, by name. Imports nothing."""
        return [*self._own, *(n for n in self._added if n not in self._own), *(n for n in sorted(self._plugins()) if n not in self._added)]

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def get(self, name: str) -> T:
        """The thing of that name.

        Raises
        ------
        PluginError
            If nothing has that name, or the package that offers it cannot be used; names the package.
        """
        if name in self._added:
            return self._added[name]
        if name not in self._loaded:
            if name in self._own:
                self._loaded[name] = self._check(name, _resolve(self._own[name]))
            elif name in self._plugins():
                self._loaded[name] = self._load(name)
            elif name in self._problems:
                raise PluginError(str(self._problems[name]))
            else:
                raise PluginError(f"{self.kind} {name!r} is not known; choose one of {', '.join(self.names())}")
        return self._loaded[name]

    def items(self) -> Iterator[tuple[str, T]]:
        """Every thing that can be used, with its name; those that cannot are left out and said in `problems`."""
        for name in self.names():
            try:
                yield name, self.get(name)
            except PluginError:
                if name in self._own or name in self._added:
                    raise

    def own(self, name: str, thing: Any) -> None:
        """Declare one of the workbench's own things that costs no import.

        Parameters
        ----------
        name : str
        thing : object
            Checked like any other.
        """
        self._own[name] = ""
        self._loaded[name] = self._check(name, thing)

    def add(self, name: str, thing: Any) -> None:
        """Offer a thing in this process only: for notebooks that try something before they make a package of it.

        Parameters
        ----------
        name : str
            What is there of that name is covered.
        thing : object
            What an entry point would name.
        """
        self._added[name] = self._check(name, thing)

    def package(self, name: str) -> str:
        """The installed package that offers `name`, with its version where it is another's."""
        found = self._plugins().get(name)
        return OWN if name in self._own or found is None else found[1]

    def problems(self) -> list[Problem]:
        """What is left out and why, after trying to load everything of other packages."""
        for name in list(self._plugins()):
            try:
                self.get(name)
            except PluginError:
                continue
        return list(self._problems.values())

    def reject(self, name: str, message: str) -> PluginError:
        """Leave a plug-in out from now on and give the error that says so: for faults that show only where it is used.

        Parameters
        ----------
        name : str
        message : str
            What is wrong, in one line.
        """
        return self._reject(name, self.package(name), message)

    def _reject(self, name: str, package: str, message: str) -> PluginError:
        problem = Problem(package, self.group, name, message)
        if name not in self._problems:
            logging.getLogger(__name__).warning("%s", problem)
        self._problems[name] = problem
        self._plugins().pop(name, None)
        if name not in self._own:
            self._loaded.pop(name, None)
        return PluginError(str(problem))

    def _load(self, name: str) -> T:
        point, package = self._plugins()[name]
        try:
            thing = point.load()
        except Exception as error:  # whatever another's package does at import must not end the workbench
            raise self._reject(name, package, f"it cannot be imported: {_line(error)}") from error
        try:
            return self._check(name, thing)
        except Exception as error:
            raise self._reject(name, package, _line(error)) from error

    def _plugins(self) -> dict[str, tuple[EntryPoint, str]]:
        if self._found is None:
            self._found = {}
            offers: dict[str, list[tuple[EntryPoint, str]]] = {}
            for point in entry_points(group=self.group):
                offers.setdefault(point.name, []).append((point, _package(point)))
            for name, found in offers.items():
                packages = sorted({package for _, package in found})
                if name in self._own:
                    self._reject(name, " and ".join(packages), f"the workbench has a {self.kind} of that name itself; choose another name")
                elif len(packages) > 1:
                    self._reject(name, " and ".join(packages), "both offer that name; uninstall one of them")
                else:
                    self._found[name] = found[0]
        return self._found


def _resolve(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value.partition(":")[0]


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {text}"
