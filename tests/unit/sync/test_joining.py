# SPDX-License-Identifier: Apache-2.0
"""Which segments are joined at another Swift, and what that is called."""

import pytest

from onespace_core.swift.source import Piece
from onespace_core.sync.joining import joined, name_of


def piece(size, name="s", **changes):
    values = {"first": 0, "last": size - 1, "etag": f"md5 of {size}"}
    return Piece(
        container="segs", name=name, size=size, **{**values, **changes}
    )


@pytest.mark.parametrize(
    ("sizes", "minimum", "groups"),
    [
        ([1, 2, 3], 0, [[1], [2], [3]]),
        ([1024, 1024, 512], 2000, [[1024, 1024], [512]]),
        ([1024] * 10, 2000, [[1024, 1024]] * 5),
        ([3000, 10, 3000], 2000, [[3000], [10, 3000]]),
        ([10, 20], 2000, [[10, 20]]),
        ([], 2000, []),
    ],
)
def test_neighbours_are_joined_until_they_are_enough(sizes, minimum, groups):
    made = joined([piece(size) for size in sizes], minimum)
    assert [[each.size for each in group] for group in made] == groups


def test_no_group_is_more_than_swift_takes():
    made = joined([piece(60), piece(50), piece(10)], 80, largest=100)
    assert [[each.size for each in group] for group in made] == [
        [60],
        [50, 10],
    ]


def test_a_name_says_which_bytes_and_nothing_else():
    one = (piece(10), piece(20))
    assert name_of(one) == name_of((piece(10, name="other"), piece(20)))
    others = [
        (piece(20), piece(10)),
        (piece(10),),
        (piece(10, etag="x"), piece(20)),
        (piece(10, first=1), piece(20)),
        (piece(10, last=5), piece(20)),
    ]
    assert name_of(one) not in [name_of(other) for other in others]
