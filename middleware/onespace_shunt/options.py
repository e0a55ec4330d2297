# SPDX-License-Identifier: Apache-2.0
"""The options of the filter's section in the proxy's configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Self

from swift.common.utils import config_positive_int_value, config_true_value

#: Where the configuration is if nobody says so.
CONF_FILE = "/etc/onespace/onespace.conf"
_TIMES = ("check_interval", "remote_timeout", "negative_ttl", "restore_wait")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an operator writes into ``[filter:shunt]``. Times in seconds.

    :param conf_file: the configuration with the mappings.
    :param check_interval: least time between two looks at that file.
    :param remote_timeout: longest wait for a connection to a store, or for
        its next bytes.
    :param negative_ttl: how long it is remembered that a store has no such
        object; 0 never.
    :param restore_limit: objects that are written back at the same time, in
        each process; who reads more only reads.
    :param restore_wait: how long a request waits for another one that is
        bringing the same object back, before it reads from the store too.
    :param bypass_key: who sends it in a header is passed by; None: nobody.
    :param expose_location: whether clients are told where an object is.
    """

    conf_file: str = CONF_FILE
    check_interval: float = 15.0
    remote_timeout: float = 10.0
    negative_ttl: float = 5.0
    restore_limit: int = 16
    restore_wait: float = 30.0
    bypass_key: str | None = dataclasses.field(default=None, repr=False)
    expose_location: bool = True

    @classmethod
    def parse(cls, conf: Mapping[str, str]) -> Self:
        """Read the section.

        :raises ValueError: a time is no number, or negative.
        """
        times = {
            name: _seconds(name, conf[name]) for name in _TIMES if name in conf
        }
        return cls(
            conf_file=conf.get("conf_file") or CONF_FILE,
            restore_limit=config_positive_int_value(
                conf.get("restore_limit", 16)
            ),
            bypass_key=conf.get("bypass_key") or None,
            expose_location=config_true_value(
                conf.get("expose_location", "true")
            ),
            **times,
        )


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        message = f"{name} is a number of seconds, 0 or more"
        raise ValueError(message)
    return seconds
