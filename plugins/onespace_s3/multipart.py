# SPDX-License-Identifier: Apache-2.0
"""Objects made of parts (S3 user guide, "Multipart upload")."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from onespace_core.provider import (
    Body,
    ByteRange,
    Conditions,
    InvalidRequest,
    NotSupported,
    OpenUpload,
    Part,
    PreconditionFailed,
    PutResult,
    ServiceUnavailable,
)
from onespace_s3 import info, request, uploads, writer
from onespace_s3.copying import Copies


class Multipart(Copies):
    """``MultipartUpload``."""

    def start_upload(
        self,
        key: str,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> str:
        """Begin an upload; see ``MultipartUpload``."""
        with self._on_object("start_upload", bucket, key) as names:
            answer = self._client.create_multipart_upload(
                **names,
                **self._setup.write_parameters,
                **request.header_parameters(
                    metadata, content_type, system, self.capabilities
                ),
            )
            upload_id = answer.get("UploadId")
            if not upload_id:
                raise ServiceUnavailable("the store did not begin the upload")
            return str(upload_id)

    def upload_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        body: Body,
        *,
        bucket: str | None = None,
    ) -> Part:
        """Send a part with one PUT; see ``MultipartUpload``.

        Bytes are protected as those of ``put_object`` are.

        :raises NotSupported: the size is unknown.
        """
        with self._on_upload("upload_part", bucket, key, upload_id) as names:
            request.check_part_number(number, self.capabilities)
            request.check_size(body, self.capabilities.max_part_size)
            result = writer.send(
                self._client.upload_part,
                body,
                {**names, "PartNumber": number},
                etag_is_md5=self.capabilities.etag_is_md5,
                sign_payload=self._setup.sign_payload,
            )
            return Part(number=number, etag=str(result.etag), size=body.size)

    def copy_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        source: str,
        *,
        byte_range: ByteRange | None = None,
        if_match: str | None = None,
        source_bucket: str | None = None,
        bucket: str | None = None,
    ) -> Part:
        """Make a part of an object in the store; see ``MultipartUpload``.

        A store that ignores conditions on the source is asked for its ETag
        before and after.

        :raises NotSupported: without ``part_copy``; or the source's key has
            a character that the store may misread: radosgw 16 decodes it
            twice, and takes the bytes of another object.
        """
        with self._on_upload("copy_part", bucket, key, upload_id) as names:
            self._check_part_source(source)
            request.check_part_number(number, self.capabilities)
            wanted = _range_parameters(byte_range)
            origin = self._names(source_bucket or bucket, source)
            with self._version(origin, if_match) as version:
                answer = self._client.upload_part_copy(
                    **names, **version, **wanted, PartNumber=number
                )
            etag = info.unquoted(answer.get("CopyPartResult", {}).get("ETag"))
            if not etag:
                # A store that takes no notice of the source makes an empty
                # part, and answers like this.
                raise ServiceUnavailable("the store did not confirm the copy")
            return Part(number=number, etag=etag, size=_size(byte_range))

    def list_parts(
        self, key: str, upload_id: str, *, bucket: str | None = None
    ) -> Sequence[Part]:
        """Return all parts; see ``MultipartUpload``."""
        with self._on_upload("list_parts", bucket, key, upload_id) as names:
            return uploads.list_parts(self._client, names)

    def complete_upload(
        self,
        key: str,
        upload_id: str,
        parts: Sequence[Part],
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """Make the object of its parts; see ``MultipartUpload``.

        Most stores take the same completion twice, for a while.

        :returns: with the ETag that the store says, else the one that S3
            gives an object of these parts.
        :raises NotSupported: conditions that the option
            ``conditional_complete`` does not claim.
        """
        with self._on_upload(
            "complete_upload", bucket, key, upload_id
        ) as names:
            ordered = _ordered(parts)
            conditional = request.write_conditions(
                conditions,
                self._setup.conditional_complete,
                "completion",
                "conditional_complete",
            )
            answer = self._completed(names, ordered, conditional)
            return PutResult(
                etag=info.unquoted(answer.get("ETag"))
                or self._etag_of(ordered),
                version=answer.get("VersionId"),
            )

    def abort_upload(
        self, key: str, upload_id: str, *, bucket: str | None = None
    ) -> None:
        """Give an upload up; see ``MultipartUpload``.

        A part that is being sent at that time may stay: abort again.
        """
        with self._on_upload("abort_upload", bucket, key, upload_id) as names:
            try:
                self._client.abort_multipart_upload(**names)
            except self._client.exceptions.ClientError as exc:
                if _code(exc) not in ("NoSuchUpload", "NoSuchKey"):
                    raise

    def list_uploads(
        self, *, prefix: str = "", bucket: str | None = None
    ) -> Iterator[OpenUpload]:
        """Yield open uploads; see ``MultipartUpload``."""
        pages = uploads.Pages(
            prefix=prefix,
            asks_for_prefix=self._setup.upload_prefix,
            encode=self._setup.encode_listings,
        )
        while pages.more:
            with self._on_bucket("list_uploads", bucket) as name:
                found = pages.next(self._client, name)
            yield from found

    # -- steps ------------------------------------------------------------

    def _check_part_source(self, source: str) -> None:
        if not self.capabilities.part_copy:
            raise NotSupported("the store cannot make parts of objects")
        if set("%?") & set(source) and not self._setup.part_copy_any_key:
            raise NotSupported(
                "the store may take another object with such a key",
                hint="send the bytes",
            )

    def _completed(
        self,
        names: Mapping[str, str],
        parts: Sequence[Part],
        conditional: Mapping[str, str],
    ) -> Mapping[str, Any]:
        listed = [
            {"PartNumber": part.number, "ETag": info.quoted(part.etag)}
            for part in parts
        ]
        try:
            answer: Mapping[str, Any] = self._client.complete_multipart_upload(
                **names, **conditional, MultipartUpload={"Parts": listed}
            )
        except self._client.exceptions.ClientError as exc:
            code = _code(exc)
            if code == "NoSuchKey" and "IfMatch" in conditional:
                # The answer to If-Match where there is nothing to match.
                raise PreconditionFailed("there is no object") from exc
            if code in ("InternalError", "500"):
                # radosgw says this of an upload that was aborted: ask, so
                # that nobody tries for ever. Raises if there is none.
                uploads.list_parts(self._client, names)
            raise
        if not answer.keys() & {"Bucket", "Key", "Location", "ETag"}:
            raise ServiceUnavailable("the store did not confirm the object")
        return answer

    def _etag_of(self, parts: Sequence[Part]) -> str | None:
        """Return the ETag of an object of these parts; None if unknown.

        radosgw 16 says none. Asking for it would bring another's, if the
        object was replaced at once.
        """
        if not self.capabilities.etag_is_md5:
            return None
        try:
            digests = b"".join(bytes.fromhex(part.etag) for part in parts)
        except ValueError:
            return None
        whole = hashlib.md5(digests, usedforsecurity=False).hexdigest()
        return f"{whole}-{len(parts)}"


def _ordered(parts: Sequence[Part]) -> list[Part]:
    """Return parts by number.

    :raises InvalidRequest: there is none, or two have one number.
    """
    ordered = sorted(parts, key=lambda part: part.number)
    if not ordered:
        raise InvalidRequest("an object has one part or more")
    if len({part.number for part in ordered}) < len(ordered):
        raise InvalidRequest("two parts have one number")
    return ordered


def _range_parameters(byte_range: ByteRange | None) -> dict[str, str]:
    if byte_range is None:
        return {}
    first, last = byte_range.first, byte_range.last
    if first < 0 or last is None or last < first:
        raise InvalidRequest("the range of a part has both ends")
    return {"CopySourceRange": byte_range.header()}


def _size(byte_range: ByteRange | None) -> int | None:
    if byte_range is None or byte_range.last is None:
        return None
    return byte_range.last - byte_range.first + 1


def _code(exc: Any) -> str:
    return str(exc.response.get("Error", {}).get("Code", ""))
