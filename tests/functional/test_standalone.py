# SPDX-License-Identifier: Apache-2.0
"""A standalone Swift through real clients: Swift's API and S3."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import tarfile
import time
import urllib.parse

import boto3
import botocore.config
import botocore.exceptions
import pytest
import requests
import swiftclient

#: Four bytes of UTF-8, a new line, what URLs use, an empty path segment.
ODD_NAMES = ["\U0001f511 key", "line\nbreak", "a?b#c%2F&d", "x//y "]
MIB = 2**20


@pytest.fixture
def swift(standalone) -> swiftclient.Connection:
    user = standalone.info["users"][0]
    return swiftclient.Connection(
        standalone.info["auth_url"],
        f"{user['account']}:{user['user']}",
        user["key"],
        retries=0,
    )


@pytest.fixture
def container(swift, unique_name) -> str:
    swift.put_container(unique_name)
    return unique_name


@pytest.fixture
def session(swift) -> requests.Session:
    """Requests with a token, below the account's URL."""
    session = requests.Session()
    _, token = swift.get_auth()
    session.headers["X-Auth-Token"] = token
    return session


@pytest.fixture
def account_url(swift) -> str:
    return swift.get_auth()[0]


@pytest.fixture
def s3(standalone):
    user = standalone.info["users"][0]
    return boto3.client(
        "s3",
        endpoint_url=standalone.info["s3_endpoint"],
        aws_access_key_id=f"{user['account']}:{user['user']}",
        aws_secret_access_key=user["key"],
        region_name="us-east-1",
        config=botocore.config.Config(
            s3={"addressing_style": "path"}, retries={"max_attempts": 0}
        ),
    )


def eventually(question, seconds=20):
    """Ask until the answer is true; give the last one."""
    end = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < end:
        time.sleep(0.2)
    return answer


def test_a_wrong_key_is_refused(standalone):
    with pytest.raises(swiftclient.ClientException) as refused:
        swiftclient.Connection(
            standalone.info["auth_url"], "test:tester", "wrong", retries=0
        ).get_auth()
    assert refused.value.http_status == 401


def test_a_request_without_token_is_refused(account_url):
    assert requests.get(account_url).status_code == 401


def test_the_storage_url_is_that_of_the_account(standalone, account_url):
    assert account_url == f"{standalone.info['url']}/v1/AUTH_test"


def test_an_object_comes_back_with_metadata(swift, container):
    etag = swift.put_object(
        container,
        "o",
        b"body",
        content_type="text/x-test",
        headers={"X-Object-Meta-Color": "blau ü"},
    )
    headers, body = swift.get_object(container, "o")
    assert body == b"body"
    assert headers["content-type"] == "text/x-test"
    assert headers["x-object-meta-color"] == "blau ü"
    assert etag == headers["etag"] == hashlib.md5(b"body").hexdigest()


def test_a_post_replaces_metadata(swift, container):
    swift.put_object(container, "o", b"b", headers={"X-Object-Meta-A": "1"})
    swift.post_object(container, "o", {"X-Object-Meta-B": "2"})
    headers = swift.head_object(container, "o")
    assert headers["x-object-meta-b"] == "2"
    assert "x-object-meta-a" not in headers


def test_a_body_that_does_not_match_its_etag_is_refused(swift, container):
    with pytest.raises(swiftclient.ClientException) as refused:
        swift.put_object(container, "o", b"body", etag="0" * 32)
    assert refused.value.http_status == 422
    assert swift.get_container(container)[1] == []


def test_create_only_is_kept(swift, container):
    swift.put_object(container, "o", b"first")
    with pytest.raises(swiftclient.ClientException) as refused:
        swift.put_object(
            container, "o", b"second", headers={"If-None-Match": "*"}
        )
    assert refused.value.http_status == 412
    assert swift.get_object(container, "o")[1] == b"first"


