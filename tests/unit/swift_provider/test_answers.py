# SPDX-License-Identifier: Apache-2.0
"""Answers that no Swift gives on order, from a scripted server."""

from __future__ import annotations

import io
import logging
import pathlib
import subprocess
import sys

import pytest
from onespace_swift import SwiftProvider
from unit.swift_provider.scripted import (
    KEY,
    TOKEN,
    Script,
    make,
    provider_of,
)

from onespace_core.provider import (
    AlreadyExists,
    BucketNotFound,
    BytesBody,
    CallbackBody,
    ConnectionFailed,
    IntegrityError,
    InvalidRequest,
    IterableBody,
    NotFound,
    ObjectNotFound,
    OperationTimeout,
    PermissionDenied,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    ServiceUnavailable,
    StreamClosed,
    TransientError,
    Unauthenticated,
    UnknownProviderError,
)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad", InvalidRequest),
        ("403 Forbidden", PermissionDenied),
        ("404 Gone", ObjectNotFound),
        ("408 Slow", OperationTimeout),
        ("409 Conflict", ServiceUnavailable),
        ("413 Large", QuotaExceeded),
        ("414 Long", InvalidRequest),
        ("418 Teapot", UnknownProviderError),
        ("422 Wrong", IntegrityError),
        ("429 Many", RateLimited),
        ("498 Rate", RateLimited),
        ("499 Lost", ConnectionFailed),
        ("500 Oops", ServiceUnavailable),
        ("502 Bad", ServiceUnavailable),
        ("503 Down", ServiceUnavailable),
        ("504 Slow", OperationTimeout),
        ("507 Full", ServiceUnavailable),
        ("599 What", ServiceUnavailable),
        ("302 Elsewhere", UnknownProviderError),
    ],
)
def test_a_status_is_an_error_of_the_contract(
    script: Script, provider: SwiftProvider, status: str, kind: type[Exception]
) -> None:
    script.answer(status, b"", "X-Trans-Id: tx123")
    with pytest.raises(ProviderError) as caught:
        provider.head_object("k")
    error = caught.value
    assert type(error) is kind
    assert (error.op, error.provider) == ("head_object", "swift")
    assert (error.bucket, error.key) == ("b", "k")
    assert (error.status, error.request_id) == (int(status[:3]), "tx123")
    assert error.__cause__ is not None


