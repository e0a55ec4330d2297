# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onespace_core.crawler.rows import row_from_record, share


def record(**changes):
    return {
        "ROWID": 7,
        "name": "o",
        "created_at": "1700000000.00001",
        "size": 3,
        "content_type": "text/plain",
        "etag": "abc",
        "deleted": 0,
        "storage_policy_index": 1,
        **changes,
    }


@given(st.text(min_size=1), st.integers(1, 6))
def test_case_80_exactly_one_replica_does_a_row_first(name, replicas):
    """The share is a function of the name alone, and in range."""
    owners = [n for n in range(replicas) if share(name, replicas) == n]
    assert len(owners) == 1


@pytest.mark.parametrize(
    ("name", "number"), [("foo", 14322227), ("a", 7759800)]
)
def test_case_80_share_is_the_one_of_1space(name, number):
    for replicas in range(1, 7):
        assert share(name, replicas) == number % replicas


def test_row_of_a_put_has_one_timestamp():
    row = row_from_record(record())
    assert row.timestamp == row.data_timestamp == "1700000000.00001"
    assert not row.metadata_changed
    assert (row.rowid, row.policy_index, row.size) == (7, 1, 3)


def test_row_of_a_post_has_a_newer_timestamp_than_its_data():
    row = row_from_record(record(created_at="1700000000.00001+0+186a0"))
    assert row.data_timestamp == "1700000000.00001"
    assert row.timestamp == "1700000001.00001"
    assert row.metadata_changed


def test_offset_of_a_timestamp_is_kept_and_sorts():
    row = row_from_record(
        record(created_at="1700000000.00001_0000000000000002")
    )
    assert row.timestamp == "1700000000.00001_0000000000000002"
    assert row.timestamp > "1700000000.00001"


def test_parameters_behind_the_hash_are_dropped():
    row = row_from_record(record(etag="abc; s3_etag=def; slo_etag=ghi"))
    assert row.etag == "abc"


def test_tombstone_is_told():
    assert row_from_record(record(deleted=1)).deleted
