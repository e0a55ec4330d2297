# SPDX-License-Identifier: Apache-2.0
"""Manifests as Swift stores them, taken apart without Swift."""

import base64
import json

import pytest

from onespace_core.swift.manifests import (
    MAX_LEVELS,
    MAX_PIECES,
    dynamic_target,
    flatten,
    listed_piece,
    md5,
    parse_static,
)
from onespace_core.swift.source import ManifestError


def segment(name="a", size=10, **more):
    return {"name": f"/c/{name}", "bytes": size, "hash": "E" * 32, **more}


def parse(*entries):
    return parse_static("o", json.dumps(entries).encode())


def pieces(manifest, **inner):
    """Flatten; nested manifests are in ``inner`` by name."""
    return [
        (piece.name or piece.data, piece.first, piece.last)
        for piece in flatten(
            ("c", "o"), manifest, lambda entry: inner[entry.name]
        )
    ]


# -- parsing -----------------------------------------------------------------


def test_path_is_taken_as_it_is():
    names = ["a%41/b", "ä b", "/double", "a/"]
    manifest = parse(*(segment(name) for name in names))
    assert [entry.name for entry in manifest.entries] == names
    assert {entry.container for entry in manifest.entries} == {"c"}


def test_etag_of_the_large_object_is_swifts():
    data = base64.b64encode(b"in").decode()
    manifest = parse(segment(), segment("b", range="2-3"), {"data": data})
    text = "e" * 32 + "e" * 32 + ":2-3;" + md5(b"in")
    assert manifest.etag == md5(text.encode())
    assert manifest.size == 10 + 2 + 2


def test_old_entry_of_a_nested_one_has_its_size_in_the_content_type():
    told = {"content_type": "a/b;swift_bytes=70", "sub_slo": True}
    entry = parse(segment(size=300, **told)).entries[0]
    assert (entry.size, entry.last, entry.nested) == (70, 69, True)
    told["sub_slo"] = False
    assert parse(segment(size=300, **told)).entries[0].size == 300


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"{}", b'"text"', b"\xff", b"null", b"3"]
)
def test_body_that_is_no_manifest_is_named(raw):
    with pytest.raises(ManifestError, match="manifest of o is no"):
        parse_static("o", raw)


@pytest.mark.parametrize(
    "entry",
    [
        3,
        None,
        [],
        {},
        {"name": "/c", "bytes": 1, "hash": "e"},
        {"name": "/c/", "bytes": 1, "hash": "e"},
        {"name": None, "bytes": 1, "hash": "e"},
        {"name": "/c/o", "bytes": "x", "hash": "e"},
        {"name": "/c/o", "bytes": None, "hash": "e"},
        {"name": "/c/o", "bytes": -1, "hash": "e"},
        {"name": "/c/o", "bytes": 1, "hash": None},
        {"name": "/c/o", "bytes": 1},
        segment(range="5-4"),
        segment(range="0-10"),
        segment(range="-3"),
        segment(range=""),
        segment(range=[1, 2]),
        {"data": "no base64!"},
        {"data": 3},
    ],
)
def test_entry_that_cannot_be_read_is_numbered(entry):
    with pytest.raises(ManifestError, match="entry 1 of the manifest of o"):
        parse(segment(), entry)


# -- flattening --------------------------------------------------------------


def test_empty_manifest_has_no_pieces():
    assert pieces(parse()) == []
    assert parse().size == 0


def test_entries_without_bytes_give_no_piece():
    empty = segment("e", size=0)
    found = pieces(parse(empty, segment(), empty, empty, segment("b"), empty))
    assert found == [("a", 0, 9), ("b", 0, 9)]
    assert pieces(parse(empty, empty)) == []


def test_range_of_a_nested_one_counts_its_bytes_not_its_manifests():
    inline = {"data": base64.b64encode(b"0123456789").decode()}
    inner = parse(
        segment("a", range="3-7"), segment("e", size=0), inline, segment("b")
    )
    assert inner.size == 25

    def cut(first, last):
        outer = parse(
            segment(
                "n",
                size=25,
                sub_slo=True,
                hash=inner.etag,
                range=f"{first}-{last}",
            )
        )
        return pieces(outer, n=inner)

    assert cut(0, 0) == [("a", 3, 3)]
    assert cut(4, 5) == [("a", 7, 7), (b"0", 0, 0)]
    assert cut(7, 8) == [(b"23", 0, 1)]
    assert cut(14, 24) == [(b"9", 0, 0), ("b", 0, 9)]
    assert cut(15, 15) == [("b", 0, 0)]


