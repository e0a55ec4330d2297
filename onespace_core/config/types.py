# SPDX-License-Identifier: Apache-2.0
"""Option types that oslo.config does not have."""

from __future__ import annotations

import decimal
import math
import os.path
import re
from typing import Any

from oslo_config import types

from onespace_core.config import criteria

_DURATION = re.compile(
    r"(?P<number>[+-]?\d+(?:\.\d+)?)\s*(?P<unit>[smhdw]?)", re.ASCII
)
_DAY = 86400
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": _DAY, "w": 7 * _DAY}
_SIZE = re.compile(
    r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[KMGT]?)(?:(?<=[KMGT])iB)?",
    re.ASCII,
)
_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_CLASS = re.compile(r"[A-Z][A-Z0-9_-]*", re.ASCII)


class Duration(types.ConfigType):
    """A length of time, in seconds.

    Written as plain seconds or with one unit: ``45s``, ``60m``, ``12h``,
    ``30d``, ``2w``. Called with text or a number it returns seconds.

    :param min: least number of seconds, inclusive.
    :param max: greatest number of seconds, inclusive; None means none.
    :param whole: whether only whole seconds will do; the result is then an
        int, else a float.
    """

    def __init__(
        self,
        min: float = 0,  # noqa: A002 - oslo.config's name for it
        max: float | None = None,  # noqa: A002 - likewise
        *,
        whole: bool = False,
    ) -> None:
        super().__init__("seconds, or with unit: 45s 60m 12h 30d")
        self.min = min
        self.max = max
        self.sample_min = self._formatter(min)
        self.sample_max = None if max is None else self._formatter(max)
        self.whole = whole

    def __call__(self, value: Any) -> float:
        """Return the seconds that ``value`` means.

        :raises ValueError: it means none, or is out of range.
        """
        seconds = self._seconds(value)
        if not math.isfinite(seconds):
            raise ValueError("not a finite number")
        if seconds < self.min:
            raise ValueError(f"less than {self.sample_min}")
        if self.max is not None and seconds > self.max:
            raise ValueError(f"more than {self.sample_max}")
        if not self.whole:
            return seconds
        if seconds != int(seconds):
            raise ValueError("not a whole number of seconds")
        return int(seconds)

    def _seconds(self, value: Any) -> float:
        if not isinstance(value, str):
            return float(value)
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError(
                f"{value!r} is no duration; write seconds or 45s, 60m, 12h,"
                " 30d"
            )
        return float(match["number"]) * _UNITS[match["unit"]]

    def _formatter(self, value: Any) -> str:
        for unit in ("d", "h", "m"):
            number = value / _UNITS[unit]
            if number and number == int(number):
                return f"{int(number)}{unit}"
        return f"{value:g}s" if value else "0"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.min, self.max, self.whole))


