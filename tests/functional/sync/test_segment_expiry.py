# SPDX-License-Identifier: Apache-2.0
"""Segments at another Swift live longer than the manifests they are for."""

import json
import time

import pytest

from onespace_core.provider import EXPIRY

HOUR = 3600


class Ageing:
    """A rig to a Swift whose copies expire."""

    def __init__(self, rig):
        self.rig = rig
        self.beside = f"{rig.bucket}_segments"

    def put_segments(self, *names):
        self.rig.connection.put_container("segs")
        for name in names:
            self.rig.connection.put_object("segs", name, name * 100)

    def put_slo(self, name, segments, **headers):
        self.rig.connection.put_object(
            self.rig.container,
            name,
            json.dumps([{"path": f"/segs/{each}"} for each in segments]),
            headers=headers,
            query_string="multipart-manifest=put",
        )

    def end(self, name):
        """Return when a copy expires."""
        return end_of(self.rig.remote_head(name))

    def segment(self, name):
        return self.rig.remote.head_object(f"segs/{name}", bucket=self.beside)

    def ends(self, *names):
        return [end_of(self.segment(name)) for name in names]

    def changed(self, manifest, *names):
        """Return when all was written last."""
        return [
            self.rig.remote_head(manifest).last_modified,
            *(self.segment(name).last_modified for name in names),
        ]

    def again(self):
        """Look at everything once more."""
        (self.rig.state_dir / "sync.sqlite").unlink()
        done = self.rig.once()
        assert "copied 0 objects" in done.stderr

    def same(self, name):
        here = self.rig.connection.get_object(self.rig.container, name)[1]
        with self.rig.remote.get_object(name) as reader:
            assert reader.read() == here


def end_of(info):
    end = info.system.get(EXPIRY)
    return None if end is None else int(end)


@pytest.fixture
def aged(make_rig):
    return Ageing(
        make_rig(
            "swift",
            mapping={
                "remote_delete_after": "1000",
                "remote_delete_after_addition": "1h",
            },
        )
    )


@pytest.fixture
def propagated(make_rig):
    return Ageing(
        make_rig(
            "swift",
            mapping={
                "propagate_expiration": "true",
                "remote_delete_after_addition": "1h",
            },
        )
    )


def test_case_71_segments_live_longer_and_a_rerun_posts_nothing(aged):
    aged.put_segments("a", "b")
    before = int(time.time())
    aged.put_slo("slo", ["a", "b"])
    aged.rig.once()
    end = aged.end("slo")
    assert before + 1000 <= end <= time.time() + 1000
    assert aged.ends("a", "b") == [end + HOUR] * 2
    changed = aged.changed("slo", "a", "b")
    aged.again()
    assert aged.changed("slo", "a", "b") == changed
    aged.same("slo")


def test_case_71_a_copy_that_is_there_is_given_its_time(make_rig):
    forever = Ageing(make_rig("swift"))
    forever.put_segments("a")
    forever.put_slo("slo", ["a"])
    forever.rig.once()
    assert forever.end("slo") is None
    forever.rig.mapping["remote_delete_after"] = "1000"
    forever.rig.write_config()
    done = forever.rig.once()
    assert "copied 0 objects" in done.stderr
    assert forever.end("slo") is not None
    # Another copy may need it for ever: a segment without a time gets none.
    assert forever.ends("a") == [None]


def test_copies_that_do_not_expire_any_more_keep_their_segments(aged):
    aged.put_segments("a")
    aged.put_slo("slo", ["a"])
    aged.rig.once()
    assert aged.ends("a") != [None]
    del aged.rig.mapping["remote_delete_after"]
    aged.rig.write_config()
    done = aged.rig.once()
    assert "copied 0 objects" in done.stderr
    assert aged.end("slo") is None
    assert aged.ends("a") == [None]


def test_a_shared_segment_lives_for_the_copy_that_needs_it_longest(propagated):
    now = int(time.time())
    propagated.put_segments("a", "b")
    put = propagated.put_slo
    put("early", ["a", "b"], **{"X-Delete-At": now + 10 * HOUR})
    propagated.rig.once()
    assert propagated.ends("a", "b") == [now + 11 * HOUR] * 2
    put("late", ["b"], **{"X-Delete-At": now + 20 * HOUR})
    propagated.rig.once()
    assert propagated.ends("a", "b") == [now + 11 * HOUR, now + 21 * HOUR]
    put("earlier", ["b"], **{"X-Delete-At": now + 5 * HOUR})
    propagated.rig.once()
    assert propagated.ends("a", "b") == [now + 11 * HOUR, now + 21 * HOUR]
    put("forever", ["b"])
    propagated.rig.once()
    assert propagated.ends("a", "b") == [now + 11 * HOUR, None]
    propagated.again()
    assert propagated.ends("a", "b") == [now + 11 * HOUR, None]
    for name in ("early", "late", "earlier", "forever"):
        propagated.same(name)


def test_a_later_end_of_the_manifest_moves_that_of_its_segments(propagated):
    now = int(time.time())
    propagated.put_segments("a")
    propagated.put_slo("slo", ["a"], **{"X-Delete-At": now + 10 * HOUR})
    propagated.rig.once()
    for headers, manifest, segment in (
        ({"X-Delete-At": now + 30 * HOUR}, now + 30 * HOUR, now + 31 * HOUR),
        ({"X-Delete-At": now + 20 * HOUR}, now + 20 * HOUR, now + 31 * HOUR),
        ({"X-Object-Meta-Color": "red"}, None, None),
    ):
        propagated.rig.connection.post_object(
            propagated.rig.container, "slo", headers
        )
        done = propagated.rig.once()
        assert "copied 0 objects" in done.stderr
        assert propagated.end("slo") == manifest
        assert propagated.ends("a") == [segment]
    propagated.same("slo")


@pytest.mark.parametrize("touched", [False, True])
def test_a_segment_that_has_gone_is_sent_again(aged, touched):
    aged.put_segments("a", "b")
    aged.put_slo("slo", ["a", "b"])
    aged.rig.once()
    aged.rig.remote.delete_object("segs/a", bucket=aged.beside)
    if touched:
        aged.rig.connection.post_object(
            aged.rig.container, "slo", {"X-Object-Meta-Color": "red"}
        )
    (aged.rig.state_dir / "sync.sqlite").unlink()
    aged.rig.once()
    aged.same("slo")
    assert aged.ends("a", "b") == [aged.end("slo") + HOUR] * 2


def test_a_time_that_became_too_early_is_put_right(aged):
    aged.put_segments("a")
    aged.put_slo("slo", ["a"])
    aged.rig.once()
    end = aged.end("slo")
    aged.rig.remote.post_object(
        "segs/a", {}, system={EXPIRY: str(end - 500)}, bucket=aged.beside
    )
    aged.again()
    assert aged.ends("a") == [end + HOUR]
