# SPDX-License-Identifier: Apache-2.0
"""``onespace providers verify`` against real servers."""

from __future__ import annotations

import http.client
import logging
import pathlib
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator

# From the module: eventlet puts servers of its own at http.server.
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from onespace_s3 import S3CompatibleProvider, S3Provider
from onespace_swift import SwiftProvider
from servers.s3 import S3Server

from onespace_core.provider import BytesBody, Provider, ProviderSettings

THEIRS = "theirs"


class Place:
    """A bucket with an object of the operator's, and a file that names it.

    :param provider: for setting up, and for looking afterwards.
    :param text: the section of credentials.
    """

    def __init__(
        self, folder: pathlib.Path, provider: Provider, text: str, secret: str
    ) -> None:
        self.provider = provider
        self.secret = secret
        self.file = folder / "onespace.conf"
        self.file.touch(0o600)
        self.file.write_text(f"[credentials:store]\n{text}")
        provider.create_bucket()
        provider.put_object(THEIRS, BytesBody(b"1"))

    def verify(self, bucket: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "onespace_core.cli.main"),
                *("providers", "verify", "--config", str(self.file)),
                *("store", "--bucket", bucket),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert self.secret not in done.stdout + done.stderr
        return done

    def assert_as_it_was(self) -> None:
        page = self.provider.list_objects()
        assert [each.key for each in page.objects] == [THEIRS]

    def remove(self) -> None:
        self.provider.delete_object(THEIRS)
        self.provider.delete_bucket()
        self.provider.close()


def s3_text(kind: str, server: S3Server, **changes: Any) -> str:
    options = server.options(**changes)
    lines = [f"{name} = {value}" for name, value in options.items()]
    return "\n".join([f"provider = {kind}", *lines, ""])


def s3_provider(server: S3Server, bucket: str) -> S3Provider:
    return S3Provider.from_settings(
        ProviderSettings.from_options(
            (*S3Provider.OPTS, *S3Provider.TARGET_OPTS),
            server.options(),
            bucket=bucket,
        ),
        logger=logging.getLogger("test"),
    )


@pytest.fixture
def bucket() -> str:
    return f"verify-{uuid.uuid4().hex[:12]}"


