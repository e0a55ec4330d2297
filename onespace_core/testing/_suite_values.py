# SPDX-License-Identifier: Apache-2.0
"""Keys, metadata and bodies that break what is not careful."""

from __future__ import annotations

#: Keys that something on the way to a store likes to change.
AWKWARD_KEYS = {
    "percent": "%41",
    "percent-slash": "a%2Fb",
    "plus": "a+b",
    "space": " a b ",
    "double-slash": "a//b",
    "leading-slash": "/a",
    "trailing-slash": "a/",
    "query": "a?b=c&d",
    "fragment": "a#b;c",
    "newline": "a\nb",
    "tab": "a\tb",
    "quotes": "a\"b'c`d",
    "markup": "<a>&amp;</a>",
    "backslash": "a\\b",
    "latin": "\u00e9",
    "decomposed": "e\u0301",
    "four-byte": "\U0001f600/\U0010fffd",
    "colon": "a:b@c",
}

#: Values that an HTTP header cannot hold as they are, or that code which
#: means the name changes.
AWKWARD_VALUES = {
    "latin": "bl\u00e5",
    "upper-case": "CamelCase",
    "chinese": "\u4e2d\u6587",
    "four-byte": "\U0001f600",
    "control": "a\x04b",
    "percent": "100%25",
    "encoded-word": "=?UTF-8?Q?a?=",
    "comma": 'a, "b"; c=d',
}

#: Values that Swift cannot hold (it allows 256 bytes, and HTTP strips spaces
#: and ends at a line's end), and other stores can.
EDGE_VALUES = {
    "long": "\u00e9" * 200,
    "leading-space": " a",
    "trailing-space": "a ",
    "newline": "a\nb",
    "crlf": "a\r\nb: c",
}

#: Bodies whose bytes are not what they promise: bytes, size and MD5.
LYING_BODIES = {
    "short": (b"short", 10, None),
    "long": (b"much too long", 10, None),
    "other-md5": (b"not that", 8, "0" * 32),
    "nothing": (b"", 1, None),
}


class StrangeBody:
    """A body that may lie about itself, and counts its open streams.

    :param data: what its stream really gives.
    :param size: what it says it has.
    :param md5: what it says the MD5 is.
    :param error: raised by the stream instead of its end.
    """

    replayable = True

    def __init__(
        self,
        data: bytes,
        *,
        size: int | None,
        md5: str | None = None,
        error: Exception | None = None,
    ) -> None:
        self.size = size
        self.md5 = md5
        self.opened = 0
        self.closed = 0
        self._data = data
        self._error = error

    def open(self) -> _StrangeStream:
        """Return a stream over the data."""
        self.opened += 1
        return _StrangeStream(self, self._data, self._error)


class _StrangeStream:
    def __init__(
        self, body: StrangeBody, data: bytes, error: Exception | None
    ) -> None:
        self._body = body
        self._data = data
        self._error = error
        self._closed = False

    def read(self, size: int = -1, /) -> bytes:
        size = len(self._data) if size < 0 else size
        data, self._data = self._data[:size], self._data[size:]
        if not data and self._error is not None:
            raise self._error
        return data

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._body.closed += 1
