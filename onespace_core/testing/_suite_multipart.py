# SPDX-License-Identifier: Apache-2.0
# mypy: disable-error-code="type-abstract"
"""The suite's promises on uploads in parts."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools

import pytest

from onespace_core.provider import (
    ByteRange,
    BytesBody,
    CallbackBody,
    ChunkStream,
    ConnectionFailed,
    IntegrityError,
    InvalidRequest,
    IterableBody,
    MultipartUpload,
    NotSupported,
    ObjectNotFound,
    Part,
    Provider,
    ProviderError,
)
from onespace_core.testing._suite_base import (
    SuiteBase,
    claims,
    get,
    offered,
    put,
    settle,
    walk,
)
from onespace_core.testing._suite_values import (
    AWKWARD_KEYS,
    LYING_BODIES,
    StrangeBody,
)
from onespace_core.testing.harness import Harness


class UploadsBase(SuiteBase):
    """What both parts on uploads need."""

    @pytest.fixture
    def uploads(self, provider: Provider) -> MultipartUpload:
        """Return the provider if it offers the protocol."""
        return offered(provider, MultipartUpload)


class PartsContract(UploadsBase):
    """What ``MultipartUpload`` promises of parts and what becomes of them."""

    def test_parts_are_one_object_in_the_order_of_their_numbers(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """In whatever order they are sent and named, gaps or not."""
        size = max(provider.capabilities.min_part_size, 10)
        upload = uploads.start_upload("a")
        last = uploads.upload_part("a", upload, 9, BytesBody(b"end"))
        first = uploads.upload_part("a", upload, 2, generated(b"12", size))
        second = uploads.upload_part("a", upload, 5, generated(b"345", size))
        with pytest.raises(ObjectNotFound):
            provider.head_object("a")
        done = uploads.complete_upload("a", upload, [last, second, first])
        whole = b"".join((filled(b"12", size), filled(b"345", size), b"end"))
        info = provider.head_object("a")
        assert info.size == len(whole)
        assert done.etag == info.etag
        assert '"' not in (info.etag or "")
        assert get(provider, "a") == whole
        if provider.capabilities.range_get:
            border = ByteRange(first=size - 2, last=size + 1)
            piece = get(provider, "a", byte_range=border)
            assert piece == whole[size - 2 : size + 2]

    def test_a_part_is_described(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """Number, size, and an ETag without quotes."""
        upload = uploads.start_upload("a")
        part = uploads.upload_part("a", upload, 3, BytesBody(b"12345"))
        assert part.number == 3
        assert part.size in (5, None)
        assert part.etag
        assert '"' not in part.etag
        if provider.capabilities.etag_is_md5:
            assert part.etag == BytesBody(b"12345").md5

    def test_nothing_is_seen_before_an_upload_is_complete(
        self, provider: Provider, harness: Harness, uploads: MultipartUpload
    ) -> None:
        """Neither the object nor its parts, by HEAD, GET or listing."""
        upload = uploads.start_upload("a")
        part = uploads.upload_part("a", upload, 1, BytesBody(b"12345"))
        settle(harness)
        assert walk(provider) == []
        with pytest.raises(ObjectNotFound):
            provider.head_object("a")
        with pytest.raises(ObjectNotFound):
            provider.get_object("a")
        uploads.complete_upload("a", upload, [part])
        settle(harness)
        assert [info.key for info in walk(provider)] == ["a"]

    def test_the_old_object_is_there_until_an_upload_is_complete(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """Then bytes, type and metadata are the new ones, all at once."""
        provider.put_object(
            "a", BytesBody(b"old"), metadata={"m": "old"}, content_type="x/y"
        )
        upload = uploads.start_upload("a", metadata={"n": "new"})
        part = uploads.upload_part("a", upload, 1, BytesBody(b"newer"))
        assert get(provider, "a") == b"old"
        assert dict(provider.head_object("a").metadata) == {"m": "old"}
        uploads.complete_upload("a", upload, [part])
        info = provider.head_object("a")
        assert get(provider, "a") == b"newer"
        assert dict(info.metadata) == {"n": "new"}
        assert info.content_type == "application/octet-stream"

    def test_an_upload_keeps_what_describes_the_object(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """Metadata of any text, the type and system headers."""
        metadata = {"name": "bl\u00e5 \u4e2d\u6587 100%25", "two-words": "2"}
        system = {"cache-control": "max-age=60", "content-language": "de"}
        upload = uploads.start_upload(
            "a", metadata=metadata, content_type="text/x", system=system
        )
        part = uploads.upload_part("a", upload, 1, BytesBody(b"12345"))
        uploads.complete_upload("a", upload, [part])
        info = provider.head_object("a")
        assert dict(info.metadata) == metadata
        assert dict(info.system) == system
        assert info.content_type == "text/x"

    @pytest.mark.parametrize("key", AWKWARD_KEYS.values(), ids=AWKWARD_KEYS)
    def test_an_upload_to_an_awkward_key(
        self, provider: Provider, uploads: MultipartUpload, key: str
    ) -> None:
        """The upload is listed, and the object written, under that key."""
        upload = uploads.start_upload(key)
        part = uploads.upload_part(key, upload, 1, BytesBody(b"12345"))
        assert [each.key for each in uploads.list_uploads()] == [key]
        uploads.complete_upload(key, upload, [part])
        assert get(provider, key) == b"12345"

    def test_a_part_is_replaced(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """One of the same number takes the place of the first."""
        upload = uploads.start_upload("a")
        uploads.upload_part("a", upload, 1, BytesBody(b"first"))
        part = uploads.upload_part("a", upload, 1, BytesBody(b"second"))
        listed = uploads.list_parts("a", upload)
        assert [each.etag for each in listed] == [part.etag]
        uploads.complete_upload("a", upload, [part])
        assert get(provider, "a") == b"second"

    def test_parts_are_listed_by_number(
        self, harness: Harness, uploads: MultipartUpload
    ) -> None:
        """With size and ETag, and by any provider: they are the store's."""
        upload = uploads.start_upload("a")
        assert list(uploads.list_parts("a", upload)) == []
        parts = [
            uploads.upload_part("a", upload, number, BytesBody(data))
            for number, data in ((11, b"11"), (2, b"two"), (1, b"1"))
        ]
        other = harness.make_provider()
        listed = offered(other, MultipartUpload).list_parts("a", upload)
        other.close()
        assert [each.number for each in listed] == [1, 2, 11]
        assert [each.size for each in listed] == [1, 3, 2]
        assert {each.etag for each in listed} == {p.etag for p in parts}

    def test_parts_are_sent_by_many_threads(
        self, uploads: MultipartUpload
    ) -> None:
        """Each is there, under its number."""
        upload = uploads.start_upload("a")

        def send(number: int) -> Part:
            data = b"%d" % number * 1000
            return uploads.upload_part("a", upload, number, BytesBody(data))

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            parts = list(pool.map(send, range(1, 9)))
        listed = uploads.list_parts("a", upload)
        assert [each.etag for each in listed] == [p.etag for p in parts]

    @pytest.mark.parametrize("wrong", ["etag", "missing", "none"])
    def test_completing_with_a_wrong_part_is_refused(
        self, provider: Provider, uploads: MultipartUpload, wrong: str
    ) -> None:
        """``InvalidRequest``; the old object is there, the upload open."""
        put(provider, "a", data=b"old")
        upload = uploads.start_upload("a")
        part = uploads.upload_part("a", upload, 1, BytesBody(b"12345"))
        parts = {
            "etag": [dataclasses.replace(part, etag="0" * 32)],
            "missing": [dataclasses.replace(part, number=2)],
            "none": [],
        }
        with pytest.raises(InvalidRequest):
            uploads.complete_upload("a", upload, parts[wrong])
        assert get(provider, "a") == b"old"
        uploads.complete_upload("a", upload, [part])
        assert get(provider, "a") == b"12345"

    @claims("min_part_size")
    def test_a_part_that_is_too_small_is_refused(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """All but the last have ``min_part_size``; the upload stays open."""
        upload = uploads.start_upload("a")
        parts = [
            uploads.upload_part("a", upload, number, BytesBody(b"12345"))
            for number in (1, 2)
        ]
        with pytest.raises(InvalidRequest):
            uploads.complete_upload("a", upload, parts)
        with pytest.raises(ObjectNotFound):
            provider.head_object("a")
        assert len(uploads.list_parts("a", upload)) == 2
        uploads.complete_upload("a", upload, parts[1:])
        assert get(provider, "a") == b"12345"

    def test_a_number_outside_the_limits_is_refused(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """Below 1 or beyond ``max_parts`` it is ``InvalidRequest``."""
        upload = uploads.start_upload("a")
        most = provider.capabilities.max_parts
        for number in (0, -1) if most is None else (0, -1, most + 1):
            with pytest.raises(InvalidRequest):
                uploads.upload_part("a", upload, number, BytesBody(b"1"))
        assert list(uploads.list_parts("a", upload)) == []

    @pytest.mark.parametrize(
        ("data", "size", "md5"), LYING_BODIES.values(), ids=LYING_BODIES
    )
    def test_a_part_that_lies_is_not_there(
        self,
        uploads: MultipartUpload,
        data: bytes,
        size: int,
        md5: str | None,
    ) -> None:
        """``IntegrityError``, stream closed, and the upload goes on."""
        upload = uploads.start_upload("a")
        body = StrangeBody(data, size=size, md5=md5)
        with pytest.raises(IntegrityError):
            uploads.upload_part("a", upload, 1, body)
        assert list(uploads.list_parts("a", upload)) == []
        assert body.opened == body.closed > 0

    def test_a_part_that_breaks_is_not_there(
        self, uploads: MultipartUpload
    ) -> None:
        """The source's error is raised; the stream is closed."""
        upload = uploads.start_upload("a")
        error = ConnectionFailed("the source broke", op="get_object")
        body = StrangeBody(b"half", size=8, error=error)
        with pytest.raises(ProviderError):
            uploads.upload_part("a", upload, 1, body)
        assert list(uploads.list_parts("a", upload)) == []
        assert body.opened == body.closed > 0

    def test_a_part_of_unknown_size_is_sent_or_refused(
        self, uploads: MultipartUpload
    ) -> None:
        """Whole, or ``NotSupported`` and not at all."""
        upload = uploads.start_upload("a")
        body = IterableBody(iter([b"one", b"two"]))
        try:
            uploads.upload_part("a", upload, 1, body)
        except NotSupported:
            assert list(uploads.list_parts("a", upload)) == []
            return
        assert [p.size for p in uploads.list_parts("a", upload)] == [6]


def filled(pattern: bytes, size: int) -> bytes:
    """Return so many bytes of a pattern."""
    return (pattern * (size // len(pattern) + 1))[:size]


def generated(pattern: bytes, size: int) -> CallbackBody:
    """Return a body of a pattern that is never in memory as a whole."""
    return CallbackBody(
        lambda: ChunkStream(itertools.repeat(pattern * 8192), size=size),
        size=size,
    )
