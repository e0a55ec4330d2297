# SPDX-License-Identifier: Apache-2.0
"""Where a store is, and whether it is Amazon's."""

from __future__ import annotations

import dataclasses
import urllib.parse

from onespace_core.provider import ConfigError

_AMAZON = ("amazonaws.com", "amazonaws.com.cn")


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of a store; ``url`` None means Amazon's own.

    :param url: scheme, host and perhaps a port and a path.
    :param host: lower case, without port.
    """

    url: str | None
    host: str | None

    @property
    def netloc(self) -> str | None:
        """Host and port, for people."""
        return self.url and urllib.parse.urlsplit(self.url).netloc

    @property
    def is_amazon(self) -> bool:
        """Whether Amazon runs it."""
        return self.host is None or any(
            self.host == name or self.host.endswith("." + name)
            for name in _AMAZON
        )

    @classmethod
    def parse(cls, value: str | None) -> Endpoint:
        """Read the option ``endpoint``.

        :raises ConfigError: it is not a plain http or https address.
        """
        if not value:
            return cls(None, None)
        url = value.strip().rstrip("/")
        try:
            parts = urllib.parse.urlsplit(url)
            port_is_valid = parts.port is None or parts.port > 0
        except ValueError:
            port_is_valid = False
        if not port_is_valid or parts.scheme not in ("http", "https"):
            raise ConfigError(
                "this is not an address of a store",
                option="endpoint",
                hint="write https://host or http://host:port",
            )
        if not parts.hostname or "@" in parts.netloc:
            raise ConfigError(
                "an endpoint has a host and no user",
                option="endpoint",
                hint="credentials go into access_key and secret_key",
            )
        if parts.query or parts.fragment:
            raise ConfigError("an endpoint has no query", option="endpoint")
        return cls(url, parts.hostname.rstrip(".").lower())
