# SPDX-License-Identifier: Apache-2.0
"""What the Swift provider keeps, against a real Swift."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.parse
import urllib.request

import pytest
from onespace_swift import SwiftProvider
from servers.remote_swift import (
    Swift,
    provider_fixture,  # noqa: F401
    swift_fixture,  # noqa: F401
)

from onespace_core.provider import (
    BytesBody,
    InvalidRequest,
    ObjectInfo,
    ObjectNotFound,
    SourceObject,
    Upload,
)

NAMES = [
    "%41",
    "a//b",
    "a/../b",
    "../../etc",
    ".",
    "a?b#c&d=e",
    "line\nbreak",
    "\U0001f600/\U0010fffd",
    " edges ",
    "a+b",
    "x" * 1024,
]

#: Everything that Swift's headers can hold, as far as one value goes.
VALUES = {
    "case": "MiXeD CaSe",
    "percent": "100%41 %zz",
    "accents": "gr\u00f6\u00dfer \u00e0 \u00c5 \u0085 \u00a0",
    "emoji": "\U0001f600",
    "word": "=?UTF-8?B?w6k=?=",
    "empty": "",
    "control": "a\x01\x1b\x7f\0b",
    "lines": "one\r\nX-Evil: 1",
    "edges": "\t both ",
}


def source(
    key: str, data: bytes, metadata: dict[str, str] | None = None
) -> SourceObject:
    body = BytesBody(data)
    return SourceObject(
        info=ObjectInfo(
            key=key, size=len(data), etag=body.md5, metadata=metadata or {}
        ),
        body=body,
    )


def test_every_name_is_an_object_of_its_own(provider: SwiftProvider) -> None:
    for name in NAMES:
        provider.put_object(name, BytesBody(name))
    for name in NAMES:
        assert provider.get_object(name).read() == name.encode()
    listed = [info.key for info in provider.list_objects().objects]
    assert listed == sorted(NAMES, key=str.encode)
    for name in NAMES:
        assert provider.delete_object(name) is True
        assert provider.delete_object(name) is False


def test_metadata_comes_back_as_it_was(provider: SwiftProvider) -> None:
    provider.put_object("k", BytesBody(b""), metadata=VALUES)
    assert dict(provider.head_object("k").metadata) == VALUES
    with provider.get_object("k") as reader:
        assert dict(reader.info.metadata) == VALUES


def test_other_clients_see_ordinary_values_as_they_are(
    swift: Swift, provider: SwiftProvider, unique_name: str
) -> None:
    provider.put_object("k", BytesBody(b""), metadata=VALUES)
    _, found, _ = swift.raw("HEAD", f"{unique_name}/k")
    for name in ("case", "percent", "accents", "emoji", "word", "empty"):
        seen = found[f"x-object-meta-{name}"].encode("latin-1").decode()
        assert seen == VALUES[name]


def test_an_encoded_word_of_somebody_else_is_not_decoded(
    swift: Swift, provider: SwiftProvider, unique_name: str
) -> None:
    words = {"a": "=?UTF-8?Q?=C3=A9?=", "b": "=?UTF-8?B?w6k=?="}
    headers = {f"X-Object-Meta-{name}": words[name] for name in words}
    status, _, _ = swift.raw(
        "PUT", f"{unique_name}/k", **{"Content-Length": "0", **headers}
    )
    assert status == 201
    assert dict(provider.head_object("k").metadata) == words


def test_names_of_metadata_need_not_be_ascii(provider: SwiftProvider) -> None:
    metadata = {"gr\u00f6\u00dfe": "1", "\u65e5\u672c": "2", "a%41": "3"}
    provider.put_object("k", BytesBody(b"1234"), metadata=metadata)
    info = provider.head_object("k")
    assert dict(info.metadata) == metadata
    assert info.size == 4


def test_a_name_that_swift_would_drop_is_refused(
    provider: SwiftProvider,
) -> None:
    with pytest.raises(InvalidRequest):
        provider.put_object("k", BytesBody(b""), metadata={"a_b": "1"})
    assert provider.list_objects().objects == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"a": "v" * 257},
        {"a": "\u00e9" * 200},
        {"n" * 129: "v"},
        {f"n{number}": "v" for number in range(91)},
        {f"n{number}": "v" * 250 for number in range(17)},
    ],
    ids=["value", "non-ascii-value", "name", "count", "total"],
)
def test_metadata_beyond_a_limit_is_refused_and_nothing_written(
    provider: SwiftProvider, metadata: dict[str, str]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        provider.put_object("k", BytesBody(b""), metadata=metadata)
    assert caught.value.request_id
    with pytest.raises(ObjectNotFound):
        provider.head_object("k")


def test_metadata_at_its_limits_is_kept(provider: SwiftProvider) -> None:
    for metadata in (
        {"a": "\u00e9" * 128},
        {"n" * 128: "v" * 256},
        {f"n{number}": "v" for number in range(90)},
    ):
        provider.put_object("k", BytesBody(b""), metadata=metadata)
        assert dict(provider.head_object("k").metadata) == metadata


def test_an_upload_changes_what_differs_and_then_nothing(
    provider: SwiftProvider,
) -> None:
    """Cases 3 and 8: metadata in place, its case kept, then no work."""
    old = source("k", b"data", {"color": "Red"})
    assert provider.upload_object(old) is Upload.PUT
    assert provider.upload_object(old) is Upload.NOOP
    new = source("k", b"data", {"color": "Blue And RED", "x": "a: b"})
    assert provider.upload_object(new) is Upload.POST
    assert provider.upload_object(new) is Upload.NOOP
    info = provider.head_object("k")
    assert dict(info.metadata) == {"color": "Blue And RED", "x": "a: b"}
    other = source("k", b"other", {"color": "Red"})
    assert provider.upload_object(other) is Upload.PUT


def test_post_does_not_undo_a_dynamic_large_object(
    swift: Swift, provider: SwiftProvider, unique_name: str
) -> None:
    provider.put_object("seg/1", BytesBody(b"one"))
    provider.put_object("seg/2", BytesBody(b"two"))
    status, _, _ = swift.raw(
        "PUT",
        f"{unique_name}/k",
        **{
            "Content-Length": "0",
            "X-Object-Manifest": f"{unique_name}/seg/",
            "X-Delete-After": "9999",
        },
    )
    assert status == 201
    expires = swift.raw("HEAD", f"{unique_name}/k")[1]["x-delete-at"]
    assert provider.update_metadata("k", {"color": "red"}) is True
    assert provider.get_object("k").read() == b"onetwo"
    _, found, _ = swift.raw("HEAD", f"{unique_name}/k")
    assert found["x-delete-at"] == expires
    assert found["x-object-meta-color"] == "red"


def test_a_static_large_object_is_read_and_its_etag_is_unquoted(
    swift: Swift, provider: SwiftProvider, unique_name: str
) -> None:
    one = provider.put_object("seg/1", BytesBody(b"one"))
    manifest = json.dumps(
        [{"path": f"/{unique_name}/seg/1", "etag": one.etag}]
    )
    status = _put_manifest(swift, f"{unique_name}/k", manifest.encode())
    assert status == 201
    info = provider.head_object("k")
    assert info.size == 3
    assert info.etag is not None
    assert '"' not in info.etag
    assert provider.get_object("k").read() == b"one"
    (listed,) = provider.list_objects(prefix="k").objects
    assert (listed.etag, listed.size) == (info.etag, 3)
    provider.update_metadata("k", {"color": "red"})
    assert provider.get_object("k").read() == b"one"


def _put_manifest(swift: Swift, path: str, body: bytes) -> int:
    provider = swift.make("x")
    login = provider._client._credential.current()
    parts = urllib.parse.urlsplit(login.storage_url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    with contextlib.closing(connection), contextlib.closing(provider):
        connection.request(
            "PUT",
            f"{parts.path}/{path}?multipart-manifest=put",
            body=body,
            headers={"X-Auth-Token": login.token},
        )
        return connection.getresponse().status
