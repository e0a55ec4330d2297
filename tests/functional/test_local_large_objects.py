# SPDX-License-Identifier: Apache-2.0
"""What local large objects are made of, beside what Swift itself serves."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid

import pytest
import swiftclient
from servers.local_swift import local_swift

from onespace_core.swift.source import (
    LocalKind,
    ManifestError,
    SourceChangedError,
)


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


class World:
    """A container of a real Swift, from both sides."""

    def __init__(self, info, local):
        user = info["users"][0]
        self.account = f"AUTH_{user['account']}"
        self.swift = swiftclient.Connection(
            info["auth_url"],
            f"{user['account']}:{user['user']}",
            user["key"],
            retries=0,
        )
        self.local = local
        self.container = f"lärge {uuid.uuid4().hex[:8]}"
        self.segments = self.container + "%41 segments"
        self.swift.put_container(self.container)
        self.swift.put_container(self.segments)
        self.source = local.container(self.account, self.container)

    def put(self, name, data, container=None, **headers):
        self.swift.put_object(
            container or self.container, name, data, headers=headers
        )
        return data

    def segment(self, name, data):
        return self.put(name, data, self.segments)

    def path(self, name, container=None):
        return f"/{container or self.segments}/{name}"

    def slo(self, name, *entries):
        """Put a static large object of entries as a client writes them."""
        self.swift.put_object(
            self.container,
            name,
            json.dumps(
                [
                    {"path": entry} if isinstance(entry, str) else entry
                    for entry in entries
                ]
            ),
            query_string="multipart-manifest=put",
        )

    def dlo(self, name, target, body=b""):
        self.put(name, body, **{"X-Object-Manifest": target})

    def served(self, name):
        return self.swift.get_object(self.container, name)[1]

    def check(self, name):
        """Compare the pieces with what Swift serves; return the manifest."""
        manifest = self.source.manifest(name)
        served = self.served(name)
        assert self.source.content(manifest) == served
        assert manifest.size == len(served)
        assert manifest.info == self.source.head(name)
        assert all(piece.length > 0 for piece in manifest.pieces)
        return manifest


@pytest.fixture(scope="module")
def standalone_local(standalone):
    with local_swift(standalone.info) as local:
        yield local


@pytest.fixture
def world(standalone, standalone_local):
    return World(standalone.info, standalone_local)


# -- static ------------------------------------------------------------------


def test_static_large_object(world):
    data = [world.segment(name, name.encode() * 9) for name in ("ä b", "%41")]
    world.slo("o", world.path("ä b"), world.path("%41"))
    manifest = world.check("o")
    assert manifest.info.kind is LocalKind.SLO
    assert [piece.name for piece in manifest.pieces] == ["ä b", "%41"]
    assert all(piece.whole for piece in manifest.pieces)
    assert manifest.members == tuple(
        (world.segments, name, md5(body))
        for name, body in zip(("ä b", "%41"), data, strict=True)
    )
    assert md5(manifest.raw) == manifest.info.etag
    assert [entry["bytes"] for entry in json.loads(manifest.raw)] == [36, 27]
    assert manifest.dynamic is None


def test_case_61_ranges_inline_bytes_and_an_empty_segment(world):
    world.segment("a", b"0123456789")
    world.segment("empty", b"")
    world.slo(
        "o",
        {"path": world.path("a"), "range": "2-4"},
        {"data": base64.b64encode(b"inline").decode()},
        {"path": world.path("a"), "range": "-3"},
        {"path": world.path("a"), "range": "0-"},
        {"path": world.path("empty")},
    )
    assert world.served("o") == b"234inline7890123456789"
    manifest = world.check("o")
    assert [
        (piece.name, piece.first, piece.last, piece.size)
        for piece in manifest.pieces
    ] == [
        ("a", 2, 4, 10),
        ("", 0, 5, 6),
        ("a", 7, 9, 10),
        ("a", 0, 9, 10),
    ]
    assert [name for _, name, _ in manifest.members] == ["a", "empty"]


def test_case_60_nested_ones_with_ranges(world):
    for name in "abc":
        world.segment(name, name.upper().encode() * 10)
    world.slo(
        "inner",
        world.path("a"),
        {"data": base64.b64encode(b"-inline-").decode()},
        {"path": world.path("b"), "range": "1-8"},
    )
    inner = world.path("inner", world.container)
    world.slo("middle", {"path": inner, "range": "8-20"}, world.path("c"))
    middle = world.path("middle", world.container)
    world.slo(
        "outer",
        {"path": middle, "range": "1-14"},
        inner,
        {"path": middle, "range": "10-"},
    )
    manifest = world.check("outer")
    members = {name: etag for _, name, etag in manifest.members}
    assert set(members) == {"inner", "middle", "a", "b", "c"}
    assert len(members) == len(manifest.members)
    assert members["inner"] == world.source.head("inner").etag


def test_nested_as_deep_as_swift_reads_and_no_deeper(world):
    world.segment("a", b"deep")
    path = world.path("a")
    for level in range(1, 12):
        world.slo(f"level{level}", path)
        path = world.path(f"level{level}", world.container)
    world.check("level10")
    with pytest.raises(swiftclient.ClientException):
        world.served("level11")
    with pytest.raises(ManifestError, match="level1 is nested"):
        world.source.manifest("level11")


def test_nested_one_that_is_gone_or_changed_is_named(world):
    world.segment("a", b"a")
    world.segment("b", b"bb")
    world.slo("inner", world.path("a"))
    world.slo("outer", world.path("inner", world.container))
    world.slo("inner", world.path("b"))
    with pytest.raises(ManifestError, match="/inner is another one"):
        world.source.manifest("outer")
    world.put("inner", b"plain")
    with pytest.raises(ManifestError, match="/inner is no static"):
        world.source.manifest("outer")
    world.swift.delete_object(world.container, "inner")
    with pytest.raises(ManifestError, match="/inner is missing"):
        world.source.manifest("outer")
    with pytest.raises(swiftclient.ClientException):
        world.served("outer")


def test_manifest_of_another_version_is_refused(world):
    world.segment("a", b"a")
    world.slo("o", world.path("a"))
    old = world.source.head("o")
    world.slo("o", world.path("a"))
    with pytest.raises(SourceChangedError):
        world.source.manifest_of(old)
    world.swift.delete_object(world.container, "o")
    with pytest.raises(SourceChangedError):
        world.source.manifest_of(old)


def test_plain_object_has_no_manifest(world):
    world.put("o", b"[]")
    with pytest.raises(ManifestError, match="no large object"):
        world.source.manifest("o")


def test_upload_through_the_s3_api(world, standalone):
    boto3 = pytest.importorskip("boto3")
    from botocore.config import Config

    user = standalone.info["users"][0]
    s3 = boto3.client(
        "s3",
        endpoint_url=standalone.info["s3_endpoint"],
        aws_access_key_id=f"{user['account']}:{user['user']}",
        aws_secret_access_key=user["key"],
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    bucket = f"b-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="ö/o")["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(
                Bucket=bucket,
                Key="ö/o",
                UploadId=upload,
                PartNumber=number,
                Body=bytes([number]) * size,
            )["ETag"],
        }
        for number, size in ((1, 5 * 2**20), (2, 7))
    ]
    s3.complete_multipart_upload(
        Bucket=bucket,
        Key="ö/o",
        UploadId=upload,
        MultipartUpload={"Parts": parts},
    )
    world.container = bucket
    world.source = world.local.container(world.account, bucket)
    manifest = world.check("ö/o")
    assert {container for container, _, _ in manifest.members} == {
        f"{bucket}+segments"
    }


# -- dynamic -----------------------------------------------------------------


def test_case_69_dynamic_large_object_whose_header_is_encoded(world):
    for name in ("a%b/ö 2", "a%b/ö 10", "a%b/ö", "a%b/x", "a%b", "z"):
        world.segment(name, f"<{name}>".encode())
    quoted = swiftclient.client.quote(f"{world.segments}/a%b/ö")
    world.dlo("o", quoted, body=b"not part of it")
    manifest = world.check("o")
    assert manifest.dynamic == (world.segments, "a%b/ö")
    assert manifest.raw == b"not part of it"
    assert [piece.name for piece in manifest.pieces] == [
        "a%b/ö",
        "a%b/ö 10",
        "a%b/ö 2",
    ]
    assert manifest.members == tuple(
        (world.segments, piece.name, piece.etag) for piece in manifest.pieces
    )


def test_case_67_empty_dynamic_large_object_and_empty_segment(world):
    quoted = swiftclient.client.quote(f"{world.segments}/p")
    world.dlo("o", quoted)
    assert world.check("o").pieces == ()
    world.segment("p1", b"")
    world.segment("p2", b"data")
    manifest = world.check("o")
    assert [piece.name for piece in manifest.pieces] == ["p2"]
    assert [name for _, name, _ in manifest.members] == ["p1", "p2"]


def test_dynamic_one_among_its_own_segments_gives_its_body(world):
    target = swiftclient.client.quote(f"{world.container}/o")
    world.dlo("o", target, body=b"<own body>")
    world.put("o-1", b"<one>")
    world.dlo("o-2", target, body=b"<another manifest>")
    assert world.served("o") == b"<own body><one><another manifest>"
    manifest = world.check("o")
    assert [piece.name for piece in manifest.pieces] == ["o", "o-1", "o-2"]
    assert [name for _, name, _ in manifest.members] == ["o-1", "o-2"]


@pytest.fixture(params=["ours", "the cluster's"])
def any_pipeline(request, world, standalone):
    """The world, read through each pipeline of InternalClient."""
    if request.param == "ours":
        yield world
        return
    path = standalone.info["internal_client_path"]
    with local_swift(standalone.info, path) as local:
        world.source = local.container(world.account, world.container)
        yield world


def test_static_one_among_the_segments_is_served_as_nonsense(any_pipeline):
    world = any_pipeline
    world.segment("a", b"bytes of a")
    world.slo("p-static", world.path("a"))
    world.dlo("o", swiftclient.client.quote(f"{world.container}/p-"))
    assert world.served("o") == world.source.read("p-static")[1][:10]
    with pytest.raises(ManifestError, match=r"p-static .* static"):
        world.source.manifest("o")


def test_symlink_among_the_segments_is_served_as_nonsense(any_pipeline):
    world = any_pipeline
    world.segment("a", b"bytes of a")
    link = swiftclient.client.quote(f"{world.segments}/a")
    world.put("p-link", b"", **{"X-Symlink-Target": link})
    world.dlo("o", swiftclient.client.quote(f"{world.container}/p-"))
    assert world.served("p-link") == b"bytes of a"
    assert world.served("o") == b""
    with pytest.raises(ManifestError, match=r"p-link .* symlink"):
        world.source.manifest("o")


def test_dynamic_one_without_its_container_is_named(world):
    world.dlo("o", "nowhere/p")
    with pytest.raises(ManifestError, match="nowhere of o is missing"):
        world.source.manifest("o")
    with pytest.raises(swiftclient.ClientException):
        world.served("o")


def test_container_of_other_storage_policy(swift_1x1):
    with local_swift(swift_1x1.info) as local:
        world = World(swift_1x1.info, local)
        world.segments += " silver"
        world.swift.put_container(
            world.segments, {"X-Storage-Policy": "silver"}
        )
        world.segment("a", b"0123456789")
        world.slo("o", {"path": world.path("a"), "range": "1-2"})
        assert world.source.content(world.check("o")) == b"12"
