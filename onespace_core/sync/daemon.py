# SPDX-License-Identifier: Apache-2.0
"""onespace-sync put together: configuration in, a running poller out."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from onespace_core.concurrency import GreenPool, sleep
from onespace_core.provider import (
    ConfigError,
    KeyScheme,
    OnespaceError,
    Provider,
)
from onespace_core.provider.registry import Registry
from onespace_core.state import ContainerKey, StateStore
from onespace_core.swift.environment import use_swift_dir
from onespace_core.sync.archive import StoredReceipts
from onespace_core.sync.brake import ContainerBrake
from onespace_core.sync.container_tasks import TaskRunner
from onespace_core.sync.layered import Store, layered
from onespace_core.sync.multipart import MultipartCopier
from onespace_core.sync.policy import layout_of, policy_of
from onespace_core.sync.remote_container import RemoteContainer
from onespace_core.sync.strategy import choose
from onespace_core.sync.sweeps import SegmentSweeps
from onespace_core.sync.ways import Ways
from onespace_core.telemetry import (
    SyncRecorder,
    statsd_client,
    statsd_prefix,
)

if TYPE_CHECKING:
    from onespace_core.config import Config, Mapping, Settings
    from onespace_core.crawler.breaker import Breaker
    from onespace_core.crawler.database import Locator
    from onespace_core.crawler.job import Job
    from onespace_core.crawler.names import BusyNames
    from onespace_core.crawler.poller import Poller, Target
    from onespace_core.swift.internal import LocalSwift
    from onespace_core.swift.source import Source
    from onespace_core.sync.large import LargeCopier
    from onespace_core.telemetry import Meter

#: Seconds after which a receipt of a deletion of ours is dropped: well above
#: the week for which Swift keeps tombstones.
_RECEIPT_AGE = 90 * 86400


@dataclasses.dataclass(frozen=True, slots=True)
class Daemon:
    """The parts that the command needs to run and to report.

    :param recorders: one for each container that was worked on.
    :param problems: mappings that could not be set up, and why.
    """

    poller: Poller
    store: StateStore
    recorders: dict[ContainerKey, SyncRecorder]
    problems: list[OnespaceError]
    closers: list[Callable[[], None]]

    def close(self) -> None:
        """Close stores and state; the poller has stopped."""
        for closer in self.closers:
            closer()
        self.store.close()


def build(
    config: Config, logger: logging.Logger, ways: Ways | None = None
) -> Daemon:
    """Build the daemon; make no request to any store.

    A mapping that cannot be set up is reported in ``problems``; the others
    work.

    :param ways: None means the daemon's own.
    :raises ConfigError: nothing can work: no Swift here, or no state folder.
    :raises StateError: the state file cannot be used.
    """
    settings = config.settings
    use_swift_dir(settings.swift_dir)
    # Swift reads its configuration when these are imported.
    from onespace_core.crawler.poller import Poller

    ways = ways or Ways()
    locator = _locator(settings)
    swift = ways.swift(settings)
    store = ways.state(settings, logger)
    # Those with problems too: a typing error must not cost a mapping its
    # progress.
    names = set(config.names)
    store.keep_only(names)
    store.prune_receipts(time.time() - _RECEIPT_AGE, names)
    statsd = statsd_client(
        settings.statsd_host, settings.statsd_port, settings.statsd_prefix
    )
    builder = _Builder(settings, swift, store, statsd, logger, ways)
    targets = builder.targets(config.mappings)
    poller = Poller(
        targets,
        locator,
        store,
        settings.container_workers,
        logger,
        interval=settings.poll_interval,
        discovery=settings.discovery_interval,
    )
    return Daemon(
        poller, store, builder.recorders, builder.problems, builder.closers
    )


def _locator(settings: Settings) -> Locator:
    from onespace_core.crawler.database import Locator

    try:
        return Locator(
            settings.swift_dir,
            settings.devices,
            bind_ip=settings.swift_bind_ip,
            mount_check=settings.mount_check,
        )
    except Exception as exc:
        # The ring raises what reading, unpacking and unpickling raise.
        raise ConfigError(
            f"cannot load the container ring: {exc}",
            section="DEFAULT",
            option="swift_dir",
            hint="the folder needs container.ring.gz",
        ) from exc


class _Builder:
    """Builds targets; one provider for each mapping, shared by its jobs."""

    def __init__(
        self,
        settings: Settings,
        swift: LocalSwift,
        store: StateStore,
        statsd: Meter | None,
        logger: logging.Logger,
        ways: Ways,
    ) -> None:
        self._ways = ways
        self._settings = settings
        self._swift = swift
        self._store = store
        self._statsd = statsd
        self._logger = logger
        self._registry = Registry()
        self._sweeps = SegmentSweeps(
            store,
            swift,
            self._source,
            self._count_swept,
            logger,
        )
        self._names: dict[ContainerKey, BusyNames] = {}
        self.recorders: dict[ContainerKey, SyncRecorder] = {}
        self.problems: list[OnespaceError] = []
        self.closers: list[Callable[[], None]] = []

    def targets(self, mappings: Iterable[Mapping]) -> list[Target]:
        targets = []
        for mapping in mappings:
            try:
                targets.append(self._target(mapping))
            except OnespaceError as exc:
                self._logger.error(
                    "mapping %s cannot be set up: %s; other mappings go on",
                    mapping.name,
                    exc,
                )
                self.problems.append(exc)
        return targets

    def _target(self, mapping: Mapping) -> Target:
        from onespace_core.crawler.poller import Target

        plain = self._registry.create(
            mapping.provider,
            mapping.settings,
            logger=self._logger,
            # Parts of large objects are sent side by side.
            concurrency=self._settings.workers * mapping.part_workers,
        )
        self.closers.append(plain.close)
        put_layers = partial(
            layered,
            mapping=mapping,
            meter=self._statsd,
            deadline=self._settings.retry_deadline,
            sleep=sleep,
            logger=self._logger,
        )
        store = self._ways.store(mapping, plain, put_layers)
        breaker = self._breaker(mapping)
        # Rows sleep in the retry layer while a store is down: in a pool of
        # their own, they take no place from another mapping's.
        rows = GreenPool(self._settings.workers)

        tasks = self._tasks(mapping, store)

        def containers() -> Iterable[str]:
            found: list[str] = [mapping.container]
            if mapping.per_account:
                found = list(self._swift.containers(mapping.account))
            tasks.keep_only(found)
            for name in found:
                layout = layout_of(mapping, store.provider.KEY_SCHEME, name)
                tasks.run(name, layout)
            return found

        def make_job(key: ContainerKey) -> Job:
            return self._job(mapping, key, store, breaker, rows)

        def shards(account: str, name: str) -> Iterable[tuple[str, str]]:
            found = self._swift.shard_ranges(account, name)
            return [(each.account, each.container) for each in found]

        return Target(
            name=mapping.name,
            account=mapping.account,
            containers=containers,
            make_job=make_job,
            shards=shards,
            sweep=self._sweeps.sweep(mapping, store.provider),
            whole_account=mapping.per_account,
        )

    def _job(
        self,
        mapping: Mapping,
        key: ContainerKey,
        store: Store,
        breaker: Breaker,
        rows: GreenPool,
    ) -> Job:
        from onespace_core.crawler.job import Job, Tuning
        from onespace_core.crawler.names import BusyNames
        from onespace_core.sync.engine import SyncEngine

        settings = self._settings
        # A shard's objects are the root's: here, there and in the figures.
        root = key.root
        layout = layout_of(mapping, store.provider.KEY_SCHEME, root.container)
        policy = policy_of(mapping)
        slack = settings.verification_slack
        source = self._source(mapping, root.container)
        engine = SyncEngine(
            store.provider,
            store.probe,
            layout,
            source,
            policy,
            self._recorder(mapping, root),
            prepare=_preparation(mapping, store.probe, layout.bucket),
            container=root.container,
            credentials=mapping.credentials,
            large=lambda remote: self._large(
                mapping,
                root,
                choose(
                    remote,
                    source,
                    policy,
                    self._store,
                    root,
                    self._sweeps.remote_notes(mapping, root, remote),
                ),
            ),
            segment_notes=self._sweeps.local_notes(mapping, root, source),
            manifest_notes=partial(self._sweeps.remote_notes, mapping, root),
            receipts=StoredReceipts(self._store, root),
            settle=slack,
            brake=ContainerBrake(breaker, root, self._swift),
        )
        return Job(
            key,
            mapping.fingerprint,
            engine,
            self._store,
            rows,
            Tuning(
                chunk=settings.items_chunk,
                slack=slack,
                max_delay=settings.retry_max_delay,
                recheck=max(1.0, min(60.0, slack / 4)),
                ordered=mapping.ordered,
                watermark=mapping.ordered_window,
            ),
            self._logger,
            names=self._names.setdefault(root, BusyNames()),
        )

    def _large(
        self, mapping: Mapping, root: ContainerKey, copier: LargeCopier
    ) -> LargeCopier:
        """Give up what nobody will continue, before anything is copied."""
        noted = {
            key for key, _upload in self._store.open_uploads(root.mapping)
        }
        if isinstance(copier, MultipartCopier) and root in noted:
            try:
                copier.abort_stale(time.time(), mapping.upload_expiry)
            except OnespaceError as exc:
                self._logger.warning(
                    "%s: an old upload of %s/%s could not be aborted: %s; "
                    "this is tried again after a restart",
                    mapping.name,
                    root.account,
                    root.container,
                    exc,
                )
        return copier

    def _source(self, mapping: Mapping, name: str) -> Source:
        found = self._swift.container(mapping.account, name)
        return self._ways.source(mapping, name, found)

    def _count_swept(self, mapping: Mapping, what: str, number: int) -> None:
        if number:
            key = ContainerKey(
                mapping.name, mapping.account, mapping.container
            )
            self._recorder(mapping, key).reaped(what, number)

    def _tasks(self, mapping: Mapping, store: Store) -> TaskRunner:
        return TaskRunner(
            mapping,
            store.provider,
            self._store,
            self._swift.container_headers,
            lambda bucket: _preparation(mapping, store.probe, bucket),
            self._logger,
        )

    def _breaker(self, mapping: Mapping) -> Breaker:
        from onespace_core.crawler.breaker import Breaker, Limits

        breaker = Breaker(
            mapping.name,
            Limits(
                number=mapping.delete_breaker_number,
                share=mapping.delete_breaker_share / 100,
                window=mapping.delete_breaker_window,
            ),
            self._store,
            self._logger,
        )
        self.closers.append(breaker.flush)
        return breaker

    def _recorder(self, mapping: Mapping, key: ContainerKey) -> SyncRecorder:
        """Return the container's; one that comes back goes on counting."""
        recorder = self.recorders.get(key)
        if recorder is None:
            prefix = statsd_prefix(
                endpoint=_endpoint(mapping),
                account=key.account,
                bucket=mapping.bucket,
                custom_prefix=mapping.custom_prefix,
                container=key.container,
            )
            recorder = SyncRecorder(self._statsd, prefix)
            self.recorders[key] = recorder
        return recorder


def _preparation(
    mapping: Mapping, provider: Provider, bucket: str
) -> RemoteContainer | None:
    """Return what makes the remote container of an account mapping.

    A bucket that the operator named is never made: a typing error would
    become a bucket. Names that are derived from local ones are.
    """
    if mapping.per_account and provider.KEY_SCHEME is KeyScheme.PLAIN:
        return RemoteContainer(provider, bucket)
    return None


def _endpoint(mapping: Mapping) -> str:
    """Return what 1space calls the store in statsd names."""
    for option in ("endpoint", "auth_url"):
        value = mapping.settings.get(option)
        if value:
            return str(value)
    return "S3"
