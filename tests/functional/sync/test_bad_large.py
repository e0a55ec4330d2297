# SPDX-License-Identifier: Apache-2.0
"""Large objects that are broken, change, or are made to confuse.

Each is named with what is wrong, none stops another, and the store shows no
copy that a client of the local Swift would not have got.
"""

import contextlib
import json
import threading

import pytest
import swiftclient
from servers.rig import eventually

from onespace_core.provider import ObjectNotFound

MIB = 1 << 20
STORES = ("radosgw", "swift")
PARTS = (5 * MIB, 5 * MIB, 1000)


class Large:
    """A rig, with what clients of the local Swift do."""

    def __init__(self, rig):
        self.rig = rig
        self.swift = rig.connection
        self.segments = f"{rig.container}-segs"
        self.swift.put_container(self.segments)

    def put_segments(self, *sizes, prefix="s"):
        names = [f"{prefix}/{number}" for number in range(len(sizes))]
        for name, size in zip(names, sizes, strict=True):
            self.put_segment(name, name.encode()[-1:] * size)
        return names

    def put_segment(self, name, data, **headers):
        self.swift.put_object(self.segments, name, data, headers=headers)

    def put_slo(self, name, entries, container=None):
        manifest = [
            {"path": f"/{self.segments}/{entry}"}
            if isinstance(entry, str)
            else entry
            for entry in entries
        ]
        self.swift.put_object(
            container or self.rig.container,
            name,
            json.dumps(manifest),
            query_string="multipart-manifest=put",
        )

    def put_dlo(self, name, target, data=b""):
        self.swift.put_object(
            self.rig.container,
            name,
            data,
            headers={"X-Object-Manifest": target},
        )

    def here(self, name):
        return self.swift.get_object(self.rig.container, name)[1]

    def there(self, name):
        key = self.rig.layout.key(name)
        with self.rig.remote.get_object(key) as reader:
            return reader.read()

    def is_there(self, name):
        try:
            self.rig.remote_head(name)
        except ObjectNotFound:
            return False
        return True

    def refused(self, name, *words):
        """Run, and check that just this object is named, with a reason."""
        self.rig.put("plain", b"1")
        done = self.rig.once(code=1)
        assert "Traceback" not in done.stderr
        assert self.there("plain") == b"1"
        assert not self.is_there(name)
        for text in (done.stderr, self.rig.status()):
            (line,) = [
                each for each in text.splitlines() if f"/{name} " in each
            ]
            for word in words:
                assert word in line


@pytest.fixture(params=STORES)
def large(request, make_rig):
    return Large(make_rig(request.param))


# -- segments --------------------------------------------------------------


def test_segment_that_is_missing_is_named(large):
    names = large.put_segments(*PARTS)
    large.put_slo("slo", names)
    large.swift.delete_object(large.segments, names[1])
    large.refused("slo", names[1])


def test_segment_that_shrank_is_named(large):
    names = large.put_segments(*PARTS)
    large.put_slo("slo", names)
    large.put_segment(names[2], b"short")
    large.refused("slo", names[2])


def test_segment_with_other_bytes_is_named(large):
    names = large.put_segments(*PARTS)
    large.put_slo("slo", names)
    large.put_segment(names[2], b"X" * 1000)
    large.refused("slo", names[2])


def test_segment_that_became_a_symlink_is_named(large):
    """A client gets the bytes of the target, by this account's rights."""
    names = large.put_segments(*PARTS)
    large.put_slo("slo", names)
    large.put_segment("secret", b"2" * 1000)
    large.put_segment(
        names[2], b"", **{"X-Symlink-Target": f"{large.segments}/secret"}
    )
    large.refused("slo", names[2])


def test_segments_container_that_is_gone_is_named(large):
    names = large.put_segments(*PARTS)
    large.put_slo("slo", names)
    for name in names:
        large.swift.delete_object(large.segments, name)
    large.swift.delete_container(large.segments)
    large.refused("slo", large.segments)


def test_manifest_that_names_another_account_stays_in_ours(large):
    """Paths of a manifest have no account: what looks like one is a name."""
    large.swift.put_container("AUTH_other")
    large.swift.put_object("AUTH_other", "c/o", b"ours" * 300)
    large.put_slo("slo", [{"path": "/AUTH_other/c/o"}])
    large.rig.once()
    assert large.there("slo") == b"ours" * 300 == large.here("slo")


def test_zero_bytes_ranged_and_repeated_segments_arrive(large):
    names = large.put_segments(*PARTS)
    large.put_slo(
        "slo",
        [
            {"path": f"/{large.segments}/{names[0]}", "range": "3-3"},
            names[1],
            {"path": f"/{large.segments}/{names[1]}", "range": "-7"},
            names[1],
            {"data": "aQ=="},
            names[2],
        ],
    )
    large.rig.once()
    assert large.there("slo") == large.here("slo")


