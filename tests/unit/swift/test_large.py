# SPDX-License-Identifier: Apache-2.0
"""Reading manifests from replicas that lag, break or lie."""

import dataclasses
import json

import pytest
from servers.fake_source import FakeSource, Version, stamp

from onespace_core.swift import large
from onespace_core.swift.large import read_manifest
from onespace_core.swift.manifests import MAX_PIECES, parse_static
from onespace_core.swift.source import (
    LocalKind,
    ManifestError,
    SourceChangedError,
    SourceError,
)

T0 = 1_700_000_000


def raw(*entries):
    return json.dumps(entries).encode()


def leaf(name, size=4, etag="aa", **more):
    return {"name": f"/c/{name}", "bytes": size, "hash": etag, **more}


def inner_entry(name, body):
    manifest = parse_static(name, body)
    return leaf(name, manifest.size, manifest.etag, sub_slo=True)


def put_slo(source, name, body, seconds=T0):
    source.put(name, seconds, body, kind=LocalKind.SLO)
    return body


def read(source, name="o", rows=(), local=None):
    """Read the manifest of a version, the newest if none is given."""
    local = local or source.versions[name][-1].info(name)
    source.calls.clear()
    return read_manifest(source, "c", local, 3, lambda *_: rows)


def put_dlo(source, body=b""):
    target = (("x-object-manifest", "s/p"),)
    source.put("o", T0, body, kind=LocalKind.DLO, headers=target)


def test_version_is_read_in_its_policy_from_the_first_that_has_it():
    source = FakeSource()
    body = put_slo(source, "o", raw(leaf("a")))
    found = read(source)
    assert source.calls == [("open", "o", False)]
    assert source.policies[-1] == 3
    assert (found.raw, found.size) == (body, 4)
    assert all(reader.closed for reader in source.opened)


@pytest.mark.parametrize("step", [0, None])
def test_replica_without_the_version_is_not_the_last_word(step):
    source = FakeSource()
    put_slo(source, "o", raw(leaf("old")), T0 - 1)
    put_slo(source, "o", raw(leaf("a")))
    source.script = [step]
    assert read(source).pieces[0].name == "a"
    assert source.calls == [("open", "o", False), ("open", "o", True)]
    assert all(reader.closed for reader in source.opened)


def test_version_that_no_replica_has_is_a_change():
    source = FakeSource()
    put_slo(source, "o", raw(leaf("a")))
    old = source.versions["o"][-1].info("o")
    put_slo(source, "o", raw(leaf("b")), T0 + 1)
    with pytest.raises(SourceChangedError):
        read(source, local=old)
    other = dataclasses.replace(old, timestamp=stamp(T0 + 1))
    with pytest.raises(SourceChangedError):
        read(source, local=other)
    source.remove("o", T0 + 2)
    with pytest.raises(SourceChangedError):
        read(source, local=old)


def test_body_that_breaks_or_is_not_the_stored_one_is_no_manifest():
    source = FakeSource()
    put_slo(source, "o", raw(leaf("a")))
    source.cuts["o"] = [3]
    with pytest.raises(SourceError, match="broke off"):
        read(source)
    source.versions["o"] = [
        Version(stamp(T0), raw(leaf("a")), kind=LocalKind.SLO, etag="bad")
    ]
    with pytest.raises(SourceError, match="not read as it was stored"):
        read(source)
    assert all(reader.closed for reader in source.opened)


def test_nested_one_is_read_once_and_from_the_replica_that_has_it():
    source = FakeSource()
    put_slo(source, "n", raw(leaf("old", etag="00")), T0 - 1)
    body = put_slo(source, "n", raw(leaf("a")))
    entry = inner_entry("n", body)
    put_slo(source, "o", raw(entry, entry, leaf("b", etag="bb")))
    source.script = [-1, 0]
    found = read(source)
    assert [piece.name for piece in found.pieces] == ["a", "a", "b"]
    assert source.calls[1:] == [("open", "n", False), ("open", "n", True)]
    nested = source.versions["n"][-1].info("n").etag
    assert found.members == (
        ("c", "n", nested),
        ("c", "a", "aa"),
        ("c", "b", "bb"),
    )
    assert all(reader.closed for reader in source.opened)


def test_object_that_is_named_with_two_md5s_is_refused():
    source = FakeSource()
    put_slo(source, "o", raw(leaf("a"), leaf("a", etag="bb")))
    with pytest.raises(ManifestError, match="c/a is named with two MD5s"):
        read(source)


def test_nested_one_that_is_named_with_two_etags_is_refused():
    source = FakeSource()
    entry = inner_entry("n", put_slo(source, "n", raw(leaf("a"))))
    put_slo(source, "o", raw(entry, {**entry, "hash": "ff"}))
    with pytest.raises(ManifestError, match="c/n is named with two ETags"):
        read(source)


def test_bytes_of_all_manifests_have_an_end(monkeypatch):
    source = FakeSource()
    entry = inner_entry("n", put_slo(source, "n", raw(leaf("a"))))
    body = put_slo(source, "o", raw(entry))
    inner = source.versions["n"][-1].info("n").size
    monkeypatch.setattr(large, "MAX_BYTES", len(body) + inner)
    read(source)
    monkeypatch.setattr(large, "MAX_BYTES", len(body) + inner - 1)
    with pytest.raises(ManifestError, match="above"):
        read(source)
    monkeypatch.setattr(large, "MAX_BYTES", len(body) - 1)
    with pytest.raises(ManifestError, match="above"):
        read(source)


def test_number_of_segments_of_a_dynamic_one_has_an_end():
    source = FakeSource()
    put_dlo(source)
    rows = (
        {"name": f"p{number}", "bytes": 0, "hash": "e"}
        for number in range(MAX_PIECES + 1)
    )
    with pytest.raises(ManifestError, match="segments"):
        read(source, rows=rows)


def test_dynamic_one_whose_listing_breaks_off_has_no_pieces_at_all():
    def rows():
        yield {"name": "p1", "bytes": 1, "hash": "e"}
        message = "broke off"
        raise SourceError(message)

    source = FakeSource()
    put_dlo(source)
    with pytest.raises(SourceError):
        read(source, rows=rows())
    with pytest.raises(ManifestError, match="container s of o is missing"):
        read(source, rows=None)


def test_what_is_no_large_object_has_no_manifest():
    source = FakeSource()
    source.put("o", T0, b"[]")
    with pytest.raises(ManifestError, match="plain object"):
        read(source)