class Pattern(types.ConfigType):
    """A regular expression; empty text means none.

    Called with text it returns a compiled pattern, or None.
    """

    def __init__(self) -> None:
        super().__init__("regular expression")

    def __call__(self, value: Any) -> re.Pattern[str] | None:
        """Compile ``value``.

        :raises ValueError: it is no regular expression.
        """
        if isinstance(value, re.Pattern):
            return value
        if not value:
            # An empty pattern matches every name. The one who wrote it
            # meant to exclude nothing.
            return None
        try:
            return re.compile(value)
        except (re.error, OverflowError, RecursionError) as exc:
            raise ValueError(f"no regular expression: {exc}") from None

    def _formatter(self, value: Any) -> str:
        return str(getattr(value, "pattern", value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern)

    def __hash__(self) -> int:
        return hash(Pattern)


class Selection(types.ConfigType):
    """Criteria for objects, kept as text in a canonical form.

    Their shape is that of :mod:`onespace_core.config.criteria`. ``{}``, which
    asks nothing, is None.
    """

    def __init__(self) -> None:
        super().__init__("JSON object")

    def __call__(self, value: Any) -> str | None:
        """Return ``value`` with sorted names and no spaces.

        :raises ValueError: it is no criteria; says where.
        """
        text = criteria.canonical(value)
        return None if text == "{}" else text

    def _formatter(self, value: Any) -> str:
        return str(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selection)

    def __hash__(self) -> int:
        return hash(Selection)


class Size(types.ConfigType):
    """A number of bytes.

    Written as plain bytes or with one unit: ``10K``, ``64M``, ``5G``, ``1T``,
    of 1024 each; ``64MiB`` is the same as ``64M``. ``64MB`` is refused: some
    would mean 1000.

    :param min: least number of bytes, inclusive.
    :param max: greatest number of bytes, inclusive.
    """

    def __init__(
        self,
        min: int = 0,  # noqa: A002 - oslo.config's name for it
        max: int = 1 << 50,  # noqa: A002 - likewise
    ) -> None:
        super().__init__("bytes, or with unit: 10K 64M 5G")
        self.min = min
        self.max = max
        self.sample_min = self._formatter(min)
        self.sample_max = self._formatter(max)

    def __call__(self, value: Any) -> int:
        """Return the bytes that ``value`` means.

        :raises ValueError: it means none, or is out of range.
        """
        size = self._bytes(value)
        if size < self.min:
            raise ValueError(f"less than {self.sample_min}")
        if size > self.max:
            raise ValueError(f"more than {self.sample_max}")
        return size

    def _bytes(self, value: Any) -> int:
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            raise ValueError(
                f"{value!r} is no size; write bytes or 10K, 64M, 5G"
            )
        # Exact: a float would lose bytes of a large number.
        size = decimal.Decimal(match["number"]) * _SIZES[match["unit"]]
        if size != int(size):
            raise ValueError("not a whole number of bytes")
        return int(size)

    def _formatter(self, value: Any) -> str:
        for unit in ("T", "G", "M", "K"):
            if value and value % _SIZES[unit] == 0:
                return f"{value // _SIZES[unit]}{unit}"
        return str(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Size) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.min, self.max))


class ClassAfter(types.ConfigType):
    """An age and the storage class that objects then change to.

    Written ``30d:GLACIER``. Stores count in days, so only whole days from 1
    on will do.
    """

    def __init__(self) -> None:
        super().__init__("AGE:CLASS, such as 30d:GLACIER")
        self._age = Duration(min=_DAY, max=36500 * _DAY, whole=True)

    def __call__(self, value: Any) -> tuple[int, str]:
        """Return seconds and class.

        :raises ValueError: it is not of that form, or no whole days.
        """
        age, colon, name = str(value).partition(":")
        if not colon or not _CLASS.fullmatch(name.strip()):
            raise ValueError(f"{value!r} is not like 30d:GLACIER")
        seconds = int(self._age(age))
        if seconds % _DAY:
            raise ValueError("not a whole number of days")
        return seconds, name.strip()

    def _formatter(self, value: Any) -> str:
        return f"{value[0] // _DAY}d:{value[1]}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClassAfter)

    def __hash__(self) -> int:
        return hash(ClassAfter)


class AbsolutePath(types.String):
    """A path that starts at the root.

    A daemon's working directory is nobody's business, so that a path
    relative to it is a mistake.
    """

    def __init__(self) -> None:
        super().__init__(type_name="absolute path")

    def __call__(self, value: Any) -> str:
        """Return the path.

        :raises ValueError: it is empty or relative, or no path at all.
        """
        path = str(value)
        if not os.path.isabs(path) or "\0" in path:
            raise ValueError(f"{path!r} is no absolute path")
        return path


class Name(types.String):
    """A name of an account, container or bucket: one line, not empty."""

    def __init__(self, what: str = "name") -> None:
        super().__init__(type_name=what)

    def __call__(self, value: Any) -> str:
        """Return the name.

        :raises ValueError: it is empty or has control characters.
        """
        name = str(value)
        if not name:
            raise ValueError("empty")
        if any(ord(char) < 0x20 or ord(char) == 0x7F for char in name):
            raise ValueError("a control character or a second line")
        return name
