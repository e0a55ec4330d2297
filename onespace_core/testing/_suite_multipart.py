# SPDX-License-Identifier: Apache-2.0
# mypy: disable-error-code="type-abstract"
"""The suite's promises on uploads in parts."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools

import pytest

from onespace_core.provider import (
    BucketNotFound,
    ByteRange,
    BytesBody,
    CallbackBody,
    ChunkStream,
    Conditions,
    ConnectionFailed,
    IntegrityError,
    InvalidRequest,
    IterableBody,
    MultipartUpload,
    NotSupported,
    ObjectNotFound,
    Part,
    PreconditionFailed,
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
    without,
)
from onespace_core.testing._suite_values import (
    AWKWARD_KEYS,
    LYING_BODIES,
    StrangeBody,
)
from onespace_core.testing.harness import Harness


class MultipartContract(SuiteBase):
    """What ``MultipartUpload`` promises."""

    @pytest.fixture
    def uploads(self, provider: Provider) -> MultipartUpload:
        """Return the provider if it offers the protocol."""
        return offered(provider, MultipartUpload)

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

    def test_an_upload_that_is_not_there_is_named_as_such(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """``ObjectNotFound`` for every method, aborted or never begun."""
        put(provider, "b")
        aborted = uploads.start_upload("a")
        part = uploads.upload_part("a", aborted, 1, BytesBody(b"12345"))
        uploads.abort_upload("a", aborted)
        for upload in (aborted, "no-such-upload"):
            with pytest.raises(ObjectNotFound):
                uploads.list_parts("a", upload)
            with pytest.raises(ObjectNotFound):
                uploads.upload_part("a", upload, 1, BytesBody(b"12345"))
            with pytest.raises(ObjectNotFound):
                uploads.complete_upload("a", upload, [part])
            if provider.capabilities.part_copy:
                with pytest.raises(ObjectNotFound):
                    uploads.copy_part("a", upload, 1, "b")
        with pytest.raises(ObjectNotFound):
            provider.head_object("a")

    def test_an_aborted_upload_leaves_nothing(
        self, provider: Provider, harness: Harness, uploads: MultipartUpload
    ) -> None:
        """Aborting twice is fine; the old object is still there."""
        put(provider, "a", data=b"old")
        upload = uploads.start_upload("a")
        uploads.upload_part("a", upload, 1, BytesBody(b"12345"))
        uploads.abort_upload("a", upload)
        uploads.abort_upload("a", upload)
        settle(harness)
        assert list(uploads.list_uploads()) == []
        assert [info.key for info in walk(provider)] == ["a"]
        assert get(provider, "a") == b"old"

    def test_a_completed_upload_is_over(
        self, provider: Provider, harness: Harness, uploads: MultipartUpload
    ) -> None:
        """It is not listed; neither abort nor complete hurts its object.

        A store may remember it, and answer a second ``complete_upload`` as
        it did the first.
        """
        upload = uploads.start_upload("a")
        part = uploads.upload_part("a", upload, 1, BytesBody(b"12345"))
        done = uploads.complete_upload("a", upload, [part])
        settle(harness)
        assert list(uploads.list_uploads()) == []
        try:
            again = uploads.complete_upload("a", upload, [part])
        except ObjectNotFound:
            pass
        else:
            assert again.etag == done.etag
        uploads.abort_upload("a", upload)
        assert get(provider, "a") == b"12345"
        provider.delete_object("a")
        settle(harness)
        assert walk(provider) == []

    def test_uploads_are_listed_by_prefix(
        self, harness: Harness, uploads: MultipartUpload
    ) -> None:
        """Key and id of each; two of one key are two; times are UTC."""
        keys = ["p/\u00e9", "p/\u00e9", "p/b", "q"]
        begun = {(key, uploads.start_upload(key)) for key in keys}
        settle(harness)
        listed = list(uploads.list_uploads())
        assert {(each.key, each.upload_id) for each in listed} == begun
        under = sorted(each.key for each in uploads.list_uploads(prefix="p/"))
        assert under == ["p/b", "p/\u00e9", "p/\u00e9"]
        assert list(uploads.list_uploads(prefix="x")) == []
        for each in listed:
            assert each.started is None or each.started.tzinfo is not None

    @claims("conditional_complete")
    def test_an_upload_that_creates_only_does_not_replace(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """``PreconditionFailed``, and the upload is still open."""
        new = Conditions(if_none_match="*")
        put(provider, "a", data=b"old")
        upload = uploads.start_upload("a")
        part = uploads.upload_part("a", upload, 1, BytesBody(b"12345"))
        with pytest.raises(PreconditionFailed):
            uploads.complete_upload("a", upload, [part], conditions=new)
        assert get(provider, "a") == b"old"
        provider.delete_object("a")
        uploads.complete_upload("a", upload, [part], conditions=new)
        assert get(provider, "a") == b"12345"

    @claims("conditional_complete_replace")
    def test_an_upload_replaces_only_that_version(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """Another version is ``PreconditionFailed``, the upload open."""
        put(provider, "a", data=b"old")
        wrong = Conditions(if_match="0" * 32)
        right = Conditions(if_match=provider.head_object("a").etag)
        upload = uploads.start_upload("a")
        part = uploads.upload_part("a", upload, 1, BytesBody(b"12345"))
        with pytest.raises(PreconditionFailed):
            uploads.complete_upload("a", upload, [part], conditions=wrong)
        assert get(provider, "a") == b"old"
        uploads.complete_upload("a", upload, [part], conditions=right)
        assert get(provider, "a") == b"12345"

    @without("conditional_complete")
    def test_an_upload_that_cannot_create_only_is_refused(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """``NotSupported``; nothing is written."""
        new = Conditions(if_none_match="*")
        upload = uploads.start_upload("a")
        part = uploads.upload_part("a", upload, 1, BytesBody(b"12345"))
        with pytest.raises(NotSupported):
            uploads.complete_upload("a", upload, [part], conditions=new)
        with pytest.raises(ObjectNotFound):
            provider.head_object("a")

    @claims("part_copy")
    def test_a_part_is_copied(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """Of a range of an object, or all of it."""
        size = max(provider.capabilities.min_part_size, 10)
        source = filled(b"0123456789", size + 10)
        provider.put_object("s +\u00e9", BytesBody(source))
        put(provider, "b", data=b"end")
        upload = uploads.start_upload("a")
        piece = ByteRange(first=5, last=size + 4)
        parts = [
            uploads.copy_part("a", upload, 1, "s +\u00e9", byte_range=piece),
            uploads.copy_part("a", upload, 2, "b"),
        ]
        uploads.complete_upload("a", upload, parts)
        assert get(provider, "a") == source[5 : size + 5] + b"end"

    @claims("part_copy")
    @pytest.mark.parametrize("source", ["%41", "a?b=c", "%2541"])
    def test_a_part_is_of_the_object_that_was_named(
        self, provider: Provider, uploads: MultipartUpload, source: str
    ) -> None:
        """Never of one whose key it decodes to; or ``NotSupported``."""
        put(provider, "A", "a", "%41", data=b"wrong")
        put(provider, source, data=b"right")
        upload = uploads.start_upload("b")
        try:
            part = uploads.copy_part("b", upload, 1, source)
        except NotSupported:
            return
        uploads.complete_upload("b", upload, [part])
        assert get(provider, "b") == b"right"

    @claims("part_copy")
    def test_a_part_of_another_version_is_refused(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """``if_match`` decides; a source that is missing is said."""
        etag = provider.put_object("b", BytesBody(b"12345")).etag
        upload = uploads.start_upload("a")
        with pytest.raises(PreconditionFailed):
            uploads.copy_part("a", upload, 1, "b", if_match="0" * 32)
        with pytest.raises(ObjectNotFound):
            uploads.copy_part("a", upload, 1, "missing")
        assert list(uploads.list_parts("a", upload)) == []
        part = uploads.copy_part("a", upload, 1, "b", if_match=etag)
        uploads.complete_upload("a", upload, [part])
        assert get(provider, "a") == b"12345"

    @without("part_copy")
    def test_a_copied_part_that_is_not_claimed_is_refused(
        self, provider: Provider, uploads: MultipartUpload
    ) -> None:
        """``NotSupported``, and the upload has no part."""
        put(provider, "b")
        upload = uploads.start_upload("a")
        with pytest.raises(NotSupported):
            uploads.copy_part("a", upload, 1, "b")
        assert list(uploads.list_parts("a", upload)) == []

    def test_an_upload_needs_a_key_and_a_bucket(
        self, harness: Harness, uploads: MultipartUpload
    ) -> None:
        """``InvalidRequest`` and ``BucketNotFound``, before any part."""
        with pytest.raises(InvalidRequest):
            uploads.start_upload("")
        with pytest.raises(BucketNotFound):
            uploads.start_upload("a", bucket=harness.missing_bucket)


def filled(pattern: bytes, size: int) -> bytes:
    """Return so many bytes of a pattern."""
    return (pattern * (size // len(pattern) + 1))[:size]


def generated(pattern: bytes, size: int) -> CallbackBody:
    """Return a body of a pattern that is never in memory as a whole."""
    return CallbackBody(
        lambda: ChunkStream(itertools.repeat(pattern * 8192), size=size),
        size=size,
    )
