# SPDX-License-Identifier: Apache-2.0
"""A real Keystone, and a Swift proxy that asks it."""

from __future__ import annotations

import dataclasses
import fcntl
import importlib.metadata
import os
import pathlib
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from .children import Processes
from .cluster import SwiftCluster
from .ports import free_ports, wait_for_listener

_RUN_SWIFT = pathlib.Path(__file__).with_name("run_swift.py")
_ADMIN_PASSWORD = "admin-password"
_SERVICE_PASSWORD = "service-password"
_INSTALL_SECONDS = 900

#: Keystone's WSGI application under the standard library's server: what
#: Keystone reads from sys.argv is not for it.
_RUN_KEYSTONE = """
import socketserver, sys
from wsgiref import simple_server
port = int(sys.argv[1])
del sys.argv[1:]
from keystone.wsgi.api import application
class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True
server = simple_server.make_server("127.0.0.1", port, application, Server)
server.serve_forever()
"""


@dataclasses.dataclass(frozen=True)
class KeystoneSwift:
    """A Swift whose users are Keystone's.

    :ivar url: Keystone, without a version.
    :ivar storage_url: Swift, up to the account.
    :ivar options: settings of a provider for a member of project ``test``.
    :ivar project_id: that project's, and so ``AUTH_...`` the account.
    :ivar reseller: settings for a user who may enter every account.
    :ivar client: keystoneclient as administrator.
    """

    url: str
    storage_url: str
    options: dict[str, str]
    project_id: str
    reseller: dict[str, str]
    client: Any

    @property
    def account(self) -> str:
        return f"AUTH_{self.project_id}"


def requirements() -> list[str]:
    """Return what is installed, with versions."""
    swift = importlib.metadata.version("swift")
    return ["keystone==30.0.0", f"swift[keystone]=={swift}"]


def installed() -> pathlib.Path:
    """Return Keystone's environment; make it, or skip and say why.

    It is kept under ``$ONESPACE_CACHE`` (``~/.cache/onespace``).
    """
    cache = pathlib.Path(
        os.environ.get("ONESPACE_CACHE") or "~/.cache/onespace"
    ).expanduser()
    folder = cache / "keystone"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "installed"
    wanted = "\n".join(requirements())
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            _install(folder / "venv")
            stamp.write_text(wanted)
    return folder / "venv"


def _install(venv: pathlib.Path) -> None:
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(venv)],
        [str(venv / "bin/pip"), "install", "-q", *requirements()],
    ):
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=_INSTALL_SECONDS,
            )
        except subprocess.TimeoutExpired:
            pytest.skip("Keystone cannot be installed: it takes too long")
        if done.returncode:
            last = (done.stderr.strip() or "no reason").splitlines()[-1]
            pytest.skip(f"Keystone cannot be installed: {last}")


