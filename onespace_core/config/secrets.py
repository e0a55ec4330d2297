# SPDX-License-Identifier: Apache-2.0
"""Where secrets come from, and that they go nowhere else.

An option that is declared with ``secret=True`` is looked for

1. in the environment, see :func:`env_name`;
2. in the file: ``option = value``, or ``option_file = /path`` (not both);
3. at the sources that ``[DEFAULT] config_source`` names: drivers of
   oslo.config, such as castellan's.

No message made here has a value in it.
"""

from __future__ import annotations

import dataclasses
import os
import re
import stat
from collections.abc import Iterable, Mapping
from typing import Any

import stevedore
from oslo_config import cfg, sources

from onespace_core.config import ini
from onespace_core.provider.errors import ConfigError

#: Namespace of oslo.config's drivers.
DRIVERS = "oslo.config.driver"
_MAX_SECRET = 64 << 10


def env_name(section: str, option: str) -> str:
    """Return the variable that a secret may be given in.

    ``ONESPACE_CREDENTIALS_AWS_SECRET_KEY`` for ``secret_key`` of
    ``[credentials:aws]``: what is no letter or digit becomes ``_``.
    """
    name = f"onespace_{section}_{option}".upper()
    return re.sub(r"[^A-Z0-9]", "_", name)


def readable_by_all(path: str) -> bool:
    """Return whether everybody on this host may read a file."""
    try:
        return bool(os.stat(path).st_mode & stat.S_IROTH)
    except OSError:
        return False


def read_file(path: str) -> str:
    """Return a secret that a file holds, without white space at its ends.

    :raises ConfigError: it cannot be read, is empty or no text. The caller
        adds where it was named.
    """
    if not os.path.isabs(path) or "\0" in path:
        raise ConfigError(
            f"{path!r} is no absolute path", hint=comment_hint(path)
        )
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ConfigError(f"{path} is no ordinary file")
        with open(path, "rb") as file:
            data = file.read(_MAX_SECRET + 1)
    except OSError as exc:
        raise ConfigError(
            f"cannot read {path}: {exc.strerror}", hint=comment_hint(path)
        ) from None
    if len(data) > _MAX_SECRET:
        raise ConfigError(f"{path} is too large for a secret")
    try:
        value = data.decode().strip()
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None
    if not value:
        raise ConfigError(f"{path} is empty")
    return value


def comment_hint(value: str) -> str | None:
    """Return a hint if ``value`` seems to end in a comment."""
    if re.search(r"\s[#;]", value):
        return "a comment stands on a line of its own"
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class Sources:
    """The opened drivers of ``config_source``, in that order.

    :param broken: names of those that could not be opened.
    """

    opened: tuple[sources.ConfigurationSource, ...] = ()
    broken: tuple[str, ...] = ()

    def get(self, section: str, opt: cfg.Opt) -> str | None:
        """Ask for a secret; None if no source has it.

        :raises ConfigError: a source failed, so that nobody knows.
        """
        for source in self.opened:
            try:
                value, _location = source.get(section, opt.dest, opt)
            except Exception as exc:  # noqa: BLE001 - a foreign driver's
                raise ConfigError(
                    "a config_source failed when it was asked for this:"
                    f" {type(exc).__name__}"
                ) from None
            if isinstance(value, str):
                return value
        return None


def open_sources(
    names: Iterable[str], document: ini.Document, path: str
) -> tuple[Sources, list[ConfigError]]:
    """Open the drivers that ``config_source`` names.

    :param names: their sections.
    :param document: the file, which has these sections.
    :param path: its path, for messages.
    """
    opened: list[sources.ConfigurationSource] = []
    problems: list[ConfigError] = []
    broken: list[str] = []
    drivers: Any = None
    for name in names:
        if drivers is None:
            drivers = stevedore.ExtensionManager(DRIVERS, invoke_on_load=True)
        try:
            opened.append(_open(name, document.sections, drivers))
        except ConfigError as exc:
            broken.append(name)
            problems.append(
                ConfigError(
                    exc.reason,
                    section=name,
                    option=exc.option,
                    path=path,
                    hint=exc.hint,
                )
            )
    return Sources(tuple(opened), tuple(broken)), problems


def _open(
    name: str, sections: Mapping[str, ini.Section], drivers: Any
) -> sources.ConfigurationSource:
    section = sections.get(name)
    if section is None:
        raise ConfigError(
            "there is no such section, but config_source names it"
        )
    driver_name = section.get("driver")
    if driver_name not in drivers:
        raise ConfigError(
            "no driver of oslo.config has this name",
            option="driver",
            hint="there are: " + ", ".join(sorted(drivers.names())),
        )
    driver = drivers[driver_name].obj
    # A private set of options: oslo.config would read the whole file, and
    # take "$" in a password for a reference.
    conf = cfg.ConfigOpts()
    conf(args=[], default_config_files=[], use_env=False)
    opts = {opt.dest: opt for opt in driver.list_options_for_discovery()}
    conf.register_opts(list(opts.values()), group=name)
    for entry in section.entries:
        if entry.option != "driver":
            _override(conf, name, entry, opts)
    for opt in opts.values():
        if opt.required and section.get(opt.dest) is None:
            raise ConfigError("this is needed", option=opt.dest)
    try:
        source: sources.ConfigurationSource = (
            driver.open_source_from_opt_group(conf, name)
        )
    except Exception as exc:  # noqa: BLE001 - a foreign driver's
        # Others may quote an address with a password in it.
        quotable = isinstance(exc, cfg.Error | FileNotFoundError)
        raise ConfigError(
            f"the driver {driver_name} cannot be opened:"
            f" {type(exc).__name__}" + (f": {exc}" if quotable else "")
        ) from None
    return source


def _override(
    conf: cfg.ConfigOpts,
    name: str,
    entry: ini.Entry,
    opts: Mapping[str, cfg.Opt],
) -> None:
    if entry.option not in opts:
        raise ConfigError(
            "the driver has no such option",
            option=entry.option,
            hint="there are: " + ", ".join(sorted(opts)),
        )
    try:
        conf.set_override(entry.option, entry.value, group=name)
    except ValueError:
        raise ConfigError(
            f"not a {opts[entry.option].type.type_name}", option=entry.option
        ) from None
