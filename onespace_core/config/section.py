# SPDX-License-Identifier: Apache-2.0
"""One section of the file against the options that it may have."""

from __future__ import annotations

import dataclasses
import difflib
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

from oslo_config import cfg, types

from onespace_core.config import ini, secrets
from onespace_core.provider.errors import ConfigError

_LOG = logging.getLogger(__name__)
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_FILE = "_file"
_NO_VALUE = types.ConfigType.NONE_DEFAULT


class Problems:
    """Everything that is wrong, each thing once.

    :param path: the file, for messages.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._found: dict[tuple[str | None, str | None, str], ConfigError] = {}
        self._sections: set[str | None] = set()

    def add(
        self,
        reason: str,
        *,
        section: str | None = None,
        option: str | None = None,
        hint: str | None = None,
    ) -> None:
        """Note a problem; see :class:`ConfigError` for the parameters."""
        self.extend(
            [
                ConfigError(
                    reason,
                    section=section,
                    option=option,
                    path=self._path,
                    hint=hint,
                )
            ]
        )

    def extend(self, problems: Iterable[ConfigError]) -> None:
        """Note problems that are made already."""
        for one in problems:
            self._found.setdefault((one.section, one.option, one.reason), one)
            self._sections.add(one.section)

    def among(self, *sections: str) -> bool:
        """Return whether one of these sections has a problem."""
        return not self._sections.isdisjoint(sections)

    def all(self) -> tuple[ConfigError, ...]:
        """Return them in the order in which they were found."""
        return tuple(self._found.values())


def near(name: str, known: Iterable[str]) -> str | None:
    """Return a hint if ``name`` is close to something that exists."""
    found = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {found[0]}?" if found else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reader:
    """Turns text into values, and notes what is wrong with it.

    :param path: the file.
    :param problems: where problems go.
    :param environ: the environment, for secrets.
    :param sources: where else secrets may be.
    :param shared: names of variables that two sections would read; see
        :func:`secrets.env_name`.
    """

    path: str
    problems: Problems
    environ: Mapping[str, str]
    sources: secrets.Sources = dataclasses.field(
        default_factory=secrets.Sources
    )
    sections: tuple[str, ...] = ()

    def read(
        self, section: ini.Section, opts: Iterable[cfg.Opt]
    ) -> dict[str, Any]:
        """Return the values of those options that the section gives.

        An option with a problem is left out.
        """
        known = {opt.dest: opt for opt in opts}
        self._repeated(section, known)
        values: dict[str, Any] = {}
        for entry in section.entries:
            opt = known.get(entry.option)
            if opt is not None:
                self._literal(section, entry, opt, values)
            elif _secret_of(entry.option, known) is None:
                self._unknown(section.name, entry, known)
        for opt in known.values():
            if opt.secret:
                self._secret(section, opt, values)
        return values

    def needed(
        self,
        opts: Iterable[cfg.Opt],
        values: Mapping[str, Any],
        section: ini.Section,
        fallback: ini.Section | None = None,
    ) -> list[str]:
        """Note required options that have no value, and return their names.

        One that is there but wrong is a problem already.

        :param values: those that were read.
        :param section: where they should be.
        :param fallback: where they might be instead.
        """
        places = [each for each in (section, fallback) if each is not None]
        missing = [
            opt
            for opt in opts
            if opt.required and values.get(opt.dest) in (None, "")
        ]
        for opt in missing:
            names = (opt.dest, opt.dest + _FILE) if opt.secret else [opt.dest]
            given = any(
                each.get(name) is not None for each in places for name in names
            )
            if opt.dest in values or not given:
                self.problems.add(
                    "this is needed", section=section.name, option=opt.dest
                )
        return [opt.dest for opt in missing]

    def _repeated(
        self, section: ini.Section, known: Mapping[str, cfg.Opt]
    ) -> None:
        lines: dict[str, list[int]] = {}
        for entry in section.entries:
            lines.setdefault(entry.option, []).append(entry.line)
        for option, where in lines.items():
            multi = option in known and known[option].multi
            if len(where) > 1 and not multi:
                self.problems.add(
                    f"given more than once, on lines {_and(where)}",
                    section=section.name,
                    option=_shown(option),
                    hint="keep one of them",
                )

    def _unknown(
        self, section: str, entry: ini.Entry, known: Mapping[str, cfg.Opt]
    ) -> None:
        names = set(known) | {
            name + _FILE for name, opt in known.items() if opt.secret
        }
        self.problems.add(
            f"unknown option on line {entry.line}",
            section=section,
            option=_shown(entry.option),
            hint=near(entry.option, names),
        )

    def _literal(
        self,
        section: ini.Section,
        entry: ini.Entry,
        opt: cfg.Opt,
        values: dict[str, Any],
    ) -> None:
        comment = secrets.comment_hint(entry.value)
        if comment and not entry.quoted and not opt.secret:
            self.problems.add(
                f"line {entry.line} seems to end in a comment, which would be"
                " part of the value",
                section=section.name,
                option=opt.dest,
                hint=f"{comment}; if it is part of the value, put the value"
                " in quotes",
            )
            return
        if entry.value == _NO_VALUE and not entry.quoted:
            self.problems.add(
                "the sample file's word for no value",
                section=section.name,
                option=opt.dest,
                hint="leave the option out, or write a value",
            )
            return
        value = self._convert(section.name, opt, entry.value)
        if value is _BAD:
            return
        if opt.multi:
            values.setdefault(opt.dest, []).append(value)
        else:
            values[opt.dest] = value

    def _convert(self, section: str, opt: cfg.Opt, text: str) -> Any:
        try:
            return opt.type(text)
        except (ValueError, TypeError, ArithmeticError) as exc:
            reason = f"not a valid {_type_name(opt)}"
            if not opt.secret:
                reason += f": {exc}"
            self.problems.add(
                " ".join(reason.split()),
                section=section,
                option=opt.dest,
                hint=_choices_hint(opt, text),
            )
            return _BAD

    # -- secrets ----------------------------------------------------------

    def _secret(
        self, section: ini.Section, opt: cfg.Opt, values: dict[str, Any]
    ) -> None:
        name, option = section.name, opt.dest
        literal = section.get(option) is not None
        file = section.get(option + _FILE)
        if literal and file is not None:
            self.problems.add(
                f"given both as {option} and as {option}{_FILE}",
                section=name,
                option=option,
                hint="keep one of them",
            )
        if literal and secrets.readable_by_all(self.path):
            _LOG.warning(
                "%s has a secret in it ([%s] %s) and everybody may read it;"
                " chmod o-r it",
                self.path,
                name,
                option,
            )
        try:
            text = self._from_environment(name, option)
            if text is None and file is not None:
                option += _FILE
                text = self._from_file(name, option, file)
            if text is None and not literal:
                text = self.sources.get(name, opt)
        except ConfigError as exc:
            self.problems.add(
                exc.reason, section=name, option=option, hint=exc.hint
            )
            return
        if text is None:
            if self.sources.broken and not literal:
                self._nobody_knows(name)
            return
        value = self._convert(name, opt, text)
        if value is not _BAD:
            values[opt.dest] = [value] if opt.multi else value

    def _nobody_knows(self, section: str) -> None:
        self.problems.add(
            "a secret is not given here, and a config_source that might have"
            f" it could not be opened: {', '.join(self.sources.broken)}",
            section=section,
        )

    def _from_environment(self, section: str, option: str) -> str | None:
        variable = secrets.env_name(section, option)
        text = self.environ.get(variable)
        if text is None:
            return None
        same = [
            other
            for other in self.sections
            if other != section and secrets.env_name(other, option) == variable
        ]
        if same:
            raise ConfigError(
                f"the variable {variable} could be for [{same[0]}] as well",
                hint="rename one of the sections",
            )
        if not text:
            raise ConfigError(f"the variable {variable} is empty")
        return text

    def _from_file(self, section: str, option: str, path: str) -> str:
        text = secrets.read_file(path)
        if secrets.readable_by_all(path):
            _LOG.warning(
                "%s is a secret ([%s] %s) and everybody may read it;"
                " chmod o-r it",
                path,
                section,
                option,
            )
        return text


_BAD = object()


def _secret_of(option: str, known: Mapping[str, cfg.Opt]) -> cfg.Opt | None:
    """Return the secret option that ``option`` gives a file for."""
    if not option.endswith(_FILE):
        return None
    opt = known.get(option[: -len(_FILE)])
    return opt if opt is not None and opt.secret else None


def _shown(option: str) -> str | None:
    # What is no name may be a line of somebody's secret.
    return option if _OPTION.fullmatch(option) else None


def _and(lines: Iterable[int]) -> str:
    *most, last = map(str, lines)
    return f"{', '.join(most)} and {last}"


def _type_name(opt: cfg.Opt) -> str:
    return str(getattr(opt.type, "type_name", "value"))


def _choices_hint(opt: cfg.Opt, text: str) -> str | None:
    choices = getattr(opt.type, "choices", None)
    if choices and not opt.secret:
        return near(text, [str(each) for each in choices])
    return None if opt.secret else secrets.comment_hint(text)
