# SPDX-License-Identifier: Apache-2.0
"""Looking for references: whatever is in doubt is an error."""

import datetime
import json
from urllib.parse import unquote

import pytest
from swift.common.swob import Response

from onespace_core.provider import BytesBody
from onespace_core.swift.references import ReferenceScan
from onespace_core.swift.source import SourceError

T0 = 1_700_000_000.0
SEGMENT = BytesBody(b"segment").md5


class FakeAccount:
    """Objects by container and name: headers, body, seconds."""

    def __init__(self):
        self.objects = {"segs": {}}
        self.missing = set()
        self.asked = []
        self.unlisted = set()

    def put(self, container, name, body=b"", seconds=T0, **headers):
        plain = {k.replace("_", "-"): v for k, v in headers.items()}
        self.objects.setdefault(container, {})[name] = (plain, body, seconds)

    def slo(self, container, name, *places, **more):
        entries = [
            {"name": f"/{c}/{n}", "bytes": 7, "hash": SEGMENT}
            for c, n in places
        ]
        body = json.dumps(entries).encode()
        self.put(container, name, body, X_Static_Large_Object="True", **more)

    def containers(self, account, *, reserved=False):
        assert reserved
        return iter(self.objects)

    def listing(self, account, container, prefix):
        if container in self.unlisted:
            return None
        return (
            {
                "name": name,
                "bytes": len(body),
                "hash": BytesBody(body).md5,
                "last_modified": datetime.datetime.fromtimestamp(
                    seconds, datetime.UTC
                ).strftime("%Y-%m-%dT%H:%M:%S.%f"),
            }
            for name, (_headers, body, seconds) in sorted(
                self.objects[container].items()
            )
            if name.startswith(prefix)
        )

    def request(self, method, path, headers, params=None):
        _, _v1, _account, container, name = path.split("/", 4)
        place = unquote(container), unquote(name)
        self.asked.append(place)
        found = self.objects[place[0]].get(place[1])
        if place in self.missing or found is None:
            return Response(status=404, body=b"")
        more, body, seconds = found
        response = Response(status=200, app_iter=iter([body]))
        response.content_length = len(body)
        response.headers["X-Timestamp"] = f"{seconds:016.5f}"
        response.headers["Etag"] = BytesBody(body).md5
        response.headers.update(more)
        return response


@pytest.fixture
def account():
    account = FakeAccount()
    for name in ("a", "b"):
        account.put("segs", name, b"segment")
    return account


def find(account, go_on=lambda: True, **options):
    version = f"{T0:016.5f}", SEGMENT
    wanted = {("segs", "a"): version, ("segs", "b"): version}
    scan = ReferenceScan(account, "AUTH_t", wanted, go_on)
    return scan.find(**options)


def test_segments_themselves_are_not_asked_for(account):
    assert find(account) == set()
    assert account.asked == []


def test_static_object_in_a_hidden_container_counts(account):
    account.slo("\x00versions\x00c", "o", ("segs", "b"), ("other", "a"))
    assert find(account) == {("segs", "b")}


def test_dynamic_object_counts_whatever_bytes_it_has(account):
    account.put("c", "o", b"bytes", X_Object_Manifest="segs%2Fa")
    assert find(account) == {("segs", "a")}


def test_symlink_counts(account):
    account.put("c", "o", X_Object_Sysmeta_Symlink_Target="segs/a")
    assert find(account) == {("segs", "a")}


def test_segment_that_became_a_manifest_is_looked_at(account):
    account.slo("segs", "a", ("segs", "b"))
    assert find(account) == {("segs", "b")}


def test_only_what_was_changed_since_is_asked_for(account):
    account.slo("c", "old", ("segs", "a"))
    account.slo("c", "new", ("segs", "b"), seconds=T0 + 100)
    assert find(account, since=T0 + 50) == {("segs", "b")}
    assert ("c", "old") not in account.asked


def test_container_that_is_listed_and_not_there_is_a_doubt(account):
    account.put("c", "o")
    account.unlisted.add("c")
    with pytest.raises(SourceError, match="container c"):
        find(account)


def test_object_that_is_listed_and_not_there_is_a_doubt(account):
    account.put("c", "o")
    account.missing.add(("c", "o"))
    with pytest.raises(SourceError, match=r"c/o.*no replica"):
        find(account)


def test_object_that_was_deleted_meanwhile_is_none(account):
    account.put("c", "o")
    request = account.request

    def delete_first(*arguments):
        account.objects["c"].pop("o", None)
        return request(*arguments)

    account.request = delete_first
    assert find(account) == set()


@pytest.mark.parametrize("body", [b"no JSON", b'{"a": 1}', b'[{"name": 1}]'])
def test_manifest_that_is_none_is_a_doubt(account, body):
    account.put("c", "o", body, X_Static_Large_Object="True")
    with pytest.raises(SourceError, match="c/o"):
        find(account)


def test_header_that_cannot_be_followed_is_a_doubt(account):
    account.put("c", "o", X_Object_Manifest="nothing")
    with pytest.raises(SourceError, match="c/o"):
        find(account)


def test_object_that_cannot_be_decrypted_is_a_doubt(account):
    account.put("c", "o", X_Object_Sysmeta_Crypto_Body_Meta="x")
    with pytest.raises(SourceError, match="c/o"):
        find(account)


def test_a_scan_that_is_stopped_says_nothing(account):
    account.put("c", "o")
    with pytest.raises(SourceError, match="stopped"):
        find(account, go_on=lambda: False)
