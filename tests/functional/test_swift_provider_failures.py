# SPDX-License-Identifier: Apache-2.0
"""What the Swift provider refuses, survives and shares: a real Swift."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import pathlib
import subprocess
import sys
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from onespace_swift import SwiftProvider
from servers.ports import free_ports
from servers.remote_swift import (
    CountingProxy,
    Swift,
    provider_fixture,  # noqa: F401
    proxy_fixture,  # noqa: F401
    swift_fixture,  # noqa: F401
)

from onespace_core.provider import (
    AlreadyExists,
    BucketAdmin,
    BucketNotFound,
    BytesBody,
    CallbackBody,
    ConnectionFailed,
    IntegrityError,
    InvalidRequest,
    IterableBody,
    PermissionDenied,
    Unauthenticated,
)


@pytest.mark.parametrize(
    "body",
    [
        IterableBody([b"x" * 70000], size=200_000),
        CallbackBody(lambda: BytesBody(b"x" * 200_000).open(), size=100_000),
        CallbackBody(lambda: BytesBody(b"x").open(), size=0),
        CallbackBody(
            lambda: BytesBody(b"x" * 100).open(), size=100, md5="0" * 32
        ),
    ],
    ids=["short", "long", "not-empty", "other-md5"],
)
def test_a_wrong_body_leaves_the_old_object(
    provider: SwiftProvider, body: Any
) -> None:
    provider.put_object("k", BytesBody(b"old"), metadata={"a": "1"})
    with pytest.raises(IntegrityError) as caught:
        provider.put_object("k", body)
    assert (caught.value.op, caught.value.key) == ("put_object", "k")
    assert provider.get_object("k").read() == b"old"
    assert dict(provider.head_object("k").metadata) == {"a": "1"}


def test_an_error_of_the_source_comes_out_as_it_was_raised(
    provider: SwiftProvider,
) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x" * 100_000
        raise BrokenPipeError("the local disk")

    provider.put_object("k", BytesBody(b"old"))
    for size in (200_000, None):
        with pytest.raises(BrokenPipeError, match="the local disk"):
            provider.put_object("k", IterableBody(chunks(), size=size))
    assert provider.get_object("k").read() == b"old"


def test_a_large_body_of_unknown_size_arrives(provider: SwiftProvider) -> None:
    chunk = bytes(range(256)) * 1000
    result = provider.put_object("k", IterableBody(chunk for _ in range(9)))
    assert result.etag == BytesBody(chunk * 9).md5
    assert provider.get_object("k").read() == chunk * 9


def test_wrong_credentials_are_refused_without_showing_them(
    swift: Swift,
) -> None:
    provider = swift.make("b", key="wrong-but-secret")
    with pytest.raises(Unauthenticated, match="option") as caught:
        provider.head_account()
    assert "wrong-but-secret" not in str(caught.value)


def test_an_unreachable_server_is_a_connection_that_failed(
    swift: Swift,
) -> None:
    (port,) = free_ports(["127.0.0.1"])
    provider = swift.make("b", auth_url=f"http://127.0.0.1:{port}/auth/v1.0")
    with pytest.raises(ConnectionFailed, match="refused"):
        provider.head_account()


def test_a_forgotten_token_is_renewed(provider: SwiftProvider) -> None:
    credential = provider._client._credential
    good = credential.current()
    credential._login = dataclasses.replace(good, token="AUTH_tkforgotten")
    provider.put_object("k", BytesBody(b"data" * 50_000))
    assert provider.get_object("k").read() == b"data" * 50_000
    # Where tokens are kept, Swift gives the one that still holds.
    assert credential.current().token != "AUTH_tkforgotten"


def test_a_missing_container_is_told_from_a_missing_object(
    swift: Swift, provider: SwiftProvider
) -> None:
    missing = f"missing-{uuid.uuid4().hex}"
    with pytest.raises(BucketNotFound):
        provider.delete_object("k", bucket=missing)
    with pytest.raises(BucketNotFound):
        provider.put_object("k", BytesBody(b""), bucket=missing)
    with pytest.raises(BucketNotFound):
        provider.list_objects(bucket=missing)
    with pytest.raises(BucketNotFound):
        provider.head_bucket(missing)
    assert provider.delete_object("k") is False


def test_a_bucket_with_objects_is_not_deleted(provider: SwiftProvider) -> None:
    assert isinstance(provider, BucketAdmin)
    provider.put_object("k", BytesBody(b""))
    with pytest.raises(AlreadyExists):
        provider.delete_bucket()


def test_no_name_deletes_a_container(
    provider: SwiftProvider, unique_name: str
) -> None:
    """An empty key would turn DELETE of an object into one of the rest."""
    for key in ("", "\0"):
        with pytest.raises(InvalidRequest):
            provider.delete_object(key)
    provider.put_object("k", BytesBody(b"kept"))
    with pytest.raises(InvalidRequest):
        provider.delete_bucket(f"{unique_name}/k")
    with pytest.raises(InvalidRequest):
        provider.delete_bucket("")
    assert provider.get_object("k").read() == b"kept"


def test_a_storage_policy_is_used_or_refused(
    swift: Swift, unique_name: str
) -> None:
    provider = swift.make(unique_name, storage_policy="no-such-policy")
    with pytest.raises(InvalidRequest, match="no-such-policy"):
        provider.create_bucket()
    with pytest.raises(BucketNotFound):
        provider.head_bucket()


def test_a_second_storage_policy_is_used(
    swift_1x1: Any, unique_name: str
) -> None:
    swift = Swift(swift_1x1.info)
    with urllib.request.urlopen(f"{swift.info['url']}/info") as answer:
        policies = json.load(answer)["swift"]["policies"]
    other = next((p["name"] for p in policies if not p.get("default")), None)
    if other is None:
        pytest.skip("this Swift has one storage policy")
    provider = swift.make(unique_name, storage_policy=other)
    provider.create_bucket(metadata={"color": "Red"})
    _, found, _ = swift.raw("HEAD", unique_name)
    assert found["x-storage-policy"] == other
    assert dict(provider.head_bucket().metadata) == {"color": "Red"}
    provider.delete_bucket()


def test_another_account_can_be_used(swift_1x1: Any, unique_name: str) -> None:
    """As a reseller's user, who may enter every account."""
    swift = Swift(swift_1x1.info)
    admin = next(u for u in swift.info["users"] if u["account"] == "admin")
    options = {
        "user": f"{admin['account']}:{admin['user']}",
        "key": admin["key"],
        "remote_account": swift.account,
    }
    provider = swift.make(unique_name, **options)
    provider.create_bucket()
    provider.put_object("k", BytesBody(b"data"))
    credential = provider._client._credential
    stale = dataclasses.replace(credential.current(), token="AUTH_tkgone")
    credential._login = stale
    provider.put_object("k2", BytesBody(b"data"))
    owner = swift.make(unique_name)
    assert len(owner.list_objects().objects) == 2
    for key in ("k", "k2"):
        owner.delete_object(key)
    owner.delete_bucket()


