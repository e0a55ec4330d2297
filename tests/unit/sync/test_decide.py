# SPDX-License-Identifier: Apache-2.0
import dataclasses

import pytest

from onespace_core.provider import ObjectInfo
from onespace_core.swift.source import LocalKind, LocalObject
from onespace_core.sync.decide import (
    Action,
    RemoteTraits,
    decide_tombstone,
    is_verified,
)
from onespace_core.sync.decide import decide_live as _decide_live
from onespace_core.sync.stamp import STAMP, Stamp, read_stamp
from onespace_core.sync.travel import ExpiryRules, headers_for

OLD, NOW, NEW = "1700000000.00000", "1700000001.00000", "1700000002.00000"
MD5 = "0" * 32
OTHER_MD5 = "1" * 32
MD5_STORE = RemoteTraits(etag_is_md5=True)
OPAQUE_STORE = RemoteTraits(etag_is_md5=False)

LOCAL = LocalObject(
    name="o",
    timestamp=NOW,
    size=3,
    etag=MD5,
    content_type="text/plain",
    metadata={"color": "Blue"},
    system={},
)


def remote(timestamp=NOW, **changes):
    info = ObjectInfo(
        key="k",
        size=3,
        etag=MD5,
        content_type="text/plain",
        metadata={"color": "Blue", STAMP: Stamp(timestamp, MD5).encode()},
    )
    return dataclasses.replace(info, **changes)


def decide_live(local, there, traits, **options):
    wanted = headers_for(
        local, there, ExpiryRules(), object_expiry=False, now=0.0
    )
    return _decide_live(local, there, wanted, traits, **options)


def test_nothing_there_is_put():
    assert decide_live(LOCAL, None, MD5_STORE) is Action.PUT


def test_equal_copy_is_left_alone():
    assert decide_live(LOCAL, remote(), MD5_STORE) is Action.NOOP


def test_case_4_copy_of_1space_without_a_stamp_is_left_alone():
    plain = remote(metadata={"color": "Blue"})
    assert decide_live(LOCAL, plain, MD5_STORE) is Action.NOOP


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": {"color": "blue"}},
        {"metadata": {}},
        {"metadata": {"color": "Blue", "extra": "1"}},
        {"content_type": "text/html"},
        {"system": {"cache-control": "no-cache"}},
    ],
)
def test_other_headers_are_posted(changes):
    assert decide_live(LOCAL, remote(**changes), MD5_STORE) is Action.POST


def test_case_13_archived_object_with_other_metadata_is_put_again():
    glacier = remote(metadata={}, archived=True)
    assert decide_live(LOCAL, glacier, MD5_STORE) is Action.PUT


@pytest.mark.parametrize("changes", [{"size": 4}, {"etag": OTHER_MD5}])
def test_other_bytes_are_put(changes):
    assert decide_live(LOCAL, remote(**changes), MD5_STORE) is Action.PUT


def test_newest_write_wins_over_an_older_local_version():
    assert decide_live(LOCAL, remote(NEW), MD5_STORE) is Action.REMOTE_NEWER


def test_stamp_stands_for_the_bytes_where_the_etag_is_no_md5():
    opaque = remote(etag="opaque")
    changed = remote(
        etag="opaque", metadata={STAMP: Stamp(NOW, OTHER_MD5).encode()}
    )
    assert decide_live(LOCAL, opaque, OPAQUE_STORE) is Action.NOOP
    assert decide_live(LOCAL, changed, OPAQUE_STORE) is Action.PUT


def test_multipart_etag_is_not_compared_with_an_md5():
    stamped = remote(etag=f"{MD5}-2")
    bare = remote(etag=f"{MD5}-2", metadata={"color": "Blue"})
    assert decide_live(LOCAL, stamped, MD5_STORE) is Action.NOOP
    assert decide_live(LOCAL, bare, MD5_STORE) is Action.PUT


def test_tombstone_deletes_an_older_copy():
    assert decide_tombstone(NEW, remote(NOW), None) is Action.DELETE


def test_tombstone_deletes_a_copy_without_a_stamp():
    bare = remote(metadata={})
    assert decide_tombstone(NEW, bare, None) is Action.DELETE


def test_case_27_old_tombstone_spares_a_newer_copy():
    assert decide_tombstone(OLD, remote(NOW), None) is Action.REMOTE_NEWER


def test_case_27_tombstone_of_a_live_object_does_nothing():
    assert decide_tombstone(OLD, remote(OLD), LOCAL) is Action.NOOP


def test_case_23_nothing_left_to_delete_is_a_success():
    assert decide_tombstone(NOW, None, None) is Action.NOOP


@pytest.mark.parametrize(
    "value",
    ["", "x", f"{NOW}", f"{NOW} xyz", f" {NOW} {MD5}", f"{NOW} {MD5}\n"],
)
def test_stamp_of_another_form_counts_as_none(value):
    assert read_stamp({STAMP: value}) is None


def test_stamp_is_read_as_it_was_written():
    stamp = Stamp(f"{NOW}_0000000000000001", MD5)
    assert read_stamp({STAMP: stamp.encode()}) == stamp


def test_t_01_tombstone_that_we_made_never_deletes_the_copy():
    ours = f"{NOW}_0000000000000001"
    assert decide_tombstone(ours, remote(NOW), None) is Action.REMOTE_NEWER
    theirs = f"{NEW}_0000000000000001"
    assert decide_tombstone(theirs, remote(NOW), None) is Action.DELETE


def test_copy_without_a_stamp_is_not_good_enough_for_an_archive():
    bare = remote(metadata={"color": "Blue"})
    decided = decide_live(LOCAL, bare, MD5_STORE, stamped=True)
    assert decided is Action.POST
    glacier = dataclasses.replace(bare, archived=True)
    decided = decide_live(LOCAL, glacier, MD5_STORE, stamped=True)
    assert decided is Action.PUT


def test_large_copy_of_1space_is_known_by_the_stores_etag():
    slo = dataclasses.replace(LOCAL, kind=LocalKind.SLO)
    bare = remote(etag=f"{OTHER_MD5}-2", metadata={"color": "Blue"})
    assert decide_live(slo, bare, MD5_STORE) is Action.PUT
    known = decide_live(slo, bare, MD5_STORE, etags={f"{OTHER_MD5}-2"})
    assert known is Action.NOOP


@pytest.mark.parametrize(
    ("there", "verified"),
    [
        (remote(), True),
        (None, False),
        (remote(OLD), False),
        (remote(NEW), False),
        (remote(metadata={}), False),
        (remote(size=4), False),
        (remote(etag=OTHER_MD5), False),
        (remote(metadata={STAMP: Stamp(NOW, OTHER_MD5).encode()}), False),
    ],
)
def test_only_this_very_version_is_verified(there, verified):
    assert is_verified(LOCAL, there, MD5_STORE) is verified
