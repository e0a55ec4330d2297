# SPDX-License-Identifier: Apache-2.0
"""The scenarios: each makes its data, runs, and returns its results."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence

import contenders
import fill
import measure
from contenders import ONESPACE, Contender
from report import Result
from world import World, cpu_of

_CHANGED = 10
_SYNCED = ("synced", 20_000, 64)
_IDLE_SECONDS = 20.0
_PUTS = 50


def small(world: World, rounds: int) -> Iterator[Result]:
    """Initial syncs of 2000 objects of 4 KiB."""
    return _initial(world, rounds, "small", 2000, 4096)


def large(world: World, rounds: int) -> Iterator[Result]:
    """Initial syncs of 40 objects of 8 MiB."""
    return _initial(world, rounds, "large", 40, 8 << 20)


def _initial(
    world: World, rounds: int, name: str, count: int, size: int
) -> Iterator[Result]:
    world.fill(name, count, size)
    taking_part = contenders.present(
        ONESPACE,
        contenders.rclone_tuned(),
        contenders.rclone_default(),
        contenders.s5cmd(),
    )
    world.local_copy(name)
    for number in range(rounds):
        for contender in taking_part:
            world.sink("empty")
            yield _run(world, name, contender, number, count, size)
            found = world.sink("stats")["objects"]
            if found != count:
                message = f"{contender.name} copied {found} of {count}"
                raise RuntimeError(message)


def _run(
    world: World,
    container: str,
    contender: Contender,
    number: int,
    count: int,
    size: int,
) -> Result:
    folder = world.folder()
    job = contender.prepare(world, container, "bucket", folder)
    values = _measured(world, job)
    shutil.rmtree(folder)
    return Result(
        container,
        contender.name,
        number,
        {**values, "mib": count * size / (1 << 20)},
        objects=count,
    )


def _measured(world: World, job: measure.Job) -> dict[str, object]:
    """Run a job; return what it cost, here, in Swift and at the sink."""
    world.sink("reset")
    before = world.read()
    cost = measure.run(job)
    swift = world.since(before)
    return {
        "wall": cost.wall,
        "cpu": cost.cpu,
        "rss": cost.rss,
        **swift,
        "sink": _counts(world),
    }


def _counts(world: World) -> dict[str, int]:
    stats = world.sink("stats")
    del stats["objects"]
    return stats


class _Synced:
    """20,000 objects, with a bucket for each contender equal to them.

    Data and states are kept, so that a later scenario finds them in sync.
    """

    def __init__(self, world: World, taking_part: Sequence[Contender]) -> None:
        name, count, size = _SYNCED
        world.fill(name, count, size)
        self.world = world
        self.jobs = {
            contender.name: contender.prepare(
                world,
                name,
                self._bucket(contender),
                world.folder(self._bucket(contender)),
            )
            for contender in taking_part
        }

    def daemon(self) -> measure.Job:
        """Return onespace-sync without ``--once``."""
        bucket = self._bucket(ONESPACE)
        folder = self.world.folder(bucket)
        return contenders.onespace(self.world, _SYNCED[0], bucket, folder)

    def _bucket(self, contender: Contender) -> str:
        return f"{_SYNCED[0]}-{contender.name.replace(' ', '-')}"

    def first(self) -> Iterator[Result]:
        """Yield the initial syncs."""
        for name, job in self.jobs.items():
            values = _measured(self.world, job)
            yield Result(
                "changes",
                name,
                0,
                values,
                case="initial",
                objects=_SYNCED[1],
            )


def changes(world: World, rounds: int) -> Iterator[Result]:
    """Passes over 20,000 objects: 10 changed, and nothing changed."""
    world.forget()
    synced = _Synced(
        world, contenders.present(ONESPACE, contenders.rclone_tuned())
    )
    yield from synced.first()
    chosen = random.Random(20_000)
    for number in range(rounds):
        for index in chosen.sample(range(_SYNCED[1]), _CHANGED):
            data = f"round {number} object {index}".ljust(_SYNCED[2]).encode()
            world.ask("PUT", f"{_SYNCED[0]}/{fill.name_of(index)}", data)
        for case in ("10 changed", "nothing changed"):
            for name, job in synced.jobs.items():
                values = _measured(world, job)
                sent = values["sink"].get("PUT", 0)
                if sent != (_CHANGED if case == "10 changed" else 0):
                    message = f"{name}, {case}: {sent} PUTs"
                    raise RuntimeError(message)
                yield Result("changes", name, number, values, case=case)


def idle(world: World, rounds: int) -> Iterator[Result]:
    """20 s of the daemon where nothing happens."""
    synced = _Synced(world, [ONESPACE])
    # What "changes" has left, or else an initial sync.
    measure.run(synced.jobs[ONESPACE.name])
    with measure.running(synced.daemon()) as daemon:
        time.sleep(5)  # start, and the first looks
        for number in range(rounds):
            world.sink("reset")
            before = world.read()
            used = cpu_of(daemon.process.pid)
            started = time.monotonic()
            time.sleep(_IDLE_SECONDS)
            wall = time.monotonic() - started
            used = cpu_of(daemon.process.pid) - used
            yield Result(
                "idle",
                ONESPACE.name,
                number,
                {
                    "percent": 100 * used / wall,
                    **world.since(before),
                    "sink": _counts(world),
                },
            )
        daemon.stop()


def latency(world: World, rounds: int) -> Iterator[Result]:
    """Times from a PUT's answer to the object at the sink."""
    for number in range(rounds):
        yield _latency(world, number)


