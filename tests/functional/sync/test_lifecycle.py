# SPDX-License-Identifier: Apache-2.0
"""Objects that move to a store by policy, on real servers."""

import json
import time

import pytest

from onespace_core.provider import BytesBody

ARCHIVE = {
    "mode": "lifecycle",
    "retain_local": "false",
    "propagate_delete": "false",
}


@pytest.fixture(params=["moto_server", "radosgw", "s3api", "swift"])
def archive(request, make_rig):
    return make_rig(request.param, mapping=ARCHIVE)


def test_case_29_archived_objects_are_there_and_no_longer_here(archive):
    archive.put("a", b"one", color="Blü")
    archive.put("b/ü c", b"")
    before = archive.here()
    archive.once()
    assert archive.there() == before
    assert archive.here() == {}
    # Our own tombstones are rows as well.
    archive.once()
    archive.once()
    assert archive.there() == before


def test_case_32_an_archive_survives_being_made_a_sync_mapping(archive):
    archive.put("a", b"one")
    archive.once()
    archive.mapping.clear()
    archive.write_config()
    archive.once()
    archive.once()
    assert archive.there()["a"].data == b"one"


def test_case_30_overwritten_object_is_archived_anew(archive):
    archive.put("a", b"one")
    archive.once()
    archive.put("a", b"two!")
    archive.once()
    assert archive.there()["a"].data == b"two!"
    assert archive.here() == {}


@pytest.mark.parametrize("store", ["s3api", "swift"])
def test_copy_that_may_be_replaced_has_to_stand_for_a_while(make_rig, store):
    rig = make_rig(store, mapping=ARCHIVE)
    rig.put("a", b"one")
    rig.once()
    rig.default["verification_slack"] = 4
    rig.write_config()
    rig.put("a", b"two!")
    rig.once()
    assert rig.there()["a"].data == b"two!"
    assert rig.here()["a"].data == b"two!"
    with rig.state() as state:
        (summary,) = state.summaries()
        assert (summary.scheduled, summary.failed) == (1, 0)
    time.sleep(5)
    rig.once()
    assert rig.there()["a"].data == b"two!"
    assert rig.here() == {}


def test_case_33_copy_of_a_sync_is_enough(make_rig):
    rig = make_rig("s3api")
    rig.put("a", b"one")
    rig.once()
    rig.mapping.update(ARCHIVE)
    rig.write_config()
    written = rig.remote_head("a").last_modified
    rig.once()
    assert rig.here() == {}
    assert rig.remote_head("a").last_modified == written


def test_case_35_36_only_what_is_old_enough_goes(make_rig):
    rig = make_rig("s3api", mapping={**ARCHIVE, "copy_after": "1h"})
    rig.put("young", b"1")
    rig.once()
    assert rig.there() == {}
    with rig.state() as state:
        (summary,) = state.summaries()
        assert (summary.scheduled, summary.failed) == (1, 0)
    rig.mapping["copy_after"] = "0"
    rig.write_config()
    rig.once()
    assert rig.here() == {}
    assert rig.there()["young"].data == b"1"


def test_case_37_only_what_is_selected_goes(make_rig):
    criteria = {
        "OR": [
            {"x-object-meta-msd": "boo"},
            {"x-object-meta-Ünïcode": "bár"},
        ]
    }
    # S3 has no metadata with such a name.
    rig = make_rig(
        "swift",
        mapping={**ARCHIVE, "selection_criteria": json.dumps(criteria)},
    )
    rig.put("foo", msd="foo")
    rig.put("none")
    rig.put("boo", msd="BOO")
    rig.put("bar", ünïcode="BÁR")
    rig.put("baz", ünïcode="baz")
    rig.once()
    assert rig.there().keys() == {"boo", "bar"}
    assert rig.here().keys() == {"foo", "none", "baz"}


def test_case_45_container_with_another_script_in_its_name(make_rig):
    rig = make_rig("s3api", container="fötos", mapping=ARCHIVE)
    rig.put("ü", b"1")
    rig.once()
    assert rig.here() == {}
    assert rig.there()["ü"].data == b"1"


def test_store_that_is_down_costs_no_local_object(proxied):
    rig, proxy = proxied(mapping=ARCHIVE)
    rig.put("a", b"one")
    proxy.fail(10**6, 503)
    rig.once(code=1)
    assert rig.here()["a"].data == b"one"


def test_what_another_client_wrote_at_the_store_is_replaced_first(make_rig):
    rig = make_rig("swift", mapping=ARCHIVE)
    rig.put("a", b"one")
    rig.remote.put_object("a", BytesBody(b"foreign"))
    rig.once()
    assert rig.there()["a"].data == b"one"
    assert rig.here() == {}


def test_receipts_tell_what_was_verified(archive):
    archive.put("a", b"one")
    archive.once()
    with archive.state() as state:
        (summary,) = state.summaries()
        receipt = state.receipt(summary.key, "a")
    assert receipt.size == 3
    assert receipt.etag == BytesBody(b"one").md5
    assert receipt.deleted is not None