def test_an_account_that_is_not_ours_is_denied(
    swift_1x1: Any, unique_name: str
) -> None:
    provider = Swift(swift_1x1.info).make(
        unique_name, remote_account="AUTH_test2"
    )
    with pytest.raises(PermissionDenied, match="remote_account"):
        provider.create_bucket()


def test_figures_come_with_head(provider: SwiftProvider) -> None:
    provider.put_object("k", BytesBody(b"12345"))
    info = provider.head_bucket()
    assert (info.object_count, info.bytes_used) == (1, 5)
    assert info.created is not None
    assert provider.head_account().bucket_count is not None


def test_eight_threads_share_one_token_and_few_connections(
    swift: Swift,
    provider: SwiftProvider,
    proxy: CountingProxy,
    unique_name: str,
) -> None:
    shared = swift.make(unique_name, proxy=proxy.url)

    def work(number: int) -> bytes:
        key = f"{number}/../k"
        shared.put_object(key, BytesBody(b"%d" % number))
        return shared.get_object(key).read()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(24)))
    shared.close()
    assert found == [b"%d" % number for number in range(24)]
    logins = [path for _, path in proxy.seen if path.endswith("/auth/v1.0")]
    assert len(logins) == 1
    assert len(proxy.seen) == 1 + 48
    assert proxy.connections <= 10
    assert len(provider.list_objects().objects) == 24


_GREEN = """
import eventlet
eventlet.monkey_patch()
import logging, sys, json
from onespace_core.provider import BytesBody, ProviderSettings
from onespace_swift import SwiftProvider
options, bucket = json.loads(sys.argv[1])
provider = SwiftProvider.from_settings(
    ProviderSettings.from_options(
        (*SwiftProvider.OPTS, *SwiftProvider.TARGET_OPTS), options,
        bucket=bucket),
    logger=logging.getLogger("test"))
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        eventlet.sleep(0)
eventlet.spawn(tick)
def work(n):
    provider.put_object(f"g{n}", BytesBody(b"x" * n * 1000))
    return len(provider.get_object(f"g{n}").read())
pool = eventlet.GreenPool(8)
print(sum(pool.imap(work, range(16))), ticks > 10)
"""


def test_it_works_in_greenthreads(
    swift: Swift, provider: SwiftProvider, unique_name: str
) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-c", _GREEN),
            json.dumps([swift.options, unique_name]),
        ],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == [b"120000", b"True"], done.stderr.decode()


def test_a_tls_server_that_nobody_vouches_for_is_refused(
    swift: Swift, tmp_path: pathlib.Path
) -> None:
    """The port speaks HTTP: TLS must fail, not be given up."""
    url = swift.options["auth_url"].replace("http://", "https://")
    provider = swift.make("b", auth_url=url)
    with pytest.raises(ConnectionFailed):
        provider.head_account()
