# SPDX-License-Identifier: Apache-2.0
"""Acceptance cases of plain objects: create, overwrite, metadata, delete."""

import time

import pytest

from onespace_core.provider import BytesBody, ObjectNotFound
from onespace_core.state import Kind
from onespace_core.sync.stamp import STAMP, read_stamp

NAMES = [
    "%41",
    "a+b",
    "a//b",
    "/leading",
    "trailing/",
    "q?x=1&y#z",
    "line\nbreak",
    "\U0001f40d",
    " blank ",
    "ünïcödé/ñ",
    "..",
    "a/../b",
    '"quoted" <&>',
]
#: Names that a server refuses, though S3 allows them: then the object fails
#: alone and is named, and all others are copied.
REFUSED = {
    "minio": {"a//b", "/leading", "..", "a/../b"},
    "moto_server": {"line\nbreak"},
}


def test_cases_1_3_new_object_is_copied_with_everything(any_rig):
    any_rig.put("test_sync", b"hello", Color="Blue", mood="fröhlich")
    done = any_rig.once()
    any_rig.assert_equal()
    info = any_rig.remote_head("test_sync")
    assert info.size == 5
    assert info.etag == "5d41402abc4b2a76b9719d911017c592"
    assert info.metadata["color"] == "Blue"
    assert "copied 1 objects (5 bytes)" in done.stderr


def test_case_2_names_and_bodies_of_any_characters(any_rig):
    for name in NAMES:
        any_rig.put(name, f"body of {name}", about="ü: ,=%")
    refused = REFUSED.get(any_rig.store, set())
    done = any_rig.once(code=1 if refused else 0)
    assert any_rig.there().keys() == set(NAMES) - refused
    for name, held in any_rig.there().items():
        assert held == any_rig.here()[name]
    with any_rig.state() as state:
        assert {entry.name for _, entry in state.entries()} == refused
    for name in refused:
        assert name.replace("\n", "\\n") in done.stderr


def test_case_4_unchanged_objects_cost_nothing_and_are_not_touched(any_rig):
    any_rig.put("one", b"1", about="a b: c")
    any_rig.put("two", b"2")
    any_rig.once()
    before = {n: any_rig.remote_head(n) for n in ("one", "two")}
    (any_rig.state_dir / "sync.sqlite").unlink()
    done = any_rig.once()
    assert "copied 0 objects" in done.stderr
    assert "noop 2" in done.stderr
    after = {n: any_rig.remote_head(n) for n in ("one", "two")}
    assert {n: i.last_modified for n, i in before.items()} == {
        n: i.last_modified for n, i in after.items()
    }


def test_case_5_overwritten_object_is_replaced(any_rig):
    any_rig.put("o", b"old", about="old")
    any_rig.once()
    any_rig.put("o", b"new and longer", about="new")
    any_rig.put("same-length", b"aaa")
    any_rig.once()
    any_rig.put("same-length", b"bbb")
    any_rig.once()
    any_rig.assert_equal()
    assert any_rig.there()["o"].data == b"new and longer"


def test_case_6_zero_bytes_are_an_object(any_rig):
    any_rig.put("empty", b"")
    any_rig.once()
    any_rig.assert_equal()
    assert any_rig.remote_head("empty").size == 0


def test_cases_7_8_changed_metadata_moves_no_bytes(any_rig):
    any_rig.put("o", b"data", "text/x-special", Keep="Me", drop="me")
    any_rig.once()
    any_rig.local.post_object("o", {"Keep": "Me Too", "added": "ünï: 100%"})
    done = any_rig.once()
    assert "copied 0 objects" in done.stderr
    assert "post 1" in done.stderr
    any_rig.assert_equal()
    assert any_rig.there()["o"].metadata == {
        "keep": "Me Too",
        "added": "ünï: 100%",
    }
    assert any_rig.there()["o"].content_type == "text/x-special"
    (any_rig.state_dir / "sync.sqlite").unlink()
    assert "noop 1" in any_rig.once().stderr


