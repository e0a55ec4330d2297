# SPDX-License-Identifier: Apache-2.0
# mypy: disable-error-code="type-abstract"
"""The suite's promises on copies made by the store."""

from __future__ import annotations

import pytest

from onespace_core.provider import (
    BucketNotFound,
    BytesBody,
    InvalidRequest,
    NotFound,
    ObjectCopy,
    ObjectNotFound,
    PreconditionFailed,
    Provider,
)
from onespace_core.testing._suite_base import (
    SuiteBase,
    get,
    offered,
    put,
)
from onespace_core.testing._suite_values import AWKWARD_KEYS
from onespace_core.testing.harness import Harness

#: What describes the source of most tests.
_METADATA = {"name": "bl\u00e5 \u4e2d", "both": "1"}
_SYSTEM = {"cache-control": "max-age=60", "content-language": "de"}


class CopyContract(SuiteBase):
    """What ``ObjectCopy`` promises."""

    @pytest.fixture
    def copies(self, provider: Provider) -> ObjectCopy:
        """Return the provider if it offers the protocol."""
        return offered(provider, ObjectCopy)

    @pytest.fixture
    def source(self, provider: Provider, copies: ObjectCopy) -> str:
        """Write an object with everything that one can have."""
        del copies
        provider.put_object(
            "source",
            BytesBody(b"12345"),
            metadata=_METADATA,
            content_type="text/x",
            system=_SYSTEM,
        )
        return "source"

    def test_a_copy_has_all_of_its_source(
        self, provider: Provider, copies: ObjectCopy, source: str
    ) -> None:
        """Bytes, metadata, type and headers; the source stays."""
        done = copies.copy_object(source, "a")
        info = provider.head_object("a")
        assert get(provider, "a") == get(provider, source) == b"12345"
        assert dict(info.metadata) == _METADATA
        assert dict(info.system) == _SYSTEM
        assert info.content_type == "text/x"
        assert done.etag in (info.etag, None)
        assert '"' not in (done.etag or "")

    def test_a_copy_with_metadata_has_nothing_else(
        self, provider: Provider, copies: ObjectCopy, source: str
    ) -> None:
        """None of the source's metadata, headers or type is left."""
        metadata = {"both": "2", "new": "\u00e9"}
        copies.copy_object(source, "a", metadata=metadata)
        info = provider.head_object("a")
        assert get(provider, "a") == b"12345"
        assert dict(info.metadata) == metadata
        assert dict(info.system) == {}
        assert info.content_type == "application/octet-stream"

    def test_a_copy_with_everything_has_that(
        self, provider: Provider, copies: ObjectCopy, source: str
    ) -> None:
        """Metadata that is empty, a type and headers."""
        system = {"content-disposition": 'attachment; filename="a b"'}
        copies.copy_object(
            source, "a", metadata={}, content_type="text/y", system=system
        )
        info = provider.head_object("a")
        assert dict(info.metadata) == {}
        assert dict(info.system) == system
        assert info.content_type == "text/y"

    def test_a_copy_replaces_the_old_object(
        self, provider: Provider, copies: ObjectCopy, source: str
    ) -> None:
        """Nothing of what was there is left."""
        provider.put_object("a", BytesBody(b"old"), metadata={"old": "1"})
        copies.copy_object(source, "a")
        assert get(provider, "a") == b"12345"
        assert dict(provider.head_object("a").metadata) == _METADATA

    @pytest.mark.parametrize(
        "metadata", [None, {"n": "1"}], ids=["keeping", "replacing"]
    )
    def test_a_copy_onto_itself_keeps_the_bytes(
        self,
        provider: Provider,
        copies: ObjectCopy,
        source: str,
        metadata: dict[str, str] | None,
    ) -> None:
        """With the metadata that was asked for."""
        copies.copy_object(source, source, metadata=metadata)
        info = provider.head_object(source)
        assert get(provider, source) == b"12345"
        wanted = _METADATA if metadata is None else metadata
        assert dict(info.metadata) == wanted
        assert dict(info.system) == (_SYSTEM if metadata is None else {})

    @pytest.mark.parametrize("key", AWKWARD_KEYS.values(), ids=AWKWARD_KEYS)
    def test_an_awkward_key_is_copied(
        self, provider: Provider, copies: ObjectCopy, key: str
    ) -> None:
        """Source and copy are those very keys."""
        put(provider, key, data=key.encode())
        copies.copy_object(key, "a copy")
        assert get(provider, "a copy") == key.encode()
        provider.delete_object(key)
        copies.copy_object("a copy", key)
        assert get(provider, key) == key.encode()

    def test_only_that_version_is_copied(
        self, provider: Provider, copies: ObjectCopy, source: str
    ) -> None:
        """Another version is ``PreconditionFailed``; nothing is written."""
        put(provider, "a", data=b"old")
        with pytest.raises(PreconditionFailed):
            copies.copy_object(source, "a", if_match="0" * 32)
        assert get(provider, "a") == b"old"
        etag = provider.head_object(source).etag
        copies.copy_object(source, "a", if_match=etag)
        assert get(provider, "a") == b"12345"

    def test_a_source_that_is_missing_leaves_the_old_object(
        self, provider: Provider, harness: Harness, copies: ObjectCopy
    ) -> None:
        """``ObjectNotFound``, or the bucket's."""
        put(provider, "a", data=b"old")
        with pytest.raises(ObjectNotFound):
            copies.copy_object("missing", "a")
        with pytest.raises(NotFound):
            copies.copy_object("a", "a", source_bucket=harness.missing_bucket)
        assert get(provider, "a") == b"old"

    def test_a_copy_to_a_missing_bucket_raises(
        self, harness: Harness, copies: ObjectCopy, source: str
    ) -> None:
        """No bucket is made on the way."""
        with pytest.raises(BucketNotFound):
            copies.copy_object(
                source,
                "a",
                source_bucket=harness.bucket,
                bucket=harness.missing_bucket,
            )

    def test_a_copy_needs_two_keys(
        self, copies: ObjectCopy, source: str
    ) -> None:
        """An empty one is ``InvalidRequest``."""
        for one, other in ((source, ""), ("", "a")):
            with pytest.raises(InvalidRequest):
                copies.copy_object(one, other)
