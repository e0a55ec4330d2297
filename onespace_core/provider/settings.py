# SPDX-License-Identifier: Apache-2.0
"""What a provider is built from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any


class ProviderSettings(Mapping[str, Any]):
    """The settings of one provider instance, by option name.

    Holds secrets; its ``repr`` shows names only.

    :param options: a value for every option that the provider declares in
        ``OPTS`` and ``TARGET_OPTS``; an option that is not given has the
        option's default.
    :param bucket: the bucket or container that ``bucket=None`` means.
    """

    def __init__(
        self, options: Mapping[str, Any], *, bucket: str | None = None
    ) -> None:
        self._options = MappingProxyType(dict(options))
        self.bucket = bucket

    def __getitem__(self, name: str) -> Any:
        return self._options[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._options)

    def __len__(self) -> int:
        return len(self._options)

    def __repr__(self) -> str:
        names = ", ".join(sorted(self._options))
        return f"<ProviderSettings bucket={self.bucket!r} options: {names}>"

    @classmethod
    def from_options(
        cls,
        opts: Any,
        values: Mapping[str, Any],
        *,
        bucket: str | None = None,
    ) -> ProviderSettings:
        """Build settings from declared options and some values.

        :param opts: oslo.config options (``OPTS + TARGET_OPTS``).
        :param values: by option name (underscores).
        :raises KeyError: a value for an option that is not declared.
        """
        options = {opt.dest: opt.default for opt in opts}
        for name, value in values.items():
            if name not in options:
                raise KeyError(name)
            options[name] = value
        return cls(options, bucket=bucket)