@pytest.mark.parametrize("value", ["a b: c", "ünï", "100%", "a=b,c;d", "x  y"])
def test_case_9_any_value_is_found_equal_again(rig, value):
    rig.put("o", b"data", about=value)
    rig.once()
    rig.assert_equal()
    (rig.state_dir / "sync.sqlite").unlink()
    assert "noop 1" in rig.once().stderr


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("\x04w", "=?UTF-8?Q?=04w?="),
        ("h\x04", "=?UTF-8?Q?h=04?="),
        ("\x04" * 5, "=?UTF-8?B?BAQEBAQ=?="),
    ],
)
def test_case_10_control_characters_are_encoded_as_1space_did(
    proxied, value, encoded
):
    rig, proxy = proxied()
    # Our own client escapes control characters, so write as others do.
    rig.connection.put_object(
        rig.container,
        "o",
        b"data",
        headers={"X-Object-Meta-About": value},
    )
    proxy.reset()
    rig.once()
    (put,) = [
        {name.lower(): text for name, text in headers.items()}
        for method, _path, headers in proxy.requests
        if method == "PUT"
    ]
    assert put["x-amz-meta-about"] == encoded
    assert rig.remote_head("o").metadata["about"] == value


def test_case_11_two_hundred_characters_that_are_not_ascii(any_rig):
    # Swift holds values of 256 bytes: 56 characters of two, 144 of one.
    value = "ü" * 56 + "x" * 144
    any_rig.put("o", b"data", about=value, short="é")
    any_rig.put("other", b"data")
    if any_rig.store == "s3api":
        # Encoded it is longer than what the Swift behind it holds.
        done = any_rig.once(code=1)
        assert "longer than 256" in done.stderr
        assert any_rig.there().keys() == {"other"}
        return
    any_rig.once()
    any_rig.assert_equal()
    assert any_rig.remote_head("o").metadata["about"] == value


def test_case_12_changed_content_type_is_carried(any_rig):
    any_rig.put("o", b"data", "text/plain", about="x")
    any_rig.once()
    any_rig.local.post_object("o", {"about": "x"}, content_type="text/html")
    any_rig.once()
    any_rig.assert_equal()
    assert any_rig.there()["o"].content_type == "text/html"


def test_case_13_archived_object_is_put_again_not_copied(proxied):
    rig, proxy = proxied(mapping={"storage_class": "GLACIER"})
    rig.put("o", b"data", about="old")
    rig.once()
    rig.local.post_object("o", {"about": "new"})
    proxy.reset()
    rig.once()
    puts = [
        headers for method, _, headers in proxy.requests if method == "PUT"
    ]
    assert len(puts) == 1
    assert not any(name.lower() == "x-amz-copy-source" for name in puts[0])
    assert rig.remote_head("o").metadata["about"] == "new"


@pytest.mark.parametrize(
    ("prefix", "key"),
    [("pre-", "pre-/k"), ("", "k"), ("/a/b/", "a/b/k")],
)
def test_case_19_custom_prefix_is_where_objects_go(make_rig, prefix, key):
    rig = make_rig(mapping={"custom_prefix": prefix or '""'})
    rig.put("k", b"data")
    rig.once()
    with rig.remote.get_object(key) as reader:
        assert reader.read() == b"data"


def test_case_20_key_of_a_container_with_a_small_hash(make_rig):
    rig = make_rig(container="c156")
    rig.put("k", b"data")
    rig.once()
    assert rig.account == "AUTH_test"
    with rig.remote.get_object("322f/AUTH_test/c156/k") as reader:
        assert reader.read() == b"data"
    rig.local.delete_object("k")


def test_case_21_deleted_object_is_deleted_there(any_rig):
    any_rig.put("gone", b"data")
    any_rig.put("stays", b"data")
    any_rig.once()
    any_rig.local.delete_object("gone")
    done = any_rig.once()
    any_rig.assert_equal()
    assert any_rig.there().keys() == {"stays"}
    assert "deleted 1" in done.stderr


def test_case_21_manifest_that_1space_wrote_goes_with_its_object(rig):
    rig.put("large", b"data")
    rig.remote.put_object(
        rig.layout.key("large"),
        BytesBody(b"parts"),
        metadata={"x-static-large-object": "True"},
    )
    rig.remote.put_object(rig.layout.manifest_key("large"), BytesBody(b"[]"))
    rig.local.delete_object("large")
    rig.once()
    for key in (rig.layout.key("large"), rig.layout.manifest_key("large")):
        with pytest.raises(ObjectNotFound):
            rig.remote.head_object(key)


