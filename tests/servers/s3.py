# SPDX-License-Identifier: Apache-2.0
"""S3 servers for tests, one fixture each, started once for a session.

``radosgw``, ``minio``, ``versitygw`` and ``moto_server`` start a server of
their own; ``s3api`` is Swift's, in the cluster of the ``standalone`` fixture.
A server
that cannot be started here skips the tests that ask for it, with the reason
and the command that mends it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import importlib.util
import os
import pathlib
import shutil
import sys
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from . import ceph
from .children import Processes
from .install import GO
from .ports import free_ports


@dataclasses.dataclass(frozen=True, kw_only=True)
class S3Server:
    """Where an S3 server is, who may use it, and how it differs.

    :param conditional_writes: value for the provider's option.
    :param checks_signatures: whether a wrong secret is refused.
    :param checks_md5: whether a wrong ``Content-MD5`` is refused.
    """

    name: str
    endpoint: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    conditional_writes: str = "yes"
    checks_signatures: bool = True
    checks_md5: bool = True

    @property
    def host(self) -> str:
        """The host, for a proxy in between."""
        return str(urllib.parse.urlsplit(self.endpoint).hostname)

    @property
    def port(self) -> int:
        """The port, for a proxy in between."""
        return int(urllib.parse.urlsplit(self.endpoint).port or 80)

    def options(self, **changes: Any) -> dict[str, Any]:
        """Return values for the provider's options."""
        return {
            "endpoint": self.endpoint,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "region": self.region,
            "conditional_writes": self.conditional_writes,
            **changes,
        }


@pytest.fixture(scope="session")
def radosgw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Ceph's gateway: the S3 reference, with everything on."""
    keys = {"access_key": "TESTERACCESSKEY00001", "secret_key": _secret()}
    with ceph.radosgw(tmp_path_factory.mktemp("ceph"), **keys) as port:
        yield S3Server(name="radosgw", endpoint=_local(port), **keys)


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """MinIO, if its program is there."""
    with running_minio(tmp_path_factory.mktemp("minio")) as server:
        yield server


@contextlib.contextmanager
def running_minio(base: pathlib.Path) -> Iterator[S3Server]:
    """Run MinIO for a block, with its data in a folder."""
    program = _built_program("minio")
    keys = {"access_key": "testeraccess", "secret_key": _secret()}
    port, console = free_ports(["127.0.0.1", "127.0.0.1"])
    command = [
        # env becomes the server: its id is the server's.
        *("env", f"MINIO_ROOT_USER={keys['access_key']}"),
        f"MINIO_ROOT_PASSWORD={keys['secret_key']}",
        *("MINIO_BROWSER=off", "MINIO_UPDATE=off", program, "server"),
        *("--address", f"127.0.0.1:{port}"),
        *("--console-address", f"127.0.0.1:{console}"),
        str(base / "data"),
    ]
    with _serving("minio", command, base, port, "/minio/health/ready"):
        yield S3Server(name="minio", endpoint=_local(port), **keys)


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Versity's gateway over a folder, if its program is there.

    It keeps metadata in extended attributes, as it does unless told
    otherwise. With its ``--sidecar`` a reader may get one object's bytes
    with another one's metadata.
    """
    program = _built_program("versitygw")
    base = tmp_path_factory.mktemp("versitygw")
    keys = {"access_key": "testeraccess", "secret_key": _secret()}
    (port,) = free_ports(["127.0.0.1"])
    (base / "data").mkdir()
    command = [
        *("env", f"ROOT_ACCESS_KEY={keys['access_key']}"),
        *(f"ROOT_SECRET_KEY={keys['secret_key']}", program, "--quiet"),
        *("--port", f"127.0.0.1:{port}", "--health", "/health"),
        *("posix", str(base / "data")),
    ]
    with _serving("versitygw", command, base, port, "/health"):
        yield S3Server(name="versitygw", endpoint=_local(port), **keys)


@pytest.fixture(scope="session")
def moto_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[S3Server]:
    """A double of Amazon's, which believes every signature and MD5."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip("moto is not installed; pip install 'moto[server,s3]'")
    (port,) = free_ports(["127.0.0.1"])
    command = [
        *(sys.executable, "-c", _MOTO, "-H", "127.0.0.1"),
        *("-p", str(port)),
    ]
    base = tmp_path_factory.mktemp("moto")
    with _serving("moto", command, base, port, "/moto-api/"):
        yield S3Server(
            name="moto",
            endpoint=_local(port),
            access_key="tester",
            secret_key=_secret(),
            checks_signatures=False,
            checks_md5=False,
        )


_MOTO = "import sys; from moto.server import main; main(sys.argv[1:])"


@pytest.fixture(scope="session")
def s3api(standalone: Any) -> S3Server:
    """Swift's own S3 API, in the cluster of the fixture ``standalone``."""
    user = standalone.info["users"][0]
    return S3Server(
        name="s3api",
        endpoint=standalone.info["s3_endpoint"],
        access_key=f"{user['account']}:{user['user']}",
        secret_key=user["key"],
        conditional_writes="create",
    )


#: Every server, for tests that run against each.
SERVERS = ("moto_server", "radosgw", "minio", "versitygw", "s3api")


@pytest.fixture(params=SERVERS)
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """Each S3 server in turn.

    A test marked ``deviates(SERVER, reason=...)`` is expected to fail with
    that server, and takes what else ``xfail`` does.
    """
    server: S3Server = request.getfixturevalue(request.param)
    for mark in request.node.iter_markers("deviates"):
        if server.name in mark.args:
            expected = {"strict": True, **mark.kwargs}
            request.applymarker(pytest.mark.xfail(**expected))
    return server


@contextlib.contextmanager
def _serving(
    name: str, command: list[str], base: pathlib.Path, port: int, path: str
) -> Iterator[None]:
    """Run a server until the block ends; begin when it is ready.

    :param path: is answered with 200 once it is.
    """
    processes = Processes(base)
    try:
        process = processes.start(name, command)
        deadline = time.monotonic() + 60
        while not _answers(port, path):
            if process.poll() is not None or time.monotonic() > deadline:
                end = processes.log(name).read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{name} does not serve:\n{end}")
            time.sleep(0.1)
        yield
    finally:
        processes.stop_all()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def _built_program(name: str) -> str:
    """Return a program's path, or skip the test with the way to get it.

    Looks on PATH, then in ``$ONESPACE_CACHE/bin``, then in
    ``~/.cache/onespace/bin``.
    """
    caches = [
        pathlib.Path(os.environ["ONESPACE_CACHE"])
        if "ONESPACE_CACHE" in os.environ
        else None,
        pathlib.Path.home() / ".cache" / "onespace",
    ]
    folders = [str(cache / "bin") for cache in caches if cache is not None]
    path = os.pathsep.join([os.environ.get("PATH", ""), *folders])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(
            f"{name} is not installed; to mend it:"
            f" GOBIN=~/.cache/onespace/bin go install {GO[name]}"
        )
    return found


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _secret() -> str:
    """Return a secret that no other text contains."""
    return uuid.uuid4().hex
