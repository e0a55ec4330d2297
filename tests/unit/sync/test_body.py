# SPDX-License-Identifier: Apache-2.0
"""A local object as a body that can be sent again."""

import pytest
from servers.fake_source import FakeSource

from onespace_core.swift.source import SourceChangedError, SourceError
from onespace_core.sync.body import LocalBody

T0 = 1700000000


@pytest.fixture
def source():
    made = FakeSource()
    made.put("o", T0, b"0123456789")
    return made


def body_of(source, policy_index=None):
    reader = source.open("o", newest=False)
    source.calls.clear()
    return LocalBody(source, reader, policy_index), reader


def test_it_promises_size_and_digest_of_the_version(source):
    body, reader = body_of(source)
    assert body.size == 10
    assert body.md5 == reader.info.etag
    assert body.replayable


def test_first_open_reads_what_is_open_already(source):
    body, _reader = body_of(source)
    assert body.open().read() == b"0123456789"
    assert source.calls == []
    assert body.bytes_read == 10


def test_try_that_read_nothing_costs_no_second_read(source):
    body, reader = body_of(source)
    body.open().close()
    assert body.open().read() == b"0123456789"
    assert source.calls == []
    assert not reader.closed, "it is its caller's"


def test_second_try_starts_at_the_first_byte_and_closes_what_it_opened(source):
    body, _reader = body_of(source, policy_index=3)
    body.open().read(4)
    again = body.open()
    assert again.read() == b"0123456789"
    again.close()
    assert source.opened[-1].closed
    assert source.policies[-1] == 3
    assert body.bytes_read == 14


def test_second_try_of_an_object_without_bytes_works():
    source = FakeSource()
    source.put("o", T0, b"")
    body, _reader = body_of(source)
    assert body.open().read() == b""
    assert body.open().read() == b""


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.put("o", T0 + 1, b"another"),
        lambda s: s.put("o", T0 + 1, b"0123456789"),
        lambda s: s.delete("o", T0 + 1),
    ],
    ids=["bytes", "timestamp only", "deleted"],
)
def test_second_try_refuses_another_version(source, change):
    body, _reader = body_of(source)
    body.open().read(1)
    change(source)
    with pytest.raises(SourceChangedError):
        body.open()
    assert isinstance(body.failure, SourceChangedError)
    assert all(reader.closed for reader in source.opened[1:])


def test_second_try_finds_the_version_though_the_first_replica_lags(source):
    source.put("o", T0 + 1, b"the newest")
    body, _reader = body_of(source)
    body.open().read(1)
    source.script = [0]
    assert body.open().read() == b"the newest"


def test_what_the_stream_raised_is_kept(source):
    source.cuts["o"] = [3]
    body, _reader = body_of(source)
    stream = body.open()
    assert stream.read(3) == b"012"
    with pytest.raises(SourceError):
        stream.read(3)
    assert isinstance(body.failure, SourceError)


def test_failure_of_an_earlier_try_is_forgotten_by_the_next(source):
    source.cuts["o"] = [3]
    body, _reader = body_of(source)
    stream = body.open()
    stream.read(3)
    with pytest.raises(SourceError):
        stream.read(3)
    assert body.open().read() == b"0123456789"
    assert body.failure is None
