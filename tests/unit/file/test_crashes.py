# SPDX-License-Identifier: Apache-2.0
"""kill -9 and failing disks, at every single step of every write.

A child process makes one change and is killed before its n-th call of the
operating system, for every n there is. Whatever n is: there is the old
object or the new one, whole; and the next writer leaves no trace of it.
"""

import errno
import itertools
import os
import signal

import pytest
from unit.file.conftest import codes, files, fork, provider_of

from onespace_core.provider import (
    BytesBody,
    ObjectNotFound,
    ProviderError,
    QuotaExceeded,
    ServiceUnavailable,
)

CALLS = ("open", "mkdir", "rename", "unlink", "rmdir", "fsync", "write")
KEY = "dir/sub/a"
OLD = (b"old bytes", {"m": "old"})
NEW = (b"the new bytes", {"m": "new"})
POSTED = (b"old bytes", {"m": "posted"})

CHANGES = {
    "create": (
        lambda p: p.put_object(KEY, BytesBody(NEW[0]), metadata=NEW[1]),
        None,
        NEW,
    ),
    "replace": (
        lambda p: p.put_object(KEY, BytesBody(NEW[0]), metadata=NEW[1]),
        OLD,
        NEW,
    ),
    "post": (lambda p: p.post_object(KEY, POSTED[1]), OLD, POSTED),
    "delete": (lambda p: p.delete_object(KEY), OLD, None),
}


def held(provider):
    try:
        with provider.get_object(KEY) as reader:
            return b"".join(reader), dict(reader.info.metadata)
    except ObjectNotFound:
        return None


def prepare_old(provider, old):
    provider.delete_object(KEY)
    if old is not None:
        provider.put_object(KEY, BytesBody(old[0]), metadata=old[1])


def count_down(number, strike):
    """Make the n-th call of the operating system strike; count from 1."""
    left = itertools.count(number, -1)

    def wrap(real):
        def call(*arguments, **options):
            if next(left) == 1:
                strike()
            return real(*arguments, **options)

        return call

    return {name: wrap(getattr(os, name)) for name in CALLS}


def killed_at(number, change, folder):
    """Make a change in a process killed at a call; tell if it was killed."""

    def work():
        provider = provider_of(folder)
        calls = count_down(
            number, lambda: os.kill(os.getpid(), signal.SIGKILL)
        )
        for name, call in calls.items():
            setattr(os, name, call)
        change(provider)

    (code,) = codes([fork(work)])
    assert code in (0, -signal.SIGKILL)
    return code != 0


@pytest.mark.parametrize("name", CHANGES)
def test_killed_at_every_step_there_is_the_old_or_the_new(
    name, folder, provider, place
):
    change, old, new = CHANGES[name]
    seen = []
    for number in itertools.count(1):
        prepare_old(provider, old)
        was_killed = killed_at(number, change, folder)
        now = held(provider)
        assert now in (old, new), number
        listed = [info.key for info in provider.list_objects().objects]
        assert listed == ([] if now is None else [KEY])
        seen.append(now)
        # The next process that writes anything cleans up.
        provider_of(folder).delete_object("another")
        assert held(provider) == now
        assert len(files(place)) == (0 if now is None else 2), number
        if not was_killed:
            assert now == new
            break
    assert number > 20
    # The change happens at one moment and is not undone after it.
    assert seen == sorted(seen, key=lambda each: each == new)
    assert seen[0] == old


def outcome(change, provider):
    try:
        change(provider)
    except ProviderError as exc:
        return exc
    return None


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("name", CHANGES)
def test_a_disk_that_fails_at_any_step_leaves_the_old_or_the_new(
    name, error, folder, provider, place, monkeypatch
):
    change, old, new = CHANGES[name]

    def strike():
        struck.append(True)
        raise OSError(error, os.strerror(error))

    for number in itertools.count(1):
        struck = []
        prepare_old(provider, old)
        with monkeypatch.context() as patch:
            for call_name, call in count_down(number, strike).items():
                patch.setattr(os, call_name, call)
            raised = outcome(change, provider)
        done = raised is None
        if raised is not None:
            assert raised.op
            assert raised.__cause__ is not None
            if error == errno.ENOSPC:
                assert isinstance(raised, QuotaExceeded)
        now = held(provider)
        assert now == new if done else now in (old, new), number
        provider_of(folder).delete_object("another")
        assert held(provider) == now
        assert len(files(place)) == (0 if now is None else 2), number
        if not struck:
            assert done
            break
    assert number > 20


def test_a_write_that_fails_leaves_nothing_behind(
    provider, place, monkeypatch
):
    provider.put_object(KEY, BytesBody(OLD[0]))
    before = files(place)

    def refuse(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "full")

    rename = os.rename

    def refuse_second(old, new, **options):
        if new.endswith(b"%meta"):
            refuse()
        rename(old, new, **options)

    for replacement in (refuse, refuse_second):
        monkeypatch.setattr(os, "rename", replacement)
        for key in (KEY, "new/folder/b"):
            with pytest.raises(QuotaExceeded):
                provider.put_object(key, BytesBody(b"x"))
        assert files(place) == before
        assert not (place / "new").exists()


def test_what_only_seems_to_have_failed_is_not_taken_back(
    provider, monkeypatch
):
    # As a network file system whose answer was lost.
    rename = os.rename

    def lie(old, new, **options):
        rename(old, new, **options)
        if new.endswith(b"%meta"):
            raise OSError(errno.EIO, "the answer was lost")

    provider.put_object(KEY, BytesBody(OLD[0]))
    monkeypatch.setattr(os, "rename", lie)
    with pytest.raises(ServiceUnavailable):
        provider.put_object(KEY, BytesBody(NEW[0]))
    assert provider.get_object(KEY).read() == NEW[0]


def test_what_is_being_written_is_not_cleaned_away(folder, provider, place):
    class Slow(BytesBody):
        def open(self):
            # Another process starts, and writes, before the first byte.
            provider_of(folder).put_object("other", BytesBody(b"1"))
            return super().open()

    provider.put_object("a", Slow(b"slow"))
    assert provider.get_object("a").read() == b"slow"
    assert len(files(place)) == 4
