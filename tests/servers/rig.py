# SPDX-License-Identifier: Apache-2.0
"""onespace-sync between a real Swift and a real store, for tests."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import pathlib
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import swiftclient

from onespace_core.namespace.keys import KeyLayout, layout_for
from onespace_core.provider import (
    BucketNotFound,
    BytesBody,
    ObjectInfo,
    ObjectNotFound,
    Provider,
    ProviderSettings,
)
from onespace_core.provider.registry import Registry
from onespace_core.state import StateStore
from onespace_core.sync.stamp import user_metadata

LOG = logging.getLogger("rig")


@dataclasses.dataclass(frozen=True)
class Held:
    """What a side holds of an object, as far as both sides can agree."""

    data: bytes
    content_type: str | None
    metadata: Mapping[str, str]


def make_provider(name: str, bucket: str, **values: Any) -> Provider:
    """Return a provider built as the daemon builds it."""
    registry = Registry()
    kind = registry.load(name)
    settings = ProviderSettings.from_options(
        [*kind.OPTS, *kind.TARGET_OPTS], values, bucket=bucket
    )
    return registry.create(name, settings, logger=LOG)


def store_options(request: Any, name: str) -> tuple[str, dict[str, Any]]:
    """Return provider name and options of a store's fixture."""
    if name == "swift":
        info = request.getfixturevalue("second_standalone").info
        user = info["users"][0]
        return "swift", {
            "auth_url": info["auth_url"],
            "user": f"{user['account']}:{user['user']}",
            "key": user["key"],
        }
    return "s3-compatible", request.getfixturevalue(name).options()


