# SPDX-License-Identifier: Apache-2.0
"""From sections to mappings: profiles, overrides and what they add up to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from oslo_config import cfg

from onespace_core.config import checks, ini, model, options
from onespace_core.config.finding import Finding
from onespace_core.config.policy import default_of
from onespace_core.config.section import Problems, Reader, near
from onespace_core.provider.base import Provider
from onespace_core.provider.errors import PluginError
from onespace_core.provider.settings import ProviderSettings

#: What the names of sections start with.
CREDENTIALS, PROFILE, MAPPING = "credentials:", "profile:", "mapping:"
#: Every option of a mapping that is onespace's own.
MAPPING_OPTS: Sequence[cfg.Opt] = (
    *options.MAPPING_ONLY_OPTS,
    *options.POLICY_OPTS,
)
#: Stands in for a name that is missing, so that all else can be checked.
_MISSING = "?"


class Plugins(Protocol):
    """What is needed of the registry of providers."""

    def load(self, name: str) -> type[Provider]:
        """Return a provider's class.

        :raises PluginError: it cannot be used.
        """
        ...

    def names(self) -> list[str]:
        """Return the names of installed providers."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Credentials:
    """A section ``[credentials:...]`` that was read.

    :param provider_name: as written; empty if it is not given.
    :param provider: the class; None if it cannot be used.
    :param values: of the options that are given; has secrets.
    """

    name: str
    provider_name: str
    provider: type[Provider] | None
    values: Mapping[str, Any] = dataclasses.field(repr=False)

    def settings(
        self, bucket: str | None, target: Mapping[str, Any] | None = None
    ) -> ProviderSettings:
        """Return what a provider is built from.

        :param target: values of a mapping; those of the provider's
            ``TARGET_OPTS`` count. None means none.
        """
        if self.provider is None:
            return ProviderSettings({}, bucket=bucket)
        given = dict(self.values)
        # Only these: a mapping's "profile" is not that of an AWS SDK.
        for opt in self.provider.TARGET_OPTS:
            if target and opt.dest in target:
                given[opt.dest] = target[opt.dest]
        return ProviderSettings.from_options(
            self.options, given, bucket=bucket
        )

    @property
    def options(self) -> tuple[cfg.Opt, ...]:
        """Return all options of the provider."""
        if self.provider is None:
            return ()
        return (*self.provider.OPTS, *self.provider.TARGET_OPTS)


@dataclasses.dataclass(frozen=True, slots=True)
class _Parts:
    """What one mapping is made of.

    :param known: options that it may have, besides those of a mapping only.
    """

    section: ini.Section
    profile: ini.Section | None
    remote: Credentials | None
    known: tuple[cfg.Opt, ...]

    @property
    def name(self) -> str:
        return self.section.name.removeprefix(MAPPING)

    @property
    def sections(self) -> tuple[str, ...]:
        names = [self.section.name]
        if self.profile is not None:
            names.append(self.profile.name)
        if self.remote is not None:
            names.append(CREDENTIALS + self.remote.name)
        return tuple(names)


