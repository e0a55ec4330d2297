# SPDX-License-Identifier: Apache-2.0
"""A store that fails: clients are never told what nobody knows."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from servers.proxy import FaultProxy

from onespace_core.provider import BytesBody

MANY = 100

#: What happens to each request, and the statuses of GET and of a listing.
FAULTS: dict[str, tuple[Callable[[FaultProxy], None], int, int]] = {
    "500": (lambda proxy: proxy.fail(MANY, 500), 503, 503),
    "503": (lambda proxy: proxy.fail(MANY, 503), 503, 503),
    "403 with HTML": (
        lambda proxy: proxy.fail(MANY, 403, body=b"<html>no</html>"),
        503,
        503,
    ),
    "401": (lambda proxy: proxy.fail(MANY, 401), 503, 503),
    "301": (
        lambda proxy: proxy.fail(
            MANY,
            301,
            headers={"Location": "http://127.0.0.1:9/"},
        ),
        502,
        502,
    ),
    "no HTTP": (lambda proxy: proxy.garbage(MANY), 503, 503),
    "dropped": (lambda proxy: proxy.lose_response(MANY), 503, 503),
    "nothing for long": (lambda proxy: proxy.delay(4, MANY), 503, 503),
}


@pytest.mark.parametrize("name", FAULTS)
def test_case_S25_S26_D04_a_store_that_fails_is_no_404_and_no_short_listing(
    shunted: Any, faulty: Any, name: str
) -> None:
    rig, proxy = faulty
    fault, status, listing_status = FAULTS[name]
    fault(proxy)
    for method in ("GET", "HEAD"):
        got = shunted.ask(method, rig.container, "name")
        assert got.status in (502, 503), method
        assert got.status == status or method == "HEAD"
        assert (got.headers.get("Retry-After") is None) == (got.status == 502)
        length = int(got.headers["Content-Length"])
        assert method == "HEAD" or length == len(got.data)
        for secret in ("127.0.0.1", rig.bucket, "html"):
            assert secret.encode() not in got.data
    got = shunted.ask("GET", rig.container, query="format=json")
    assert got.status == listing_status


def test_case_H09_a_page_that_is_no_listing_is_an_error(
    shunted: Any, faulty: Any
) -> None:
    rig, proxy = faulty
    for body in (b"<html>hello</html>", b"<ListBucketRes", b""):
        proxy.reset()
        proxy.fail(2, 200, body=body)
        got = shunted.ask("GET", rig.container, query="format=json")
        assert got.status in (502, 503)
        proxy.reset()
        entries = shunted.listing(rig.container)
        assert [entry["name"] for entry in entries] == ["name"]


def test_case_D04_a_mapping_may_prefer_partial_listings(
    shunted: Any, faulty: Any
) -> None:
    rig, proxy = faulty
    text = shunted.conf_file.read_text()
    shunted.write(text + "listing_on_remote_error = partial\n")
    shunted.ask("PUT", rig.container, "here", body=b"")
    proxy.fail(MANY, 500)
    got = shunted.ask("GET", rig.container)
    assert (got.status, got.data) == (200, b"here\n")
    assert got.headers["X-Onespace-Partial"] == "main"
    proxy.reset()
    got = shunted.ask("GET", rig.container)
    assert got.data == b"here\nname\n"
    assert "X-Onespace-Partial" not in got.headers


def test_a_body_that_ends_early_is_never_a_whole_one(
    shunted: Any, faulty: Any
) -> None:
    rig, proxy = faulty
    proxy.cut_response(4, match="GET .*name")
    # Nothing was sent yet: there can be another answer.
    assert shunted.ask("GET", rig.container, "name").status == 503
    assert shunted.ask("GET", rig.container, "name").data == b"0123456789"
    data = b"x" * (1 << 20)
    rig.remote.put_object(rig.layout.key("long"), BytesBody(data))
    proxy.cut_response(1 << 19, match="GET .*long")
    with pytest.raises(urllib3.exceptions.HTTPError):
        shunted.ask("GET", rig.container, "long")
    assert shunted.ask("GET", rig.container, "long").data == data


def test_case_S26_H13_a_dead_store_is_left_alone_and_found_again(
    shunted: Any, faulty: Any
) -> None:
    rig, proxy = faulty
    proxy.lose_response(MANY)
    for _ in range(4):
        assert shunted.ask("GET", rig.container, "name").status == 503
    asked = len(proxy.requests)
    assert 5 <= asked <= 6
    for _ in range(20):
        got = shunted.ask("HEAD", rig.container, "other")
        assert got.status == 503
        assert int(got.headers["Retry-After"]) >= 1
    assert len(proxy.requests) == asked
    # What is local never waits.
    shunted.ask("PUT", rig.container, "here", body=b"x")
    assert shunted.ask("GET", rig.container, "here").status == 200
    proxy.reset()
    time.sleep(5.5)
    assert shunted.ask("GET", rig.container, "name").status == 200
    assert shunted.ask("GET", rig.container, "name").status == 200


def test_case_S26_nobody_listens(shunted: Any, faulty: Any) -> None:
    rig, proxy = faulty
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{sock.getsockname()[1]}"
        text = shunted.conf_file.read_text()
        shunted.write(text.replace(proxy.url, closed))
        got = shunted.ask("GET", rig.container, "name")
        assert (got.status, got.headers["Retry-After"]) == (503, "5")
        assert shunted.ask("GET", rig.container).status == 503


def test_a_bucket_that_is_gone_is_an_operators_error_and_no_404(
    shunted: Any, faulty: Any
) -> None:
    rig, _ = faulty
    text = shunted.conf_file.read_text()
    shunted.write(text.replace(rig.bucket, f"{rig.bucket}-gone"))
    for method in ("GET", "HEAD"):
        assert shunted.ask(method, rig.container, "name").status == 503
    assert shunted.ask("GET", rig.container).status == 503
    assert "BucketNotFound" in shunted.log()


def test_what_is_nowhere_is_asked_for_once(shunted: Any, faulty: Any) -> None:
    rig, proxy = faulty
    for _ in range(3):
        assert shunted.ask("GET", rig.container, "nowhere").status == 404
    assert proxy.count(path="nowhere") == 1
    shunted.ask("PUT", rig.container, "nowhere", body=b"x")
    shunted.ask("DELETE", rig.container, "nowhere")
    rig.remote.put_object(rig.layout.key("nowhere"), BytesBody(b"there"))
    assert shunted.ask("GET", rig.container, "nowhere").status == 200


def test_case_H14_one_provider_serves_all_requests(
    shunted: Any, faulty: Any
) -> None:
    rig, proxy = faulty
    for _ in range(5):
        assert shunted.ask("HEAD", rig.container, "name").status == 200
    assert len(proxy.requests) == 5


def test_case_S28_secrets_are_not_logged(shunted: Any, faulty: Any) -> None:
    rig, proxy = faulty
    shunted.ask("GET", rig.container, "name")
    proxy.fail(MANY, 403)
    shunted.ask("GET", rig.container, "name")
    log = shunted.log()
    assert "PermissionDenied" in log
    secrets = [
        value
        for name, value in rig.options.items()
        if "secret" in name or name == "key"
    ]
    assert secrets
    assert not [secret for secret in secrets if str(secret) in log]