def failures(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [
        line.strip() for line in done.stdout.splitlines() if "FAILED" in line
    ]


@pytest.mark.parametrize("kind", ["s3", "s3-compatible"])
@pytest.mark.parametrize("name", ["s3api", "radosgw"])
def test_a_store_that_is_right_passes(
    request: Any, tmp_path: pathlib.Path, bucket: str, kind: str, name: str
) -> None:
    server = request.getfixturevalue(name)
    place = Place(
        tmp_path,
        s3_provider(server, bucket),
        s3_text(kind, server),
        server.secret_key,
    )
    try:
        done = place.verify(bucket)
        assert (done.returncode, failures(done)) == (0, []), done
        assert done.stderr == ""
        place.assert_as_it_was()
    finally:
        place.remove()


def test_a_store_that_hides_objects_in_listings_is_found_out(
    minio: S3Server, tmp_path: pathlib.Path, bucket: str
) -> None:
    place = Place(
        tmp_path,
        s3_provider(minio, bucket),
        s3_text("s3-compatible", minio),
        minio.secret_key,
    )
    try:
        done = place.verify(bucket)
        assert done.returncode == 1
        (line,) = failures(done)
        assert "goes on after another's" in line
        place.assert_as_it_was()
    finally:
        place.remove()


def test_a_store_that_does_not_look_at_content_md5_is_found_out(
    moto_server: S3Server, tmp_path: pathlib.Path, bucket: str
) -> None:
    place = Place(
        tmp_path,
        s3_provider(moto_server, bucket),
        s3_text("s3", moto_server),
        moto_server.secret_key,
    )
    try:
        done = place.verify(bucket)
        assert done.returncode == 1
        (line,) = failures(done)
        assert "wrong MD5" in line
        assert "does not look at Content-MD5" in line
        place.assert_as_it_was()
    finally:
        place.remove()


@pytest.fixture
def forgetful(s3api: S3Server) -> Iterator[S3Server]:
    """A gateway that drops conditions of writes, before a real server.

    It passes everything else on as it came, so that signatures hold.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

        def pass_on(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            if self.headers.get("Expect"):
                self.send_response_only(100)
                self.end_headers()
            body = self.rfile.read(length)
            skip = {"expect"}
            if self.command == "PUT":
                skip |= {"if-none-match", "if-match"}
            far = http.client.HTTPConnection(
                s3api.host, s3api.port, timeout=30
            )
            far.putrequest(
                self.command,
                self.path,
                skip_host=True,
                skip_accept_encoding=True,
            )
            for name, value in self.headers.items():
                if name.lower() not in skip:
                    far.putheader(name, value)
            far.endheaders(body)
            answer = far.getresponse()
            data = answer.read()
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "connection"}:
                    self.send_header(name, value)
            if answer.getheader("Content-Length") is None:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            far.close()

        do_GET = do_HEAD = do_PUT = do_DELETE = pass_on  # noqa: N815

    gateway = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.daemon_threads = True
    thread = threading.Thread(target=gateway.serve_forever, daemon=True)
    thread.start()
    try:
        yield S3Server(
            name="forgetful",
            endpoint=f"http://127.0.0.1:{gateway.server_port}",
            access_key=s3api.access_key,
            secret_key=s3api.secret_key,
            conditional_writes="create",
        )
    finally:
        gateway.shutdown()
        gateway.server_close()
        thread.join()


def test_a_store_that_ignores_a_condition_is_found_out(
    forgetful: S3Server, s3api: S3Server, tmp_path: pathlib.Path, bucket: str
) -> None:
    text = s3_text("s3-compatible", forgetful, signature_version="s3")
    place = Place(tmp_path, s3_provider(s3api, bucket), text, s3api.secret_key)
    try:
        done = place.verify(bucket)
        assert done.returncode == 1
        (line,) = failures(done)
        assert "ignores If-None-Match" in line
        assert line.endswith("set conditional_writes = no")
        place.assert_as_it_was()
        place.file.write_text(
            place.file.read_text().replace(
                "conditional_writes = create", "conditional_writes = no"
            )
        )
        assert place.verify(bucket).returncode == 0
    finally:
        place.remove()


def test_swift_passes(
    standalone: Any, tmp_path: pathlib.Path, bucket: str
) -> None:
    user = standalone.info["users"][0]
    options = {
        "auth_url": standalone.info["auth_url"],
        "user": f"{user['account']}:{user['user']}",
        "key": user["key"],
    }
    provider = SwiftProvider.from_settings(
        ProviderSettings.from_options(
            (*SwiftProvider.OPTS, *SwiftProvider.TARGET_OPTS),
            options,
            bucket=bucket,
        ),
        logger=logging.getLogger("test"),
    )
    lines = [f"{name} = {value}" for name, value in options.items()]
    text = "\n".join(["provider = swift", *lines, ""])
    place = Place(tmp_path, provider, text, "no secret here")
    try:
        done = place.verify(bucket)
        assert (done.returncode, failures(done)) == (0, []), done
        place.assert_as_it_was()
    finally:
        place.remove()


def test_a_wrong_secret_is_one_line(
    s3api: S3Server, tmp_path: pathlib.Path, bucket: str
) -> None:
    text = s3_text("s3-compatible", s3api, secret_key="wrong")
    place = Place(tmp_path, s3_provider(s3api, bucket), text, s3api.secret_key)
    try:
        done = place.verify(bucket)
        assert done.returncode == 1
        (line,) = failures(done)
        assert "reaches the bucket" in line
    finally:
        place.remove()


def test_a_compatible_store_needs_no_more_than_its_address() -> None:
    assert {opt.dest for opt in S3CompatibleProvider.OPTS if opt.required} == {
        "endpoint"
    }
