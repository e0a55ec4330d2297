# SPDX-License-Identifier: Apache-2.0
"""What is written back when it is read, and when.

One restore of an object at a time: who asks for it meanwhile waits a little,
and then finds it here. And few in all: a storm of readers does not become a
storm of writers. Whoever cannot restore still reads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from swift.common import constraints
from swift.common.swob import str_to_wsgi

from onespace_core.provider import ObjectReader, OnespaceError
from onespace_shunt.flights import Flights
from onespace_shunt.headers import describe, is_large
from onespace_shunt.manifests import NoManifest, read_manifest
from onespace_shunt.restore import Restored, RestoreError, Writer
from onespace_shunt.stores import Place

#: Requests of Swift's own that read for a client of Swift.
_CLIENTS = (None, "S3")
#: Headers of an answer that a PUT makes by itself.
_NOT_PUT = frozenset(
    {"etag", "accept-ranges", "x-timestamp", "x-static-large-object"}
)
_MD5_LENGTH = 32


class Restores:
    """The restores of this process.

    :param app: what is below the shunt.
    :param limit: how many at a time; 0 restores nothing.
    :param wait: seconds to wait for another one's restore.
    :param count: told of outcomes: mapping and what happened.
    """

    def __init__(
        self,
        app: Any,
        logger: logging.Logger,
        count: Callable[[Place, str], None],
        *,
        limit: int,
        wait: float,
    ) -> None:
        self._app = app
        self._logger = logger
        self._count = count
        self._flights = Flights(limit)
        self._wait = wait

    def wanted(self, environ: dict[str, Any], place: Place) -> bool:
        """Return whether a GET is to bring an object back.

        A part of an object does not, nor a copy's source: Swift reads that
        itself, and no client will want it again.
        """
        return (
            place.mapping.restore_object
            and environ["REQUEST_METHOD"] == "GET"
            and "HTTP_RANGE" not in environ
            and environ.get("swift.source") in _CLIENTS
        )

    def await_other(self, place: Place, names: tuple[str, str]) -> bool:
        """Wait for the restore of this object by another request.

        :returns: whether one has ended, so that the object may be here.
        """
        flight = self._flights.flying(_key(place, names))
        return flight is not None and flight.wait(self._wait)

    def begin(
        self,
        environ: dict[str, Any],
        place: Place,
        names: tuple[str, str],
        timestamp: str,
    ) -> Restore | None:
        """Begin one, unless it is under way or there are too many.

        :param timestamp: when the local cluster was asked.
        """
        key = _key(place, names)
        if not self._flights.take_off(key):
            self._count(place, "restore_not_begun")
            return None

        def landed(restored: bool | None) -> None:
            self._flights.land(key)
            if restored is not None:
                self._count(
                    place, "restored" if restored else "restore_failed"
                )

        return Restore(
            self._app, environ, place, names, timestamp, self._logger, landed
        )


class Restore:
    """One object on its way back; a ``reading.Restorer``.

    :param landed: called once: True for an object that was written back,
        False for one that was not, None where there was nothing to write.
    """

    def __init__(
        self,
        app: Any,
        environ: dict[str, Any],
        place: Place,
        names: tuple[str, str],
        timestamp: str,
        logger: logging.Logger,
        landed: Callable[[bool | None], None],
    ) -> None:
        self._app = app
        self._environ = environ
        self._place = place
        self._names = names
        self._timestamp = timestamp
        self._logger = logger
        self._landed = landed
        self._writing = False

    def settle(self) -> None:
        """Say that the answer is made: what is not written yet never is."""
        if not self._writing:
            self._landed(None)

    def restoring(
        self,
        reader: ObjectReader,
        body: Iterator[bytes],
        close: Callable[[], None],
    ) -> Any:
        """Return a body for the client that is also written back."""
        try:
            restored = self._restored(reader)
        except (RestoreError, NoManifest, OnespaceError) as exc:
            self._logger.warning(
                "mapping %s: %s/%s is read and not restored: %s",
                self._place.mapping.name,
                *self._names,
                exc,
            )
            self._writing = True
            self._landed(False)
            return None
        writer = Writer(
            self._app, self._environ, restored, self._logger, self._landed
        )
        self._writing = True
        return writer.tee(body, close)

    def _restored(self, reader: ObjectReader) -> Restored:
        info, mapping = reader.info, self._place.mapping
        manifest = None
        if is_large(info):
            _raw, manifest = read_manifest(
                self._place.provider,
                self._place.layout(self._names[0]),
                self._names[1],
                info,
            )
        elif reader.length > constraints.MAX_FILE_SIZE:
            message = f"{reader.length} bytes are more than an object may have"
            raise RestoreError(message)
        headers = {
            str_to_wsgi(name): str_to_wsgi(value)
            for name, value in describe(info, mapping).headers.items()
            if name.lower() not in _NOT_PUT
        }
        return Restored(
            account=mapping.account,
            container=self._names[0],
            name=self._names[1],
            size=reader.length,
            etag=self._md5(info.etag),
            headers=headers,
            manifest=manifest,
            timestamp=self._timestamp,
        )

    def _md5(self, etag: str | None) -> str | None:
        """Return a store's ETag if it is the MD5 of the bytes."""
        if not self._place.provider.capabilities.etag_is_md5:
            return None
        return etag if etag and len(etag) == _MD5_LENGTH else None


def _key(place: Place, names: tuple[str, str]) -> tuple[str, ...]:
    return (place.mapping.account, *names)