def test_a_conflict_about_a_container_is_no_hiccup(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("409 Conflict")
    with pytest.raises(AlreadyExists):
        provider.delete_bucket()


def test_a_missing_account_is_not_a_missing_bucket(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("404 Not Found")
    with pytest.raises(NotFound) as caught:
        provider.head_account()
    assert type(caught.value) is NotFound
    assert "remote_account" in str(caught.value)


def test_a_missing_object_to_delete_asks_for_the_container(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("404 Not Found")
    script.answer("204 No Content")
    assert provider.delete_object("k") is False
    script.answer("404 Not Found")
    script.answer("404 Not Found")
    with pytest.raises(BucketNotFound):
        provider.delete_object("k")
    assert [r[:2] for r in script.requests] == [
        ("DELETE", "/v1/AUTH_a/b/k"),
        ("HEAD", "/v1/AUTH_a/b"),
    ] * 2


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [("7", 7, 7), ("Fri, 01 Jan 2100 00:00:00 GMT", 1e6, 1e12), ("x", -1, -1)],
)
def test_retry_after_is_seconds_or_a_date(
    script: Script,
    provider: SwiftProvider,
    value: str,
    low: float,
    high: float,
) -> None:
    script.answer("503 Busy", b"", f"Retry-After: {value}")
    with pytest.raises(TransientError) as caught:
        provider.head_object("k")
    found = caught.value.retry_after
    assert low <= (-1 if found is None else found) <= high


def test_the_stores_reason_is_one_short_line_without_secrets(
    script: Script, provider: SwiftProvider
) -> None:
    page = f"<html><h1>Bad</h1>\n<p>{KEY} &amp; {TOKEN}-1</p></html>"
    script.answer("400 Bad", page.encode() + b"x" * 1000)
    with pytest.raises(InvalidRequest) as caught:
        provider.put_object("k", BytesBody(b""))
    text = str(caught.value)
    assert "Bad *** & ***" in text
    assert "\n" not in text
    assert len(text) < 400
    chain = f"{text} {caught.value!r} {caught.value.__cause__!r}"
    assert KEY not in chain
    assert TOKEN not in chain


def test_a_refused_token_is_renewed_once(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("401 Unauthorized")
    script.answer("204 OK", b"", "X-Account-Container-Count: 3")
    assert provider.head_account().bucket_count == 3
    assert script.logins == 2
    tokens = [r[2]["x-auth-token"] for r in script.requests]
    assert tokens == [f"{TOKEN}-1", f"{TOKEN}-2"]


def test_a_second_refusal_is_an_error_that_names_the_options(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("401 Unauthorized")
    script.answer("401 Unauthorized")
    with pytest.raises(Unauthenticated) as caught:
        provider.head_account()
    assert "user" in str(caught.value)
    assert "key" in str(caught.value)
    assert script.logins == 2


def test_a_body_is_sent_again_after_a_refused_token(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("401 Unauthorized")
    script.answer("201 Created")
    provider.put_object("k", BytesBody(b"data"))
    assert [r[3] for r in script.requests] == [b"data", b"data"]


def test_a_body_that_was_read_is_not_sent_again(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("401 Unauthorized")
    with pytest.raises(ServiceUnavailable):
        provider.put_object("k", IterableBody([b"data"], size=4))
    script.answer("201 Created")
    provider.put_object("k", IterableBody([b"data"], size=4))
    assert script.logins == 2


@pytest.mark.parametrize(
    ("login", "kind", "hint"),
    [
        (b"403 Forbidden", Unauthenticated, "key"),
        (b"404 Not Found", Unauthenticated, "auth_url"),
        (b"200 OK", Unauthenticated, "auth_url"),
        (b"503 Busy", ServiceUnavailable, "503"),
    ],
)
def test_a_login_that_fails_says_what_to_check(
    script: Script,
    provider: SwiftProvider,
    login: bytes,
    kind: type[Exception],
    hint: str,
) -> None:
    script.login = b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % login
    with pytest.raises(kind, match=hint) as caught:
        provider.head_account()
    assert KEY not in str(caught.value)


def test_the_account_can_be_replaced_and_stays_so_after_a_renewal(
    script: Script,
) -> None:
    provider = provider_of(script.url, remote_account="AUTH_o\u00e9")
    script.answer("401 Unauthorized")
    script.answer("204 OK")
    provider.head_bucket()
    paths = {request[1] for request in script.requests}
    assert paths == {"/v1/AUTH_o%C3%A9/b"}


def test_post_keeps_what_it_would_lose(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("200 OK", b"", "X-Object-Manifest: c/%41", "X-Delete-At: 99")
    script.answer("202 Accepted")
    provider.post_object("k", {"a": "1"})
    look, sent = (request[2] for request in script.requests)
    assert script.requests[0][1].endswith("/b/k?multipart-manifest=get")
    # A replica that lags behind would not know of the manifest.
    assert look["x-newest"] == "true"
    assert sent["x-object-manifest"] == "c/%41"
    assert "x-delete-at" not in sent
    assert "content-type" not in sent


def test_a_post_that_fails_is_an_error(
    script: Script, provider: SwiftProvider
) -> None:
    script.answer("200 OK")
    script.answer("503 Busy")
    with pytest.raises(ServiceUnavailable):
        provider.update_metadata("k", {"a": "1"})


def test_no_bucket_at_all_is_refused() -> None:
    provider = make(
        bucket=None, auth_url="http://127.0.0.1:1/", user="u", key="k"
    )
    with pytest.raises(InvalidRequest):
        provider.head_bucket()


def test_too_much_for_one_put_is_refused_before_it_is_read() -> None:
    provider = make(auth_url="http://127.0.0.1:1/", user="u", key="k")
    with pytest.raises(InvalidRequest):
        provider.put_object("k", IterableBody([], size=5 * 1024**3 + 1))


def test_a_silent_server_is_a_timeout(script: Script) -> None:
    provider = provider_of(script.url, read_timeout=0.2)
    script.answers.append(b"")
    with pytest.raises(OperationTimeout):
        provider.head_object("k")


def test_calls_after_close_fail(provider: SwiftProvider) -> None:
    provider.close()
    with pytest.raises(StreamClosed):
        provider.head_account()


def test_logs_show_neither_key_nor_token(
    script: Script, provider: SwiftProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script.answer("401 Unauthorized")
    script.answer("204 OK")
    provider.head_bucket()
    assert "/v1/AUTH_a" in caplog.text
    assert KEY not in caplog.text
    assert TOKEN not in caplog.text


def test_a_missing_ca_bundle_is_not_ignored(tmp_path: pathlib.Path) -> None:
    provider = make(
        auth_url="https://127.0.0.1:1/",
        user="u",
        key="k",
        ca_bundle=str(tmp_path / "none.pem"),
    )
    with pytest.raises(ProviderError):
        provider.head_account()


def test_a_body_is_opened_only_when_there_is_a_connection() -> None:
    """T-54: a source that is open while we wait may time out."""
    opened = []

    def opener() -> io.BytesIO:
        opened.append(True)
        return io.BytesIO(b"data")

    provider = make(auth_url="http://127.0.0.1:1/", user="u", key="k")
    with pytest.raises(ConnectionFailed):
        provider.put_object("k", CallbackBody(opener, size=4))
    assert opened == []


def test_a_head_without_a_length_is_an_error(
    script: Script, provider: SwiftProvider
) -> None:
    script.answers.append(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(UnknownProviderError):
        provider.head_object("k")


def test_the_scripted_server_is_none_of_eventlets() -> None:
    """Whoever imported it before: its locks would wait for ever."""
    code = (
        "import http.server\n"
        "from onespace_core import concurrency\n"
        "from unit.swift_provider import scripted\n"
        "with scripted.scripted_server() as script:\n"
        "    script.answer('204 OK')\n"
        "    scripted.provider_of(script.url).head_account()\n"
    )
    tests = pathlib.Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", code], cwd=tests, timeout=60, check=True
    )