def test_case_22_deletions_are_not_propagated_if_switched_off(proxied):
    rig, proxy = proxied(mapping={"propagate_delete": "false"})
    rig.put("o", b"data")
    rig.once()
    rig.local.delete_object("o")
    proxy.reset()
    rig.once()
    assert proxy.requests == []
    assert rig.there().keys() == {"o"}


def test_case_23_deleting_what_is_gone_already_is_a_success(any_rig):
    any_rig.put("o", b"data")
    any_rig.once()
    any_rig.remote.delete_object(any_rig.layout.key("o"))
    any_rig.local.delete_object("o")
    done = any_rig.once()
    assert "deleted 1" in done.stderr
    assert "failed 0" in done.stderr


def test_case_27_copy_that_is_newer_than_the_tombstone_survives(any_rig):
    any_rig.put("o", b"data")
    any_rig.once()
    info = any_rig.remote_head("o")
    stamp = read_stamp(info.metadata)
    newer = f"{float(stamp.timestamp) + 1000:.5f} {stamp.etag}"
    any_rig.remote.post_object(
        any_rig.layout.key("o"), {**info.metadata, STAMP: newer}
    )
    any_rig.local.delete_object("o")
    done = any_rig.once()
    assert any_rig.there().keys() == {"o"}
    assert "delete superseded 1" in done.stderr


def test_case_28_excluded_names_are_left_alone_live_or_deleted(make_rig):
    rig = make_rig(mapping={"exclude_pattern": r"tmp/|.*\.bak"})
    rig.put("tmp/x", b"data")
    rig.put("a.bak", b"data")
    rig.put("kept", b"data")
    rig.once()
    assert rig.there().keys() == {"kept"}
    rig.remote.put_object(rig.layout.key("tmp/x"), BytesBody(b"theirs"))
    rig.local.delete_object("tmp/x")
    rig.once()
    assert rig.there()["tmp/x"].data == b"theirs"


def test_newest_write_wins_over_a_copy_from_another_node(any_rig):
    any_rig.put("o", b"data")
    any_rig.once()
    info = any_rig.remote_head("o")
    stamp = read_stamp(info.metadata)
    newer = f"{float(stamp.timestamp) + 1000:.5f} {stamp.etag}"
    any_rig.remote.put_object(
        any_rig.layout.key("o"), BytesBody(b"newer"), metadata={STAMP: newer}
    )
    (any_rig.state_dir / "sync.sqlite").unlink()
    done = any_rig.once()
    assert "remote newer 1" in done.stderr
    assert any_rig.there()["o"].data == b"newer"


def test_large_bodies_are_replaced_too(any_rig):
    any_rig.put("o", b"a" * 5_000_000)
    any_rig.once()
    any_rig.put("o", b"b" * 5_000_001)
    any_rig.put("p", b"c" * 3_000_000)
    any_rig.once()
    any_rig.assert_equal()


def test_symlinks_are_reported_as_skipped_never_dropped(rig):
    rig.put("target", b"x" * 10)
    rig.connection.put_object(
        rig.container,
        "link",
        b"",
        headers={"X-Symlink-Target": f"{rig.container}/target"},
    )
    done = rig.once()
    assert rig.there().keys() == {"target"}
    assert "skipped 1" in done.stderr
    assert "link" in done.stderr
    with rig.state() as state:
        ((_key, entry),) = state.entries()
    assert (entry.name, entry.kind) == ("link", Kind.SKIPPED)
    assert "symlink" in entry.reason


def test_name_of_1024_bytes_fails_alone_and_is_named(rig):
    long = "n" * 1024
    rig.put(long, b"data")
    rig.put("other", b"data")
    done = rig.once(code=1)
    assert rig.there().keys() == {"other"}
    assert long in done.stderr
    with rig.state() as state:
        ((_key, entry),) = state.entries()
    assert entry.name == long
    assert "1024" in entry.reason


def test_name_of_1024_bytes_reaches_another_swift(swift_rig):
    swift_rig.put("n" * 1024, b"data")
    swift_rig.once()
    swift_rig.assert_equal()


def test_case_100_nothing_to_do_opens_no_connection(proxied):
    rig, proxy = proxied()
    rig.put("o", b"data")
    rig.once()
    proxy.reset()
    rig.once()
    with rig.daemon() as daemon:
        time.sleep(2)
        assert rig.stop(daemon) == 0
    assert proxy.requests == []
