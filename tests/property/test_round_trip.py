# SPDX-License-Identifier: Apache-2.0
"""Whatever an object is like, the way to a store and back loses nothing.

Objects that Hypothesis makes up are put into a real Swift, copied by the
program itself to a real store, read there with its provider, and described
as the shunt describes them to a client and to the local cluster.
"""

from __future__ import annotations

import http.client
import os
import time
import types
import urllib.parse

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from onespace_shunt.headers import describe
from servers.rig import Rig

IN_CI = bool(os.environ.get("CI"))
STORES = ("s3api", "radosgw", "minio", "swift")
#: Objects of an example; it is one run of the program.
BATCH = (30, 45)
#: As the object's mapping; no expiry is propagated.
MAPPING = types.SimpleNamespace(propagate_expiration=False)
#: What no header can have.
NO_LINES = "\r\n\0"

text = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=NO_LINES),
    max_size=20,
).map(str.strip)
names = st.one_of(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from(
        ["..", "a//b", "/x", "x/", "%2F", "a+b", " ", "?q=1&r#f", "é", "\n"]
    ),
)
tokens = st.text("abcdefgxyz0123456789-", min_size=1, max_size=12)
printable = st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30
)
types_of_content = st.one_of(
    st.sampled_from(
        [
            "text/plain",
            "text/html; charset=utf-8",
            'multipart/mixed; boundary="a b;c"',
            "Application/X-Mixed; Level=1; q=0.5",
        ]
    ),
    st.builds("{}/{};{}={}".format, tokens, tokens, tokens, tokens),
)
systems = st.fixed_dictionaries(
    {},
    optional={
        "Cache-Control": printable,
        "Content-Disposition": st.builds(
            'inline; filename="{}"'.format, tokens
        ),
        "Content-Encoding": tokens,
        "Content-Language": tokens,
    },
)
objects = st.fixed_dictionaries(
    {
        "body": st.binary(max_size=3000),
        "type": types_of_content,
        "system": systems,
        "metadata": st.dictionaries(
            tokens.map(lambda name: f"m{name}".strip("-")), text, max_size=4
        ),
        "expires": st.none() | st.integers(100_000, 10**9),
    }
)


class Client:
    """Puts objects into a Swift as any client does, byte for byte."""

    def __init__(self, rig: Rig) -> None:
        url, self._token = rig.connection.get_auth()
        parts = urllib.parse.urlsplit(url)
        self._path = f"{parts.path}/{rig.container}"
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=60)

    def ask(self, method, name, body=b"", headers=()):
        """Make a request; return the headers of its answer."""
        path = f"{self._path}/{urllib.parse.quote(name, safe='')}"
        connection = self._connection
        connection.putrequest(method, path, skip_accept_encoding=True)
        connection.putheader("X-Auth-Token", self._token)
        connection.putheader("Content-Length", str(len(body)))
        for key, value in headers:
            connection.putheader(key, value.encode())
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status < 300, (name, answer.status)
        return answer.headers

    def put(self, name, made, expires):
        """Put an object; return what a client that reads it is told."""
        headers = {"Content-Type": made["type"], **made["system"]}
        for key, value in made["metadata"].items():
            headers[f"X-Object-Meta-{key.title()}"] = value
        if expires is not None:
            headers["X-Delete-At"] = str(expires)
        self.ask("PUT", name, made["body"], headers.items())
        written = self.ask("HEAD", name)["X-Timestamp"]
        return {**headers, "X-Timestamp": written}


def refused(store, name):
    """Return whether a server has no such keys, though S3 allows them.

    What becomes of those is a functional test's.
    """
    if store != "minio":
        return False
    parts = name.removesuffix("/").split("/")
    return any(not part or part.strip() in (".", "..") for part in parts)


def returned(rig, name):
    """Return headers and bytes of the way back."""
    with rig.remote.get_object(rig.layout.key(name)) as reader:
        data = reader.read()
        headers = describe(reader.info, MAPPING).headers
    for name in ("Accept-Ranges", "Etag"):
        del headers[name]
    return headers, data


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES)
def test_way_there_and_back_loses_nothing(make_rig, store, capsys):
    rig = make_rig(store)
    client = Client(rig)
    left_out = set()

    @settings(
        max_examples=3 if IN_CI else 2,
        deadline=None,
        database=None,
        derandomize=IN_CI,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        # Each example takes a run of the program: none is repeated.
        phases=[Phase.generate],
    )
    @given(
        st.dictionaries(names, objects, min_size=BATCH[0], max_size=BATCH[1])
    )
    def go(batch):
        for name in [name for name in batch if refused(store, name)]:
            left_out.add(name)
            del batch[name]
        expected = {}
        now = int(time.time())
        for name, made in batch.items():
            when = made["expires"] and now + made["expires"]
            expected[name] = client.put(name, made, when), made["body"]
        rig.once()
        for name in batch:
            assert returned(rig, name) == expected[name], repr(name)

    go()
    if left_out:
        with capsys.disabled():
            print(f"\n{store} has no empty or dotted path segments:")
            print(f"left out {sorted(left_out)}")
