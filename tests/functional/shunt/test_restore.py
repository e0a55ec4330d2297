# SPDX-License-Identifier: Apache-2.0
"""What a client reads from a store comes back into the local cluster."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import boto3
import botocore.config
import pytest
import urllib3
from servers.proxy import FaultProxy
from servers.rig import Rig

from .conftest import Shunted

RESTORE = {"restore_object": "true", "retain_local": "false"}
STORES = ("moto_server", "minio", "s3api", "swift", "file")


@pytest.fixture(params=STORES)
def rig(request: Any, archive: Any) -> Rig:
    """A rig to each kind of store in turn."""
    return archive(request.param, mapping=RESTORE)


def becomes(wanted: Any, found: Callable[[], Any]) -> None:
    """Wait until something is as wanted: restores end by themselves."""
    end = time.monotonic() + 20
    while (there := found()) != wanted:
        assert time.monotonic() < end, f"{there!r} is not {wanted!r}"
        time.sleep(0.05)


def test_case_S02_S03_what_is_read_is_here_afterwards(
    shunted: Shunted, rig: Rig
) -> None:
    names = {"a/ü %41?b": b"some bytes", "empty": b""}
    for name, data in names.items():
        rig.put(name, data, colour="röt")
    before = {
        name: shunted.ask("HEAD", rig.container, name).headers
        for name in names
    }
    rig.once()
    assert shunted.here(rig.container) == []
    entries = shunted.listing(rig.container)
    assert [len(e["content_location"]) for e in entries] == [1, 1]
    for name, data in names.items():
        got = shunted.ask("GET", rig.container, name)
        assert (got.status, got.data) == (200, data)
        assert "X-Onespace-Location" in got.headers
    becomes(sorted(names), lambda: shunted.here(rig.container))
    entries = shunted.listing(rig.container)
    assert [e["content_location"][-1] for e in entries] == ["swift"] * 2
    for name, data in names.items():
        got = shunted.ask("GET", rig.container, name)
        assert (got.status, got.data) == (200, data)
        assert "X-Onespace-Location" not in got.headers
        for header in ("Etag", "Content-Type", "X-Object-Meta-Colour"):
            assert got.headers[header] == before[name][header]


def test_a_restored_object_is_archived_again_and_not_sent_again(
    shunted: Shunted, archive: Any
) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    rig.put("name", b"some bytes")
    rig.once()
    etag = rig.remote_head("name").etag
    shunted.ask("GET", rig.container, "name")
    becomes(["name"], lambda: shunted.here(rig.container))
    rig.once()
    assert shunted.here(rig.container) == []
    assert rig.remote_head("name").etag == etag
    assert shunted.ask("GET", rig.container, "name").data == b"some bytes"


@pytest.mark.parametrize(
    "headers", [{"Range": "bytes=0-5"}, {"If-None-Match": "*"}]
)
def test_case_S04_a_part_is_not_restored(
    shunted: Shunted, archive: Any, headers: dict[str, str]
) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    rig.put("name", b"0123456789")
    rig.once()
    got = shunted.ask("GET", rig.container, "name", headers=headers)
    assert got.status in (206, 304)
    assert shunted.ask("HEAD", rig.container, "name").status == 200
    time.sleep(0.5)
    assert shunted.here(rig.container) == []


def test_without_the_option_nothing_comes_back(
    shunted: Shunted, archive: Any
) -> None:
    rig = archive("moto_server", mapping={"retain_local": "false"})
    rig.put("name", b"0123456789")
    rig.once()
    assert shunted.ask("GET", rig.container, "name").status == 200
    time.sleep(0.5)
    assert shunted.here(rig.container) == []


def test_the_source_of_a_copy_is_not_restored(
    shunted: Shunted, archive: Any
) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    rig.put("name", b"0123456789")
    rig.once()
    copied = shunted.ask(
        "COPY",
        rig.container,
        "name",
        headers={"Destination": quote(f"{rig.container}/copy")},
    )
    assert copied.status == 201
    time.sleep(0.5)
    assert shunted.here(rig.container) == ["copy"]


def _large(rig: Rig, name: str) -> tuple[str, bytes]:
    """Write a large object of two segments; return where they are."""
    container = f"{rig.container} segments"
    parts = [b"a" * (5 << 20), b"b" * 1000]
    rig.connection.put_container(container)
    manifest = []
    for number, data in enumerate(parts):
        rig.connection.put_object(container, f"ü {name}/{number}", data)
        manifest.append({"path": f"/{container}/ü {name}/{number}"})
    rig.connection.put_object(
        rig.container,
        name,
        json.dumps(manifest),
        query_string="multipart-manifest=put",
        headers={"X-Object-Meta-Colour": "red"},
    )
    return container, b"".join(parts)


@pytest.mark.parametrize("segments_stay", [True, False])
@pytest.mark.parametrize("store", ["moto_server", "minio", "swift"])
def test_case_S07_a_large_object_comes_back_with_its_segments(
    shunted: Shunted, archive: Any, store: str, segments_stay: bool
) -> None:
    rig = archive(store, mapping=RESTORE)
    container, data = _large(rig, "film")
    before = shunted.ask("HEAD", rig.container, "film").headers
    rig.once()
    assert shunted.here(rig.container) == []
    if not segments_stay:
        for number in range(2):
            rig.connection.delete_object(container, f"ü film/{number}")
    got = shunted.ask("GET", rig.container, "film")
    assert (got.status, got.data) == (200, data)
    assert got.headers["X-Static-Large-Object"] == "True"
    becomes(["film"], lambda: shunted.here(rig.container))
    again = shunted.ask("GET", rig.container, "film")
    assert (again.status, again.data) == (200, data)
    for header in ("Etag", "X-Static-Large-Object", "X-Object-Meta-Colour"):
        assert again.headers[header] == before[header]
    assert shunted.here(container) == ["ü film/0", "ü film/1"]


def test_a_segment_that_is_another_one_by_now_is_left_alone(
    shunted: Shunted, archive: Any
) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    container, data = _large(rig, "film")
    rig.once()
    rig.connection.put_object(container, "ü film/1", b"another")
    assert shunted.ask("GET", rig.container, "film").data == data
    time.sleep(1)
    assert shunted.here(rig.container) == []
    kept = rig.connection.get_object(container, "ü film/1")[1]
    assert kept == b"another"


def test_case_S08_without_its_manifest_it_is_read_and_not_restored(
    shunted: Shunted, archive: Any
) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    _, data = _large(rig, "film")
    rig.once()
    rig.remote.delete_object(rig.layout.manifest_key("film"))
    got = shunted.ask("GET", rig.container, "film")
    assert (got.status, got.data) == (200, data)
    time.sleep(0.5)
    assert shunted.here(rig.container) == []
    assert "its manifest is missing" in shunted.log()


def test_case_S30_H1_a_restore_that_fails_does_not_hold_the_client(
    shunted: Shunted, archive: Any
) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    data = b"x" * (20 << 20)
    rig.put("name", data)
    rig.once()
    rig.connection.post_container(
        rig.container, headers={"X-Container-Meta-Quota-Bytes": "1000"}
    )
    got = shunted.ask("GET", rig.container, "name")
    assert (got.status, len(got.data)) == (200, len(data))
    time.sleep(0.5)
    assert shunted.here(rig.container) == []
    assert "413" in shunted.log()


def test_case_S31_H2_a_client_that_leaves_leaves_nothing_behind(
    shunted: Shunted, archive: Any
) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    data = b"x" * (20 << 20)
    rig.put("name", data)
    rig.once()
    url = shunted.info["url"].removeprefix("http://")
    with contextlib.closing(http.client.HTTPConnection(url)) as connection:
        connection.request(
            "GET",
            f"/v1/AUTH_test/{rig.container}/name",
            headers={"X-Auth-Token": shunted.token},
        )
        answer = connection.getresponse()
        assert len(answer.read(100_000)) == 100_000
        answer.close()
    # It lands: else the next one would wait for it.
    got = shunted.ask("GET", rig.container, "name")
    assert got.data == data
    becomes(["name"], lambda: shunted.here(rig.container))


def test_what_a_client_writes_meanwhile_wins(
    shunted: Shunted, archive: Any
) -> None:
    """The restore began before it, whenever it ends."""
    rig = archive("moto_server", mapping=RESTORE)
    data = b"x" * (20 << 20)
    rig.put("name", data)
    rig.once()
    got = shunted.ask("GET", rig.container, "name", preload_content=False)
    assert got.read(100_000) == b"x" * 100_000
    put = shunted.ask("PUT", rig.container, "name", body=b"newer")
    assert put.status == 201
    while got.read(1 << 20):
        pass
    got.release_conn()
    time.sleep(1)
    assert shunted.ask("GET", rig.container, "name").data == b"newer"


def test_what_a_client_deletes_meanwhile_stays_deleted_here(
    shunted: Shunted, archive: Any
) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    data = b"x" * (20 << 20)
    rig.put("name", data)
    rig.once()
    got = shunted.ask("GET", rig.container, "name", preload_content=False)
    assert got.read(100_000) == b"x" * 100_000
    shunted.ask("DELETE", rig.container, "name")
    while got.read(1 << 20):
        pass
    got.release_conn()
    time.sleep(1)
    assert shunted.here(rig.container) == []


def test_a_hundred_readers_make_one_remote_get(
    shunted: Shunted, archive: Any, moto_server: Any
) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    rig.put("name", b"0123456789" * 1000)
    rig.once()
    with FaultProxy(moto_server.host, moto_server.port) as proxy:
        text = rig.config.read_text()
        shunted.write(text.replace(str(rig.options["endpoint"]), proxy.url))
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(
                pool.map(
                    lambda _: shunted.ask("GET", rig.container, "name"),
                    range(100),
                )
            )
        assert {(a.status, len(a.data)) for a in answers} == {(200, 10_000)}
        key = quote(rig.layout.key("name"))
        gets = [
            request
            for request in proxy.requests
            if request.method == "GET" and request.path.endswith(key)
        ]
        assert len(gets) == 1


def test_what_would_expire_still_does(shunted: Shunted, archive: Any) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    when = str(int(time.time()) + 86400)
    rig.connection.put_object(
        rig.container, "name", b"data", headers={"X-Delete-At": when}
    )
    rig.once()
    assert shunted.here(rig.container) == []
    assert shunted.ask("GET", rig.container, "name").data == b"data"
    becomes(["name"], lambda: shunted.here(rig.container))
    head = rig.connection.head_object(rig.container, "name")
    assert head["x-delete-at"] == when


def test_a_store_that_breaks_breaks_the_client_and_leaves_nothing(
    shunted: Shunted, archive: Any, moto_server: Any
) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    data = b"x" * (20 << 20)
    rig.put("name", data)
    rig.once()
    with FaultProxy(moto_server.host, moto_server.port) as proxy:
        text = rig.config.read_text()
        shunted.write(text.replace(str(rig.options["endpoint"]), proxy.url))
        proxy.cut_response(10 << 20, match="^GET .*name")
        got = shunted.ask("GET", rig.container, "name", preload_content=False)
        assert got.status == 200
        assert got.headers["Content-Length"] == str(len(data))
        with pytest.raises(urllib3.exceptions.HTTPError):
            got.read()
        got.close()
        assert shunted.here(rig.container) == []
        # It has landed: the next one waits for nobody, and restores.
        assert shunted.ask("GET", rig.container, "name").data == data
        becomes(["name"], lambda: shunted.here(rig.container))
        assert proxy.count("GET", "name") == 2


def test_what_an_s3_client_reads_is_restored(
    shunted: Shunted, archive: Any
) -> None:
    rig = archive("moto_server", mapping=RESTORE)
    rig.put("a/ü %41?b", b"some bytes", colour="red")
    rig.once()
    user = shunted.info["users"][0]
    client = boto3.client(
        "s3",
        endpoint_url=shunted.info["url"],
        aws_access_key_id=f"{user['account']}:{user['user']}",
        aws_secret_access_key=user["key"],
        region_name="us-east-1",
        config=botocore.config.Config(
            s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}
        ),
    )
    with contextlib.closing(client):
        got = client.get_object(Bucket=rig.container, Key="a/ü %41?b")
        assert got["Body"].read() == b"some bytes"
        assert got["Metadata"] == {"colour": "red"}
        becomes(["a/ü %41?b"], lambda: shunted.here(rig.container))
        again = client.get_object(Bucket=rig.container, Key="a/ü %41?b")
        assert again["Body"].read() == b"some bytes"
        assert again["ETag"] == got["ETag"]
