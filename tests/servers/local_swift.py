# SPDX-License-Identifier: Apache-2.0
"""The local cluster as the daemon sees it, from a process of its own.

Swift reads its configuration when it is imported, once in a process; the
tests have several clusters.
"""

from __future__ import annotations

import contextlib
import pathlib
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from onespace_core.swift.source import LocalManifest, LocalObject


class LocalSwiftProcess:
    """Calls that a child answers with a LocalSwift; errors are raised here.

    :param info: of a running Swift.
    :param path: a pipeline for InternalClient; None means ours.
    """

    def __init__(
        self, info: Mapping[str, Any], path: str | None = None
    ) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore", __file__),
                *(info["swift_dir"], path or ""),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def call(self, *call: Any) -> Any:
        """Let the child do one of the functions below."""
        pickle.dump(call, self._process.stdin)
        self._process.stdin.flush()
        failed, answer = pickle.load(self._process.stdout)
        if failed:
            raise answer
        return answer

    def close(self) -> None:
        """End the child, by closing what it reads."""
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def container(self, account: str, container: str) -> RemoteSource:
        """Return a container of it."""
        return RemoteSource(self, account, container)


class RemoteSource:
    """A ContainerSource in the child."""

    def __init__(
        self, swift: LocalSwiftProcess, account: str, container: str
    ) -> None:
        self._swift = swift
        self._place = account, container

    def _call(self, function: str, *arguments: Any, **options: Any) -> Any:
        return self._swift.call(function, *self._place, arguments, options)

    def head(self, name: str, **options: Any) -> LocalObject | None:
        options.setdefault("newest", False)
        return self._call("head", name, **options)

    def read(
        self, name: str, **options: Any
    ) -> tuple[LocalObject, bytes] | None:
        """Open an object and read it."""
        options.setdefault("newest", False)
        return self._call("read", name, **options)

    def manifest(self, name: str, **options: Any) -> LocalManifest:
        """Read the manifest of what is there now."""
        return self._call("manifest", self.head(name), **options)

    def manifest_of(self, local: LocalObject) -> LocalManifest:
        return self._call("manifest", local)

    def delete(self, name: str, **options: Any) -> bool:
        return self._call("delete", name, **options)

    def content(self, manifest: LocalManifest) -> bytes:
        """Read all pieces, each from the version that it names."""
        return b"".join(
            self._call("piece", piece) if piece.data is None else piece.data
            for piece in manifest.pieces
        )


@contextlib.contextmanager
def local_swift(
    info: Mapping[str, Any], path: str | None = None
) -> Iterator[LocalSwiftProcess]:
    """Give a child, and end it."""
    swift = LocalSwiftProcess(info, path)
    try:
        yield swift
    finally:
        swift.close()


# -- in the child ------------------------------------------------------------


def _read(source, name, **options):
    reader = source.open(name, **options)
    if reader is None:
        return None
    with contextlib.closing(reader):
        return reader.info, reader.stream.read()


def _piece(source, piece):
    info, data = _read(
        source.sibling(piece.container),
        piece.name,
        newest=False,
        span=(piece.first, piece.last),
    )
    assert (info.etag, info.size) == (piece.etag, piece.size)
    return data


def _raw_delete(swift, account, container, name, timestamp):
    """Return the status of a DELETE without a look before it."""
    path = "/".join(map(quote, ("/v1", account, container, name)))
    response = swift.request(
        "DELETE", path, {"X-Timestamp": timestamp}, acceptable=(2, 404, 409)
    )
    return response.status_int


def _rows(_, account, container, devices):
    """Return the rows of a container's database on a node."""
    from swift.common.utils import decode_timestamps
    from swift.container.backend import ContainerBroker

    for path in pathlib.Path(devices).glob("*/containers/**/*.db"):
        broker = ContainerBroker(str(path))
        info = broker.get_info()
        if (info["account"], info["container"]) == (account, container):
            return [
                (
                    row["name"],
                    decode_timestamps(row["created_at"])[0].internal,
                    row["deleted"],
                )
                for row in broker.get_objects()
            ]
    return None


_FUNCTIONS = {"read": _read, "piece": _piece}
_OF_SWIFT = {"raw_delete": _raw_delete, "rows": _rows}


def _answer(swift, function, account, container, arguments=(), options=None):
    if function in ("container_headers", "shard_ranges"):
        return getattr(swift, function)(account, container)
    if function in _OF_SWIFT:
        return _OF_SWIFT[function](swift, account, container, *arguments)
    source = swift.container(account, container)
    known = _FUNCTIONS.get(function)
    if known is not None:
        return known(source, *arguments, **(options or {}))
    return getattr(source, function)(*arguments, **(options or {}))


def _serve(swift_dir, path):
    from onespace_core import concurrency

    concurrency.patch()
    from onespace_core.swift.environment import use_swift_dir

    use_swift_dir(swift_dir)
    from onespace_core.swift.internal import LocalSwift, load_internal_client

    swift = LocalSwift(load_internal_client(swift_dir, path or None))
    output = sys.stdout.buffer
    sys.stdout = sys.stderr
    while True:
        try:
            call = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = False, _answer(swift, *call)
        except Exception as exc:  # noqa: BLE001 - raised where it is called
            exc.__cause__ = exc.__context__ = None
            answer = True, exc
        pickle.dump(answer, output)
        output.flush()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
