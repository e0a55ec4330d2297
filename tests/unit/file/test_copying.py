# SPDX-License-Identifier: Apache-2.0
"""Copies within a folder, beyond what the contract suite looks at."""

import os

import pytest
from onespace_file import writer

from onespace_core.provider import (
    BucketNotFound,
    BytesBody,
    IntegrityError,
    InvalidRequest,
    NotSupported,
    ObjectNotFound,
    PreconditionFailed,
    ServiceUnavailable,
)

BYTES = b"0123456789" * 20_000


def data_file(place, key):
    (found,) = place.glob(f"{key}%v*")
    return found


def test_a_damaged_object_is_not_copied(provider, place):
    provider.put_object("a", BytesBody(BYTES))
    provider.put_object("b", BytesBody(b"old"))
    file = data_file(place, "a")
    file.write_bytes(b"X" + BYTES[1:])
    with pytest.raises(IntegrityError):
        provider.copy_object("a", "b")
    assert provider.get_object("b").read() == b"old"
    with pytest.raises(IntegrityError):
        provider.copy_object("a", "a", metadata={"m": "1"})
    assert file.read_bytes() == b"X" + BYTES[1:]
    assert os.listdir(place / "%tmp") == []


@pytest.fixture
def meanwhile(monkeypatch):
    """A function that has something done while bytes are copied, once."""
    receive = writer._receive

    def make(change):
        def changing(body, temp):
            monkeypatch.setattr(writer, "_receive", receive)
            change()
            return receive(body, temp)

        monkeypatch.setattr(writer, "_receive", changing)

    return make


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_a_source_that_changes_meanwhile_is_copied_as_it_was(
    provider, meanwhile, change
):
    provider.put_object("a", BytesBody(BYTES), metadata={"m": "1"})
    if change == "replaced":
        meanwhile(lambda: provider.put_object("a", BytesBody(b"new")))
    else:
        meanwhile(lambda: provider.delete_object("a"))
    provider.copy_object("a", "b")
    assert provider.get_object("b").read() == BYTES
    assert dict(provider.head_object("b").metadata) == {"m": "1"}


@pytest.mark.parametrize(
    ("only", "kind"), [(False, ServiceUnavailable), (True, PreconditionFailed)]
)
def test_a_copy_onto_itself_never_undoes_a_newer_write(
    provider, meanwhile, only, kind
):
    etag = provider.put_object("a", BytesBody(BYTES)).etag
    if_match = etag if only else None
    meanwhile(lambda: provider.put_object("a", BytesBody(b"new")))
    with pytest.raises(kind):
        provider.copy_object("a", "a", metadata={}, if_match=if_match)
    assert provider.get_object("a").read() == b"new"
    provider.put_object("a", BytesBody(BYTES))
    meanwhile(lambda: provider.delete_object("a"))
    with pytest.raises(kind):
        provider.copy_object("a", "a", metadata={}, if_match=if_match)
    with pytest.raises(ObjectNotFound):
        provider.head_object("a")


def test_a_copy_is_a_file_of_its_own(provider, place):
    provider.put_object("a", BytesBody(BYTES))
    provider.copy_object("a", "b")
    provider.create_bucket("other")
    provider.copy_object("a", "c", bucket="other")
    provider.delete_object("a")
    assert data_file(place, "b").stat().st_nlink == 1
    assert provider.get_object("b").read() == BYTES
    assert provider.get_object("c", bucket="other").read() == BYTES


def test_errors_say_what_is_missing(provider):
    provider.put_object("a", BytesBody(b"1"))
    with pytest.raises(ObjectNotFound) as caught:
        provider.copy_object("missing", "b")
    assert caught.value.key == "missing"
    with pytest.raises(BucketNotFound) as caught:
        provider.copy_object("a", "b", bucket="missing")
    assert caught.value.bucket == "missing"


def test_nothing_stays_open_and_nothing_is_left(provider, place):
    provider.put_object("a", BytesBody(b"1"))
    before = os.listdir("/proc/self/fd")
    provider.copy_object("a", "a", metadata={})
    refused = [
        (BucketNotFound, {"bucket": "missing"}),
        (InvalidRequest, {"content_type": "text/x"}),
        (InvalidRequest, {"system": {}}),
        (NotSupported, {"metadata": {}, "system": {"x-delete-at": "9" * 10}}),
    ]
    for kind, changes in refused:
        with pytest.raises(kind):
            provider.copy_object("a", "b", **changes)
    with pytest.raises(InvalidRequest):
        provider.copy_object("a", "")
    assert os.listdir("/proc/self/fd") == before
    assert len(list(place.glob("a%v*"))) == 1
    assert os.listdir(place / "%tmp") == []
