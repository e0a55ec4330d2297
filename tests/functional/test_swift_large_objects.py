# SPDX-License-Identifier: Apache-2.0
"""Large objects, copies, expiry and access lists at real Swifts."""

from __future__ import annotations

import contextlib
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import swiftclient
from onespace_swift import SwiftProvider
from servers.remote_swift import (
    Swift,
    provider_fixture,  # noqa: F401
)

from onespace_core.provider import (
    EXPIRY,
    BytesBody,
    Conditions,
    InvalidRequest,
    Manifest,
    NotSupported,
    ObjectNotFound,
    PreconditionFailed,
    Segment,
    ServiceUnavailable,
)


@pytest.fixture(
    scope="module", name="swift", params=["standalone", "swift_1x1"]
)
def swift_fixture(request: pytest.FixtureRequest) -> Swift:
    return Swift(request.getfixturevalue(request.param).info)


@pytest.fixture
def client(swift: Swift) -> Iterator[swiftclient.Connection]:
    """Somebody else's view of the same objects."""
    connection = swiftclient.Connection(
        swift.options["auth_url"],
        swift.options["user"],
        swift.options["key"],
        retries=0,
    )
    with contextlib.closing(connection):
        yield connection


def written(provider: SwiftProvider, name: str, *keys: str) -> list[Segment]:
    """Write objects that hold their own names; return them as segments."""
    return [
        Segment(
            bucket=name,
            key=key,
            size=len(key.encode()),
            etag=provider.put_object(key, BytesBody(key)).etag,
        )
        for key in keys
    ]


def bytes_of(provider: SwiftProvider, key: str) -> bytes:
    return provider.get_object(key).read()


# -- static large objects --------------------------------------------------


def test_others_see_a_static_large_object(
    provider: SwiftProvider,
    client: swiftclient.Connection,
    unique_name: str,
) -> None:
    segments = written(provider, unique_name, "s/1", "s/2")
    done = provider.put_manifest("k", segments, metadata={"m": "\u00e9"})
    found, data = client.get_object(unique_name, "k")
    assert data == b"s/1s/2"
    assert found["x-static-large-object"] == "True"
    assert found["x-object-meta-m"] == "\u00e9"
    assert found["etag"] == f'"{done.etag}"'
    info = provider.head_object("k")
    assert (info.etag, info.size) == (done.etag, 6)
    # What Swift says of it is no metadata of the user's.
    assert dict(info.metadata) == {"m": "\u00e9"}


@pytest.mark.parametrize("key", ["s/\u00e9 100%41", "x" * 100])
def test_a_segment_that_is_missing_is_named(
    provider: SwiftProvider, unique_name: str, key: str
) -> None:
    good = written(provider, unique_name, "s/1")
    bad = Segment(bucket=unique_name, key=key)
    with pytest.raises(InvalidRequest, match="404 Not Found") as caught:
        provider.put_manifest("k", [*good, bad])
    assert key in str(caught.value)
    assert provider.list_objects(prefix="k").objects == []


def test_more_segments_than_swift_takes(
    provider: SwiftProvider, unique_name: str
) -> None:
    provider.put_object("k", BytesBody(b"old"))
    (one,) = written(provider, unique_name, "s")
    with pytest.raises(InvalidRequest, match="more segments") as caught:
        provider.put_manifest("k", [one] * 1001)
    assert caught.value.status == 413
    assert bytes_of(provider, "k") == b"old"


def test_a_large_object_may_be_a_segment(
    provider: SwiftProvider, unique_name: str
) -> None:
    one, two = written(provider, unique_name, "s/1", "s/2")
    etag = provider.put_manifest("inner", [one, two]).etag
    inner = Segment(bucket=unique_name, key="inner", size=6, etag=etag)
    part = Segment(
        bucket=unique_name, key="inner", size=6, etag=etag, first=2, last=3
    )
    provider.put_manifest("whole", [inner, one])
    assert bytes_of(provider, "whole") == b"s/1s/2s/1"
    assert provider.get_manifest("whole") == Manifest(segments=(inner, one))
    provider.put_manifest("ranges", [part, inner])
    assert bytes_of(provider, "ranges") == b"1s" + b"s/1s/2"
    assert provider.get_manifest("ranges") == Manifest(segments=(part, inner))


