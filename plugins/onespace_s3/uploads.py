# SPDX-License-Identifier: Apache-2.0
"""Listings of open uploads and of their parts."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onespace_core.provider import OpenUpload, Part, ServiceUnavailable
from onespace_s3 import info

#: Entries on one page: what S3 allows.
MAX_ENTRIES = 1000


def list_parts(client: Any, names: Mapping[str, str]) -> list[Part]:
    """Return all parts of an upload, by number.

    :param names: of bucket, key and upload, as the SDK calls them.
    :raises ServiceUnavailable: the store gives no parts, but says that
        there are more.
    """
    found: dict[int, Part] = {}
    last = 0
    while True:
        answer = client.list_parts(
            **names, MaxParts=MAX_ENTRIES, PartNumberMarker=last
        )
        _check(answer)
        page = [_part(entry) for entry in answer.get("Parts") or ()]
        found.update((part.number, part) for part in page)
        if not answer.get("IsTruncated"):
            return [found[number] for number in sorted(found)]
        # The store's own marker is no help: MinIO's is 0.
        if max(found, default=0) <= last:
            raise ServiceUnavailable("the store stopped in the middle")
        last = max(found)


def _check(answer: Mapping[str, Any]) -> None:
    """Refuse what is no listing: it looks like an empty one."""
    if "IsTruncated" not in answer:
        raise ServiceUnavailable(
            "the answer is no listing",
            hint="check that endpoint is an S3 endpoint",
        )


def _part(entry: Mapping[str, Any]) -> Part:
    return Part(
        number=entry["PartNumber"],
        etag=str(info.unquoted(entry["ETag"])),
        size=entry.get("Size"),
    )


class Pages:
    """The pages of a listing of open uploads, one after another.

    :param prefix: of the keys.
    :param asks_for_prefix: leave the choice to the store as well.
    :param encode: ask for URL-encoded keys.
    :ivar more: whether there may be another page.
    """

    def __init__(
        self, *, prefix: str, asks_for_prefix: bool, encode: bool
    ) -> None:
        self._prefix = prefix
        self._encode = encode
        self._parameters: dict[str, Any] = {"MaxUploads": MAX_ENTRIES}
        if prefix and asks_for_prefix:
            self._parameters["Prefix"] = prefix
        self.more = True

    def next(self, client: Any, bucket: str) -> list[OpenUpload]:
        """Return the uploads on the next page.

        :raises ServiceUnavailable: the page does not go on where the last
            one ended.
        """
        parameters = {"Bucket": bucket, **self._parameters}
        truncated, found = _page(client, parameters, encode=self._encode)
        if truncated:
            self._go_on(found)
        self.more = truncated
        return [each for each in found if each.key.startswith(self._prefix)]

    def _go_on(self, found: Sequence[OpenUpload]) -> None:
        """Begin the next page behind the last upload of this one.

        That is what the store's own marker says, but encoded or not.
        """
        marker = (
            {
                "KeyMarker": found[-1].key,
                "UploadIdMarker": found[-1].upload_id,
            }
            if found
            else {}
        )
        if not marker or marker.items() <= self._parameters.items():
            raise ServiceUnavailable("the store stopped in the middle")
        self._parameters.update(marker)


def _page(
    client: Any, parameters: Mapping[str, Any], *, encode: bool
) -> tuple[bool, list[OpenUpload]]:
    """Return whether there is more, and uploads with their keys decoded.

    A key that XML cannot hold can only be read encoded. But radosgw encodes
    without saying so, and moto does neither: where that makes a difference,
    the page is asked for once more, plain.
    """
    if not encode:
        return _read(client.list_multipart_uploads(**parameters), str)
    answer = client.list_multipart_uploads(**parameters, EncodingType="url")
    if answer.get("EncodingType") == "url":
        return _read(answer, urllib.parse.unquote_plus)
    if not any(
        set("%+") & set(entry["Key"]) for entry in answer.get("Uploads") or ()
    ):
        return _read(answer, str)
    try:
        plain = client.list_multipart_uploads(**parameters)
    except client.exceptions.ClientError:
        # It was encoded indeed: for a key that XML cannot hold.
        return _read(answer, urllib.parse.unquote_plus)
    return _read(plain, str)


def _read(
    answer: Mapping[str, Any], decode: Callable[[str], str]
) -> tuple[bool, list[OpenUpload]]:
    _check(answer)
    found = [
        OpenUpload(
            key=decode(entry["Key"]),
            upload_id=entry["UploadId"],
            started=info.utc(entry.get("Initiated")),
        )
        for entry in answer.get("Uploads") or ()
    ]
    return bool(answer.get("IsTruncated")), found
