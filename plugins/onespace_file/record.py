# SPDX-License-Identifier: Apache-2.0
"""The description of an object: the JSON beside its bytes."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

from onespace_core.provider import InvalidRequest, ObjectInfo
from onespace_file.errors import Damaged

DEFAULT_TYPE = "application/octet-stream"

#: It is part of a file's name, and comes from a file.
_VERSION = re.compile(r"[0-9a-f]{16}")

_HINT = "restore the file from a backup, or write the object anew"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What the description says.

    :param key: the whole key, which the path says as well.
    :param version: names the file with the bytes.
    :param size: bytes in it.
    :param md5: of these bytes, hexadecimal; the ETag.
    :param modified: when the object or its metadata was written.
    :param content_type: never empty.
    :param metadata: user metadata.
    :param system: system headers.
    """

    key: str
    version: str
    size: int
    md5: str
    modified: datetime.datetime
    content_type: str
    metadata: Mapping[str, str]
    system: Mapping[str, str]

    def to_json(self) -> bytes:
        """Return the description as it is written.

        :raises InvalidRequest: some text has surrogates.
        """
        document = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
        }
        document["modified"] = self.modified.isoformat()
        text = json.dumps(document, ensure_ascii=False, indent=1)
        try:
            return f"{text}\n".encode()
        except UnicodeEncodeError as exc:
            raise InvalidRequest("metadata is not valid text") from exc

    @classmethod
    def from_json(cls, data: bytes) -> Record:
        """Return what a description says.

        :raises Damaged: it is not a whole description.
        """
        try:
            document = json.loads(data)
            modified = datetime.datetime.fromisoformat(document["modified"])
            return cls(
                key=_typed(document["key"], str),
                version=_version(document["version"]),
                size=_typed(document["size"], int),
                md5=_typed(document["md5"], str),
                modified=modified.astimezone(datetime.UTC),
                content_type=_typed(document["content_type"], str),
                metadata=_texts(document["metadata"]),
                system=_texts(document["system"]),
            )
        except (ValueError, KeyError, TypeError) as exc:
            raise Damaged(
                "the description cannot be read", hint=_HINT
            ) from exc

    def info(self) -> ObjectInfo:
        """Return the object without its bytes."""
        return ObjectInfo(
            key=self.key,
            size=self.size,
            etag=self.md5,
            last_modified=self.modified,
            content_type=self.content_type,
            metadata=dict(self.metadata),
            system=dict(self.system),
        )


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(value)
    return value


def _version(value: Any) -> str:
    if not _VERSION.fullmatch(_typed(value, str)):
        raise ValueError(value)
    return str(value)


def _texts(value: Any) -> dict[str, str]:
    return {
        _typed(name, str): _typed(text, str)
        for name, text in _typed(value, dict).items()
    }