def test_manifests_of_other_clients(
    provider: SwiftProvider, client: swiftclient.Connection, unique_name: str
) -> None:
    written(provider, unique_name, "seg")

    def put(entry: str) -> None:
        client.put_object(
            unique_name,
            "k",
            f'[{{"path": "{unique_name}/seg"}}, {entry}]',
            query_string="multipart-manifest=put",
        )

    put(f'{{"path": "/{unique_name}/seg", "range": "-2"}}')
    manifest = provider.get_manifest("k")
    assert manifest is not None
    whole, end = manifest.segments
    assert (whole.size, whole.first, whole.last) == (3, 0, None)
    assert (end.size, end.first, end.last) == (3, 1, 2)
    put('{"data": "aGVsbG8="}')
    with pytest.raises(NotSupported, match="bytes of its own"):
        provider.get_manifest("k")
    assert bytes_of(provider, "k") == b"seghello"


def test_a_static_manifest_only_where_there_is_nothing(
    provider: SwiftProvider, unique_name: str
) -> None:
    segments = written(provider, unique_name, "s/1", "s/2")
    provider.put_object("k", BytesBody(b"old"))
    with pytest.raises(PreconditionFailed):
        provider.put_manifest(
            "k", segments, conditions=Conditions(if_none_match="*")
        )
    assert bytes_of(provider, "k") == b"old"


# -- dynamic large objects -------------------------------------------------


@pytest.mark.parametrize("prefix", ["/s/", "a/../b/", "s?&=#%2F+ \u00e9"])
def test_others_see_a_dynamic_large_object(
    swift: Swift, provider: SwiftProvider, unique_name: str, prefix: str
) -> None:
    written(provider, unique_name, f"{prefix}2", f"{prefix}1")
    provider.put_dynamic_manifest("k", prefix, segments_bucket=unique_name)
    _, found, data = swift.raw("GET", f"{unique_name}/k")
    assert data.decode() == f"{prefix}1{prefix}2"
    value = urllib.parse.unquote(found["x-object-manifest"])
    assert value == f"{unique_name}/{prefix}"
    assert dict(provider.head_object("k").metadata) == {}
    manifest = provider.get_manifest("k")
    assert manifest == Manifest(dynamic=(unique_name, prefix))
    provider.post_object("k", {"m": "1"})
    assert provider.get_manifest("k") == manifest
    assert bytes_of(provider, "k").decode() == f"{prefix}1{prefix}2"


def test_post_keeps_a_manifest_whose_segments_cannot_be_listed(
    provider: SwiftProvider, unique_name: str
) -> None:
    provider.put_dynamic_manifest("k", "s/", segments_bucket="no-such-one")
    manifest = provider.get_manifest("k")
    assert manifest == Manifest(dynamic=("no-such-one", "s/"))
    provider.post_object("k", {"m": "1"})
    assert provider.get_manifest("k") == manifest


# -- copies ----------------------------------------------------------------


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("key", ["copy", "k"])
def test_a_copy_of_a_large_object_is_plain(
    provider: SwiftProvider, unique_name: str, dynamic: bool, key: str
) -> None:
    segments = written(provider, unique_name, "s/1", "s/2")
    if dynamic:
        provider.put_dynamic_manifest(
            "k", "s/", segments_bucket=unique_name, metadata={"m": "1"}
        )
    else:
        provider.put_manifest("k", segments, metadata={"m": "1"})
    etag = provider.head_object("k").etag
    with pytest.raises(PreconditionFailed):
        provider.copy_object("k", key, if_match="0" * 32)
    done = provider.copy_object("k", key, if_match=etag)
    for segment in segments:
        provider.delete_object(segment.key)
    assert bytes_of(provider, key) == b"s/1s/2"
    assert provider.get_manifest(key) is None
    info = provider.head_object(key)
    assert info.etag == done.etag == BytesBody(b"s/1s/2").md5
    assert dict(info.metadata) == {"m": "1"}


@pytest.mark.parametrize("metadata", [None, {"new": "1"}])
def test_a_copy_goes_to_another_container(
    swift: Swift,
    provider: SwiftProvider,
    unique_name: str,
    metadata: dict[str, str] | None,
) -> None:
    end = str(int(time.time()) + 9999)
    provider.put_object(
        "a/../k",
        BytesBody(b"1"),
        metadata={"old": "\u00e9"},
        system={EXPIRY: end},
    )
    other = swift.make(f"{unique_name}-2")
    other.create_bucket()
    try:
        other.copy_object(
            "a/../k", "k", source_bucket=unique_name, metadata=metadata
        )
        info = other.head_object("k")
        assert dict(info.metadata) == (metadata or {"old": "\u00e9"})
        # An expiry goes where the metadata goes.
        assert dict(info.system) == ({} if metadata else {EXPIRY: end})
        other.delete_object("k")
    finally:
        other.delete_bucket()
        other.close()


# -- the end of an object --------------------------------------------------