class Rig:
    """A mapping under test: its config, both sides, and the program.

    :param folder: for configuration, state and logs.
    :param swift: ``info`` of a running Swift (standalone or cluster).
    :param provider: name of the remote's provider.
    :param options: of its credentials section.
    :param mapping: further options of the mapping.
    :param default: further options of ``[DEFAULT]``.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        swift: Mapping[str, Any],
        provider: str,
        options: Mapping[str, Any],
        *,
        container: str | None = None,
        mapping: Mapping[str, Any] | None = None,
        default: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        #: Name of the fixture behind the remote, for what servers differ in.
        self.store = ""
        self.swift = swift
        self.provider = provider
        self.options = dict(options)
        self.mapping = dict(mapping or {})
        self.default = dict(default or {})
        user = swift["users"][0]
        self.account = f"AUTH_{user['account']}"
        self.connection = swiftclient.Connection(
            swift["auth_url"],
            f"{user['account']}:{user['user']}",
            user["key"],
            retries=1,
        )
        unique = uuid.uuid4().hex[:12]
        self.container = container or f"local-{unique}"
        self.bucket = f"remote-{unique}"
        self.local = make_provider(
            "swift",
            self.container,
            auth_url=swift["auth_url"],
            user=f"{user['account']}:{user['user']}",
            key=user["key"],
        )
        self.remote = make_provider(provider, self.bucket, **options)
        self.local.create_bucket()
        self.remote.create_bucket()
        self.state_dir = folder / "state"
        self.state_dir.mkdir()
        self.config = folder / "onespace.conf"
        self.write_config()

    def status(self) -> str:
        """Return what ``onespace status`` prints."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "onespace_core.cli.main", "status"),
                *("--config", str(self.config)),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    def close(self) -> None:
        self.local.close()
        self.remote.close()

    @property
    def layout(self) -> KeyLayout:
        return layout_for(
            self.remote.KEY_SCHEME,
            account=self.account,
            container=self.container,
            bucket=self.bucket,
            custom_prefix=self.mapping.get("custom_prefix"),
        )

    # -- the program ------------------------------------------------------

    def write_config(self, extra: str = "") -> None:
        """Write the configuration anew, with ``extra`` sections."""
        default = {
            "swift_dir": self.swift["swift_dir"],
            "devices": self.swift["devices"],
            "state_dir": self.state_dir,
            "swift_bind_ip": "127.0.0.1",
            "retry_deadline": 2,
            **self._no_wait(),
            **self.default,
        }
        mapping = {
            "mode": "sync",
            "credentials": "remote",
            "account": self.account,
            "container": self.container,
            "bucket": self.bucket,
            **self.mapping,
        }
        self.config.touch(mode=0o600)
        self.config.write_text(
            _section("DEFAULT", default)
            + _section(
                "credentials:remote",
                {"provider": self.provider, **self.options},
            )
            + _section("mapping:main", mapping)
            + extra
        )

    def _no_wait(self) -> dict[str, Any]:
        """Let an archive delete at once, also at stores without conditions."""
        archives = self.mapping.get("mode") == "lifecycle"
        return {"verification_slack": 0} if archives else {}

    def on_node(self, cluster: Any, number: int) -> None:
        """From now on run the program as on a node of a cluster.

        Each node has a state of its own, as in production.
        """
        node = cluster.layout.nodes[number - 1]
        self.state_dir = self.folder / f"state{number}"
        self.state_dir.mkdir(exist_ok=True)
        self.default.update(
            devices=cluster.layout.devices(node), swift_bind_ip=node.ip
        )
        self.config = self.folder / f"node{number}.conf"
        self.write_config()

    def command(self, *arguments: str) -> list[str]:
        return [
            *(sys.executable, "-m", "onespace_core.cli.sync"),
            *("--config", str(self.config), *arguments),
        ]

    def once(
        self, *arguments: str, code: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``onespace-sync --once`` and check its exit code."""
        done = subprocess.run(
            self.command("--once", *arguments),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={**os.environ, **environment},
        )
        assert done.returncode == code, done.stderr
        return done

    @contextlib.contextmanager
    def daemon(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run the daemon; its log is ``daemon.log`` in the folder."""
        with (self.folder / "daemon.log").open("ab") as log:
            process = subprocess.Popen(
                self.command(*arguments), stdout=log, stderr=log
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def stop(self, process: subprocess.Popen[bytes]) -> int:
        """Stop a daemon as an operator does; return its exit code."""
        process.send_signal(signal.SIGTERM)
        return process.wait(60)

    def log(self) -> str:
        return (self.folder / "daemon.log").read_text()

    @contextlib.contextmanager
    def state(self) -> Iterator[StateStore]:
        """Open the state for reading."""
        store = StateStore(
            str(self.state_dir / "sync.sqlite"), LOG, read_only=True
        )
        try:
            yield store
        finally:
            store.close()

    # -- both sides -------------------------------------------------------

    def put(
        self,
        name: str,
        data: bytes | str = b"data",
        content_type: str = "text/plain",
        **metadata: str,
    ) -> None:
        """Write a local object."""
        self.local.put_object(
            name,
            BytesBody(data),
            content_type=content_type,
            metadata=metadata,
        )

    def remote_head(self, name: str) -> ObjectInfo:
        return self.remote.head_object(self.layout.key(name))

    def here(self) -> dict[str, Held]:
        """Return what the local container holds."""
        return _held(self.local, "")

    def there(self) -> dict[str, Held]:
        """Return what the store holds of the container."""
        return _held(self.remote, self.layout.root)

    def assert_equal(self) -> None:
        """Compare both sides by reading everything."""
        here, there = self.here(), self.there()
        assert here.keys() == there.keys()
        assert here == there


def _held(provider: Provider, root: str) -> dict[str, Held]:
    held: dict[str, Held] = {}
    marker: str | None = ""
    while marker is not None:
        try:
            page = provider.list_objects(prefix=root, marker=marker)
        except BucketNotFound:
            return held
        for info in page.objects:
            try:
                reader = provider.get_object(info.key)
            except ObjectNotFound:
                continue  # deleted since it was listed
            with reader:
                held[info.key[len(root) :]] = Held(
                    reader.read(),
                    reader.info.content_type,
                    user_metadata(reader.info.metadata),
                )
        marker = page.next_marker
    return held


def _section(name: str, options: Mapping[str, Any]) -> str:
    lines = [f"{key} = {value}" for key, value in options.items()]
    return f"[{name}]\n" + "\n".join(lines) + "\n\n"


def eventually(check: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Return the first true result of ``check``; fail after a while."""
    end = time.monotonic() + seconds
    while True:
        result = check()
        if result or time.monotonic() > end:
            assert result, "it did not happen in time"
            return result
        time.sleep(0.05)
