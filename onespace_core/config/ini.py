# SPDX-License-Identifier: Apache-2.0
"""A configuration file as sections and lines, before it means anything.

The syntax is oslo.config's, read by its parser. Two differences, both for
the operator: everything that is wrong is found in one go, and ``$`` is an
ordinary character (passwords and regular expressions have it).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from oslo_config import iniparser

#: Larger than any real configuration; a device file would never end.
MAX_BYTES = 16 << 20
#: The section that is always there.
DEFAULT = "DEFAULT"
_HEADER = re.compile(r"\[([a-z]+:[A-Za-z0-9_.-]+)")


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """``option = value``.

    :param line: where it is, from 1.
    :param quoted: whether the value was in quotes, which are not part of it.
    """

    option: str
    value: str
    line: int
    quoted: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """A section of the file.

    :param lines: where it starts; more than one if it is there twice.
    """

    name: str
    lines: tuple[int, ...]
    entries: tuple[Entry, ...]

    def get(self, option: str) -> str | None:
        """Return the last value of an option, None if it is not there."""
        for entry in reversed(self.entries):
            if entry.option == option:
                return entry.value
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """A line that is no configuration; never quotes it, for secrets' sake.

    :param section: where it is, or which one it should have started;
        ``DEFAULT`` where that cannot be told.
    """

    section: str
    line: int
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """Everything that the file has, in its order."""

    sections: dict[str, Section]
    faults: tuple[Fault, ...]


def parse(text: str) -> Document:
    """Return what ``text`` has; never fails."""
    parser = _Parser()
    # Not splitlines(): it also splits at characters that a name may have.
    parser.parse(text.replace("\r\n", "\n").split("\n"))
    sections = {
        name: Section(name, tuple(lines), tuple(parser.entries.get(name, ())))
        for name, lines in parser.sections.items()
    }
    return Document(sections, tuple(parser.faults))


def named(sections: Mapping[str, Section], kind: str) -> list[str]:
    """Return the names of the sections ``[kind:name]``.

    :param kind: with its colon. An empty section counts only if another one
        names it, so that a template does no harm.
    """
    option = kind.rstrip(":")
    used = {section.get(option) for section in sections.values()}
    names = [
        (name.removeprefix(kind), section)
        for name, section in sections.items()
        if name.startswith(kind)
    ]
    return [name for name, section in names if section.entries or name in used]


class _Parser(iniparser.BaseParser):
    """Oslo.config's parser, told to go on after a fault."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: dict[str, list[int]] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.faults: list[Fault] = []
        self._section: str | None = None
        # Lines after a broken section header belong to nobody.
        self._lost = False
        self._start = (0, False)

    def new_section(self, section: str) -> None:
        self._section, self._lost = section, False
        self.sections.setdefault(section, []).append(self.lineno)

    def _split_key_value(self, line: str) -> tuple[str, list[str]]:
        key, value = super()._split_key_value(line)
        written = line[len(key) :].lstrip()[1:].strip()
        self._start = (self.lineno, bool(value) and written != value[0])
        return key, value

    def assignment(self, key: str, value: list[str]) -> None:
        line, quoted = self._start
        if self._lost:
            return
        if self._section is None:
            self._fault("an option before the first section", line)
            return
        self.entries.setdefault(self._section, []).append(
            Entry(key, "\n".join(value), line, quoted)
        )

    def _fault(self, reason: str, line: int | None = None) -> None:
        at = self.lineno if line is None else line
        if not (self.faults and self.faults[-1].line == at):
            section = self._section or DEFAULT
            self.faults.append(Fault(section, at, reason))

    # The hooks below return where oslo.config's own raise, which is what
    # lets the parser go on; it takes what they return as its result.

    def error_invalid_assignment(  # type: ignore[override]
        self,
        line: str,  # noqa: ARG002 - not quoted, see Fault
    ) -> tuple[str, list[str]]:
        self._fault("neither a section, an option = value nor a comment")
        return "", []

    def error_empty_key(  # type: ignore[override]
        self,
        line: str,  # noqa: ARG002 - not quoted, see Fault
    ) -> None:
        self._fault("a value without an option")

    def error_unexpected_continuation(  # type: ignore[override]
        self,
        line: str,  # noqa: ARG002 - not quoted, see Fault
    ) -> None:
        self._fault("an indented line that continues nothing")

    def error_no_section_end_bracket(  # type: ignore[override]
        self, line: str
    ) -> str:
        return self._broken_header("a section header without its ]", line)

    def error_no_section_name(  # type: ignore[override]
        self, line: str
    ) -> str:
        return self._broken_header("a section header without a name", line)

    def _broken_header(self, reason: str, line: str) -> str:
        # It may have been [DEFAULT], and then nothing should run.
        meant = _HEADER.match(line)
        self._section, self._lost = meant[1] if meant else DEFAULT, True
        self._fault(reason)
        return ""