def _latency(world: World, number: int) -> Result:
    world.sink("empty")
    container = f"latency-{number}"
    world.ask("PUT", container)
    pauses = random.Random(number)
    job = contenders.onespace(world, container, "bucket", world.folder())
    answered: dict[str, float] = {}
    with measure.running(job) as daemon:
        world.ask("PUT", f"{container}/first", b"")
        _arrivals(world, {"first"})
        used = cpu_of(daemon.process.pid)
        started = time.monotonic()
        for index in range(_PUTS):
            name = f"object-{index}"
            world.ask("PUT", f"{container}/{name}", bytes(1024))
            answered[name] = time.time()
            time.sleep(pauses.uniform(0.2, 1.0))
        arrived = _arrivals(world, set(answered))
        wall = time.monotonic() - started
        used = cpu_of(daemon.process.pid) - used
        cost = daemon.stop()
    times = sorted(arrived[name] - answered[name] for name in answered)
    return Result(
        "latency",
        ONESPACE.name,
        number,
        {
            "min": times[0],
            "p50": times[len(times) // 2],
            "p90": times[len(times) * 9 // 10],
            "max": times[-1],
            "window_cpu": used,
            "percent": 100 * used / wall,
            "cpu": cost.cpu,
            "rss": cost.rss,
            "times": times,
        },
        objects=_PUTS,
    )


def _arrivals(world: World, names: set[str]) -> dict[str, float]:
    """Wait for objects at the sink; return when they came.

    :raises RuntimeError: not within a minute.
    """
    for _ in range(300):
        found = {
            path.rpartition("/")[2]: when
            for path, when in world.sink("arrivals").items()
        }
        if names <= found.keys():
            return found
        time.sleep(0.2)
    message = f"never arrived: {sorted(names - found.keys())[:5]}"
    raise RuntimeError(message)


def rows(world: World, rounds: int) -> Iterator[Result]:
    """Initial syncs of 20,000 and 200,000 objects of 64 B."""
    for number in range(rounds):
        for count in (20_000, 200_000):
            world.fill(f"rows-{count}", count, 64)
            world.sink("empty")
            folder = world.folder()
            job = contenders.onespace(
                world, f"rows-{count}", "bucket", folder, "--once"
            )
            values = _measured(world, job)
            found = world.sink("stats")["objects"]
            if found != count:
                message = f"{found} of {count} objects arrived"
                raise RuntimeError(message)
            shutil.rmtree(folder)
            yield Result(
                "rows",
                ONESPACE.name,
                number,
                values,
                case=f"{count} rows",
                objects=count,
            )


Scenario = Callable[[World, int], Iterator[Result]]
#: Those that run where none is named.
DEFAULT: dict[str, Scenario] = {
    "small": small,
    "large": large,
    "changes": changes,
    "idle": idle,
    "latency": latency,
}
ALL: dict[str, Scenario] = {**DEFAULT, "rows": rows}
