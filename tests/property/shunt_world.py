# SPDX-License-Identifier: Apache-2.0
"""The shunt over a local Swift and a store that are both in memory.

All of it is the real thing but these two: the filter with its file, its
layers, its breaker; and Swift's ``listing_formats`` above it. Time is that
of the world, and nobody waits.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self
from unittest import mock

from onespace_shunt.options import Options
from onespace_shunt.shunt import Shunt
from onespace_shunt.stores import Place
from property.shunt_local import LocalSwift, Stored
from swift.common.middleware.listing_formats import ListingFilter
from swift.common.utils import Timestamp

from onespace_core.provider import BytesBody
from onespace_core.swift.source import LocalObject
from onespace_core.sync.travel import ExpiryRules, headers_for
from onespace_core.testing.faulty import Fault, FaultyLayer
from onespace_core.testing.leaks import LeakTracker, LeakTrackingLayer
from onespace_core.testing.memory import (
    EVERYTHING,
    MemoryProvider,
    MemoryStore,
)

BUCKET = "bucket"
KEY = "the key"
ACCOUNT = "AUTH_a"
#: Names of containers: mapped, mapped with partial listings, and not.
ONE, PARTIAL, OFF, FREE = "c", "p", "off", "free"
#: An account of which every container is mapped.
WHOLE = "AUTH_w"
#: Entries of one page of the store: few, so that there are pages.
PAGE = 3

_CONF = """
[credentials:memory]
provider = file
folder = {folder}

[profile:all]
credentials = memory
mode = lifecycle
propagate_delete = false
bucket = bucket
account = AUTH_a
merge_namespaces = true

[mapping:one]
profile = all
container = c

[mapping:partly]
profile = all
container = p
listing_on_remote_error = partial

[mapping:off]
profile = all
container = off
merge_namespaces = false

[mapping:whole]
profile = all
account = AUTH_w
container = *
exclude_pattern = .*_segments.*
"""
_STATUS = re.compile(r"[1-5]\d\d [ -~]*")


class Cache:
    """What the shunt uses of memcache.

    :param clock: seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[Any, float]] = {}

    def get(self, key: str, **_options: Any) -> Any:
        value, until = self._kept.get(key, (None, 0))
        return value if until > self._clock() else None

    def set(self, key: str, value: Any, time: float = 0, **_: Any) -> None:
        self._kept[key] = value, self._clock() + (time or 1e9)

    def delete(self, key: str, **_options: Any) -> None:
        self._kept.pop(key, None)


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What a server got from an app.

    :param broken: the body ended with this error.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    broken: Exception | None = None


class World:
    """See the module. Use as a context manager.

    :param folder: for the configuration.
    :param fault: what goes wrong at the store, by operation and key.
    :param wrap: puts another layer before the store.
    :param cached: whether there is a memcache.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        fault: Callable[[str, str | None], Fault | None] = (
            lambda _op, _key: None
        ),
        wrap: Callable[[Any], Any] = lambda provider: provider,
        cached: bool = True,
        **capabilities: Any,
    ) -> None:
        self.now = 1000.0
        self.cache = Cache(self.clock) if cached else None
        self.store = MemoryStore(BUCKET)
        self.memory = MemoryProvider(
            self.store,
            bucket=BUCKET,
            capabilities=dataclasses.replace(
                EVERYTHING, max_list_limit=PAGE, **capabilities
            ),
        )
        self.leaks = LeakTracker()
        self.wrapped = wrap(self.memory)
        self._provider = LeakTrackingLayer(
            FaultyLayer(self.wrapped, fault), self.leaks
        )
        self._folder = folder
        self._patches = contextlib.ExitStack()
        self.local = LocalSwift(ACCOUNT, WHOLE)

    def __enter__(self) -> Self:
        registry = mock.Mock()
        registry.return_value.create.return_value = self._provider
        for where, what in (
            ("onespace_shunt.stores.Registry", registry),
            ("onespace_core.layers.retry._sleep", self.sleep),
        ):
            self._patches.enter_context(mock.patch(where, what))
        self._file = self._folder / "onespace.conf"
        self._file.write_text(_CONF.format(folder=self._folder))
        self._file.chmod(0o600)
        self.shunts: list[Shunt] = []
        return self

    def __exit__(self, *_exc: Any) -> None:
        self._patches.close()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def shunt(self, **options: Any) -> Any:
        """Return a proxy's pipeline: one more process of the cluster."""
        made = Shunt(
            self.local,
            Options(
                conf_file=str(self._file),
                check_interval=3600,
                bypass_key=KEY,
                **options,
            ),
            logging.getLogger("shunt"),
        )
        made._missing._clock = self.clock
        places = made._watched.places_now().by_name
        assert sorted(places) == ["one", "partly", "whole"], places
        for place in places.values():
            place._clock = place.breaker._clock = self.clock
        self.shunts.append(made)
        return ListingFilter(made, {}, logging.getLogger("listing"))

    def place(self, name: str, number: int = 0) -> Place:
        return self.shunts[number]._watched.places_now().by_name[name]

    @property
    def faults(self) -> int:
        """How often the shunt itself failed."""
        return sum(shunt.counts["faults"] for shunt in self.shunts)

    # -- what the daemon does ---------------------------------------------

    def copy(self, mapping: str, container: str, name: str) -> None:
        """Copy a local object to the store, as the daemon does."""
        place = self.place(mapping)
        where = place.mapping.account, container
        stored = self.local.containers[where][name]
        layout = place.layout(container)
        self.memory.put_object(
            layout.key(name),
            BytesBody(stored.data),
            metadata=carried(name, stored).metadata,
            content_type=stored.content_type,
            bucket=layout.bucket,
        )

    def archive(self, mapping: str, container: str, name: str) -> None:
        """Move it."""
        self.copy(mapping, container, name)
        where = self.place(mapping).mapping.account, container
        del self.local.containers[where][name]


