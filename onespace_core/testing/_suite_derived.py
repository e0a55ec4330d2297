# SPDX-License-Identifier: Apache-2.0
"""The suite's promises on the five derived methods."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping

import pytest

from onespace_core.provider import (
    BytesBody,
    ObjectInfo,
    ObjectNotFound,
    Provider,
    ShuntRequest,
    ShuntResponse,
    SourceObject,
    Upload,
)
from onespace_core.testing._suite_base import (
    SuiteBase,
    claims,
    get,
    put,
)
from onespace_core.testing._suite_reading import LARGE, MANY
from onespace_core.testing.harness import Harness


class UploadContract(SuiteBase):
    """What ``update_metadata`` and ``upload_object`` promise."""

    def test_update_metadata_merges(self, provider: Provider) -> None:
        """What is not named stays, and so do type and bytes."""
        provider.put_object(
            "a",
            BytesBody(b"12345"),
            metadata={"old": "1", "both": "2"},
            content_type="text/plain",
            system={"content-language": "de"},
        )
        assert provider.update_metadata("a", {"both": "3"}) is True
        info = provider.head_object("a")
        assert dict(info.metadata) == {"old": "1", "both": "3"}
        assert info.content_type == "text/plain"
        assert dict(info.system) == {"content-language": "de"}
        assert get(provider, "a") == b"12345"

    def test_update_metadata_without_a_change_does_nothing(
        self, provider: Provider
    ) -> None:
        """False, and the object is as old as before."""
        provider.put_object("a", BytesBody(b"1"), metadata={"m": "1"})
        before = provider.head_object("a")
        assert provider.update_metadata("a", {"m": "1"}) is False
        assert provider.update_metadata("a", {}, remote=before) is False
        assert provider.head_object("a") == before

    def test_update_metadata_of_a_missing_object_raises(
        self, provider: Provider
    ) -> None:
        """Nothing is created."""
        with pytest.raises(ObjectNotFound):
            provider.update_metadata("a", {"m": "1"})

    def test_upload_of_a_new_object_puts_it(self, provider: Provider) -> None:
        """Bytes, type and metadata are the source's."""
        upload = provider.upload_object(source(b"12345", {"m": "v"}))
        assert upload is Upload.PUT
        info = provider.head_object("a")
        assert dict(info.metadata) == {"m": "v"}
        assert info.content_type == "text/plain"
        assert get(provider, "a") == b"12345"

    @claims("etag_is_md5")
    def test_upload_of_the_same_does_nothing(self, provider: Provider) -> None:
        """The object is as old as before."""
        provider.upload_object(source(b"12345", {"m": "v"}))
        before = provider.head_object("a")
        again = provider.upload_object(source(b"12345", {"m": "v"}))
        assert again is Upload.NOOP
        assert provider.head_object("a") == before

    @claims("etag_is_md5")
    def test_upload_of_other_metadata_posts_it(
        self, provider: Provider
    ) -> None:
        """The bytes do not travel again; what is not named is gone."""
        provider.upload_object(source(b"12345", {"old": "v"}))
        upload = provider.upload_object(source(b"12345", {"new": "w"}))
        assert upload is Upload.POST
        assert dict(provider.head_object("a").metadata) == {"new": "w"}
        assert get(provider, "a") == b"12345"

    def test_upload_of_other_bytes_puts_them(self, provider: Provider) -> None:
        """Also where size and metadata are the same."""
        provider.upload_object(source(b"12345", {"m": "v"}))
        upload = provider.upload_object(source(b"54321", {"m": "v"}))
        assert upload is Upload.PUT
        assert get(provider, "a") == b"54321"

    def test_upload_tells_its_progress(self, provider: Provider) -> None:
        """The last word is the size."""
        heard: list[int] = []

        def on_progress(transferred: int, /, **details: object) -> None:
            del details
            heard.append(transferred)

        provider.upload_object(source(LARGE), on_progress=on_progress)
        assert heard[-1] == len(LARGE)
        assert get(provider, "a") == LARGE