@pytest.mark.parametrize("when", ["1", "-1", "1.5", "", "soon", "\u0661"])
def test_a_time_that_cannot_be_is_refused(
    provider: SwiftProvider, unique_name: str, when: str
) -> None:
    segments = written(provider, unique_name, "s")
    provider.put_object("k", BytesBody(b"old"), metadata={"m": "1"})
    system = {EXPIRY: when}
    with pytest.raises(InvalidRequest):
        provider.put_object("k", BytesBody(b"new"), system=system)
    with pytest.raises(InvalidRequest):
        provider.post_object("k", {}, system=system)
    with pytest.raises(InvalidRequest):
        provider.put_manifest("k", segments, system=system)
    with pytest.raises(InvalidRequest):
        provider.put_dynamic_manifest(
            "k", "s", segments_bucket=unique_name, system=system
        )
    with pytest.raises(InvalidRequest):
        provider.copy_object("s", "k", metadata={}, system=system)
    assert bytes_of(provider, "k") == b"old"
    info = provider.head_object("k")
    assert (dict(info.metadata), dict(info.system)) == ({"m": "1"}, {})


def test_metadata_changes_and_the_end_stays(
    provider: SwiftProvider, unique_name: str
) -> None:
    end = {EXPIRY: str(int(time.time()) + 9999)}
    segments = written(provider, unique_name, "s")
    provider.put_manifest("k", segments, system=end)
    assert provider.update_metadata("k", {"m": "1"}) is True
    with provider.get_object("k") as reader:
        assert dict(reader.info.system) == end
    provider.post_object("k", {})
    assert dict(provider.head_object("k").system) == {}


def test_a_manifest_ends_and_its_segments_stay(
    provider: SwiftProvider, unique_name: str
) -> None:
    segments = written(provider, unique_name, "s")
    system = {EXPIRY: str(int(time.time()) + 2)}
    provider.put_manifest("k", segments, system=system)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            provider.get_manifest("k")
        except ObjectNotFound:
            break
        time.sleep(0.2)
    with pytest.raises(ObjectNotFound):
        provider.get_object("k")
    assert bytes_of(provider, "s") == b"s"
    # It is listed until Swift's expirer comes by.
    provider.put_object("k", BytesBody(b""))


# -- containers ------------------------------------------------------------


def test_metadata_of_a_container_comes_back_as_it_was(
    provider: SwiftProvider, client: swiftclient.Connection, unique_name: str
) -> None:
    metadata = {
        "unicode": "\u65e5\u672c \U0001f600",
        "case": "MiXeD",
        "percent": "100%41",
        "edges": " both ",
        "lines": "one\r\nX-Evil: 1",
    }
    provider.post_bucket(metadata)
    assert dict(provider.head_bucket().metadata) == metadata
    found = client.head_container(unique_name)
    assert found["x-container-meta-case"] == "MiXeD"
    assert found["x-container-meta-unicode"] == metadata["unicode"]
    provider.post_bucket({"unicode": "", "case": "", "not-there": ""})
    del metadata["unicode"], metadata["case"]
    assert dict(provider.head_bucket().metadata) == metadata


def test_no_name_makes_a_container_that_swift_cannot_list(
    provider: SwiftProvider, client: swiftclient.Connection, unique_name: str
) -> None:
    name = "\u65e5\u672c"
    metadata = {"m": "1", name: "1"}
    with pytest.raises(InvalidRequest, match="cannot list"):
        provider.post_bucket(metadata)
    with pytest.raises(InvalidRequest, match="cannot list"):
        provider.create_bucket(metadata=metadata)
    assert dict(provider.head_bucket().metadata) == {}
    # What Swift does with one, and that it can be mended.
    client.post_container(unique_name, {f"X-Container-Meta-{name}": "1"})
    assert dict(provider.head_bucket().metadata) == {name: "1"}
    with pytest.raises(ServiceUnavailable):
        provider.list_objects()
    provider.post_bucket({name: ""})
    assert provider.list_objects().objects == []


def test_access_lists_let_in_and_shut_out(
    swift: Swift,
    provider: SwiftProvider,
    client: swiftclient.Connection,
    unique_name: str,
) -> None:
    provider.put_object("k", BytesBody(b"data"))
    url = f"{swift.info['url']}/v1/{swift.account}/{unique_name}/k"
    assert status_of(url) in (401, 403)
    provider.post_bucket({}, acl={"read": ".r:*", "write": "a:b"})
    assert status_of(url) == 200
    with pytest.raises(InvalidRequest):
        provider.post_bucket({"m": "1"}, acl={"write": ".r:*"})
    assert dict(provider.head_bucket().metadata) == {}
    provider.post_bucket({"m": "1"}, acl={"read": ""})
    assert status_of(url) in (401, 403)
    found = client.head_container(unique_name)
    assert "x-container-read" not in found
    assert found["x-container-write"] == "a:b"


def status_of(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code