def test_nested_one_that_is_too_short_is_named():
    inner = parse(segment("a"))
    outer = parse(segment("n", size=11, sub_slo=True))
    with pytest.raises(ManifestError, match="c/n has 10 bytes, not 11"):
        pieces(outer, n=inner)


def test_manifest_that_contains_itself_is_named():
    outer = parse(segment("n", sub_slo=True))
    with pytest.raises(ManifestError, match="c/n contains itself"):
        pieces(outer, n=outer)
    with pytest.raises(ManifestError, match="c/o contains itself"):
        pieces(parse(segment("o", sub_slo=True)))


def chain(levels):
    """Return a manifest and those in it, by name, so many in all."""
    inner = {
        f"n{level}": parse(segment(f"n{level + 1}", sub_slo=True))
        for level in range(1, levels - 1)
    }
    inner[f"n{levels - 1}"] = parse(segment("leaf"))
    return parse(segment("n1", sub_slo=True)), inner


def test_depth_has_an_end():
    outer, inner = chain(MAX_LEVELS)
    assert pieces(outer, **inner) == [("leaf", 0, 9)]
    outer, inner = chain(MAX_LEVELS + 1)
    with pytest.raises(ManifestError, match=f"n{MAX_LEVELS} is nested"):
        pieces(outer, **inner)


def test_number_of_pieces_has_an_end():
    many = parse(*[segment("leaf", size=1)] * 1000)
    size = many.size
    times = MAX_PIECES // 1000
    nested = segment("n", size=size, sub_slo=True)
    assert len(pieces(parse(*[nested] * times), n=many)) == MAX_PIECES
    outer = parse(*[nested] * times, segment("leaf", size=1))
    with pytest.raises(ManifestError, match="more than"):
        pieces(outer, n=many)


def test_tiny_ranges_of_huge_manifests_cost_no_walk_through_them():
    """A thousand times a thousand, ten levels deep, would never end."""
    inner = {"n9": parse(*[segment("leaf", size=1)] * 1000)}
    for level in range(8, 0, -1):
        name = f"n{level + 1}"
        entry = segment(name, size=1000, sub_slo=True, range="999-999")
        inner[f"n{level}"] = parse(*[entry] * 1000)
    outer = parse(*[segment("n1", size=1000, sub_slo=True, range="5-5")] * 10)
    assert len(pieces(outer, **inner)) == 10


# -- dynamic ones ------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("c/p", ("c", "p")),
        ("c/p/", ("c", "p/")),
        ("c/p/q", ("c", "p/q")),
        ("%C3%A4%20b/%25p", ("ä b", "%p")),
        ("ä/ö", ("ä", "ö")),
        ("a%2Fb/c", ("a", "b/c")),
        ("c/a+b", ("c", "a+b")),
        ("c/", ("c", "")),
    ],
)
def test_header_is_decoded_whole_as_swift_does(header, target):
    assert dynamic_target("o", header) == target


@pytest.mark.parametrize("header", ["", "c", "/c/p", "/", "c%FF/p"])
def test_header_that_leads_nowhere_is_named(header):
    with pytest.raises(ManifestError, match="X-Object-Manifest of o"):
        dynamic_target("o", header)


def test_parameters_of_a_hash_are_no_part_of_it():
    row = {"name": "a", "bytes": 3, "hash": f"{'E' * 32}; s3_etag=x-1"}
    piece = listed_piece("c", row)
    assert piece.etag == "e" * 32
    assert (piece.container, piece.name, piece.whole) == ("c", "a", True)


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"hash": "e; slo_etag=f"}, "static"),
        ({"slo_etag": '"f"'}, "static"),
        ({"hash": "e; symlink_target=c/o; symlink_target_bytes=3"}, "symlink"),
        ({"symlink_path": "/v1/a/c/o"}, "symlink"),
    ],
)
def test_row_whose_bytes_are_not_what_is_listed_is_refused(more, kind):
    row = {"name": "a", "bytes": 3, "hash": "e", **more}
    with pytest.raises(ManifestError, match=f"c/a .*{kind}"):
        listed_piece("c", row)
