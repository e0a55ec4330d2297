# SPDX-License-Identifier: Apache-2.0
"""Acceptance cases of large objects at stores that take parts."""

import contextlib
import hashlib
import json
import re
import sqlite3

import pytest
from servers.rig import Rig, eventually

from onespace_core.provider import ObjectNotFound
from onespace_core.sync.stamp import STAMP

MIB = 1 << 20
#: Two that S3 takes as parts, and a last one that may be small.
SIZES = (5 * MIB, 5 * MIB, 1024)
STORES = ("moto_server", "radosgw", "minio", "s3api")
COPIES = re.compile(r"copied (\d+) objects \((\d+) bytes\)")


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def etag_of(*parts):
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    return f"{md5(digests)}-{len(parts)}"


def content(size, seed):
    """Return bytes that differ from place to place."""
    block = hashlib.sha512(seed.encode()).digest() * 16
    return (block * (size // len(block) + 1))[:size]


class Large:
    """A rig, with what clients of Swift do with large objects."""

    def __init__(self, rig):
        self.rig = rig
        self.segments = f"{rig.container}_segmënts"
        rig.connection.put_container(self.segments)

    def put_segments(self, *sizes, seed=""):
        parts = {}
        for number, size in enumerate(sizes):
            name = f"sëg/{seed}{number:03}"
            parts[name] = content(size, name)
            self.rig.connection.put_object(self.segments, name, parts[name])
        return parts

    def put_slo(self, name, entries, **metadata):
        """Write a manifest; an entry is a name, or a dict."""
        manifest = [
            {"path": f"/{self.segments}/{entry}"}
            if isinstance(entry, str)
            else entry
            for entry in entries
        ]
        self.rig.connection.put_object(
            self.rig.container,
            name,
            json.dumps(manifest),
            headers={
                "Content-Type": "video/x-special",
                **{f"X-Object-Meta-{k}": v for k, v in metadata.items()},
            },
            query_string="multipart-manifest=put",
        )

    def path(self, name):
        return f"/{self.segments}/{name}"

    def manifest_object(self, name):
        reader = self.rig.remote.get_object(self.rig.layout.manifest_key(name))
        with reader:
            return reader.info, json.loads(reader.read())

    def remote_data(self, name):
        with self.rig.remote.get_object(self.rig.layout.key(name)) as reader:
            return reader.read()

    def open_uploads(self):
        return list(self.rig.remote.list_uploads())

    def forget(self):
        (self.rig.state_dir / "sync.sqlite").unlink()


@pytest.fixture(params=STORES)
def large(request, make_rig):
    return Large(make_rig(request.param))


@pytest.fixture
def large_at_google(make_rig):
    """The program speaks as to Google, to a double of Amazon's."""
    rig = make_rig("moto_server")
    rig.provider = "gcs-interop"
    del rig.options["conditional_writes"]
    rig.write_config()
    return Large(rig)


@pytest.fixture
def proxied_large(proxied):
    rig, proxy = proxied()
    return Large(rig), proxy


def test_cases_46_47_49_slo_is_copied_and_found_again(large):
    parts = large.put_segments(*SIZES)
    large.put_slo("vidëo", parts, Color="Blü")
    done = large.rig.once()
    assert COPIES.search(done.stderr).groups() == ("1", str(sum(SIZES)))
    info = large.rig.remote_head("vidëo")
    assert info.size == sum(SIZES)
    assert info.etag == etag_of(*parts.values())
    assert info.content_type == "video/x-special"
    assert info.metadata["color"] == "Blü"
    assert large.remote_data("vidëo") == b"".join(parts.values())
    noted, entries = large.manifest_object("vidëo")
    assert [entry["name"] for entry in entries] == list(map(large.path, parts))
    assert [entry["bytes"] for entry in entries] == list(SIZES)
    assert noted.content_type == "application/json"
    assert noted.metadata[STAMP] == info.metadata[STAMP]
    assert large.open_uploads() == []
    # The same again, with nothing remembered.
    large.forget()
    done = large.rig.once()
    assert "noop 1" in done.stderr
    assert large.rig.remote_head("vidëo").last_modified == info.last_modified
    # Other metadata: the store copies, nothing is read here.
    large.rig.connection.post_object(
        large.rig.container, "vidëo", {"X-Object-Meta-Color": "Red"}
    )
    done = large.rig.once()
    assert COPIES.search(done.stderr).groups() == ("0", "0")
    assert "post 1" in done.stderr
    changed = large.rig.remote_head("vidëo")
    assert changed.etag == info.etag
    assert changed.metadata["color"] == "Red"
    assert changed.content_type == "video/x-special"
    assert large.remote_data("vidëo") == b"".join(parts.values())
    noted, _entries = large.manifest_object("vidëo")
    assert noted.metadata[STAMP] == changed.metadata[STAMP]
    assert large.open_uploads() == []
    large.forget()
    assert "noop 1" in large.rig.once().stderr


def test_case_48_what_the_store_takes_no_parts_of_is_cut_anew(large):
    parts = large.put_segments(6 * MIB, 10, 6 * MIB)
    large.put_slo("small-middle", parts)
    a, b, c = parts.values()
    first = next(iter(parts))
    large.put_slo(
        "ranges",
        [
            {"path": large.path(first), "range": f"1-{6 * MIB - 2}"},
            {"path": large.path(first), "range": "-7"},
        ],
    )
    large.put_slo(
        "nested",
        [
            {"path": f"/{large.rig.container}/small-middle"},
            {"path": large.path(first)},
        ],
    )
    large.rig.once()
    assert large.remote_data("small-middle") == a + b + c
    assert large.remote_data("ranges") == a[1:-1] + a[-7:]
    assert large.remote_data("nested") == a + b + c + a
    large.forget()
    assert "noop 3" in large.rig.once().stderr


def test_dlo_is_flattened(large):
    parts = large.put_segments(*SIZES)
    large.rig.connection.put_object(
        large.rig.container,
        "dynamic",
        b"",
        headers={"X-Object-Manifest": f"{large.segments}/s%C3%ABg/"},
    )
    large.rig.once()
    info = large.rig.remote_head("dynamic")
    assert info.etag == etag_of(*parts.values())
    assert "x-object-manifest" not in info.metadata
    assert large.remote_data("dynamic") == b"".join(parts.values())
    with pytest.raises(ObjectNotFound):
        large.manifest_object("dynamic")
    large.forget()
    assert "noop 1" in large.rig.once().stderr


def test_large_plain_object_is_sent_in_parts(large):
    large.rig.mapping.update(multipart_threshold="5M", part_size="5M")
    large.rig.write_config()
    data = content(12 * MIB, "plain")
    large.rig.put("big", data, color="Blü")
    large.rig.once()
    info = large.rig.remote_head("big")
    assert info.etag == etag_of(
        data[: 5 * MIB], data[5 * MIB : 10 * MIB], data[10 * MIB :]
    )
    assert large.remote_data("big") == data
    large.forget()
    assert "noop 1" in large.rig.once().stderr


def test_deleted_slo_is_gone_with_its_manifest(large):
    parts = large.put_segments(*SIZES)
    large.put_slo("o", parts)
    large.rig.once()
    large.rig.local.delete_object("o")
    large.rig.once()
    assert large.rig.there() == {}
    with pytest.raises(ObjectNotFound):
        large.manifest_object("o")


def test_overwritten_slo_is_replaced_by_a_plain_object_and_back(large):
    parts = large.put_segments(*SIZES)
    large.put_slo("o", parts)
    large.rig.once()
    large.rig.put("o", b"plain")
    large.rig.once()
    assert large.remote_data("o") == b"plain"
    with pytest.raises(ObjectNotFound):
        large.manifest_object("o")
    large.put_slo("o", list(parts)[1:])
    large.rig.once()
    assert large.remote_data("o") == b"".join(list(parts.values())[1:])
    assert len(large.manifest_object("o")[1]) == 2


def test_case_50_parts_that_are_there_are_not_sent_again(proxied_large):
    large, proxy = proxied_large
    large.rig.mapping["part_workers"] = 1
    large.rig.write_config()
    parts = large.put_segments(*SIZES)
    large.put_slo("o", parts)
    proxy.fail(99, 403, match="PUT .*partNumber=3")
    large.rig.once(code=1)
    with pytest.raises(ObjectNotFound):
        large.rig.remote_head("o")
    assert len(large.open_uploads()) == 1
    proxy.reset()
    with large.rig.state() as state:
        assert [e.name for _key, e in state.entries()] == ["o"]
    _retry(large.rig)
    assert proxy.count("PUT", "partNumber=") == 1
    assert proxy.count("PUT", "partNumber=3") == 1
    assert large.remote_data("o") == b"".join(parts.values())
    assert large.open_uploads() == []


def test_killed_in_the_middle_it_goes_on_where_it_was(proxied_large):
    large, proxy = proxied_large
    large.rig.mapping["part_workers"] = 1
    large.rig.write_config()
    parts = large.put_segments(*SIZES)
    large.put_slo("o", parts)
    proxy.delay(5, match="PUT .*partNumber=3")
    with large.rig.daemon() as process:
        eventually(lambda: proxy.count("PUT", "partNumber=3"))
        process.kill()
        process.wait()
    proxy.reset()
    large.rig.once()
    assert proxy.count("PUT", "partNumber=") == 1
    assert proxy.count("POST", r"\?uploads") == 0
    assert large.remote_data("o") == b"".join(parts.values())
    assert len(large.manifest_object("o")[1]) == 3
    assert large.open_uploads() == []


def test_case_51_manifest_that_failed_comes_with_the_next_visit(
    proxied_large,
):
    large, proxy = proxied_large
    parts = large.put_segments(*SIZES)
    large.put_slo("o", parts)
    proxy.fail(99, 403, match=r"PUT .*\.swift_slo_manifest")
    large.rig.once(code=1)
    assert large.remote_data("o") == b"".join(parts.values())
    with pytest.raises(ObjectNotFound):
        large.manifest_object("o")
    proxy.reset()
    _retry(large.rig)
    assert proxy.count("PUT", "partNumber=") == 0
    assert len(large.manifest_object("o")[1]) == 3
    assert large.open_uploads() == []


def test_lost_answer_of_the_completion_is_no_failure(proxied_large):
    large, proxy = proxied_large
    parts = large.put_segments(*SIZES)
    large.put_slo("o", parts)
    proxy.lose_response(1, match="POST .*uploadId=")
    done = large.rig.once()
    assert COPIES.search(done.stderr).groups() == ("1", str(sum(SIZES)))
    assert large.remote_data("o") == b"".join(parts.values())
    assert len(large.manifest_object("o")[1]) == 3


def test_case_52_slo_with_google_s_configuration(large_at_google):
    large = large_at_google
    parts = large.put_segments(*SIZES)
    large.put_slo("o", parts, Color="Blue")
    large.rig.once()
    assert large.remote_data("o") == b"".join(parts.values())
    assert len(large.manifest_object("o")[1]) == 3
    large.forget()
    assert "noop 1" in large.rig.once().stderr
    large.rig.connection.post_object(
        large.rig.container, "o", {"X-Object-Meta-Color": "Red"}
    )
    done = large.rig.once()
    assert COPIES.search(done.stderr).groups() == ("0", "0")
    info = large.rig.remote_head("o")
    assert info.metadata["color"] == "Red"
    assert info.content_type == "video/x-special"


def test_store_without_parts_gets_one_object(standalone, tmp_path):
    folder, place = tmp_path / "archive", tmp_path / "rig"
    folder.mkdir()
    place.mkdir()
    (folder / ".onespace-store").touch()
    rig = Rig(place, standalone.info, "file", {"folder": str(folder)})
    with contextlib.closing(rig):
        large = Large(rig)
        parts = large.put_segments(*SIZES)
        large.put_slo("o", parts, color="Blue")
        done = rig.once()
        assert COPIES.search(done.stderr).groups() == ("1", str(sum(SIZES)))
        assert large.remote_data("o") == b"".join(parts.values())
        assert len(large.manifest_object("o")[1]) == 3
        large.forget()
        assert "noop 1" in rig.once().stderr
        rig.connection.post_object(
            rig.container, "o", {"X-Object-Meta-Color": "Red"}
        )
        done = rig.once()
        assert rig.remote_head("o").metadata["color"] == "Red"
        rig.local.delete_object("o")
        rig.once()
        assert rig.there() == {}
        with pytest.raises(ObjectNotFound):
            large.manifest_object("o")


def _retry(rig):
    """Run again without waiting until the failed rows are due."""
    path = rig.state_dir / "sync.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE ledger SET due = 0")
        connection.commit()
    return rig.once()
