# SPDX-License-Identifier: Apache-2.0
"""The stores behind the mappings, each made once and kept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from onespace_core.config import Mapping
from onespace_core.layers import ObserveLayer, RetryLayer
from onespace_core.namespace.keys import KeyLayout
from onespace_core.namespace.location import remote_location
from onespace_core.provider import (
    BucketNotFound,
    KeyScheme,
    Provider,
    ProviderSettings,
)
from onespace_core.provider.registry import Registry
from onespace_core.sync.policy import layout_of
from onespace_core.telemetry import Meter, RequestMeter
from onespace_shunt.breaker import Breaker, BreakerLayer

#: Seconds from the first try after which there is no second one.
_RETRY_WITHIN = 1.0
#: Seconds for which a bucket is believed to be there.
_BUCKET_SEEN = 60.0
_TIMEOUTS = ("connect_timeout", "read_timeout")


class Place:
    """A mapping and its store.

    The store is made for the first request; that makes no request itself.

    :param mapping: of mode sync or lifecycle.
    :param timeout: see ``Options.remote_timeout``.
    :param meter: told of requests; None tells nobody.
    """

    def __init__(
        self,
        mapping: Mapping,
        *,
        timeout: float,
        meter: Meter | None,
        logger: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.mapping = mapping
        self.meter = meter
        self.breaker = Breaker(clock)
        self._timeout = timeout
        self._logger = logger
        self._clock = clock
        self._lock = threading.Lock()
        self._provider: Provider | None = None
        self._seen: dict[str, float] = {}

    @property
    def provider(self) -> Provider:
        """The store with its layers.

        :raises OnespaceError: its plugin or its settings cannot be used.
        """
        if self._provider is None:
            with self._lock:
                if self._provider is None:
                    self._provider = self._make()
        return self._provider

    def _make(self) -> Provider:
        mapping = self.mapping
        capped = {
            name: min(float(mapping.settings[name]), self._timeout)
            for name in _TIMEOUTS
            if mapping.settings.get(name) is not None
        }
        settings = ProviderSettings(
            {**mapping.settings, **capped}, bucket=mapping.settings.bucket
        )
        provider: Provider = Registry().create(
            mapping.provider, settings, logger=self._logger
        )
        if self.meter is not None:
            provider = ObserveLayer(
                provider,
                RequestMeter(self.meter, mapping.name),
                logger=self._logger,
            )
        return RetryLayer(
            BreakerLayer(provider, self.breaker),
            deadline=_RETRY_WITHIN,
            base_delay=0.1,
            max_attempts=2,
            logger=self._logger,
        )

    def layout(self, container: str) -> KeyLayout:
        """Return where the objects of a container are."""
        return layout_of(self.mapping, self.mapping.key_scheme, container)

    def location(self, container: str) -> str:
        """Return what listings say of objects that are there."""
        layout, mapping = self.layout(container), self.mapping
        endpoint = self.provider.location
        if mapping.key_scheme is KeyScheme.PLAIN:
            identity = str(mapping.settings.get("user") or "")
            return remote_location(endpoint, identity, layout.bucket)
        return remote_location(
            endpoint, layout.bucket, (mapping.custom_prefix or "").strip("/")
        )

    @property
    def makes_buckets(self) -> bool:
        """Whether a bucket that is missing only means that it is empty.

        So it is where the engine makes one for each container.
        """
        mapping = self.mapping
        return mapping.per_account and mapping.key_scheme is KeyScheme.PLAIN

    def check_bucket(self, bucket: str) -> None:
        """Make sure that "no such object" does not mean "no such bucket".

        Not every store can tell. One request a minute at most.

        :raises BucketNotFound: it is not there, and should be.
        :raises ProviderError: the store does not answer.
        """
        if self.makes_buckets or self._seen.get(bucket, 0) > self._clock():
            return
        try:
            self.provider.head_bucket(bucket)
        except BucketNotFound:
            self._seen.pop(bucket, None)
            raise
        self._seen[bucket] = self._clock() + _BUCKET_SEEN