class MappingReader:
    """Reads all profiles and mappings of a file.

    What is wrong with a section harms every mapping that uses it; what is
    wrong with a combination of options harms one mapping.

    :param sections: of the file.
    :param credentials: those that were read, by name.
    :param plugins: the providers.
    :param reader: turns text into values, and has the problems so far.
    """

    def __init__(
        self,
        sections: Mapping[str, ini.Section],
        credentials: Mapping[str, Credentials],
        plugins: Plugins,
        reader: Reader,
    ) -> None:
        self._sections = sections
        self._credentials = credentials
        self._plugins = plugins
        self._reader = reader
        self._problems = reader.problems
        #: What is wrong with combinations.
        self.combined = Problems(reader.path)
        self._refused: set[str] = set()
        self._targets: tuple[cfg.Opt, ...] | None = None

    def mappings(self) -> tuple[model.Mapping, ...]:
        """Return the good ones, in the file's order; note all problems."""
        parts = [
            self._parts(self._sections[MAPPING + name])
            for name in ini.named(self._sections, MAPPING)
        ]
        made = [(each, self._mapping(each)) for each in parts]
        self._read_unused_profiles(parts)
        whole = [mapping for _, mapping in made if mapping is not None]
        usable = {each.name for each in parts if self._is_usable(each)}
        for mapping, finding in checks.meetings(whole, usable):
            self._refuse(mapping.name, finding, {})
        return tuple(
            mapping
            for each, mapping in made
            if mapping is not None and self._is_usable(each)
        )

    def _is_usable(self, parts: _Parts) -> bool:
        return parts.name not in self._refused and not self._problems.among(
            *parts.sections
        )

    def _refuse(
        self, name: str, finding: Finding, origin: Mapping[str, str]
    ) -> None:
        self._refused.add(name)
        self.combined.add(
            finding.reason,
            section=origin.get(finding.option or "", MAPPING + name),
            option=finding.option,
            hint=finding.hint,
        )

    # -- which sections a mapping is made of ------------------------------

    def _parts(self, section: ini.Section) -> _Parts:
        profile = self._profile_of(section)
        remote = self._credentials_of([section, profile])
        return _Parts(section, profile, remote, self._known(remote))

    def _profile_of(self, section: ini.Section) -> ini.Section | None:
        name = section.get("profile")
        if not name:
            return None
        profile = self._sections.get(PROFILE + name)
        if profile is None:
            self._not_there(section.name, "profile", name)
        return profile

    def _credentials_of(
        self, sections: Iterable[ini.Section | None]
    ) -> Credentials | None:
        for section in sections:
            name = section.get("credentials") if section else None
            if section is not None and name:
                if name not in self._credentials:
                    self._not_there(section.name, "credentials", name)
                return self._credentials.get(name)
        return None

    def _not_there(self, section: str, kind: str, name: str) -> None:
        names = [
            each.partition(":")[2]
            for each in self._sections
            if each.startswith(kind + ":")
        ]
        self._problems.add(
            f"there is no section [{kind}:{name}]",
            section=section,
            option=kind,
            hint=near(name, names),
        )

    def _known(self, remote: Credentials | None) -> tuple[cfg.Opt, ...]:
        if remote is None or remote.provider is None:
            # Nobody knows which provider is meant: do not guess.
            return (*options.POLICY_OPTS, *self._all_targets())
        return (*options.POLICY_OPTS, *remote.provider.TARGET_OPTS)

    def _all_targets(self) -> tuple[cfg.Opt, ...]:
        """Return the ``TARGET_OPTS`` of all installed providers."""
        if self._targets is None:
            found: list[cfg.Opt] = []
            for name in self._plugins.names():
                try:
                    found.extend(self._plugins.load(name).TARGET_OPTS)
                except PluginError:
                    continue
            self._targets = tuple(found)
        return self._targets

    # -- what they add up to ----------------------------------------------

    def _mapping(self, parts: _Parts) -> model.Mapping | None:
        values: dict[str, Any] = {}
        origin: dict[str, str] = {}
        if parts.remote is not None:
            origin |= dict.fromkeys(
                parts.remote.values, CREDENTIALS + parts.remote.name
            )
        if parts.profile is not None:
            values = self._reader.read(
                self._usable(parts, parts.profile), parts.known
            )
            origin |= dict.fromkeys(values, parts.profile.name)
        own = self._reader.read(
            parts.section, (*options.MAPPING_ONLY_OPTS, *parts.known)
        )
        values |= own
        origin |= dict.fromkeys(own, parts.section.name)
        missing = self._reader.needed(
            (*options.MAPPING_ONLY_OPTS, *parts.known),
            values,
            parts.section,
            parts.profile,
        )
        mapping = _build(parts, values)
        if parts.remote is None or parts.remote.provider is None:
            findings = checks.check(mapping, checks.WITHOUT_PROVIDER)
        else:
            findings = checks.check(mapping)
        for finding in findings:
            self._refuse(parts.name, finding, origin)
        return None if missing or parts.remote is None else mapping

    def _usable(self, parts: _Parts, profile: ini.Section) -> ini.Section:
        """Return a profile without what is for other providers.

        That is this mapping's problem, not the profile's.
        """
        if parts.remote is None or parts.remote.provider is None:
            return profile
        mine = {opt.dest for opt in parts.known}
        foreign = [
            entry
            for entry in profile.entries
            if entry.option not in mine
            and any(entry.option == opt.dest for opt in self._all_targets())
        ]
        for entry in foreign:
            self._refuse(
                parts.name,
                Finding(
                    entry.option,
                    f"[{profile.name}] sets this, but the provider"
                    f" {parts.remote.provider_name} has no such option",
                    "use a profile of its own",
                ),
                {},
            )
        return dataclasses.replace(
            profile,
            entries=tuple(e for e in profile.entries if e not in foreign),
        )

    def _read_unused_profiles(self, parts: Iterable[_Parts]) -> None:
        used = {each.profile.name for each in parts if each.profile}
        for name in ini.named(self._sections, PROFILE):
            section = self._sections[PROFILE + name]
            if section.name not in used:
                remote = self._credentials_of([section])
                self._reader.read(section, self._known(remote))


def _build(parts: _Parts, values: Mapping[str, Any]) -> model.Mapping:
    """Make a mapping of what is there; options with a problem are at their
    default.
    """
    remote = parts.remote or Credentials("", _MISSING, None, {})
    settings = remote.settings(values.get("bucket"), values)
    policy = {
        opt.dest: values.get(opt.dest, default_of(opt, values))
        for opt in options.POLICY_OPTS
    }
    for name in ("account", "bucket", "credentials"):
        policy[name] = values.get(name, _MISSING)
    if remote.provider is not None:
        policy["key_scheme"] = remote.provider.KEY_SCHEME
    return model.Mapping(
        name=parts.name,
        container=values.get("container", _MISSING),
        provider=remote.provider_name,
        settings=settings,
        identity=model.identity_of(remote.options, settings),
        **policy,
    )
