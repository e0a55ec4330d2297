# SPDX-License-Identifier: Apache-2.0
"""From a file to a :class:`~onespace_core.config.model.Config`."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping

from onespace_core.config import checks, ini, model, options, remote, secrets
from onespace_core.config.mappings import (
    CREDENTIALS,
    MAPPING,
    MAPPING_OPTS,
    Credentials,
    MappingReader,
    Plugins,
)
from onespace_core.config.section import Problems, Reader, near
from onespace_core.provider.base import Provider
from onespace_core.provider.errors import ConfigError, PluginError

_KINDS = ("credentials", "profile", "mapping")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def load(
    path: str | os.PathLike[str],
    registry: Plugins | None = None,
    *,
    environ: Mapping[str, str] | None = None,
) -> model.Config:
    """Read a configuration file and check all of it.

    Makes no request to a store, but does ask the drivers that
    ``config_source`` names.

    :param path: the file.
    :param registry: the providers; None means those installed.
    :param environ: the environment; None means the process's own.
    :returns: the mappings that can be used, and everything that is wrong
        with the rest. One bad mapping never harms a good one.
    :raises ConfigError: the file cannot be read, or is no text.
    """
    return _loader(path, registry, environ).config()


def load_credentials(
    path: str | os.PathLike[str],
    name: str,
    registry: Plugins | None = None,
    *,
    environ: Mapping[str, str] | None = None,
) -> Credentials:
    """Read one section ``[credentials:name]``, whatever else is wrong.

    Makes no request to a store; see :func:`load` for the parameters.

    :param name: without ``credentials:``.
    :returns: those of a provider that can be used.
    :raises ConfigError: the file cannot be read, or there is no such
        section, or the first thing that is wrong with it.
    """
    return _loader(path, registry, environ).credentials(name)


def _loader(
    path: str | os.PathLike[str],
    registry: Plugins | None,
    environ: Mapping[str, str] | None,
) -> _Loader:
    path = os.fspath(path)
    document = ini.parse(_text(path))
    if registry is None:
        from onespace_core.provider.registry import Registry

        registry = Registry()
    if environ is None:
        environ = os.environ
    return _Loader(path, document, registry, environ)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(ini.MAX_BYTES + 1)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise ConfigError(f"cannot be read: {reason}", path=path) from exc
    if len(data) > ini.MAX_BYTES:
        raise ConfigError("too large for a configuration file", path=path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        # Not chained: the exception holds the whole file, secrets and all.
        line = data.count(b"\n", 0, exc.start) + 1
    raise ConfigError(f"line {line} is not UTF-8 text", path=path)


class _Loader:
    """One reading of one file."""

    def __init__(
        self,
        path: str,
        document: ini.Document,
        registry: Plugins,
        environ: Mapping[str, str],
    ) -> None:
        self._path = path
        self._document = document
        self._sections = document.sections
        self._registry = registry
        self._problems = Problems(path)
        self._reader = Reader(
            path=path,
            problems=self._problems,
            environ=environ,
            sections=tuple(document.sections),
        )

    def config(self) -> model.Config:
        """Return everything that can be used, and what cannot."""
        for fault in self._document.faults:
            self._problems.add(
                f"line {fault.line} is {fault.reason}", section=fault.section
            )
        settings = self._settings()
        self._check_sections(settings.config_source)
        credentials = {
            name: self._credentials(name)
            for name in ini.named(self._sections, CREDENTIALS)
        }
        reader = MappingReader(
            self._sections, credentials, self._registry, self._reader
        )
        mappings = reader.mappings()
        return model.Config(
            path=self._path,
            settings=settings,
            mappings=mappings,
            names=tuple(ini.named(self._sections, MAPPING)),
            credentials=tuple(credentials),
            problems=self._problems.all() + reader.combined.all(),
            fatal=self._problems.among(ini.DEFAULT),
        )

    def credentials(self, name: str) -> Credentials:
        """Return one section of credentials; raise what is wrong with it."""
        self._open_sources()
        if CREDENTIALS + name not in self._sections:
            names = ini.named(self._sections, CREDENTIALS)
            raise ConfigError(
                f"there is no section [{CREDENTIALS}{name}]",
                path=self._path,
                hint=near(name, names),
            )
        found = self._credentials(name)
        for problem in self._problems.all():
            raise problem
        return found

    # -- [DEFAULT] and the names of sections ------------------------------

    def _default(self) -> ini.Section:
        return self._sections.get(
            ini.DEFAULT, ini.Section(ini.DEFAULT, (), ())
        )

    def _open_sources(self) -> tuple[str, ...]:
        """Open where else secrets may be; return the sections' names."""
        given = self._default().get("config_source") or ""
        names = given.replace(",", " ").split()
        opened, problems = secrets.open_sources(
            names, self._document, self._path
        )
        self._problems.extend(problems)
        self._reader = dataclasses.replace(self._reader, sources=opened)
        return tuple(names)

    def _settings(self) -> model.Settings:
        names = self._open_sources()
        section = self._default()
        values = self._reader.read(section, options.GLOBAL_OPTS)
        values["config_source"] = names
        settings = model.Settings(**values)
        for finding in checks.settings(settings):
            self._problems.add(
                finding.reason,
                section=ini.DEFAULT,
                option=finding.option,
                hint=finding.hint,
            )
        return settings

    def _check_sections(self, sources: Iterable[str]) -> None:
        for name, section in self._sections.items():
            if len(section.lines) > 1:
                self._problems.add(
                    "this section is there more than once, on lines"
                    f" {', '.join(map(str, section.lines))}",
                    section=name,
                    hint="names differ, or the sections are joined",
                )
            kind, colon, short = name.partition(":")
            if name == ini.DEFAULT or name in sources:
                continue
            if kind in _KINDS and _NAME.fullmatch(short):
                continue
            if kind in _KINDS:
                self._problems.add(
                    "a name is letters, digits, '_', '.' and '-'"
                    if colon
                    else "this section needs a name",
                    section=name,
                    hint=f"write [{kind}:NAME]",
                )
            else:
                self._unknown_section(name, kind, section.lines[0])

    def _unknown_section(self, name: str, kind: str, line: int) -> None:
        if name.strip().upper() == ini.DEFAULT:
            # Its settings are lost, so that nothing should run.
            self._problems.add(
                f"the section on line {line} is written otherwise",
                section=ini.DEFAULT,
                hint="write [DEFAULT]",
            )
            return
        self._problems.add(
            "unknown section",
            section=name,
            hint=near(kind.strip(), (*_KINDS, ini.DEFAULT)),
        )

    # -- [credentials:...] ------------------------------------------------

    def _credentials(self, name: str) -> Credentials:
        section = self._sections[CREDENTIALS + name]
        kind = section.get(options.PROVIDER_OPT.dest)
        if kind is None:
            self._reader.needed([options.PROVIDER_OPT], {}, section)
            return Credentials(name, "", None, {})
        provider = self._provider(section.name, kind)
        if provider is None:
            return Credentials(name, kind, None, {})
        values = self._reader.read(
            section, (options.PROVIDER_OPT, *provider.OPTS)
        )
        values.pop(options.PROVIDER_OPT.dest, None)
        self._reader.needed(provider.OPTS, values, section)
        for option in remote.ENDPOINT_OPTIONS:
            if isinstance(values.get(option), str):
                values[option] = values[option].rstrip("/")
        return Credentials(name, kind, provider, values)

    def _provider(self, section: str, name: str) -> type[Provider] | None:
        try:
            provider = self._registry.load(name)
        except PluginError as exc:
            self._problems.add(
                str(exc.args[0]),
                section=section,
                option=options.PROVIDER_OPT.dest,
                hint=exc.hint,
            )
            return None
        ours = {opt.dest for opt in MAPPING_OPTS}
        taken = [opt.dest for opt in provider.TARGET_OPTS if opt.dest in ours]
        taken += [
            opt.dest
            for opt in provider.OPTS
            if opt.dest == options.PROVIDER_OPT.dest
        ]
        if not taken:
            return provider
        self._problems.add(
            f"the plugin {name} declares options that onespace has itself:"
            f" {', '.join(taken)}",
            section=section,
            option=options.PROVIDER_OPT.dest,
            hint="report this to its author",
        )
        return None