def test_copy_and_delete(swift, container):
    swift.put_object(container, "o", b"body", headers={"X-Object-Meta-A": "1"})
    swift.copy_object(container, "o", destination=f"/{container}/copy")
    swift.delete_object(container, "o")
    headers, body = swift.get_object(container, "copy")
    assert (body, headers["x-object-meta-a"]) == (b"body", "1")
    names = [row["name"] for row in swift.get_container(container)[1]]
    assert names == ["copy"]


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=-3", 206, b"789"),
        ("bytes=7-", 206, b"789"),
        ("bytes=10-", 416, None),
    ],
)
def test_ranges(session, account_url, swift, container, asked, status, body):
    swift.put_object(container, "o", b"0123456789")
    answer = session.get(
        f"{account_url}/{container}/o", headers={"Range": asked}
    )
    assert answer.status_code == status
    if body is not None:
        assert answer.content == body


def test_two_ranges_come_as_multipart(session, account_url, swift, container):
    swift.put_object(container, "o", b"0123456789")
    answer = session.get(
        f"{account_url}/{container}/o", headers={"Range": "bytes=0-1,8-9"}
    )
    assert answer.status_code == 206
    assert answer.headers["Content-Type"].startswith("multipart/byteranges")
    assert b"\r\n01\r\n" in answer.content
    assert b"\r\n89\r\n" in answer.content


def test_listing_formats(session, account_url, swift, container):
    for name in ("a", "b/c", "b/d", "e"):
        swift.put_object(container, name, b"x")
    url = f"{account_url}/{container}"
    assert session.get(url).text == "a\nb/c\nb/d\ne\n"
    rows = session.get(url, params={"format": "json"}).json()
    assert [row["name"] for row in rows] == ["a", "b/c", "b/d", "e"]
    assert (
        "<name>b/c</name>" in session.get(url, params={"format": "xml"}).text
    )
    rolled = session.get(url, params={"format": "json", "delimiter": "/"})
    names = [row.get("name", row.get("subdir")) for row in rolled.json()]
    assert names == ["a", "b/", "e"]
    page = session.get(url, params={"marker": "a", "limit": "2"})
    assert page.text == "b/c\nb/d\n"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_object_names(swift, container, name):
    swift.put_object(container, name, b"odd")
    assert swift.get_object(container, name)[1] == b"odd"
    assert [row["name"] for row in swift.get_container(container)[1]] == [name]
    swift.delete_object(container, name)
    assert swift.get_container(container)[1] == []


@pytest.mark.parametrize("name", ["\U0001f5c4 box", "new\nline"])
def test_odd_container_names(swift, unique_name, name):
    name = f"{unique_name} {name}"
    swift.put_container(name)
    swift.put_object(name, "o", b"body")
    assert swift.get_object(name, "o")[1] == b"body"
    listed = [row["name"] for row in swift.get_account(full_listing=True)[1]]
    assert name in listed


def test_a_static_large_object_joins_its_segments(swift, container):
    parts = [b"a" * MIB, b"b" * 100]
    manifest = []
    for number, part in enumerate(parts):
        etag = swift.put_object(container, f"seg/{number}", part)
        manifest.append(
            {
                "path": f"/{container}/seg/{number}",
                "etag": etag,
                "size_bytes": len(part),
            }
        )
    swift.put_object(
        container,
        "slo",
        json.dumps(manifest),
        query_string="multipart-manifest=put",
    )
    headers, body = swift.get_object(container, "slo")
    assert body == b"".join(parts)
    assert headers["x-static-large-object"] == "True"
    swift.delete_object(
        container, "slo", query_string="multipart-manifest=delete"
    )
    assert swift.get_container(container)[1] == []


def test_a_dynamic_large_object_joins_its_segments(swift, container):
    swift.put_object(container, "seg/1", b"one ")
    swift.put_object(container, "seg/2", b"two")
    swift.put_object(
        container,
        "dlo",
        b"",
        headers={"X-Object-Manifest": f"{container}/seg/"},
    )
    assert swift.get_object(container, "dlo")[1] == b"one two"


