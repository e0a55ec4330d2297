# SPDX-License-Identifier: Apache-2.0
"""The short checks pass good stores, name what bad ones do, leave nothing."""

import dataclasses
import subprocess
import sys

import pytest

from onespace_core.layers import Layer, ReadOnlyLayer
from onespace_core.provider import (
    ByteRange,
    BytesBody,
    Capabilities,
    ConnectionFailed,
    ObjectInfo,
    ServiceUnavailable,
)
from onespace_core.testing.faulty import Fault, FaultyLayer
from onespace_core.testing.leaks import LeakTrackingLayer
from onespace_core.testing.memory import (
    EVERYTHING,
    MemoryProvider,
    MemoryStore,
)
from onespace_core.testing.verify import Outcome, verify

CREATES = "creates only where nothing is (If-None-Match)"
REPLACES = "replaces only the version named (If-Match)"
SECRET = "correct-horse"


def memory(**options):
    return MemoryProvider(MemoryStore("b"), bucket="b", **options)


class Run:
    def __init__(self, provider, **options):
        self.results = []
        self.good = verify(
            provider,
            self.results.append,
            sleep=lambda seconds: None,
            **options,
        )

    @property
    def failed(self):
        return {
            each.title: each
            for each in self.results
            if each.outcome is Outcome.FAILED
        }


def keys(provider):
    return [info.key for info in provider.list_objects().objects]


def test_a_good_store_passes_and_is_left_as_it_was():
    store = memory()
    store.put_object("theirs", BytesBody(b"1"))
    run = Run(store)
    assert run.good
    assert {each.outcome for each in run.results} == {Outcome.PASSED}
    assert keys(store) == ["theirs"]


def test_no_key_outside_the_prefix_is_touched():
    store = memory()
    Run(store, prefix="only/here/")
    touched = {call.key for call in store.calls if call.key}
    assert len(touched) > 10
    assert all(k.startswith("only/here/onespace-verify-") for k in touched)


def test_two_runs_use_two_prefixes():
    store = memory()
    Run(store)
    first = {call.key for call in store.calls if call.key}
    store.calls.clear()
    Run(store)
    assert not first & {call.key for call in store.calls if call.key}


def test_another_bucket_can_be_named():
    store = MemoryProvider(MemoryStore("b", "other"), bucket="b")
    Run(store, bucket="other")
    assert {call.bucket for call in store.calls} == {"other"}


def test_what_is_not_claimed_is_said_to_be_so():
    run = Run(memory(capabilities=Capabilities()))
    assert run.good
    unclaimed = [
        each.title
        for each in run.results
        if each.outcome is Outcome.NOT_CLAIMED
    ]
    assert unclaimed == [
        "reads a range, both ends included",
        CREATES,
        REPLACES,
    ]


class Dropping(Layer):
    """A store that ignores conditions on writes."""

    dropped = ("if_none_match", "if_match")

    def put_object(self, key, body, *, conditions=None, **options):
        if conditions is not None:
            nothing = dict.fromkeys(self.dropped)
            conditions = dataclasses.replace(conditions, **nothing)
        return super().put_object(key, body, conditions=conditions, **options)


class DroppingIfMatch(Dropping):
    dropped = ("if_match",)


def test_a_store_that_ignores_if_none_match_is_found_out():
    run = Run(Dropping(memory()), options={"conditional_writes"})
    assert not run.good
    assert set(run.failed) == {CREATES, REPLACES}
    assert "ignores If-None-Match" in run.failed[CREATES].detail
    assert run.failed[CREATES].hint == "set conditional_writes = no"


def test_a_store_that_ignores_if_match_is_found_out():
    run = Run(DroppingIfMatch(memory()), options={"conditional_writes"})
    assert set(run.failed) == {REPLACES}
    assert run.failed[REPLACES].hint == "set conditional_writes = create"


def test_a_claim_without_an_option_is_the_authors():
    run = Run(Dropping(memory()))
    assert "conditional_put wrongly" in run.failed[CREATES].hint


class Permissive(MemoryProvider):
    """Claims no condition, and sends it all the same."""

    capabilities = dataclasses.replace(
        EVERYTHING, conditional_put=False, conditional_replace=False
    )

    def put_object(self, key, body, *, conditions=None, **options):
        return super().put_object(key, body, **options)


def test_a_condition_that_is_not_claimed_must_be_refused():
    run = Run(Permissive(MemoryStore("b"), bucket="b"))
    assert set(run.failed) == {CREATES, REPLACES}
    assert "not claimed" in run.failed[CREATES].detail


class OtherEtag(Layer):
    def head_object(self, key, **options):
        info = super().head_object(key, **options)
        return dataclasses.replace(info, etag="0" * 32)


def test_an_etag_that_is_no_md5_is_found_out():
    run = Run(OtherEtag(memory()), options={"etag_is_md5"})
    (failed,) = [
        each for each in run.failed.values() if "MD5 of" in each.detail
    ]
    assert failed.hint == "set etag_is_md5 = false"


class InclusiveMarker(Layer):
    def list_objects(self, *, marker="", **options):
        return super().list_objects(marker=marker[:-1], **options)


