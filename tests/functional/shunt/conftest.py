# SPDX-License-Identifier: Apache-2.0
"""A Swift with the shunt, archives that onespace-sync wrote, and faults."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest
import urllib3
from servers.proxy import FaultProxy
from servers.rig import Rig, store_options

from onespace_core.swift.standalone.process import StandaloneProcess

KEY = "a shared key"


class Shunted:
    """A standalone Swift whose proxy has the shunt.

    Its configuration is written by the tests, one mapping for each.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.conf_file = folder / "shunt.conf"
        self._sections: dict[str, str] = {}
        self.write("")
        self.process = StandaloneProcess.start(
            folder / "swift",
            extra=[
                part
                for option in (
                    f"conf_file={self.conf_file}",
                    "check_interval=0",
                    "remote_timeout=1",
                    "negative_ttl=2",
                    f"bypass_key={KEY}",
                )
                for part in ("--shunt", option)
            ],
        )
        self.info = self.process.info
        self.pool = urllib3.PoolManager(retries=False)
        self.token = self._login()

    def _login(self) -> str:
        user = self.info["users"][0]
        answer = self.pool.request(
            "GET",
            self.info["auth_url"],
            headers={
                "X-Auth-User": f"{user['account']}:{user['user']}",
                "X-Auth-Key": user["key"],
            },
        )
        return answer.headers["X-Auth-Token"]

    def write(self, text: str) -> None:
        """Replace the configuration at once."""
        new = self.conf_file.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(text)
        new.rename(self.conf_file)

    def log(self) -> str:
        return (self.conf_file.parent / "swift/standalone.log").read_text()

    def ask(
        self,
        method: str,
        container: str,
        name: str | None = None,
        *,
        query: str = "",
        token: str | None = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> urllib3.BaseHTTPResponse:
        """Ask the proxy as a client does; None is a client without token."""
        path = f"/v1/AUTH_test/{quote(container)}"
        if name is not None:
            path += f"/{quote(name)}"
        sent = dict(headers or {})
        if token is not None:
            sent["X-Auth-Token"] = token or self.token
        return self.pool.request(
            method,
            self.info["url"] + path + (f"?{query}" if query else ""),
            headers=sent,
            body=body,
            timeout=60,
            **options,
        )

    def names(self, container: str, query: str = "") -> list[str]:
        answer = self.ask("GET", container, query=query)
        assert answer.status in (200, 204), answer.data
        return answer.data.decode().splitlines()

    def here(self, container: str) -> list[str]:
        """Return what the local cluster itself lists."""
        answer = self.ask("GET", container, headers={"X-Onespace-Bypass": KEY})
        assert answer.status in (200, 204), answer.data
        return answer.data.decode().splitlines()

    def listing(self, container: str, query: str = "") -> list[Any]:
        answer = self.ask("GET", container, query=f"format=json&{query}")
        assert answer.status == 200, answer.data
        return json.loads(answer.data)


@pytest.fixture(scope="module")
def shunted(tmp_path_factory: Any) -> Iterator[Shunted]:
    swift = Shunted(tmp_path_factory.mktemp("shunted"))
    yield swift
    swift.process.stop()


def _remote(request: Any, name: str) -> tuple[str, dict[str, Any]]:
    if name == "file":
        folder = request.getfixturevalue("tmp_path") / "store"
        folder.mkdir()
        (folder / ".onespace-store").touch()
        return "file", {"folder": str(folder)}
    return store_options(request, name)


@pytest.fixture
def archive(
    request: Any, shunted: Shunted, tmp_path: pathlib.Path
) -> Iterator[Callable[..., Rig]]:
    """A function that makes a rig of lifecycle to a store, and shunts it.

    Between the shunt and an S3 store is a proxy, for faults.
    """
    made: list[Rig] = []

    def make(store: str = "moto_server", **changes: Any) -> Rig:
        provider, options = _remote(request, store)
        folder = tmp_path / f"rig{len(made)}"
        folder.mkdir()
        rig = Rig(
            folder,
            shunted.info,
            provider,
            options,
            mapping={
                "mode": "lifecycle",
                "propagate_delete": "false",
                "merge_namespaces": "true",
                **changes.pop("mapping", {}),
            },
            **changes,
        )
        made.append(rig)
        shunted.write(rig.config.read_text())
        return rig

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def faulty(
    request: Any, shunted: Shunted, archive: Callable[..., Rig]
) -> Iterator[tuple[Rig, FaultProxy]]:
    """A rig to S3 with an object, and the proxy before the shunt's store."""
    server = request.getfixturevalue("moto_server")
    rig = archive("moto_server")
    rig.put("name", b"0123456789", colour="red")
    rig.once()
    assert shunted.here(rig.container) == []
    with FaultProxy(server.host, server.port) as proxy:
        text = rig.config.read_text()
        endpoint = str(rig.options["endpoint"])
        assert endpoint in text
        shunted.write(text.replace(endpoint, proxy.url))
        yield rig, proxy
