# SPDX-License-Identifier: Apache-2.0
"""Swift's own functional tests, run against a pipeline of our choice.

They are in Swift's source distribution and not in its wheel, so that one of
the installed version is fetched once and kept where the servers are. They
start all of Swift in their own process.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from xml.etree import ElementTree

import pytest

#: What the shunt is put behind, and before, in Swift's sample pipeline.
_BEFORE = "tempauth copy "


def version() -> str:
    """Return the version of Swift whose tests these are: the installed."""
    return importlib.metadata.version("swift")


def source() -> pathlib.Path:
    """Return Swift's source tree without its package; fetch it if need be.

    The package is the installed one. Skips the test, saying why, where the
    source cannot be fetched.
    """
    cache = pathlib.Path(
        os.environ.get("ONESPACE_CACHE") or "~/.cache/onespace"
    ).expanduser()
    tree = cache / f"swift-{version()}"
    if tree.exists():
        return tree
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as made:
        folder = pathlib.Path(made)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet"),
                *("--no-deps", "--no-binary", "swift", "--dest", made),
                f"swift=={version()}",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(
                f"the source of Swift {version()} cannot be fetched: "
                f"{done.stderr.strip().splitlines()[-1:]}"
            )
        with tarfile.open(folder / f"swift-{version()}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        unpacked = folder / f"swift-{version()}"
        # Else the tests would take the package beside them.
        (unpacked / "swift").rename(unpacked / "swift.src")
        unpacked.rename(tree)
    return tree


def with_shunt(folder: pathlib.Path, conf_file: pathlib.Path) -> pathlib.Path:
    """Write the sample pipeline with the shunt in it; return its folder.

    :param conf_file: what the shunt is told to read.
    """
    sample = source() / "etc" / "proxy-server.conf-sample"
    text = sample.read_text()
    assert _BEFORE in text
    text = text.replace(_BEFORE, f"{_BEFORE}shunt ", 1)
    folder.mkdir()
    (folder / "proxy-server.conf").write_text(
        f"{text}\n[filter:shunt]\nuse = egg:onespace#shunt\n"
        f"conf_file = {conf_file}\n"
    )
    return folder


def stock(scratch: pathlib.Path) -> tuple[int, set[str]]:
    """Return what becomes of the tests with Swift's sample pipeline.

    Noted beside this file for one version of Swift; for another one they are
    run, which takes some minutes.

    :returns: how many pass, and the names of those that are skipped.
    """
    noted = pathlib.Path(__file__).with_name(f"upstream-{version()}.json")
    if noted.exists():
        found = json.loads(noted.read_text())
        return found["passed"], set(found["skipped"])
    scratch.mkdir()
    return summary(outcomes(scratch))


def summary(found: Mapping[str, str]) -> tuple[int, set[str]]:
    """Return how many passed, and who was skipped."""
    passed = sum(outcome == "passed" for outcome in found.values())
    return passed, {n for n, o in found.items() if o == "skipped"}


def outcomes(
    scratch: pathlib.Path, conf_dir: pathlib.Path | None = None
) -> dict[str, str]:
    """Run all of Swift's functional tests; return what became of each.

    :param scratch: an empty folder of this run. Its objects are in memory
        where that is possible: large metadata does not fit every disk.
    :param conf_dir: has a ``proxy-server.conf``; None is Swift's sample.
    :returns: ``passed``, ``skipped`` or ``failed`` for each test's name.
    """
    report = scratch / "report.xml"
    memory = pathlib.Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        dir=memory if memory.is_dir() else scratch
    ) as devices:
        environment = {
            **os.environ,
            "SWIFT_TEST_IN_PROCESS": "1",
            "TMPDIR": devices,
        }
        # What was set for our own tests is not meant for these.
        environment.pop("PYTEST_ADDOPTS", None)
        if conf_dir is not None:
            environment["SWIFT_TEST_IN_PROCESS_CONF_DIR"] = str(conf_dir)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-c", os.devnull),
                *("-o", "python_files=test*.py", "--rootdir=."),
                *("-p", "no:cacheprovider", "--timeout=300"),
                f"--junitxml={report}",
                "test/functional",
            ],
            cwd=source(),
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if not report.exists():
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    return _read(report)


def _read(report: pathlib.Path) -> dict[str, str]:
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        outcome = "passed"
        for child in case:
            if child.tag in ("failure", "error"):
                outcome = "failed"
            elif child.tag == "skipped" and outcome == "passed":
                outcome = "skipped"
        found[name] = outcome
    return found
