# SPDX-License-Identifier: Apache-2.0
"""The loop over mappings and containers."""

from __future__ import annotations

import dataclasses
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence

from onespace_core.concurrency import GreenPool, Timeout, sleep
from onespace_core.crawler.database import (
    DatabaseUnavailableError,
    Located,
    Locator,
)
from onespace_core.crawler.job import Job, OutageError
from onespace_core.crawler.shards import AskForShards, ShardFinder
from onespace_core.state import ContainerKey, StateError, StateStore
from onespace_core.state.model import SHARDS_PREFIX

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0
#: Seconds after which a request to stop is noticed between rounds.
_NAP = 1.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A mapping, as far as the crawler has to know it.

    :param containers: lists the containers to follow; called now and then.
        May raise, which puts this mapping off and no other.
    :param make_job: builds the job of one container, or of a shard of one
        (``key.root`` is then the container).
    :param shards: asks the cluster for the shards of a container whose
        database is not here; None follows only those of containers that are.
    :param sweep: cleans up behind what was done, if it is time to; in
        ``onespace-sync --once`` always. Gets what tells whether to go on,
        and returns whether all went well.
    :param whole_account: whether a container that is listed no longer was
        deleted, and is drained; else it was taken out of the configuration,
        and left alone from then on.
    """

    name: str
    account: str
    containers: Callable[[], Iterable[str]]
    make_job: Callable[[ContainerKey], Job]
    shards: AskForShards | None = None
    sweep: Callable[[Callable[[], bool], bool], bool] | None = None
    whole_account: bool = True


class _Mapping:
    """What the poller remembers of a mapping between rounds."""

    def __init__(
        self, target: Target, containers: int, *, troubled: bool
    ) -> None:
        self.target = target
        self.pool = GreenPool(containers)
        self.busy = False
        self.sweeping = False
        self.troubled = troubled
        self.unlisted = False
        self.jobs: dict[ContainerKey, Job] = {}
        #: Whether any of its databases is here; None: not said yet.
        self.found: bool | None = None
        #: Containers, and after them the shards of any.
        self.keys: list[ContainerKey] = []
        self.listed_at: float | None = None
        self.failures = 0
        self.resume_at = 0.0


class Poller:
    """Gives every container its turns, until stopped.

    One container, mapping or store that fails never stops the others: a
    mapping whose store is down is left alone for a while that doubles from
    one second to five minutes. Mappings share no greenthreads, so that one
    whose store hangs takes none away from another.

    :param containers: of one mapping that are worked on side by side.
    :param interval: seconds from one round to the next, at least.
    :param discovery: seconds after which the containers of an account are
        listed again.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        locator: Locator,
        store: StateStore,
        containers: int,
        logger: logging.Logger,
        *,
        interval: float,
        discovery: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        health = store.health()
        self._mappings = [
            _Mapping(target, containers, troubled=target.name in health)
            for target in targets
        ]
        self._leaders = GreenPool(max(1, len(targets)))
        self._sweepers = GreenPool(max(1, len(targets)))
        self._locator = locator
        self._store = store
        self._logger = logger
        self._interval = interval
        self._discovery = discovery
        self._clock = clock
        self._shards = ShardFinder(locator, logger, clock=clock)
        self._running: set[ContainerKey] = set()
        self._stopped = False
        self._broken = False

    @property
    def broken(self) -> bool:
        """Whether any mapping could not be worked on in the last round."""
        return self._broken

    def stop(self) -> None:
        """Begin nothing new; rows under way go on."""
        self._stopped = True
        for mapping in self._mappings:
            for job in mapping.jobs.values():
                job.stop()

    def run_forever(self) -> None:
        """Poll until stopped."""
        while not self._stopped:
            started = self._clock()
            self._round(everything=False)
            self._pause(self._interval - (self._clock() - started))

    def _pause(self, seconds: float) -> None:
        sleep(0)
        while seconds > 0 and not self._stopped:
            nap = min(seconds, _NAP)
            sleep(nap)
            seconds -= nap

    def wait(self) -> None:
        """Return when all that was begun has ended."""
        self._leaders.waitall()
        for mapping in self._mappings:
            mapping.pool.waitall()
        self._sweepers.waitall()

    def run_once(self) -> None:
        """Work until nothing is left that can be done now, then return.

        What the ledger holds is tried once, due or not.
        """
        for mapping in self._mappings:
            mapping.resume_at = 0.0
        self._broken = False
        self._round(everything=True)
        self.wait()
        for mapping in self._mappings:
            self._sweep_beside(mapping, everything=True)
        self.wait()

    def _round(self, *, everything: bool) -> None:
        """Begin a round of every mapping that is not in one; do not wait."""
        for mapping in self._mappings:
            if self._stopped:
                return
            left = mapping.resume_at - self._clock()
            # A longer pause is none of ours: the clock was set back.
            if not mapping.busy and not 0 < left <= _LONGEST_PAUSE:
                mapping.busy = True
                self._leaders.spawn(self._lead, mapping, everything)
                if not everything:
                    self._sweep_beside(mapping, everything=False)

    def _sweep_beside(self, mapping: _Mapping, *, everything: bool) -> None:
        """Begin a sweep, unless one is under way; rows never wait for it."""
        sweep = mapping.target.sweep
        if sweep is not None and not (mapping.sweeping or self._stopped):
            mapping.sweeping = True
            self._sweepers.spawn(self._sweep, mapping, sweep, everything)

    def _sweep(
        self,
        mapping: _Mapping,
        sweep: Callable[[Callable[[], bool], bool], bool],
        everything: bool,
    ) -> None:
        try:
            if not sweep(lambda: not self._stopped, everything):
                self._broken = True
        except (Exception, Timeout) as exc:  # noqa: BLE001 - it is logged
            self._failed(mapping, "the sweep for segments", exc)
        finally:
            mapping.sweeping = False

    def _lead(self, mapping: _Mapping, everything: bool) -> None:
        """Give every container of a mapping its turn."""
        try:
            now = self._clock()
            if mapping.listed_at is None or (
                abs(now - mapping.listed_at) > self._discovery
            ):
                self._discover(mapping, now)
            put_off = mapping.resume_at
            for key in mapping.keys:
                if self._stopped or mapping.resume_at != put_off:
                    # An outage: the other containers would find the same.
                    return
                self._submit(mapping, key, everything=everything)
            self._tell_if_nothing_is_here(mapping)
        except (Exception, Timeout) as exc:  # noqa: BLE001 - it is logged
            self._failed(mapping, mapping.target.account, exc)
        finally:
            mapping.busy = False

    def _tell_if_nothing_is_here(self, mapping: _Mapping) -> None:
        """Say once that a mapping has nothing to do on this node.

        It may be so on a node without a replica; or a name is wrong.
        """
        if mapping.found is None and mapping.keys:
            mapping.found = False
            self._logger.warning(
                "mapping %s: no database of %s/%s is on this node; if there "
                "should be one, check account, container, devices and "
                "swift_bind_ip",
                mapping.target.name,
                mapping.target.account,
                mapping.keys[0].container if len(mapping.keys) == 1 else "*",
            )

    def _discover(self, mapping: _Mapping, now: float) -> None:
        target = mapping.target
        try:
            listed = list(dict.fromkeys(target.containers()))
        except (Exception, Timeout) as exc:  # noqa: BLE001 - never stops others
            self._put_off(mapping, f"cannot list {target.account}: {exc}")
            mapping.unlisted = True
            return
        if mapping.unlisted:
            self._recovered(mapping)
        roots = [
            ContainerKey(target.name, target.account, name) for name in listed
        ]
        roots += self._known(target, target.account, roots, roots)
        shards = self._shards.find(roots, target.shards)
        shards += self._known(
            target, SHARDS_PREFIX + target.account, shards, roots
        )
        mapping.keys = roots + shards
        mapping.listed_at = now
        for key in mapping.jobs.keys() - set(mapping.keys):
            del mapping.jobs[key]

    def _known(
        self,
        target: Target,
        account: str,
        listed: Sequence[ContainerKey],
        roots: Sequence[ContainerKey],
    ) -> list[ContainerKey]:
        """Return what is not listed, but has state still.

        It may have deletions to propagate: it is followed until its database
        is drained, or gone.
        """
        keys = []
        for name in self._store.containers(target.name, account):
            key = ContainerKey(target.name, account, name)
            if key in listed:
                continue
            wanted = target.whole_account or key.root in roots
            if wanted and self._locator.locate(account, name) is not None:
                keys.append(key)
            else:
                self._store.forget(key)
        return keys

    def _submit(
        self, mapping: _Mapping, key: ContainerKey, *, everything: bool
    ) -> None:
        if key in self._running:
            return
        try:
            located = self._locator.locate(key.account, key.container)
            if located is None:
                return
            mapping.found = True
            job = mapping.jobs.get(key)
            if job is None:
                job = mapping.jobs[key] = mapping.target.make_job(key)
        except (Exception, Timeout) as exc:  # noqa: BLE001 - it is logged
            # Such as a ring file that is just being replaced.
            self._failed(mapping, f"{key.account}/{key.container}", exc)
            return
        self._running.add(key)
        mapping.pool.spawn(self._work, mapping, job, located, everything)

    def _work(
        self,
        mapping: _Mapping,
        job: Job,
        located: Located,
        everything: bool,
    ) -> None:
        before = job.settled
        try:
            self._turns(mapping, job, located, everything=everything)
            if everything:
                job.turn(located, everything=True)
        except OutageError as exc:
            self._put_off(mapping, str(exc))
        except StateError as exc:
            # Such as a full disk: what is done cannot be noted, and would
            # be done again each time.
            self._put_off(mapping, str(exc))
        except DatabaseUnavailableError as exc:
            self._logger.error("%s: %s", job.key.mapping, exc)
            self._broken = True
        except (Exception, Timeout) as exc:  # noqa: BLE001 - it is logged
            name = f"{job.key.account}/{job.key.container}"
            self._failed(mapping, name, exc)
        else:
            # A turn without a row says nothing of the store.
            if mapping.troubled and job.settled > before:
                self._recovered(mapping)
        finally:
            self._running.discard(job.key)

    def _turns(
        self,
        mapping: _Mapping,
        job: Job,
        located: Located,
        *,
        everything: bool,
    ) -> None:
        """Work off a backlog, unless other containers wait for a turn."""
        end = self._clock() + self._interval
        while job.turn(located):
            if everything:
                continue
            if mapping.pool.free() <= 0 or self._clock() >= end:
                return

    def _failed(
        self, mapping: _Mapping, what: str, error: BaseException
    ) -> None:
        self._broken = True
        self._logger.error(
            "%s: %s failed; it is tried again",
            mapping.target.name,
            what,
            exc_info=error,
        )

    def _put_off(self, mapping: _Mapping, reason: str) -> None:
        now = self._clock()
        self._broken = True
        if now < mapping.resume_at:
            return
        ceiling = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**mapping.failures)
        pause = ceiling / 2 + random.uniform(0, ceiling / 2)  # noqa: S311
        mapping.failures = min(mapping.failures + 1, 30)
        mapping.troubled = True
        mapping.unlisted = False
        mapping.resume_at = now + pause
        self._logger.error(
            "mapping %s cannot be worked on: %s; next try in %.0f s, other "
            "mappings go on",
            mapping.target.name,
            reason,
            pause,
        )
        self._note(mapping.target.name, reason, mapping.resume_at)

    def _recovered(self, mapping: _Mapping) -> None:
        mapping.failures = 0
        mapping.troubled = mapping.unlisted = False
        self._logger.info(
            "mapping %s can be worked on again", mapping.target.name
        )
        self._note(mapping.target.name, None, 0.0)

    def _note(self, name: str, reason: str | None, resume_at: float) -> None:
        try:
            self._store.report_health(name, reason, resume_at)
        except StateError as exc:
            self._logger.error("%s", exc)
