# SPDX-License-Identifier: Apache-2.0
# mypy: disable-error-code="type-abstract"
"""The suite's promises on the life of an upload, and on copied parts."""

from __future__ import annotations

import pytest

from onespace_core.provider import (
    BucketNotFound,
    ByteRange,
    BytesBody,
    Conditions,
    InvalidRequest,
    MultipartUpload,
    NotSupported,
    ObjectNotFound,
    PreconditionFailed,
    Provider,
)
from onespace_core.testing._suite_base import (
    claims,
    get,
    put,
    settle,
    walk,
    without,
)
from onespace_core.testing._suite_multipart import UploadsBase, filled
from onespace_core.testing.harness import Harness


class UploadsContract(UploadsBase):
    """What ``MultipartUpload`` promises of uploads as such."""

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
