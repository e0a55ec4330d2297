# SPDX-License-Identifier: Apache-2.0
"""The five derived methods, with faults that no healthy store shows."""

import datetime
import functools

import pytest

from onespace_core.provider import (
    BytesBody,
    Capabilities,
    ConnectionFailed,
    IntegrityError,
    ObjectInfo,
    OperationTimeout,
    PermissionDenied,
    RateLimited,
    ShuntRequest,
    SourceObject,
    Upload,
)
from onespace_core.testing.faulty import Fault, FaultyLayer
from onespace_core.testing.leaks import LeakTracker, LeakTrackingLayer
from onespace_core.testing.memory import MemoryProvider, MemoryStore

DATA = b"0123456789"
WRITTEN = datetime.datetime(2024, 5, 6, 7, 8, 9, 500, tzinfo=datetime.UTC)
HTTP_DATE = "Mon, 06 May 2024 07:08:09 GMT"


@pytest.fixture
def memory():
    store = MemoryStore("b", clock=lambda: WRITTEN)
    memory = MemoryProvider(store, bucket="b")
    memory.put_object("k", BytesBody(DATA), metadata={"m": "v"})
    memory.calls.clear()
    return memory


@pytest.fixture
def shunt(memory):
    """Send a request past a list of faults; fail if a reader stays open."""
    with LeakTracker() as tracker:

        def send(method, headers=(), *faults, key="k"):
            layer = LeakTrackingLayer(FaultyLayer(memory, faults), tracker)
            request = ShuntRequest(method=method, headers=dict(headers))
            response = layer.shunt_object(request, key)
            send.open = tracker.still_open()
            try:
                body = b"".join(response.body)
            finally:
                close = getattr(response.body, "close", None)
                if close is not None:
                    close()
            return response.status, dict(response.headers), body

        yield send


def ops(memory):
    return [call.op for call in memory.calls]


def test_case_95_a_network_error_is_502_bad_gateway(shunt):
    fault = Fault(error=ConnectionFailed)
    status, headers, body = shunt("GET", (), fault)
    assert (status, body) == (502, b"Bad Gateway")
    assert headers["Content-Length"] == "11"
    assert shunt.open == []


def test_case_95_the_body_of_a_404_is_its_phrase(shunt):
    status, headers, body = shunt("GET", key="missing")
    assert (status, body) == (404, b"Not Found")
    assert headers["Content-Length"] == "9"
    assert shunt.open == []


@pytest.mark.parametrize("key", ["k", "missing"])
def test_case_95_the_body_of_a_head_is_empty(shunt, key):
    _status, _headers, body = shunt("HEAD", key=key)
    assert body == b""
    assert shunt.open == []


def test_case_95_the_connection_is_held_until_the_body_is_closed(shunt):
    assert shunt("GET")[2] == DATA
    assert shunt.open == ["reader of k"]  # and the fixture: none at the end


def test_case_95_a_body_that_breaks_raises_and_gives_its_connection_back(
    shunt,
):
    with pytest.raises(IntegrityError):
        shunt("GET", (), Fault(truncate=4))


def test_case_96_a_range_is_206_with_a_content_range(shunt):
    status, headers, body = shunt("GET", {"range": "bytes=2-4"})
    assert (status, body) == (206, b"234")
    assert headers["Content-Range"] == "bytes 2-4/10"
    assert headers["Content-Length"] == "3"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"range": ""},
        {"range": "bytes=0-1,3-4"},
        {"range": "bytes=5-2"},
        {"range": "bytes=a-b"},
        {"range": "bytes=-"},
        {"range": "bytes=\u00b2-"},
        {"range": "lines=0-1"},
        {"range": "bytes=0-1", "if-range": '"another version"'},
    ],
)
def test_case_96_what_is_no_single_range_is_a_whole_200(shunt, headers):
    status, headers, body = shunt("GET", headers)
    assert (status, body) == (200, DATA)
    assert "Content-Range" not in headers


@pytest.mark.parametrize(
    ("value", "expected"), [("bytes=7-", b"789"), ("bytes=-2", b"89")]
)
def test_case_96_open_ranges_pass(shunt, value, expected):
    assert shunt("GET", {"range": value})[2] == expected