class _Keystone:
    """Keystone on SQLite, and the proxy that asks it."""

    def __init__(self, base: pathlib.Path, cluster: SwiftCluster) -> None:
        self._python = installed() / "bin/python"
        self._base = base
        self._cluster = cluster
        self._processes = Processes(base / "log")
        self.port, self.proxy_port = free_ports(["127.0.0.1"] * 2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.storage_url = f"http://127.0.0.1:{self.proxy_port}/v1"

    def start(self) -> KeystoneSwift:
        self._configure()
        self._serve()
        swift = self._provision()
        self._start_proxy()
        return swift

    def stop(self) -> None:
        self._processes.stop_all()

    def _configure(self) -> None:
        base = self._base
        (base / "keystone.conf").write_text(
            textwrap.dedent(f"""\
                [DEFAULT]
                log_dir = {base}/log
                [database]
                connection = sqlite:///{base}/keystone.db
                [fernet_tokens]
                key_repository = {base}/fernet
                [credential]
                key_repository = {base}/credential
                # It is asked about each request, and by many logins.
                [cache]
                enabled = true
                backend = dogpile.cache.memory
                [identity]
                password_hash_rounds = 4
            """)
        )
        for name in ("fernet", "credential"):
            (base / name).mkdir()
        owner = ["--keystone-user", str(os.getuid())]
        owner += ["--keystone-group", str(os.getgid())]
        self._manage("db_sync")
        self._manage("fernet_setup", *owner)
        self._manage("credential_setup", *owner)
        self._manage(
            "bootstrap",
            *("--bootstrap-password", _ADMIN_PASSWORD),
            *("--bootstrap-public-url", f"{self.url}/v3"),
            *("--bootstrap-region-id", "RegionOne"),
        )

    def _manage(self, *arguments: str) -> None:
        done = subprocess.run(
            [
                str(self._python.with_name("keystone-manage")),
                *("--config-file", str(self._base / "keystone.conf")),
                *arguments,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(
                f"keystone-manage {arguments[0]} failed: {done.stderr[-2000:]}"
            )

    def _serve(self) -> None:
        process = self._processes.start(
            "keystone-server",
            [
                *("env", f"OS_KEYSTONE_CONFIG_DIR={self._base}"),
                "OS_KEYSTONE_CONFIG_FILES=keystone.conf",
                *(str(self._python), "-W", "ignore", "-c", _RUN_KEYSTONE),
                str(self.port),
            ],
        )
        wait_for_listener("127.0.0.1", self.port, process)

    def _provision(self) -> KeystoneSwift:
        from keystoneauth1.identity import v3
        from keystoneauth1.session import Session
        from keystoneclient.v3 import client as keystoneclient

        default = {
            "user_domain_id": "default",
            "project_domain_id": "default",
        }
        client = keystoneclient.Client(
            session=Session(
                auth=v3.Password(
                    f"{self.url}/v3",
                    username="admin",
                    password=_ADMIN_PASSWORD,
                    project_name="admin",
                    **default,
                )
            )
        )
        roles = {role.name: role for role in client.roles.list()}
        roles["ResellerAdmin"] = client.roles.create("ResellerAdmin")
        projects = {
            name: client.projects.create(name, "default")
            for name in ("service", "test", "reseller")
        }
        for name, password, project, role in (
            ("swift", _SERVICE_PASSWORD, "service", "admin"),
            ("tester", "testing", "test", "member"),
            ("seller", "selling", "reseller", "ResellerAdmin"),
        ):
            user = client.users.create(name, "default", password=password)
            client.roles.grant(
                roles[role], user=user, project=projects[project]
            )
        service = client.services.create("swift", "object-store")
        client.endpoints.create(
            service,
            f"{self.storage_url}/AUTH_%(project_id)s",
            "public",
            region="RegionOne",
        )
        return KeystoneSwift(
            url=self.url,
            storage_url=self.storage_url,
            options=self._options("tester", "testing", "test"),
            project_id=projects["test"].id,
            reseller=self._options("seller", "selling", "reseller"),
            client=client,
        )

    def _options(self, user: str, key: str, project: str) -> dict[str, str]:
        return {
            "auth_type": "keystone_v3",
            "auth_url": f"{self.url}/v3",
            "user": user,
            "key": key,
            "project_name": project,
            "project_domain_name": "Default",
            "user_domain_name": "Default",
        }

    def _start_proxy(self) -> None:
        layout = self._cluster.layout
        conf = self._base / "proxy-server.conf"
        text = layout.proxy_conf.read_text()
        text = text.replace(
            f"bind_port = {layout.proxy_port}",
            f"bind_port = {self.proxy_port}",
        ).replace(" s3api tempauth ", " authtoken keystoneauth ")
        conf.write_text(text + self._filters())
        process = self._processes.start(
            "proxy",
            [
                *(str(self._python), "-W", "ignore", str(_RUN_SWIFT)),
                *(str(layout.etc), "swift.proxy.server", str(conf), "-v"),
            ],
        )
        wait_for_listener("127.0.0.1", self.proxy_port, process)

    def _filters(self) -> str:
        # Without a cache of tokens a revoked one is refused at once.
        return textwrap.dedent(f"""
            [filter:authtoken]
            paste.filter_factory = keystonemiddleware.auth_token:filter_factory
            www_authenticate_uri = {self.url}/v3
            auth_url = {self.url}/v3
            auth_type = password
            username = swift
            password = {_SERVICE_PASSWORD}
            project_name = service
            user_domain_id = default
            project_domain_id = default
            delay_auth_decision = True
            interface = public
            token_cache_time = -1
            [filter:keystoneauth]
            use = egg:swift#keystoneauth
            operator_roles = admin, member
            reseller_admin_role = ResellerAdmin
        """)


@pytest.fixture(scope="session", name="keystone_swift")
def keystone_swift_fixture(
    tmp_path_factory: pytest.TempPathFactory, swift_1x1: SwiftCluster
) -> Iterator[KeystoneSwift]:
    """A Swift with Keystone 30, which has v3 only.

    The first run installs both, which takes a minute or two.
    """
    keystone = _Keystone(tmp_path_factory.mktemp("keystone"), swift_1x1)
    try:
        yield keystone.start()
    finally:
        keystone.stop()
