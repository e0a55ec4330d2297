# SPDX-License-Identifier: Apache-2.0
"""A policy that changes half-way, and clocks that are wrong."""

import time

import pytest
from servers.rig import eventually
from servers.rows import add_rows

from onespace_core.provider import BytesBody

MIB = 1 << 20
ARCHIVE = {
    "mode": "lifecycle",
    "retain_local": "false",
    "propagate_delete": "false",
}
STORES = ("s3api", "swift")


@pytest.fixture(params=STORES)
def rig(request, make_rig):
    return make_rig(request.param)


def change(rig, **mapping):
    """Change the mapping's policy; None takes an option away."""
    for name, value in mapping.items():
        if value is None:
            rig.mapping.pop(name, None)
        else:
            rig.mapping[name] = value
    rig.write_config()


def twice(rig):
    """Let it look at everything, and at what that left behind."""
    rig.once()
    rig.once()


# -- the policy ------------------------------------------------------------


def test_archive_that_goes_back_and_forth_loses_nothing(rig):
    """Each time the state has rows of the mode before."""
    expected = {}
    off = {"mode": "sync", "retain_local": None, "propagate_delete": "true"}
    for turn, policy in enumerate([{}, ARCHIVE, off, ARCHIVE, off]):
        change(rig, **policy)
        rig.put(f"o{turn}", f"{turn}".encode())
        expected[f"o{turn}"] = f"{turn}".encode()
        twice(rig)
        there = {name: held.data for name, held in rig.there().items()}
        assert there == expected
    # A deletion of a client is one, now as before.
    rig.local.delete_object("o4")
    del expected["o4"]
    rig.once()
    assert rig.there().keys() == expected.keys()


def test_client_deletes_while_archiving_is_propagated_by_neither(rig):
    """What a client deletes in an archive stays there, for good."""
    change(rig, **ARCHIVE, copy_after="1h")
    rig.put("o", b"1")
    twice(rig)
    assert rig.there() == {}
    change(rig, copy_after=None)
    rig.once()
    rig.put("o", b"2")
    rig.once()
    assert rig.there()["o"].data == b"2"
    change(rig, mode="sync", retain_local=None, propagate_delete="true")
    twice(rig)
    assert rig.there()["o"].data == b"2"


def test_object_that_is_excluded_after_its_copy_keeps_it(rig):
    rig.put("o", b"1")
    rig.once()
    change(rig, exclude_pattern="o")
    rig.local.delete_object("o")
    twice(rig)
    assert rig.there().keys() == {"o"}
    # No longer excluded, its deletion is read again.
    change(rig, exclude_pattern=None)
    twice(rig)
    assert rig.there() == {}


def test_deletions_from_a_time_without_propagation_are_what_the_policy_says(
    rig,
):
    rig.put("o", b"1")
    rig.put("p", b"2")
    rig.once()
    change(rig, propagate_delete="false")
    rig.local.delete_object("o")
    twice(rig)
    assert rig.there().keys() == {"o", "p"}
    rig.put("p", b"3")
    rig.once()
    assert rig.there()["p"].data == b"3"


def test_what_was_scheduled_goes_with_the_new_age(rig):
    change(rig, copy_after="1h")
    rig.put("o", b"1")
    rig.once()
    change(rig, copy_after="2h")
    rig.once()
    with rig.state() as state:
        (summary,) = state.summaries()
    assert summary.scheduled == 1
    assert summary.next_due > time.time() + 5400
    change(rig, copy_after=None)
    rig.once()
    assert rig.there().keys() == {"o"}


def test_other_bucket_gets_everything_and_the_old_one_keeps_its_copies(rig):
    """Of an archive the old bucket has the only copies."""
    change(rig, **ARCHIVE)
    rig.put("old", b"1")
    rig.once()
    other = f"{rig.bucket}-2"
    rig.remote.create_bucket(other)
    change(rig, bucket=other)
    rig.put("new", b"2")
    twice(rig)
    assert rig.there().keys() == {"old"}
    (info,) = rig.remote.list_objects(bucket=other).objects
    assert info.key == rig.layout.key("new")
    change(rig, bucket=rig.bucket)
    twice(rig)
    assert rig.there().keys() == {"old"}


@pytest.mark.parametrize("renamed", [False, True])
def test_archive_that_is_taken_out_and_put_back_loses_nothing(rig, renamed):
    change(rig, **ARCHIVE)
    rig.put("o", b"1")
    rig.once()
    text = rig.config.read_text()
    # Another mapping, so that there is one.
    rig.config.write_text(
        text.replace("[mapping:main]", "[mapping:other]").replace(
            f"container = {rig.container}", "container = nobody"
        )
    )
    rig.once()
    name = "renamed" if renamed else "main"
    change(rig, mode="sync", retain_local=None, propagate_delete="true")
    rig.config.write_text(
        rig.config.read_text().replace("[mapping:main]", f"[mapping:{name}]")
    )
    rig.put("p", b"2")
    twice(rig)
    assert {k: v.data for k, v in rig.there().items()} == {
        "o": b"1",
        "p": b"2",
    }


