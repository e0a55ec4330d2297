# SPDX-License-Identifier: Apache-2.0
"""A provider that somebody else ships: installed, listed, certified, used.

A fresh virtual environment sees the packages of this one, so that nothing is
downloaded; the example is built and installed into it by pip.
"""

from __future__ import annotations

import importlib.util
import json
import pathlib
import shutil
import site
import subprocess
import sys
import uuid
import venv
from typing import Any

import pytest
import setuptools
import swiftclient

from onespace_core.namespace.keys import layout_for
from onespace_core.provider import KeyScheme

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "onespace-provider-example"
LITTER = shutil.ignore_patterns(
    *("build", "*.egg-info", "__pycache__", ".*_cache")
)

BUCKET = """
import sys
from onespace_example import ExampleProvider
print(ExampleProvider(sys.argv[1], "bucket").create_bucket())
"""

LOOK = """
import json, sys
from onespace_example import ExampleProvider
provider = ExampleProvider(sys.argv[1], "bucket")
print(json.dumps([
    [each.key, provider.get_object(each.key).read().decode(),
     dict(each.metadata)]
    for each in provider.list_objects().objects
]))
"""


class Environment:
    """A virtual environment with the example in it.

    :param folder: an empty one.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        # Without a pip of its own, which would bring an old setuptools.
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        self.python = folder / "venv" / "bin" / "python"
        (own,) = (folder / "venv").glob("lib/python*/site-packages")
        # Unlike a path in it, this also reads the .pth files found there,
        # and so sees what is installed in editable mode.
        lines = [
            f"import site; site.addsitedir({path!r})\n"
            for path in site.getsitepackages()
        ]
        (own / "outer.pth").write_text("".join(lines))
        self.source = folder / "source"
        shutil.copytree(EXAMPLE, self.source, ignore=LITTER)

    def run(
        self, *arguments: object, code: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run its Python outside of any source tree; check the exit code."""
        done = subprocess.run(
            [str(self.python), *map(str, arguments)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done


def require_builder() -> None:
    """Skip where no wheel can be built without a download."""
    new_enough = int(setuptools.__version__.partition(".")[0]) >= 71
    if not new_enough and importlib.util.find_spec("wheel") is None:
        pytest.skip("nothing here builds wheels; pip install 'setuptools>=71'")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    require_builder()
    environment = Environment(tmp_path_factory.mktemp("example"))
    environment.run(
        *("-m", "pip", "install", "--no-index", "--no-deps"),
        *("--no-build-isolation", "--disable-pip-version-check"),
        environment.source,
    )
    return environment


def test_it_is_not_installed_here() -> None:
    """Else the tests below would prove nothing."""
    code = "import onespace_example"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False
    )
    assert done.returncode == 1


def test_it_is_listed_with_its_origin(environment: Environment) -> None:
    done = environment.run("-m", "onespace_core.cli.main", "providers")
    lines = done.stdout.splitlines()
    (number,) = (n for n, line in enumerate(lines) if "onespace_ex" in line)
    assert lines[number].split() == [
        *("example", "onespace-provider-example", "1.0"),
        *("onespace_example:ExampleProvider", "ok"),
    ]
    assert "conditional_put" in lines[number + 1]


def test_its_own_tests_certify_it(environment: Environment) -> None:
    path = environment.folder / "certificate.json"
    environment.run(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("--onespace-certify", path, "-c", environment.source / "setup.cfg"),
        environment.source / "tests",
    )
    (certificate,) = json.loads(path.read_text())["configurations"]
    assert certificate["certified"] is True
    assert certificate["problems"] == []
    assert certificate["distribution"] == "onespace-provider-example 1.0"
    assert certificate["counts"]["passed"] > 140
    assert "xfailed" not in certificate["counts"]


@pytest.fixture
def config(
    standalone: Any, environment: Environment, tmp_path: pathlib.Path
) -> pathlib.Path:
    """A configuration from the standalone Swift to a new file."""
    user = standalone.info["users"][0]
    (tmp_path / "state").mkdir()
    path = tmp_path / "onespace.conf"
    path.touch(0o600)
    path.write_text(
        f"""
        [DEFAULT]
        swift_dir = {standalone.info["swift_dir"]}
        devices = {standalone.info["devices"]}
        state_dir = {tmp_path / "state"}
        swift_bind_ip = 127.0.0.1
        [credentials:attic]
        provider = example
        path = {tmp_path / "objects.sqlite"}
        [mapping:photos]
        credentials = attic
        account = AUTH_{user["account"]}
        container = photos-{uuid.uuid4().hex[:8]}
        bucket = bucket
        """.replace("\n        ", "\n")
    )
    done = environment.run("-c", BUCKET, tmp_path / "objects.sqlite")
    assert done.stdout == "True\n"
    return path


def setting(config: pathlib.Path, name: str) -> str:
    (value,) = (
        line.partition(" = ")[2]
        for line in config.read_text().splitlines()
        if line.startswith(f"{name} = ")
    )
    return value


def test_onespace_sync_fills_it(
    standalone: Any, environment: Environment, config: pathlib.Path
) -> None:
    user = standalone.info["users"][0]
    swift = swiftclient.Connection(
        standalone.info["auth_url"],
        f"{user['account']}:{user['user']}",
        user["key"],
        retries=0,
    )
    container = setting(config, "container")
    swift.put_container(container)
    names = [f"photo {number}/\u00fc.jpg" for number in range(12)]
    for name in names:
        swift.put_object(
            container,
            name,
            f"body of {name}",
            headers={"x-object-meta-a": "1"},
        )
    swift.put_object(container, "gone", b"x")
    sync = ("-m", "onespace_core.cli.sync", "--config", config, "--once")
    environment.run(*sync)
    swift.delete_object(container, "gone")
    environment.run(*sync)
    there = json.loads(
        environment.run("-c", LOOK, setting(config, "path")).stdout
    )
    layout = layout_for(
        KeyScheme.HASHED,
        account=setting(config, "account"),
        container=container,
        bucket="bucket",
    )
    bodies = {key: body for key, body, _metadata in there}
    assert bodies == {layout.key(n): f"body of {n}" for n in names}
    assert all(metadata["a"] == "1" for _k, _b, metadata in there)


def test_verify_finds_nothing_wrong(
    environment: Environment, config: pathlib.Path
) -> None:
    done = environment.run(
        *("-m", "onespace_core.cli.main", "providers", "verify"),
        *("--config", config, "photos"),
    )
    assert "FAILED" not in done.stdout
    left = environment.run("-c", LOOK, setting(config, "path")).stdout
    assert json.loads(left) == []
