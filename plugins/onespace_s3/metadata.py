# SPDX-License-Identifier: Apache-2.0
"""User metadata on its way through HTTP headers.

S3 keeps metadata in headers, which hold ASCII only; Swift's values are any
text. What does not fit travels as an encoded word of RFC 2047, the form in
which S3 itself returns such values and in which 1space wrote them.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import quopri
import re
from collections.abc import Iterator, Mapping
from email import base64mime, quoprimime

from onespace_core.provider import (
    EXPIRY,
    SYSTEM_HEADERS,
    InvalidRequest,
    NotSupported,
)

#: One encoded word: charset, encoding and text (RFC 2047 section 2).
_WORD = re.compile(r"=\?([^?\s]+)\?([qQbB])\?([^?\s]*)\?=")
#: Several words with nothing but white space between them are one text
#: (RFC 2047 section 6.2).
_WORDS = re.compile(rf"{_WORD.pattern}(?:\s+{_WORD.pattern})*")
_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?|")
#: A field name of RFC 9110 section 5.6.2, in lower case.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")


def encode_value(value: str) -> str:
    """Return a value as it is written to the store.

    Printable ASCII without white space at its ends stays as it is, unless
    it looks like an encoded word. Everything else becomes one encoded word,
    never folded, in the shorter of the encodings Q and B.

    :param value: any text without surrogates.
    :raises InvalidRequest: the text cannot be encoded as UTF-8.
    """
    if _PLAIN.fullmatch(value) and not _WORD.search(value):
        return value
    try:
        raw = value.encode()
    except UnicodeEncodeError as exc:
        raise InvalidRequest("a metadata value is not valid text") from exc
    if base64mime.header_length(raw) < quoprimime.header_length(raw):
        return f"=?UTF-8?B?{base64.b64encode(raw).decode('ascii')}?="
    quoted = quoprimime.header_encode(raw, "UTF-8")
    return quoted.replace("?q?", "?Q?", 1)


def decode_value(value: str) -> str:
    """Return a value as it was before it was written.

    Every encoded word is decoded, also the several words, joined by a line
    break and a space, that 1space wrote. What cannot be decoded stays as it
    is.

    :param value: a header's value, as ``http.client`` reads it.
    """
    return _WORDS.sub(_decode_words, _as_utf8(value))


def _as_utf8(value: str) -> str:
    """Undo Latin-1, as which Python reads headers, if they are UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return value


def _decode_words(match: re.Match[str]) -> str:
    try:
        return "".join(_texts(match[0]))
    except (LookupError, UnicodeDecodeError, binascii.Error):
        return match[0]


def _texts(words: str) -> Iterator[str]:
    """Decode words, joining the bytes of neighbours of one charset.

    A character may have been cut in two by a writer that folds by bytes.
    """
    for charset, group in itertools.groupby(
        _WORD.finditer(words), key=lambda word: word[1].lower()
    ):
        yield b"".join(map(_raw, group)).decode(charset)


def _raw(word: re.Match[str]) -> bytes:
    if word[2] in "bB":
        return base64.b64decode(word[3], validate=True)
    return quopri.decodestring(word[3].encode("utf-8"), header=True)


def to_headers(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return metadata as it is written to the store.

    :raises InvalidRequest: a name cannot be the name of a header, so that
        the store could not keep it.
    """
    headers = {}
    for name, value in (metadata or {}).items():
        lower = name.lower()
        if not _NAME.fullmatch(lower):
            raise InvalidRequest(
                f"the metadata name {name!a} cannot be stored",
                hint="S3 keeps only names that are header names: ASCII"
                " letters, digits and some punctuation",
            )
        headers[lower] = encode_value(value)
    return headers


def from_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return what ``to_headers`` was given, from what the store has."""
    return {
        name.lower(): decode_value(value)
        for name, value in (headers or {}).items()
    }


def size(headers: Mapping[str, str]) -> int:
    """Return the bytes that S3 counts: names and values, as written."""
    return sum(len(name) + len(value) for name, value in headers.items())


def check_header(name: str, value: str) -> str:
    """Return the value of a system header or content type.

    :raises InvalidRequest: it is not printable ASCII, which is all that can
        be signed.
    """
    if not _PLAIN.fullmatch(value):
        raise InvalidRequest(
            f"the {name} {value!a} cannot be stored",
            hint="S3 keeps only printable ASCII there",
        )
    return value


def system_parameters(system: Mapping[str, str] | None) -> dict[str, str]:
    """Return system headers as parameters of the SDK's calls.

    :raises InvalidRequest: a name that is not in :data:`SYSTEM_HEADERS`, or
        a value that cannot be stored.
    :raises NotSupported: an expiry: S3 ages objects by rules of the bucket.
    """
    if system and EXPIRY in system:
        raise NotSupported("S3 has no expiry of a single object")
    parameters = {}
    for name, value in (system or {}).items():
        if name not in SYSTEM_HEADERS:
            raise InvalidRequest(f"{name!a} is not a system header")
        parameters[parameter(name)] = check_header(name, value)
    return parameters


def parameter(name: str) -> str:
    """Return the SDK's name: ``cache-control`` is ``CacheControl``."""
    return name.title().replace("-", "")