@pytest.mark.parametrize("seen", [False, True])
def test_container_that_is_deleted_and_made_again_is_followed(rig, seen):
    rig.put("o", b"1")
    rig.put("p", b"2")
    rig.once()
    for name in ("o", "p"):
        rig.local.delete_object(name)
    rig.local.delete_bucket()
    if seen:
        rig.once()
        assert rig.there() == {}
    # Swift's timestamps have to differ.
    time.sleep(0.1)
    rig.local.create_bucket()
    rig.put("p", b"again")
    rig.put("q", b"new")
    twice(rig)
    rig.assert_equal()


def test_archived_container_that_is_deleted_and_made_again_keeps_copies(rig):
    change(rig, **ARCHIVE)
    rig.put("o", b"1")
    rig.once()
    rig.local.delete_bucket()
    rig.once()
    rig.local.create_bucket()
    rig.put("p", b"2")
    twice(rig)
    assert rig.there().keys() == {"o", "p"}


def test_part_size_that_changes_with_parts_at_the_store_loses_nothing(
    proxied,
):
    rig, proxy = proxied(
        mapping={"multipart_threshold": "5MiB", "part_size": "5MiB"}
    )
    data = bytes(range(256)) * (16 * MIB // 256)
    rig.put("o", data)
    proxy.fail(10**6, 403, match="PUT .*partNumber=3")
    rig.once(code=1)
    assert len(list(rig.remote.list_uploads())) == 1
    proxy.reset()
    change(rig, part_size="8MiB")
    rig.once()
    assert rig.there()["o"].data == data
    assert list(rig.remote.list_uploads()) == []


# -- clocks ----------------------------------------------------------------


@pytest.mark.parametrize("policy", [{}, ARCHIVE])
@pytest.mark.parametrize("seconds", [-600, 600])
def test_row_that_is_dated_by_a_wrong_clock_costs_no_other(
    rig, policy, seconds
):
    """The object is what it is; its row says it will be another."""
    change(rig, **policy)
    rig.put("sound", b"1")
    rig.put("o", b"data")
    add_rows(
        rig.swift,
        rig.account,
        rig.container,
        {"name": "o", "timestamp": f"{time.time() + seconds:.5f}"},
    )
    rig.once(code=1 if seconds > 0 else 0)
    assert rig.there()["sound"].data == b"1"
    if seconds > 0:
        assert rig.here()["o"].data == b"data"


@pytest.mark.parametrize("seconds", [-600, 600])
def test_tombstone_that_is_dated_by_a_wrong_clock_spares_a_live_object(
    rig, seconds
):
    rig.put("o", b"data")
    rig.once()
    add_rows(
        rig.swift,
        rig.account,
        rig.container,
        {
            "name": "o",
            "timestamp": f"{time.time() + seconds:.5f}",
            "deleted": True,
        },
    )
    twice(rig)
    assert rig.there()["o"].data == b"data"
    # It is not listed where the listing is wrong, and it is there.
    found = rig.connection.get_object(rig.container, "o")
    assert found[1] == b"data"


def test_store_that_finds_our_clock_wrong_says_so_and_is_caught_up(proxied):
    rig, proxy = proxied()
    rig.put("o", b"data")
    proxy.fail(
        10**6,
        403,
        body=b"<Error><Code>RequestTimeTooSkewed</Code></Error>",
        headers={"Content-Type": "application/xml"},
    )
    done = rig.once(code=1)
    assert "clock" in done.stderr
    assert "mapping main cannot be worked on" in done.stderr
    proxy.reset()
    rig.once()
    rig.assert_equal()


def test_date_of_the_remote_copy_decides_nothing(rig):
    """Somebody's copy is younger by the store's clock, and older by ours."""
    rig.put("o", b"data")
    time.sleep(0.01)
    rig.remote.put_object(rig.layout.key("o"), BytesBody(b"foreign"))
    rig.once()
    assert rig.there()["o"].data == b"data"


def test_daemon_follows_a_container_whose_state_is_from_tomorrow(rig):
    """The clock was ahead, rows were put off, and it was set back."""
    rig.put("o", b"1")
    add_rows(
        rig.swift,
        rig.account,
        rig.container,
        {"name": "ghost", "timestamp": f"{time.time():.5f}"},
    )
    rig.once(code=1)
    import sqlite3

    with sqlite3.connect(rig.state_dir / "sync.sqlite") as database:
        database.execute("UPDATE ledger SET due = due + 864000")
        database.execute("UPDATE ledger SET first = first + 864000")
    database.close()
    rig.put("ghost", b"2")
    with rig.daemon() as daemon:
        eventually(lambda: "ghost" in rig.there())
        assert rig.stop(daemon) == 0
    rig.assert_equal()