def test_segment_that_got_smaller_while_it_was_nested_is_named(large):
    names = large.put_segments(*PARTS)
    large.put_slo("inner", names, container=large.segments)
    large.put_slo("outer", ["inner"])
    large.put_slo("inner", names[:1], container=large.segments)
    large.refused("outer", f"{large.segments}/inner")


def test_two_manifests_that_contain_each_other_are_named(large):
    names = large.put_segments(*PARTS)
    large.put_slo("a", names, container=large.segments)
    large.put_slo("b", ["a"], container=large.segments)
    large.put_slo("a", ["b"], container=large.segments)
    large.put_slo("outer", ["b"])
    large.refused("outer", large.segments)


# -- dynamic ones ----------------------------------------------------------


def test_dlo_that_contains_itself_ends(large):
    large.put_dlo("d", f"{large.rig.container}/d", b"manifest")
    large.rig.put("d/1", b"one")
    large.rig.put("d/2", b"two")
    large.rig.once()
    assert large.there("d") == large.here("d")


def test_two_dlos_that_contain_each_other_end(large):
    box = large.rig.container
    large.put_dlo("x/a", f"{box}/y/", b"of a")
    large.put_dlo("y/b", f"{box}/x/", b"of b")
    large.rig.once()
    assert large.there("x/a") == large.here("x/a")
    assert large.there("y/b") == large.here("y/b")


def test_dlo_of_a_container_that_is_missing_is_named(large):
    large.put_dlo("d", "nowhere/d")
    large.refused("d", "nowhere")


def test_dlo_with_an_slo_as_segment_is_named(large):
    names = large.put_segments(*PARTS)
    large.put_slo("z/slo", names, container=large.segments)
    large.put_dlo("d", f"{large.segments}/z/")
    large.refused("d", "z/slo", "static large object")


@pytest.mark.parametrize("gone", [False, True])
def test_dlo_that_changes_between_visits_is_whole_or_is_not_touched(
    large, gone
):
    """No row says so: a visit finds it, and never a mixture."""
    large.put_segments(*PARTS, prefix="d")
    large.put_dlo("d", f"{large.segments}/d/")
    large.rig.once()
    before = large.here("d")
    assert large.there("d") == before
    if gone:
        large.swift.delete_object(large.segments, "d/1")
    else:
        large.put_segment("d/3", b"more")
    large.rig.once()
    assert large.there("d") == before
    large.swift.post_object(
        large.rig.container,
        "d",
        headers={
            "X-Object-Manifest": f"{large.segments}/d/",
            "X-Object-Meta-Touched": "yes",
        },
    )
    large.rig.once()
    assert large.there("d") == large.here("d") != before


# -- while it is read ------------------------------------------------------


@contextlib.contextmanager
def meanwhile(function):
    """Call a function again and again beside the block."""
    done = threading.Event()

    def run():
        while not done.is_set():
            function()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def another(rig):
    user = rig.swift["users"][0]
    return swiftclient.Connection(
        rig.swift["auth_url"],
        f"{user['account']}:{user['user']}",
        user["key"],
        retries=5,
    )


@pytest.mark.parametrize("kind", ["plain", "slo", "dlo"])
def test_what_changes_while_it_is_read_is_one_version(large, kind):
    """Of each version all bytes are the same letter."""
    writer = another(large.rig)
    letters = iter("abcdefghijklmnopqrstuvwxyz" * 100)
    sizes = (5 * MIB, 5 * MIB, MIB)

    def write():
        letter = next(letters).encode()
        if kind == "plain":
            writer.put_object(large.rig.container, "o", letter * sum(sizes))
            return
        for number, size in enumerate(sizes):
            writer.put_object(large.segments, f"o/{number}", letter * size)
        if kind == "slo":
            entries = [
                {"path": f"/{large.segments}/o/{number}"}
                for number in range(len(sizes))
            ]
            writer.put_object(
                large.rig.container,
                "o",
                json.dumps(entries),
                query_string="multipart-manifest=put",
            )
        else:
            writer.put_object(
                large.rig.container,
                "o",
                b"",
                headers={"X-Object-Manifest": f"{large.segments}/o/"},
            )

    write()
    with large.rig.daemon() as daemon:
        with meanwhile(write):
            for _ in range(20):
                with contextlib.suppress(ObjectNotFound):
                    data = large.there("o")
                    # A DLO's segments have no version that belongs to it.
                    assert kind == "dlo" or len(set(data)) == 1
                    assert len(data) == sum(sizes)
        last = large.here("o")

        def settled():
            with contextlib.suppress(ObjectNotFound):
                return large.there("o") == last
            return False

        eventually(settled, 90)
        assert large.rig.stop(daemon) == 0
    assert "Traceback" not in large.rig.log()