def test_object_versions_are_kept(swift, container, session, account_url):
    swift.post_container(container, {"X-Versions-Enabled": "true"})
    swift.put_object(container, "o", b"first")
    swift.put_object(container, "o", b"second")
    url = f"{account_url}/{container}"
    rows = session.get(url, params={"versions": "", "format": "json"}).json()
    assert [row["is_latest"] for row in rows] == [True, False]
    old = session.get(f"{url}/o", params={"version-id": rows[1]["version_id"]})
    assert old.content == b"first"


def test_versions_in_another_container_are_restored(swift, container):
    archive = f"{container}-archive"
    swift.put_container(archive)
    swift.post_container(container, {"X-Versions-Location": archive})
    swift.put_object(container, "o", b"first")
    swift.put_object(container, "o", b"second")
    swift.delete_object(container, "o")
    assert swift.get_object(container, "o")[1] == b"first"


def test_a_symlink_leads_to_its_target(swift, container):
    swift.put_object(container, "target", b"body")
    swift.put_object(
        container,
        "link",
        b"",
        headers={"X-Symlink-Target": f"{container}/target"},
    )
    headers, body = swift.get_object(container, "link")
    assert body == b"body"
    assert headers["content-location"].endswith(f"{container}/target")


def test_a_temporary_url_needs_no_token(swift, container, account_url):
    swift.post_account({"X-Account-Meta-Temp-URL-Key": "secret"})
    swift.put_object(container, "o", b"body")
    path = urllib.parse.urlsplit(f"{account_url}/{container}/o").path
    expires = int(time.time()) + 60
    text = f"GET\n{expires}\n{path}".encode()
    params = {
        "temp_url_sig": hmac.new(b"secret", text, "sha256").hexdigest(),
        "temp_url_expires": expires,
    }
    url = f"{account_url}/{container}/o"
    assert requests.get(url, params=params).content == b"body"
    assert requests.put(url, params=params, data=b"x").status_code == 401


def test_an_archive_is_extracted(swift, container, session, account_url):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("one", "dir/two"):
            member = tarfile.TarInfo(name)
            member.size = len(name)
            tar.addfile(member, io.BytesIO(name.encode()))
    answer = session.put(
        f"{account_url}/{container}?extract-archive=tar",
        data=archive.getvalue(),
        headers={"Accept": "application/json"},
    ).json()
    assert answer["Number Files Created"] == 2
    assert swift.get_object(container, "dir/two")[1] == b"dir/two"


def test_many_objects_are_deleted_at_once(
    swift, container, session, account_url
):
    for number in range(3):
        swift.put_object(container, f"o{number}", b"x")
    answer = session.post(
        f"{account_url}?bulk-delete",
        data="".join(f"{container}/o{number}\n" for number in range(3)),
        headers={"Accept": "application/json", "Content-Type": "text/plain"},
    ).json()
    assert answer["Number Deleted"] == 3
    assert swift.get_container(container)[1] == []


def test_a_public_container_is_a_web_site(swift, container, account_url):
    swift.post_container(
        container,
        {
            "X-Container-Read": ".r:*,.rlistings",
            "X-Container-Meta-Web-Index": "index.html",
        },
    )
    swift.put_object(container, "index.html", b"<p>home</p>")
    assert requests.get(f"{account_url}/{container}/").text == "<p>home</p>"


def test_a_quota_is_kept(swift, container):
    swift.post_container(container, {"X-Container-Meta-Quota-Bytes": "5"})
    swift.put_object(container, "one", b"12345")
    with pytest.raises(swiftclient.ClientException) as refused:
        swift.put_object(container, "two", b"123456")
    assert refused.value.http_status == 413


def test_the_account_counts_what_its_containers_hold(swift, container):
    before = int(swift.head_account()["x-account-object-count"])
    swift.put_object(container, "counted", b"x" * 1000)
    row = eventually(
        lambda: [
            row
            for row in swift.get_account(full_listing=True)[1]
            if row["name"] == container and row["count"] == 1
        ]
    )
    assert row[0]["bytes"] == 1000
    assert int(swift.head_account()["x-account-object-count"]) >= before + 1


