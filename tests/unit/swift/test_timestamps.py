# SPDX-License-Identifier: Apache-2.0
"""Times of our deletions sort between a version and whatever is newer."""

import pytest
from swift.common.utils import Timestamp

from onespace_core.swift.timestamps import made_by_us, tombstone_after

T = "1700000000.12345"


@pytest.mark.parametrize(
    ("version", "tombstone"),
    [
        (T, f"{T}_0000000000000001"),
        (f"{T}_0000000000000001", f"{T}_0000000000000002"),
        (f"{T}_00000000000000ff", f"{T}_0000000000000100"),
        (f"{T}_f", f"{T}_0000000000000010"),
    ],
)
def test_tombstone_is_the_next_time_there_is(version, tombstone):
    assert tombstone_after(version) == tombstone
    assert Timestamp(tombstone) > Timestamp(version)
    assert Timestamp(tombstone).internal == tombstone
    assert version[:16] < tombstone < "1700000000.12346"
    assert made_by_us(tombstone, version)
    assert not made_by_us(version, tombstone)


@pytest.mark.parametrize(
    ("tombstone", "version"),
    [
        (T, T),
        ("1700000000.12346", T),
        ("1700000000.12344", T),
        ("1700000000.12346_0000000000000001", T),
        (f"{T}_0000000000000001", f"{T}_0000000000000001"),
    ],
)
def test_deletions_of_clients_are_not_ours(tombstone, version):
    assert not made_by_us(tombstone, version)


@pytest.mark.parametrize(
    "text",
    ["", "1", "1700000000.1234", f"{T}_", f"{T}_xyz", f"{T}_1_1", f"{T}\n"],
)
def test_what_is_no_timestamp_is_refused(text):
    with pytest.raises(ValueError, match="no timestamp"):
        tombstone_after(text)
    with pytest.raises(ValueError, match="no timestamp"):
        made_by_us(text, T)


def test_nothing_comes_after_the_greatest_offset():
    with pytest.raises(ValueError, match="no offset"):
        tombstone_after(f"{T}_{'f' * 16}")