def carried(name: str, stored: Stored) -> Any:
    """Return what the copy of a local object carries."""
    meta = "x-object-meta-"
    expiry = stored.headers.get("X-Delete-At")
    return headers_for(
        LocalObject(
            name=name,
            timestamp=Timestamp(stored.stamp).internal,
            size=len(stored.data),
            etag=stored.etag,
            content_type=stored.content_type,
            metadata={
                key.lower()[len(meta) :]: value
                for key, value in stored.headers.items()
                if key.lower().startswith(meta)
            },
            system={},
            delete_at=int(expiry) if expiry else None,
        ),
        None,
        ExpiryRules(),
        object_expiry=True,
        now=0,
    )


def environ(
    method: str,
    path: bytes,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    *,
    body: bytes = b"",
    cache: Cache | None = None,
) -> dict[str, Any]:
    """Return what a server gives an app: text whose characters are bytes.

    :param path: not quoted.
    """
    env: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if body or method in ("PUT", "POST"):
        env["CONTENT_LENGTH"] = str(len(body))
    for name, value in (headers or {}).items():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_LENGTH", "CONTENT_TYPE"):
            key = f"HTTP_{key}"
        env[key] = value
    if cache is not None:
        env["swift.cache"] = cache
    return env


def serve(app: Any, env: dict[str, Any], *, pieces: int = -1) -> Answer:
    """Ask an app as a server does, and look at how it behaves.

    :param pieces: of the body, after which the client goes away.
    """
    said: list[Any] = []
    method = env["REQUEST_METHOD"]

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        assert exc_info is not None or not said
        said[:] = [status, list(headers)]

    result = app(env, start_response)
    data, broken = b"", None
    try:
        for number, piece in enumerate(_pieces(result)):
            if number == pieces:
                break
            assert isinstance(piece, bytes)
            data += piece
    except Exception as exc:  # noqa: BLE001 - as a server does
        broken = exc
    finally:
        if hasattr(result, "close"):
            result.close()
    status, given = said
    assert _STATUS.fullmatch(status), status
    for name, value in given:
        assert type(name) is str, name
        assert type(value) is str, (name, value)
        (name + value).encode("latin-1")
        assert not set("\r\n\0") & set(name + value), (name, value)
    headers = {name.title(): value for name, value in given}
    assert len(headers) == len(given), given
    code = int(status[:3])
    length = headers.get("Content-Length")
    if method == "HEAD" or code in (204, 304):
        assert data == b"", data
    elif length is not None and pieces < 0 and broken is None:
        assert int(length) == len(data), (length, data)
    return Answer(code, headers, data, broken)


def _pieces(result: Any) -> Iterator[bytes]:
    yield from result