def test_an_expired_object_leaves_the_listing(swift, container):
    swift.put_object(container, "o", b"x", headers={"X-Delete-After": "1"})
    swift.put_object(container, "stays", b"x")
    names = eventually(
        lambda: (
            [row["name"] for row in swift.get_container(container)[1]]
            == ["stays"]
        )
    )
    assert names
    gone = eventually(
        lambda: (
            int(swift.head_container(container)["x-container-object-count"])
            == 1
        )
    )
    assert gone


def test_too_much_metadata_does_not_take_the_device_out(swift, container):
    headers = {f"X-Object-Meta-{n}": "x" * 250 for n in range(16)}
    try:
        swift.put_object(container, "heavy", b"x", headers=headers)
    except swiftclient.ClientException as exc:
        status = exc.http_status
    else:
        pytest.skip("this file system has room for it (ext4 has not)")
    assert status in {503, 507}
    swift.put_object(container, "light", b"x")
    assert swift.get_object(container, "light")[1] == b"x"


def test_s3_buckets_and_objects(s3, unique_name):
    s3.create_bucket(Bucket=unique_name)
    s3.put_object(
        Bucket=unique_name, Key="a/\U0001f511", Body=b"s3", Metadata={"k": "v"}
    )
    answer = s3.get_object(Bucket=unique_name, Key="a/\U0001f511")
    assert answer["Body"].read() == b"s3"
    assert answer["Metadata"] == {"k": "v"}
    listed = s3.list_objects_v2(Bucket=unique_name, Prefix="a/")
    assert [row["Key"] for row in listed["Contents"]] == ["a/\U0001f511"]
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        s3.put_object(
            Bucket=unique_name,
            Key="a/\U0001f511",
            Body=b"x",
            IfNoneMatch="*",
        )
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"
    s3.delete_object(Bucket=unique_name, Key="a/\U0001f511")
    s3.delete_bucket(Bucket=unique_name)


def test_s3_multipart(s3, swift, unique_name):
    s3.create_bucket(Bucket=unique_name)
    where = {"Bucket": unique_name, "Key": "big"}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    parts = [b"a" * (5 * MIB), b"b" * 100]
    done = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(
                **where, UploadId=upload, PartNumber=number, Body=part
            )["ETag"],
        }
        for number, part in enumerate(parts, 1)
    ]
    s3.complete_multipart_upload(
        **where, UploadId=upload, MultipartUpload={"Parts": done}
    )
    assert s3.get_object(**where)["Body"].read() == b"".join(parts)
    border = s3.get_object(**where, Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}")
    assert border["Body"].read() == b"aabb"
    # The same object, seen through Swift.
    headers = swift.head_object(unique_name, "big")
    assert headers["x-static-large-object"] == "True"


def test_s3_refuses_a_wrong_secret(standalone):
    stranger = boto3.client(
        "s3",
        endpoint_url=standalone.info["s3_endpoint"],
        aws_access_key_id="test:tester",
        aws_secret_access_key="wrong",
        region_name="us-east-1",
    )
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        stranger.list_buckets()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_s3_presigned_urls_work(s3, unique_name):
    s3.create_bucket(Bucket=unique_name)
    s3.put_object(Bucket=unique_name, Key="k", Body=b"signed")
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": unique_name, "Key": "k"}
    )
    assert requests.get(url).content == b"signed"


def test_many_clients_at_once_are_all_served(swift, container):
    from concurrent.futures import ThreadPoolExecutor

    url, token = swift.get_auth()

    def put(number: int) -> str:
        return swiftclient.put_object(
            url, token, container, f"o{number:03}", b"x" * number
        )

    with ThreadPoolExecutor(16) as pool:
        assert len(list(pool.map(put, range(100)))) == 100
    rows = swift.get_container(container)[1]
    assert [row["bytes"] for row in rows] == list(range(100))
