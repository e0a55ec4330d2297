# SPDX-License-Identifier: Apache-2.0
"""Logging in to a real Keystone (case 76).

Keystone 30 has v3 only: what we send to a v2.0 goes to a small fake, written
from the Identity API v2.0 reference (``POST /v2.0/tokens``).
"""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
from collections.abc import Iterator

# From the module: eventlet puts servers of its own at http.server.
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from onespace_swift import SwiftProvider
from servers.keystone import KeystoneSwift
from servers.ports import free_ports

from onespace_core.provider import (
    BytesBody,
    ConfigError,
    ConnectionFailed,
    ProviderSettings,
    Unauthenticated,
)


def make(bucket: str, **options: Any) -> SwiftProvider:
    return SwiftProvider.from_settings(
        ProviderSettings.from_options(
            (*SwiftProvider.OPTS, *SwiftProvider.TARGET_OPTS),
            options,
            bucket=bucket,
        ),
        logger=logging.getLogger("test"),
    )


def account_of(provider: SwiftProvider) -> str:
    login = provider._client._credential.current()
    return login.storage_url.rpartition("/")[2]


@pytest.mark.parametrize("path", ["", "/v3", "/v3/"])
def test_case_76_objects_land_in_the_projects_account(
    keystone_swift: KeystoneSwift, unique_name: str, path: str
) -> None:
    options = {
        **keystone_swift.options,
        "auth_url": f"{keystone_swift.url}{path}",
    }
    provider = make(unique_name, **options)
    provider.create_bucket()
    provider.put_object("k", BytesBody(b"data"), metadata={"a": "\u00e9"})
    assert account_of(provider) == keystone_swift.account
    assert provider.get_object("k").read() == b"data"
    provider.delete_object("k")
    provider.delete_bucket()


def test_case_76_a_revoked_token_is_replaced(
    keystone_swift: KeystoneSwift, unique_name: str
) -> None:
    provider = make(unique_name, **keystone_swift.options)
    provider.create_bucket()
    old = provider._client._credential.current()
    assert old.lifetime is not None
    assert 0 < old.lifetime <= 3600
    keystone_swift.client.tokens.revoke_token(old.token)
    provider.put_object("k", BytesBody(b"data"))
    assert provider._client._credential.current().token != old.token
    provider.delete_object("k")
    provider.delete_bucket()


def test_case_76_another_account_is_used_and_kept_when_the_token_ends(
    keystone_swift: KeystoneSwift, unique_name: str
) -> None:
    seller = make(
        unique_name,
        **keystone_swift.reseller,
        remote_account=keystone_swift.account,
    )
    seller.create_bucket()
    credential = seller._client._credential
    credential._login = dataclasses.replace(
        credential.current(), token="forgotten"
    )
    seller.put_object("k", BytesBody(b"data"))
    owner = make(unique_name, **keystone_swift.options)
    assert owner.get_object("k").read() == b"data"
    owner.delete_object("k")
    owner.delete_bucket()


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"key": "wrong-secret"}, ["user", "key"]),
        ({"project_name": "none"}, ["user", "key"]),
        ({"region": "Nowhere"}, ["region", "endpoint_type"]),
        ({"endpoint_type": "internal"}, ["region", "endpoint_type"]),
    ],
)
def test_a_login_that_fails_names_the_options(
    keystone_swift: KeystoneSwift, changed: dict[str, str], names: list[str]
) -> None:
    provider = make("b", **{**keystone_swift.options, **changed})
    with pytest.raises(Unauthenticated) as caught:
        provider.head_account()
    for name in names:
        assert name in str(caught.value)
    assert "wrong-secret" not in f"{caught.value} {caught.value.__cause__!r}"


def test_an_unreachable_keystone_is_a_connection_that_failed(
    keystone_swift: KeystoneSwift,
) -> None:
    (port,) = free_ports(["127.0.0.1"])
    options = {
        **keystone_swift.options,
        "auth_url": f"http://127.0.0.1:{port}/v3",
    }
    with pytest.raises(ConnectionFailed):
        make("b", **options).head_account()


def test_case_76_everything_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        make(
            "b",
            auth_type="keystone_v3",
            auth_url="http://h/v3",
            user="u",
            key="k",
        )
    for name in ("project_name", "project_domain_name", "user_domain_name"):
        assert name in str(caught.value)


def test_logs_show_neither_password_nor_token(
    keystone_swift: KeystoneSwift, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = make("b", **keystone_swift.options)
    provider.head_account()
    assert provider._client._credential.current().token not in caplog.text
    assert keystone_swift.options["key"] not in caplog.text


class FakeV2(ThreadingHTTPServer):
    """Keystone v2.0 and a Swift that has nothing, noting what is asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _V2Handler)
        self.logins: list[tuple[str, Any]] = []
        self.paths: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _V2Handler(BaseHTTPRequestHandler):
    server: FakeV2

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.logins.append((self.path, json.loads(body)))
        url = f"{self.server.url}/v1/AUTH_tenant"
        access = {
            "token": {
                "id": f"token-{len(self.server.logins)}",
                "expires": "2100-01-01T00:00:00Z",
                "tenant": {"id": "t", "name": "tenant"},
            },
            "user": {"id": "u", "name": "user", "roles": []},
            "serviceCatalog": [
                {
                    "type": "object-store",
                    "name": "swift",
                    "endpoints": [{"region": "One", "publicURL": url}],
                }
            ],
        }
        answer = json.dumps({"access": access}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_HEAD(self) -> None:
        token = self.headers["X-Auth-Token"]
        self.server.paths.append((self.path, token))
        self.send_response(401 if token == "token-1" else 204)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def fake_v2() -> Iterator[FakeV2]:
    with FakeV2() as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}
        )
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("account", "path"),
    [(None, "/v1/AUTH_tenant"), ("AUTH_other", "/v1/AUTH_other")],
)
def test_case_76_version_2_logs_in_with_a_tenant(
    fake_v2: FakeV2, account: str | None, path: str
) -> None:
    provider = make(
        "b",
        auth_type="keystone_v2",
        auth_url=fake_v2.url,
        user="user",
        key="password",
        tenant_name="tenant",
        region="One",
        remote_account=account,
    )
    provider.head_account()
    login = {
        "auth": {
            "passwordCredentials": {
                "username": "user",
                "password": "password",
            },
            "tenantName": "tenant",
        }
    }
    # The first token is refused: the account survives the second login.
    assert fake_v2.logins == [("/v2.0/tokens", login)] * 2
    assert fake_v2.paths == [(path, "token-1"), (path, "token-2")]