class ShuntContract(SuiteBase):
    """What the three shunts promise."""

    def test_shunt_get_answers_the_object(self, provider: Provider) -> None:
        """200, its headers, and a body that can be closed."""
        provider.put_object(
            "a",
            BytesBody(b"12345"),
            metadata={"color": "red"},
            content_type="text/plain",
        )
        response = shunt(provider, "GET")
        headers = lowered(response)
        assert response.status == 200
        assert headers["content-length"] == "5"
        assert headers["content-type"] == "text/plain"
        assert headers["x-object-meta-color"] == "red"
        assert headers["etag"].strip('"') == provider.head_object("a").etag
        assert email.utils.parsedate_to_datetime(headers["last-modified"])
        assert "content-range" not in headers
        assert drained(response) == b"12345"

    def test_shunt_head_answers_without_a_body(
        self, provider: Provider
    ) -> None:
        """The same headers, no bytes."""
        put(provider, "a", data=b"12345")
        got, headed = shunt(provider, "GET"), shunt(provider, "HEAD")
        assert headed.status == 200
        assert lowered(headed) == lowered(got)
        assert drained(headed) == b""
        assert drained(got) == b"12345"

    @pytest.mark.parametrize(
        ("method", "body"), [("GET", b"Not Found"), ("HEAD", b"")]
    )
    def test_shunt_of_a_missing_object_is_404(
        self, provider: Provider, method: str, body: bytes
    ) -> None:
        """A status and its phrase, never an exception."""
        response = shunt(provider, method)
        assert response.status == 404
        assert lowered(response)["content-length"] == "9"
        assert drained(response) == body

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
    def test_shunt_to_an_endpoint_that_is_gone_is_an_answer(
        self, harness: Harness, method: str
    ) -> None:
        """502, 503 or 504 with a length, never an exception."""
        gone = harness.make_unreachable()
        if gone is None:
            pytest.skip("harness: make_unreachable has none")
        response = shunt(gone, method)
        assert response.status in {502, 503, 504}
        body = drained(response)
        if method == "HEAD":
            assert body == b""
        else:
            assert lowered(response)["content-length"] == str(len(body))

    @claims("range_get")
    def test_shunt_of_a_range_is_206_with_content_range(
        self, provider: Provider
    ) -> None:
        """206 if and only if there is a ``Content-Range``."""
        put(provider, "a", data=b"0123456789")
        response = shunt(provider, "GET", {"range": "bytes=2-4"})
        assert response.status == 206
        assert lowered(response)["content-range"] == "bytes 2-4/10"
        assert lowered(response)["content-length"] == "3"
        assert drained(response) == b"234"
        response = shunt(provider, "GET", {"range": "bytes=10-"})
        assert response.status == 416
        drained(response)

    @claims("conditional_get")
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_shunt_conditions_are_answered(
        self, provider: Provider, method: str
    ) -> None:
        """304 without a body and 412, returned and not raised."""
        put(provider, "a")
        etag = f'"{provider.head_object("a").etag}"'
        response = shunt(provider, method, {"if-none-match": etag})
        assert response.status == 304
        assert drained(response) == b""
        response = shunt(provider, method, {"if-match": '"0000"'})
        assert response.status == 412
        drained(response)
        response = shunt(provider, method, {"if-match": etag})
        assert response.status == 200
        drained(response)

    def test_shunt_bodies_closed_unread_use_nothing_up(
        self, provider: Provider
    ) -> None:
        """A client who leaves takes no connection along."""
        put(provider, "a", data=LARGE)
        for _ in range(MANY):
            close(shunt(provider, "GET"))
            response = shunt(provider, "GET")
            assert next(iter(response.body))
            close(response)
        assert drained(shunt(provider, "GET")) == LARGE

    def test_shunt_post_replaces_metadata(self, provider: Provider) -> None:
        """202; a missing object is 404."""
        provider.put_object("a", BytesBody(b"1"), metadata={"old": "1"})
        headers = {"x-object-meta-new": "2", "x-other": "3"}
        assert shunt(provider, "POST", headers).status == 202
        assert dict(provider.head_object("a").metadata) == {"new": "2"}
        assert shunt(provider, "POST", headers, key="b").status == 404

    def test_shunt_delete_deletes(self, provider: Provider) -> None:
        """204; a missing object is 404 where the store says so."""
        put(provider, "a")
        assert shunt(provider, "DELETE").status == 204
        with pytest.raises(ObjectNotFound):
            provider.head_object("a")
        reports = provider.capabilities.delete_reports_missing
        assert shunt(provider, "DELETE").status == (404 if reports else 204)


def source(
    data: bytes, metadata: Mapping[str, str] | None = None
) -> SourceObject:
    """Return an object to upload as ``a``."""
    return SourceObject(
        info=ObjectInfo(
            key="a",
            size=len(data),
            content_type="text/plain",
            metadata=metadata or {},
        ),
        body=BytesBody(data),
    )


def shunt(
    provider: Provider,
    method: str,
    headers: Mapping[str, str] | None = None,
    key: str = "a",
) -> ShuntResponse:
    """Send a client's request."""
    request = ShuntRequest(method=method, headers=headers or {})
    if method == "POST":
        return provider.shunt_post(request, key)
    if method == "DELETE":
        return provider.shunt_delete(request, key)
    return provider.shunt_object(request, key)


def lowered(response: ShuntResponse) -> dict[str, str]:
    """Return the headers by name in lower case."""
    return {name.lower(): value for name, value in response.headers}


def drained(response: ShuntResponse) -> bytes:
    """Return the body; close it."""
    try:
        return b"".join(response.body)
    finally:
        close(response)


def close(response: ShuntResponse) -> None:
    """Close a body as a WSGI server does."""
    closer = getattr(response.body, "close", None)
    if closer is not None:
        closer()
