# SPDX-License-Identifier: Apache-2.0
"""A memory store's uploads in parts, and its copies."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence

from onespace_core.provider.body import Body
from onespace_core.provider.errors import (
    InvalidRequest,
    ObjectNotFound,
    PreconditionFailed,
)
from onespace_core.provider.large import OpenUpload, Part
from onespace_core.provider.types import (
    ByteRange,
    Conditions,
    ObjectInfo,
    PutResult,
)
from onespace_core.testing import _memory_rules as rules
from onespace_core.testing._memory_large import Large
from onespace_core.testing._memory_store import (
    Bucket,
    Upload,
    md5_of,
    read_body,
)


class Copies(Large):
    """``ObjectCopy``; see there."""

    def copy_object(
        self,
        source: str,
        key: str,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        if_match: str | None = None,
        source_bucket: str | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """See :meth:`ObjectCopy.copy_object`."""
        op = "copy_object"
        self._need_for_write(op, bucket, key, system=system)
        with self._request(op, bucket, key) as there:
            self._check_headers(key, metadata, system)
            where = self._source(source_bucket)
            info, data = self._version(where, source, if_match)
            rules.check_size(len(data), self._capabilities)
            if metadata is None:
                if content_type is not None or system is not None:
                    raise InvalidRequest("a type or headers, but no metadata")
                metadata, system = info.metadata, info.system
                content_type = info.content_type
            return self._keep(
                there,
                key,
                data,
                etag=self._etag(md5_of(data)),
                metadata=metadata,
                content_type=content_type,
                system=system,
            )

    def _source(self, bucket: str | None) -> Bucket:
        return self._there((bucket or self._bucket) or "")

    def _version(
        self, there: Bucket, source: str, if_match: str | None
    ) -> tuple[ObjectInfo, bytes]:
        rules.check_key(source)
        info, data = self._whole(there, source)
        if if_match not in (None, info.etag):
            raise PreconditionFailed("if_match: it is another version")
        return info, data


class Multipart(Copies):
    """``MultipartUpload``; see there."""

    def start_upload(
        self,
        key: str,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> str:
        """See :meth:`MultipartUpload.start_upload`."""
        op = "start_upload"
        self._need_for_write(op, bucket, key, system=system)
        with self._request(op, bucket, key) as there:
            self._check_headers(key, metadata, system)
            upload_id = uuid.uuid4().hex
            there.uploads[upload_id] = Upload(
                key=key,
                started=self.store.now(),
                metadata=dict(metadata or {}),
                content_type=content_type,
                system=dict(system or {}),
            )
            return upload_id

    def upload_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        body: Body,
        *,
        bucket: str | None = None,
    ) -> Part:
        """See :meth:`MultipartUpload.upload_part`."""
        op = "upload_part"
        with self._request(op, bucket, key) as there:
            _open(there, key, upload_id)
            self._check_part(number, body.size)
        with self._describe(op, bucket, key):
            data = read_body(body)
        with self._describe(op, bucket, key) as name, self.store.lock:
            upload = _open(self._there(name), key, upload_id)
            return self._keep_part(upload, number, data)

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
        """See :meth:`MultipartUpload.copy_part`."""
        op = "copy_part"
        self._need("part_copy", op, bucket, key)
        with self._request(op, bucket, key) as there:
            upload = _open(there, key, upload_id)
            where = self._source(source_bucket)
            info, data = self._version(where, source, if_match)
            if byte_range is not None:
                first, end = rules.resolve_range(byte_range, info.size)
                data = data[first:end]
            return self._keep_part(upload, number, data)

    def _check_part(self, number: int, size: int | None) -> None:
        most = self._capabilities.max_parts
        if number < 1 or (most is not None and number > most):
            raise InvalidRequest(f"no part can have the number {number}")
        largest = self._capabilities.max_part_size
        if size is not None and largest is not None and size > largest:
            raise InvalidRequest(f"a part of {size} bytes")

    def _keep_part(self, upload: Upload, number: int, data: bytes) -> Part:
        self._check_part(number, len(data))
        etag = self._etag(md5_of(data))
        part = Part(number=number, etag=etag, size=len(data))
        upload.parts[number] = (part, data)
        return part

    def list_parts(
        self, key: str, upload_id: str, *, bucket: str | None = None
    ) -> Sequence[Part]:
        """See :meth:`MultipartUpload.list_parts`."""
        with self._request("list_parts", bucket, key) as there:
            upload = _open(there, key, upload_id)
            return [part for _n, (part, _data) in sorted(upload.parts.items())]

    def complete_upload(
        self,
        key: str,
        upload_id: str,
        parts: Sequence[Part],
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """See :meth:`MultipartUpload.complete_upload`."""
        op = "complete_upload"
        self._need_for_write(op, bucket, key, conditions=conditions)
        with self._request(op, bucket, key) as there:
            upload = _open(there, key, upload_id)
            pieces = self._pieces(upload, parts)
            etags = "".join(md5_of(piece) for piece in pieces)
            md5 = md5_of(bytes.fromhex(etags))
            result = self._keep(
                there,
                key,
                b"".join(pieces),
                etag=f"{md5}-{len(pieces)}",
                metadata=upload.metadata,
                content_type=upload.content_type,
                system=upload.system,
                conditions=conditions,
            )
            del there.uploads[upload_id]
            return result

    def _pieces(self, upload: Upload, parts: Sequence[Part]) -> list[bytes]:
        """Return the bytes of each part in order, or refuse them all."""
        wanted = {part.number: part for part in parts}
        if not parts or len(wanted) < len(parts):
            raise InvalidRequest("no part, or one twice")
        pieces = []
        for number, part in sorted(wanted.items()):
            if number not in upload.parts:
                raise InvalidRequest(f"there is no part {number}")
            there, data = upload.parts[number]
            if part.etag != there.etag:
                raise InvalidRequest(f"part {number} has another ETag")
            pieces.append(data)
        least = self._capabilities.min_part_size
        if any(len(piece) < least for piece in pieces[:-1]):
            raise InvalidRequest(f"a part has less than {least} bytes")
        return pieces

    def abort_upload(
        self, key: str, upload_id: str, *, bucket: str | None = None
    ) -> None:
        """See :meth:`MultipartUpload.abort_upload`."""
        with self._request("abort_upload", bucket, key) as there:
            there.uploads.pop(upload_id, None)

    def list_uploads(
        self, *, prefix: str = "", bucket: str | None = None
    ) -> Iterator[OpenUpload]:
        """See :meth:`MultipartUpload.list_uploads`."""
        with self._request("list_uploads", bucket) as there:
            found = [
                OpenUpload(
                    key=each.key, upload_id=upload_id, started=each.started
                )
                for upload_id, each in there.uploads.items()
                if each.key.startswith(prefix)
            ]
        yield from found


def _open(there: Bucket, key: str, upload_id: str) -> Upload:
    upload = there.uploads.get(upload_id)
    if upload is None or upload.key != key:
        raise ObjectNotFound("no such upload")
    return upload
