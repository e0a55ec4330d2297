# SPDX-License-Identifier: Apache-2.0
"""Cutting large objects into parts."""

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onespace_core.swift.source import ManifestError, Piece
from onespace_core.sync.parts import (
    PartLimits,
    cut_evenly,
    etag_of,
    plan_parts,
)

MIB = 1 << 20
S3 = PartLimits(least=5 * MIB, most=5 << 30, count=10_000)


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def piece(name, size, first=0, last=None):
    return Piece(
        container="segs",
        name=name,
        size=size,
        etag=md5(name.encode()),
        first=first,
        last=size - 1 if last is None else last,
    )


def inline(data):
    return Piece(
        container="",
        name="",
        size=len(data),
        etag=md5(data),
        first=0,
        last=len(data) - 1,
        data=data,
    )


def sizes(*lengths):
    return [piece(str(n), size) for n, size in enumerate(lengths)]


def lengths(parts):
    return [part.length for part in parts]


def unrolled(pieces):
    """Every byte of the pieces, by where it comes from."""
    found = []
    for each in pieces:
        for at in range(each.first, each.last + 1):
            if each.data is not None:
                found.append(each.data[at])
            else:
                found.append((each.name, at))
    return found


def test_each_segment_is_a_part_where_the_store_takes_it():
    pieces = sizes(5 * MIB, 5 * MIB, 1024)
    parts = plan_parts(pieces, S3, 64 * MIB)
    assert [part.pieces for part in parts] == [(each,) for each in pieces]
    assert [part.md5 for part in parts] == [each.etag for each in pieces]


def test_case_49_last_segment_may_be_small():
    parts = plan_parts(sizes(5 * MIB, 1), S3, 64 * MIB)
    assert lengths(parts) == [5 * MIB, 1]


def test_no_pieces_are_no_parts():
    assert plan_parts([], S3, 64 * MIB) == ()
    assert cut_evenly([], S3, 64 * MIB) == ()


def test_case_48_ten_bytes_in_the_middle_go_with_a_neighbour():
    parts = plan_parts(sizes(6 * MIB, 10, 6 * MIB), S3, 5 * MIB)
    assert lengths(parts) == [6 * MIB, 6 * MIB + 10]
    assert parts[0].md5 is not None
    assert parts[1].md5 is None
    parts = plan_parts(sizes(6 * MIB, 10, 6 * MIB), S3, 64 * MIB)
    assert lengths(parts) == [12 * MIB + 10]


def test_case_48_more_segments_than_parts():
    parts = plan_parts(sizes(*[5 * MIB] * 10_001), S3, 5 * MIB)
    assert lengths(parts) == [10 * MIB] * 5000 + [5 * MIB]


def test_case_48_segment_that_is_larger_than_a_part():
    parts = plan_parts(sizes((5 << 30) + 1, 5), S3, 2 << 30)
    assert lengths(parts) == [2 << 30, 2 << 30, (1 << 30) + 6]
    assert all(part.md5 is None for part in parts)


def test_range_is_a_part_without_a_known_md5():
    ranged = piece("a", 20 * MIB, 1, 10 * MIB)
    (part,) = plan_parts([ranged], S3, 64 * MIB)
    assert part.pieces == (ranged,)
    assert part.md5 is None


def test_plain_object_is_cut_into_parts_of_the_size():
    parts = cut_evenly(sizes(200 * MIB), S3, 64 * MIB)
    assert lengths(parts) == [64 * MIB] * 3 + [8 * MIB]
    (part,) = cut_evenly(sizes(MIB), S3, 64 * MIB)
    assert part.md5 == md5(b"0")


def test_part_size_grows_until_the_store_takes_the_number():
    limits = PartLimits(least=1, most=1000, count=4)
    assert lengths(cut_evenly(sizes(100), limits, 10)) == [40, 40, 20]


def test_segments_are_disregarded_where_nothing_else_fits():
    limits = PartLimits(least=1, most=10, count=3)
    parts = plan_parts(sizes(6, 6, 6, 6, 6), limits, 1)
    assert lengths(parts) == [10, 10, 10]


def test_what_no_cut_can_hold_is_refused():
    limits = PartLimits(least=1, most=10, count=3)
    with pytest.raises(ManifestError, match="31 bytes are more than 3"):
        plan_parts(sizes(31), limits, 5)


def test_bytes_of_the_manifest_are_cut_with_their_md5():
    limits = PartLimits(least=1, most=4)
    parts = plan_parts([inline(b"abcdefghij")], limits, 4)
    assert [part.pieces[0].data for part in parts] == [
        b"abcd",
        b"efgh",
        b"ij",
    ]
    assert parts[0].md5 == md5(b"abcd")
    assert all(part.pieces[0].whole for part in parts)


def test_etag_is_that_of_s3():
    binary = hashlib.md5(b"a").digest() + hashlib.md5(b"b").digest()
    assert etag_of([md5(b"a"), md5(b"b")]) == md5(binary) + "-2"


@st.composite
def some_pieces(draw):
    pieces = []
    for number in range(draw(st.integers(0, 12))):
        size = draw(st.integers(1, 40))
        first = draw(st.integers(0, size - 1))
        last = draw(st.integers(first, size - 1))
        if draw(st.booleans()):
            pieces.append(inline(bytes(range(size))))
        else:
            pieces.append(piece(str(number), size, first, last))
    return pieces


limits_of_any_kind = st.builds(
    PartLimits,
    least=st.integers(0, 8),
    most=st.none() | st.integers(8, 40),
    count=st.none() | st.integers(1, 12),
)


@pytest.mark.parametrize("plan", [plan_parts, cut_evenly])
@given(some_pieces(), limits_of_any_kind, st.integers(1, 60))
@example(sizes(1, 9, 9), PartLimits(least=8, most=9, count=3), 1)
def test_nothing_is_lost_and_every_limit_holds(
    plan, pieces, limits, part_size
):
    try:
        parts = plan(pieces, limits, part_size)
    except ManifestError:
        total = sum(each.length for each in pieces)
        assert total > limits.count * limits.most
        return
    assert unrolled(
        each for part in parts for each in part.pieces
    ) == unrolled(pieces)
    assert limits.fit(lengths(parts))
    assert all(part.length for part in parts)
    assert plan(pieces, limits, part_size) == parts


@given(some_pieces(), limits_of_any_kind, st.integers(1, 60))
def test_known_md5_is_that_of_one_whole_piece(pieces, limits, part_size):
    try:
        parts = plan_parts(pieces, limits, part_size)
    except ManifestError:
        return
    for part in parts:
        if part.md5 is not None:
            (only,) = part.pieces
            assert only.whole
            if only.data is not None:
                assert part.md5 == md5(only.data)
