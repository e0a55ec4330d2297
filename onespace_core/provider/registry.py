# SPDX-License-Identifier: Apache-2.0
"""Which providers are installed, and how one is built.

A distribution offers a provider by an entry point::

    [options.entry_points]
    onespace.providers =
        acme = acme_onespace:AcmeProvider

Names and distributions are read from the metadata of installed packages, so
asking for them imports nothing; a plugin is imported when it is loaded.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib.metadata
import inspect
import logging
import re
from collections.abc import Sequence
from typing import Any

from stevedore import named

from onespace_core.provider.base import Provider
from onespace_core.provider.errors import (
    PluginApiMismatch,
    PluginError,
    PluginLoadError,
    PluginNotFound,
)
from onespace_core.provider.settings import ProviderSettings

#: ``python-foo>=5; extra == "bar"`` as ``Requires-Dist`` has it (PEP 508).
_REQUIREMENT = re.compile(
    r"""^(?P<name>[A-Za-z0-9._-]+)            # distribution
        (?:.*\bextra\s*==\s*["'](?P<extra>[^"']+)["'])?""",
    re.VERBOSE,
)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PluginInfo:
    """An installed plugin, usable or not.

    :param name: what a configuration calls it.
    :param target: ``module:Class``.
    :param distribution: name and version of what installed it.
    :param problem: why it cannot be used; None if it can.
    """

    name: str
    target: str
    distribution: str
    problem: str | None = None


class Registry:
    """The installed providers.

    :param namespace: entry point group.
    """

    def __init__(self, namespace: str = "onespace.providers") -> None:
        self._namespace = namespace
        self._loaded: dict[str, type[Provider]] = {}

    def names(self) -> list[str]:
        """Return the names of installed providers, sorted; import none."""
        return sorted({point.name for point in self._points()})

    def load(self, name: str) -> type[Provider]:
        """Return a provider's class; import it the first time.

        :raises PluginNotFound: no installed distribution has that name.
        :raises PluginLoadError: importing it failed; the hint mends it.
        :raises PluginApiMismatch: it needs another version of the contract.
        :raises PluginError: two distributions offer the name, or what they
            offer is no complete provider.
        """
        if name not in self._loaded:
            self._loaded[name] = self._check(name, self._import(name))
        return self._loaded[name]

    def create(
        self,
        name: str,
        settings: ProviderSettings,
        *,
        logger: logging.Logger,
        concurrency: int = 10,
    ) -> Provider:
        """Build a provider; make no request.

        :param name: as in :meth:`names`.
        :param settings: what the provider is built from.
        :param logger: where the provider logs.
        :param concurrency: calls at the same time, 1 or more.
        :raises PluginError: as :meth:`load` does.
        :raises ConfigError: the settings contradict each other.
        """
        provider = self.load(name)
        try:
            return provider.from_settings(
                settings, logger=logger, concurrency=concurrency
            )
        except ImportError as exc:
            raise _load_error(name, self._point(name), exc) from exc

    def describe(self) -> list[PluginInfo]:
        """Return every installed plugin in name order; raise for none.

        Imports them all. Where two distributions offer one name there is an
        entry for each.
        """
        return [
            PluginInfo(
                name=point.name,
                target=point.value,
                distribution=_distribution(point),
                problem=self._problem(point.name),
            )
            for point in sorted(
                self._points(), key=lambda p: (p.name, _distribution(p))
            )
        ]

    def _problem(self, name: str) -> str | None:
        try:
            self.load(name)
        except PluginError as exc:
            return str(exc)
        return None

    def _points(self) -> Sequence[importlib.metadata.EntryPoint]:
        # Not stevedore's list: that one drops the distribution.
        return tuple(importlib.metadata.entry_points(group=self._namespace))

    def _point(self, name: str) -> importlib.metadata.EntryPoint:
        points = [point for point in self._points() if point.name == name]
        if not points:
            names = self.names()
            near = difflib.get_close_matches(name, names, n=1)
            raise PluginNotFound(
                f"no provider {name!r} is installed"
                f" (there are: {', '.join(names) or 'none'})",
                hint=f"did you mean {near[0]!r}?" if near else None,
            )
        if len(points) > 1:
            places = " and ".join(sorted(map(_distribution, points)))
            raise PluginError(
                f"two distributions offer a provider {name!r}: {places}",
                hint="uninstall one of them",
            )
        return points[0]

    def _import(self, name: str) -> Any:
        point = self._point(name)
        failures: list[BaseException] = []

        def on_failure(_manager: Any, _point: Any, exc: BaseException) -> None:
            failures.append(exc)

        try:
            manager = named.NamedExtensionManager(
                self._namespace,
                [name],
                on_load_failure_callback=on_failure,
                on_missing_entrypoints_callback=None,
            )
        except AssertionError as exc:  # stevedore lets only this one pass
            raise _load_error(name, point, exc) from exc
        if failures:
            raise _load_error(name, point, failures[0]) from failures[0]
        return manager[name].plugin

    def _check(self, name: str, plugin: Any) -> type[Provider]:
        where = f"provider {name!r} of {_distribution(self._point(name))}"
        if not (isinstance(plugin, type) and issubclass(plugin, Provider)):
            raise PluginError(f"{where} is not a subclass of Provider")
        theirs, ours = plugin.API_VERSION, Provider.API_VERSION
        if theirs[0] != ours[0] or theirs[1] > ours[1]:
            raise PluginApiMismatch(
                f"{where} needs version {_dotted(theirs)} of the provider"
                f" contract, this is {_dotted(ours)}",
                hint="install a release of it made for this onespace",
            )
        if inspect.isabstract(plugin):
            missing = ", ".join(sorted(plugin.__abstractmethods__))
            raise PluginError(f"{where} is not complete: no {missing}")
        return plugin


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _distribution(point: importlib.metadata.EntryPoint) -> str:
    if point.dist is None:
        return "an unknown distribution"
    return f"{point.dist.name} {point.dist.version}"


def _load_error(
    name: str, point: importlib.metadata.EntryPoint, exc: BaseException
) -> PluginLoadError:
    message = (
        f"provider {name!r} of {_distribution(point)} cannot be loaded:"
        f" {type(exc).__name__}: {exc}"
    )
    hint = None
    if isinstance(exc, ImportError):
        hint = _install_hint(point, exc.name)
    return PluginLoadError(message, hint=hint)


def _install_hint(
    point: importlib.metadata.EntryPoint, module: str | None
) -> str | None:
    """Return the command that brings ``module``, if its name is known.

    The smallest extra of the plugin's own distribution that names it wins;
    a module that the distribution always needs means a broken install.
    """
    if module is None or point.dist is None:
        return None
    reinstall = f"pip install --force-reinstall {point.dist.name}"
    top = module.partition(".")[0]
    if top == point.module.partition(".")[0]:
        return reinstall
    sizes: dict[str | None, int] = {}
    matches: list[str | None] = []
    for text in point.dist.requires or ():
        found = _REQUIREMENT.match(text)
        if found is None:
            continue
        extra = found["extra"]
        sizes[extra] = sizes.get(extra, 0) + 1
        if _same_name(found["name"], top):
            matches.append(extra)
    if not matches:
        return f"install the package that has the module {top!r}"
    if None in matches:
        return reinstall
    extra = min(matches, key=lambda each: sizes[each])
    return f"pip install '{point.dist.name}[{extra}]'"


def _same_name(distribution: str, module: str) -> bool:
    plain = re.sub(r"[-_.]+", "-", distribution).lower()
    wanted = re.sub(r"[-_.]+", "-", module).lower()
    return plain in {wanted, f"python-{wanted}"}
