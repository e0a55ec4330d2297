# SPDX-License-Identifier: Apache-2.0
"""The contract suite's pytest plugin: ``-p onespace_core.testing.plugin``.

It is loaded by name and has no entry point: a plugin that loads itself
would appear in every pytest run of the environment.

It prints what each configuration passed, and ``--onespace-certify=FILE``
writes that down as JSON.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import importlib.metadata
import json
import pathlib
from typing import Any

import pytest

pytest.register_assert_rewrite(
    *(
        f"onespace_core.testing.{path.stem}"
        for path in pathlib.Path(__file__).parent.glob("_suite_*.py")
    )
)

#: Why the suite itself skips a test; any other skip is no pass.
_OUR_SKIPS = ("capability: ", "protocol: ", "harness: ")

#: The test that nobody may expect to fail: it watches over the others.
_NEVER_KNOWN = "test_the_suite_is_not_weakened"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--onespace-certify``."""
    parser.getgroup("onespace").addoption(
        "--onespace-certify",
        metavar="FILE",
        type=pathlib.Path,
        help="write what the contract suite proved as JSON",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start to collect results."""
    config.addinivalue_line(
        "markers",
        "onespace_capability(name, claimed): a contract test that runs only"
        " if the provider claims that, or does not",
    )
    results = _Results(config.getoption("--onespace-certify"))
    config.pluginmanager.register(results, "onespace-certificate")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Note on a contract test which configuration it belongs to.

    Reports carry it, also from the workers of pytest-xdist. A test that the
    class knows to fail is expected to.
    """
    kind = getattr(item, "cls", None)
    if kind is not None and getattr(kind, "onespace_contract", False):
        name = item.nodeid.rpartition("::")[0]
        item.user_properties.append(("onespace_configuration", name))
        expected = sorted(n for n in dir(kind) if n.startswith("test_"))
        item.user_properties.append(("onespace_expected", expected))
        # One without a reason is not taken: the suite's own test names it.
        reason = getattr(kind, "known_failures", {}).get(item.name, "")
        if reason.strip() and item.name != _NEVER_KNOWN:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@dataclasses.dataclass
class _Configuration:
    provider: dict[str, Any] = dataclasses.field(default_factory=dict)
    expected: frozenset[str] = frozenset()
    results: dict[str, dict[str, str]] = dataclasses.field(
        default_factory=dict
    )

    def counts(self) -> collections.Counter[str]:
        return collections.Counter(
            each["outcome"] for each in self.results.values()
        )

    def missing(self) -> list[str]:
        """Return tests that did not run at all, such as deselected ones."""
        ran = {name.partition("[")[0] for name in self.results}
        return sorted(self.expected - ran)

    def known(self) -> list[str]:
        """Return each reason to fail, with how many tests have it."""
        reasons = collections.Counter(
            each.get("reason", "")
            for each in self.results.values()
            if each["outcome"] in ("xfailed", "xpassed")
        )
        return [f"{n} expected to fail: {r}" for r, n in reasons.items()]

    def problems(self) -> list[str]:
        """Return what stands in the way of a certificate."""
        bad = [f"did not run: {name}" for name in self.missing()]
        for name, result in self.results.items():
            outcome, reason = result["outcome"], result.get("reason", "")
            if outcome == "failed":
                bad.append(f"failed: {name}")
            elif outcome == "skipped" and not reason.startswith(_OUR_SKIPS):
                bad.append(f"skipped: {name}: {reason}")
            elif outcome == "xfailed" and not reason:
                bad.append(f"xfailed without a reason: {name}")
        return bad


class _Results:
    """Collects reports, prints the table and writes the certificate."""

    def __init__(self, path: pathlib.Path | None) -> None:
        self._path = path
        self._configurations: dict[str, _Configuration] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one test's outcome: its call, or what stopped it."""
        notes: dict[str, Any] = dict(report.user_properties)
        name = notes.get("onespace_configuration")
        if not isinstance(name, str):
            return
        mine = self._configurations.setdefault(name, _Configuration())
        mine.expected |= frozenset(notes["onespace_expected"])
        mine.provider = notes.get("onespace_provider") or mine.provider
        test = report.nodeid[len(name) + 2 :]
        if report.when == "call" or report.outcome != "passed":
            mine.results[test] = _result(report)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print one line for each configuration."""
        if not self._configurations:
            return
        terminalreporter.section("provider contract")
        words = ("passed", "failed", "skipped", "xfailed")
        for name, each in sorted(self._configurations.items()):
            counts = each.counts()
            figures = ", ".join(f"{counts[word]} {word}" for word in words)
            missing = len(each.missing())
            note = f", {missing} did not run" if missing else ""
            terminalreporter.line(f"{name}: {figures}{note}")
            for line in each.known():
                terminalreporter.line(f"    {line}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the certificate; fail the run if it certifies nothing."""
        if self._path is None or hasattr(session.config, "workerinput"):
            return
        certificates = [
            _certificate(name, each)
            for name, each in sorted(self._configurations.items())
        ]
        text = json.dumps(
            {
                "written": datetime.datetime.now(datetime.UTC).isoformat(),
                "onespace": importlib.metadata.version("onespace"),
                "configurations": certificates,
            },
            indent=2,
        )
        self._path.write_text(text + "\n")
        if not all(each["certified"] for each in certificates):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if not certificates and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED


def _result(report: pytest.TestReport) -> dict[str, str]:
    if hasattr(report, "wasxfail"):
        outcome = "xfailed" if report.skipped else "xpassed"
        return {"outcome": outcome, "reason": str(report.wasxfail)}
    result: dict[str, str] = {"outcome": report.outcome}
    if report.skipped and isinstance(report.longrepr, tuple):
        result["reason"] = report.longrepr[2].removeprefix("Skipped: ")
    return result


def _certificate(name: str, mine: _Configuration) -> dict[str, Any]:
    problems = mine.problems()
    return {
        "configuration": name,
        "provider": mine.provider,
        "distribution": _distribution(mine.provider.get("module", "")),
        "certified": not problems,
        "problems": problems,
        "counts": dict(mine.counts()),
        "tests": dict(sorted(mine.results.items())),
    }


def _distribution(module: str) -> str | None:
    top = module.partition(".")[0]
    for name in importlib.metadata.packages_distributions().get(top, ()):
        return f"{name} {importlib.metadata.version(name)}"
    return None