def test_case_96_a_range_behind_the_end_is_416(shunt):
    assert shunt("GET", {"range": "bytes=10-"})[0] == 416


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_case_96_conditions_are_returned_and_not_raised(shunt, memory, method):
    etag = memory.head_object("k").etag
    earlier = "Mon, 06 May 2024 07:08:08 GMT"
    expected = {
        ("if-none-match", f'"{etag}"'): 304,
        ("if-none-match", f'W/"{etag}"'): 304,
        ("if-none-match", "*"): 304,
        ("if-none-match", '"other"'): 200,
        ("if-match", f'"{etag}"'): 200,
        ("if-match", "*"): 200,
        ("if-match", '"other"'): 412,
        ("if-match", f'W/"{etag}"'): 412,
        ("if-modified-since", HTTP_DATE): 304,
        ("if-modified-since", earlier): 200,
        ("if-unmodified-since", HTTP_DATE): 200,
        ("if-unmodified-since", earlier): 412,
        ("if-modified-since", "not a date"): 200,
        ("if-modified-since", "Fri, 31 Dec 9999 23:59:59 -2300"): 200,
    }
    statuses = {pair: shunt(method, [pair])[0] for pair in expected}
    assert statuses == expected


def test_case_96_a_304_has_no_body(shunt):
    assert shunt("GET", {"if-none-match": "*"}) == (304, {}, b"")


def test_a_retry_after_is_passed_on(shunt):
    error = functools.partial(RateLimited, retry_after=7.4)
    status, headers, body = shunt("GET", (), Fault(error=error))
    assert (status, body) == (503, b"Service Unavailable")
    assert headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("error", "status"), [(PermissionDenied, 503), (OperationTimeout, 504)]
)
def test_our_own_troubles_are_not_the_clients(shunt, error, status):
    assert shunt("GET", (), Fault(error=error))[0] == status


def test_a_metadata_value_is_never_a_header_line(shunt, memory):
    memory.put_object(
        "k", BytesBody(b""), metadata={"m": "a\r\nSet-Cookie: b\0"}
    )
    _status, headers, _body = shunt("GET")
    assert headers["X-Object-Meta-M"] == "a  Set-Cookie: b "


def test_headers_of_the_object_are_passed_on(shunt, memory):
    memory.put_object(
        "k",
        BytesBody(DATA),
        content_type="text/plain",
        system={"cache-control": "no-store"},
    )
    _status, headers, _body = shunt("HEAD")
    assert headers == {
        "Content-Length": "10",
        "Content-Type": "text/plain",
        "Etag": memory.head_object("k").etag,
        "Last-Modified": HTTP_DATE,
        "Cache-Control": "no-store",
    }


def upload(memory, data=DATA, **info):
    source = SourceObject(
        info=ObjectInfo(key="k", size=len(data), **info), body=BytesBody(data)
    )
    return memory.upload_object(source)


def test_what_is_there_already_costs_one_head(memory):
    assert upload(memory, metadata={"m": "v"}) is Upload.NOOP
    assert ops(memory) == ["head_object"]


def test_other_metadata_costs_a_head_and_a_post(memory):
    assert upload(memory, metadata={"m": "w"}) is Upload.POST
    assert ops(memory) == ["head_object", "post_object"]


def test_other_bytes_cost_a_head_and_a_put(memory):
    assert upload(memory, b"9876543210") is Upload.PUT
    assert ops(memory) == ["head_object", "put_object"]


def test_an_etag_that_is_no_md5_proves_nothing(memory):
    blind = MemoryProvider(
        memory.store, bucket="b", capabilities=Capabilities()
    )
    assert upload(blind, metadata={"m": "v"}) is Upload.PUT


def test_a_head_that_fails_is_not_taken_for_missing(memory):
    layer = FaultyLayer(
        memory, [Fault(op="head_object", error=ConnectionFailed)]
    )
    with pytest.raises(ConnectionFailed):
        upload(layer)
    assert ops(memory) == []


def test_update_metadata_with_a_head_at_hand_asks_no_more(memory):
    remote = memory.head_object("k")
    memory.calls.clear()
    assert memory.update_metadata("k", {"m": "v"}, remote=remote) is False
    assert ops(memory) == []
    assert memory.update_metadata("k", {"n": "w"}, remote=remote) is True
    assert ops(memory) == ["post_object"]
    assert memory.head_object("k").metadata == {"m": "v", "n": "w"}
