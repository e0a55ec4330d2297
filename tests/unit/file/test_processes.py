# SPDX-License-Identifier: Apache-2.0
"""Several processes on one folder."""

import concurrent.futures
import os
import random
import signal
import time

import pytest
from unit.file.conftest import codes, files, fork, provider_of

from onespace_core.provider import (
    AlreadyExists,
    BucketNotFound,
    BytesBody,
    Conditions,
    ObjectNotFound,
    PermissionDenied,
    PreconditionFailed,
)

PROCESSES = 4


def test_replacing_on_condition_loses_no_update(folder, provider):
    provider.put_object("counter", BytesBody("0"))

    def count():
        mine = provider_of(folder)
        for _ in range(25):
            while True:
                with mine.get_object("counter") as reader:
                    now, etag = int(b"".join(reader)), reader.info.etag
                try:
                    mine.put_object(
                        "counter",
                        BytesBody(str(now + 1)),
                        conditions=Conditions(if_match=etag),
                    )
                    break
                except PreconditionFailed:
                    continue

    assert codes([fork(count) for _ in range(PROCESSES)]) == [0] * PROCESSES
    assert provider.get_object("counter").read() == b"100"


def test_one_of_many_processes_creates(folder, provider):
    for number in range(20):
        key = f"d{number}/a"

        def create(key=key):
            try:
                provider_of(folder).put_object(
                    key,
                    BytesBody(str(os.getpid())),
                    conditions=Conditions(if_none_match="*"),
                )
            except PreconditionFailed:
                os._exit(7)

        children = [fork(create) for _ in range(PROCESSES)]
        ends = codes(children)
        assert sorted(ends) == [0, *[7] * (PROCESSES - 1)]
        winner = children[ends.index(0)]
        assert provider.get_object(key).read() == str(winner).encode()


def test_folders_removed_while_others_write_to_them_lose_nothing(
    folder, provider, place
):
    def churn(number):
        mine = provider_of(folder, fsync=False)
        key = f"x/y/z/{number}"
        for turn in range(150):
            mine.put_object(key, BytesBody(str(turn)))
            assert mine.get_object(key).read() == str(turn).encode()
            assert mine.delete_object(key) is True

    children = [fork(lambda n=n: churn(n)) for n in range(PROCESSES)]
    assert codes(children) == [0] * PROCESSES
    assert files(place) == []
    assert not (place / "x").exists()


def test_readers_of_all_processes_see_one_version(folder, provider):
    provider.put_object("a", BytesBody("0" * 10), metadata={"n": "10"})

    def write(seed):
        mine, rng = provider_of(folder, fsync=False), random.Random(seed)
        for _ in range(150):
            size = rng.randrange(200_000)
            mine.put_object(
                "a", BytesBody(bytes(size)), metadata={"n": str(size)}
            )

    def read():
        mine = provider_of(folder)
        for _ in range(200):
            with mine.get_object("a") as reader:
                assert len(b"".join(reader)) == int(reader.info.metadata["n"])
            assert len(mine.list_objects().objects) == 1

    children = [fork(lambda: write(1)), fork(lambda: write(2))]
    children += [fork(read), fork(read)]
    assert codes(children) == [0] * 4


def test_a_bucket_deleted_while_others_write_loses_no_acknowledged_object(
    folder, provider
):
    def write(number):
        mine = provider_of(folder, fsync=False)
        for turn in range(400):
            try:
                mine.put_object(f"{number}-{turn}", BytesBody(b"1"))
            except BucketNotFound:
                os._exit(7)
            # Acknowledged: from here on the bucket cannot be deleted.
            assert mine.get_object(f"{number}-{turn}").read() == b"1"
            os._exit(0)

    for _ in range(15):
        provider.create_bucket()
        children = [fork(lambda n=n: write(n)) for n in range(2)]
        try:
            provider.delete_bucket()
            is_deleted = True
        except AlreadyExists:
            is_deleted = False
        ends = codes(children)
        assert set(ends) <= ({7} if is_deleted else {0, 7})
        if not is_deleted:
            for info in provider.list_objects().objects:
                provider.delete_object(info.key)
            provider.delete_bucket()


def test_a_bucket_is_not_deleted_while_an_object_is_put_into_it(
    folder, provider, monkeypatch
):
    rename, deletes = os.rename, []

    # A thread: a process would inherit the lock that it has to wait for.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:

        def with_delete(*names, **options):
            if not deletes:
                other = provider_of(folder)
                deletes.append(pool.submit(other.delete_bucket))
                time.sleep(0.3)
            rename(*names, **options)

        monkeypatch.setattr(os, "rename", with_delete)
        provider.put_object("a", BytesBody(b"1"))
        with pytest.raises(AlreadyExists):
            deletes[0].result()
    assert provider.get_object("a").read() == b"1"


def test_killed_at_random_moments_nothing_acknowledged_is_lost(
    folder, provider, place
):
    rng = random.Random(20261125)
    known = {}
    for _round in range(25):
        reading, writing = os.pipe()

        seed = rng.random()

        def work(writing=writing, seed=seed):
            mine, dice = provider_of(folder), random.Random(seed)
            while True:
                key = dice.choice(["a", "d/a", "d/e/a", "f/a"])
                value = str(dice.random())
                if dice.random() < 0.3:
                    value = "gone"
                os.write(writing, f"start {key} {value}\n".encode())
                if value == "gone":
                    mine.delete_object(key)
                else:
                    mine.put_object(
                        key,
                        BytesBody(value * dice.choice([1, 20_000])),
                        metadata={"v": value},
                    )
                os.write(writing, f"done {key} {value}\n".encode())

        child = fork(work)
        os.close(writing)
        time.sleep(rng.uniform(0.01, 0.12))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pending = None
        with open(reading) as lines:
            for line in lines:
                word, key, value = line.split()
                if word == "start":
                    pending = (key, value)
                else:
                    known[key], pending = value, None
        for key in ("a", "d/a", "d/e/a", "f/a"):
            now = value_of(provider, key)
            allowed = {known.get(key, "gone")}
            if pending and pending[0] == key:
                allowed.add(pending[1])
            assert now in allowed
            known[key] = now
    provider_of(folder).delete_object("clean up")
    live = [key for key, value in known.items() if value != "gone"]
    assert len(files(place)) == 2 * len(live)


def value_of(provider, key):
    try:
        with provider.get_object(key) as reader:
            data = b"".join(reader).decode()
    except ObjectNotFound:
        return "gone"
    value = reader.info.metadata["v"]
    assert data in (value, value * 20_000)
    return value


def test_a_user_without_rights_is_denied(folder, provider):
    if os.geteuid() != 0:
        pytest.skip("only root may become somebody else")
    provider.put_object("a", BytesBody(b"1"))
    folder.chmod(0o700)

    def try_all():
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        calls = [
            lambda: provider.get_object("a"),
            lambda: provider.head_object("a"),
            lambda: provider.put_object("a", BytesBody(b"2")),
            lambda: provider.post_object("a", {}),
            lambda: provider.delete_object("a"),
            provider.list_objects,
            provider.head_bucket,
            provider.list_buckets,
            lambda: provider.create_bucket("b"),
        ]
        for call in calls:
            with pytest.raises(PermissionDenied):
                call()

    assert codes([fork(try_all)]) == [0]