class Files(Layer):
    def list_objects(self, **options):
        page = super().list_objects(**options)
        keys = [each.key for each in page.objects]
        objects = [
            each
            for each in page.objects
            if not any(each.key.startswith(f"{key}/") for key in keys)
        ]
        return dataclasses.replace(page, objects=objects)


class Unescaped(Layer):
    def list_objects(self, **options):
        page = super().list_objects(**options)
        objects = [
            dataclasses.replace(each, key=each.key.replace("+", " "))
            for each in page.objects
        ]
        return dataclasses.replace(page, objects=objects)


class AsciiMetadata(Layer):
    def put_object(self, key, body, *, metadata=None, **options):
        plain = {
            name: value.encode("ascii", "replace").decode()
            for name, value in (metadata or {}).items()
        }
        return super().put_object(key, body, metadata=plain, **options)


class ExclusiveRange(Layer):
    def get_object(self, key, *, byte_range=None, **options):
        if byte_range is not None:
            byte_range = ByteRange(
                first=byte_range.first, last=byte_range.last - 1
            )
        return super().get_object(key, byte_range=byte_range, **options)


class MergingPost(Layer):
    def post_object(self, key, metadata, **options):
        old = super().head_object(key).metadata
        return super().post_object(key, {**old, **metadata}, **options)


class Deaf(Layer):
    def put_object(self, key, body, **options):
        data = body.open().read()
        return super().put_object(key, BytesBody(data), **options)


class NothingMissing(Layer):
    def head_object(self, key, **options):
        if key.endswith("/missing"):
            return ObjectInfo(key=key, size=0)
        return super().head_object(key, **options)


class Undead(Layer):
    def delete_object(self, key, **options):
        return None


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        (InclusiveMarker, "lists what comes after a marker, by pages"),
        (Files, "lists an object whose key goes on after another's"),
        (Unescaped, "keeps an awkward key"),
        (AsciiMetadata, "keeps metadata that is not ASCII"),
        (ExclusiveRange, "reads a range, both ends included"),
        (MergingPost, "replaces metadata and keeps the bytes"),
        (Deaf, "refuses bytes with a wrong MD5"),
        (NothingMissing, "says that a key is missing"),
    ],
)
def test_a_bad_store_fails_by_name(kind, title):
    run = Run(kind(memory()), settle=1)
    assert list(run.failed) == [title]
    assert not run.good


def test_a_delete_that_does_nothing_is_found_out_twice():
    run = Run(Undead(memory()))
    assert list(run.failed) == ["deletes, also what is gone", "cleans up"]


def test_a_listing_may_lag_behind():
    class Lagging(Layer):
        count = 0

        def list_objects(self, **options):
            self.count += 1
            page = super().list_objects(**options)
            return (
                page
                if self.count % 3 == 0
                else dataclasses.replace(page, objects=[])
            )

    run = Run(Lagging(memory()))
    lists = {"lists objects in order", "keeps an awkward key"}
    assert not lists & set(run.failed)


def test_a_store_that_cannot_be_reached_is_one_line():
    store = MemoryProvider(MemoryStore(down=True), bucket="b")
    run = Run(store)
    (result,) = run.results
    assert not run.good
    assert result.title == "reaches the bucket"
    assert "list_objects" in result.detail


def test_a_store_that_cannot_be_written_is_not_tried_further():
    store = memory()
    run = Run(ReadOnlyLayer(store))
    assert list(run.failed) == ["writes an object"]
    assert "read only" in run.failed["writes an object"].detail


def test_what_is_in_a_foreign_error_is_not_shown():
    broken = FaultyLayer(
        memory(),
        [Fault(op="post_object", error=lambda *a, **k: KeyError(SECRET))],
    )
    run = Run(broken)
    (failed,) = run.failed.values()
    assert "KeyError" in failed.detail
    assert SECRET not in repr(run.results)


@pytest.mark.parametrize("skip", [0, 3, 6, 9, 11, 14])
@pytest.mark.parametrize("after", [False, True])
def test_a_put_that_fails_leaves_nothing_behind(skip, after):
    store = memory()
    fault = Fault(
        op="put_object", skip=skip, error=ConnectionFailed, after=after
    )
    run = Run(FaultyLayer(store, [fault]))
    assert not run.good
    assert keys(store) == []


def test_an_interruption_leaves_nothing_behind():
    store = memory()
    stop = Fault(op="post_object", error=lambda *a, **k: KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        Run(FaultyLayer(store, [stop]))
    assert keys(store) == []


def test_what_cannot_be_deleted_is_said():
    store = memory()
    broken = FaultyLayer(
        store,
        [Fault(op="delete_object", times=None, error=ServiceUnavailable)],
    )
    run = Run(broken)
    assert "cleans up" in run.failed
    assert "onespace-verify-" in run.failed["cleans up"].hint
    assert not run.good


def test_every_reader_and_stream_is_closed():
    layer = LeakTrackingLayer(memory())
    Run(layer)
    layer.tracker.check()


def test_no_pytest_is_needed():
    code = (
        "import sys\n"
        "import onespace_core.testing.verify\n"
        "import onespace_core.cli.verify\n"
        "assert 'pytest' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
