# SPDX-License-Identifier: Apache-2.0
"""Swift's own functional tests cannot tell that the shunt is there."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import pytest
from servers import upstream

pytestmark = [
    pytest.mark.slow,
    # Twice the whole suite, where its stock result is not known yet.
    pytest.mark.timeout(3600),
]

#: Accounts that Swift's tests use.
_ACCOUNTS = ("AUTH_test", "AUTH_test2", "SERVICE_test5")


def _configuration(tmp_path: pathlib.Path, mappings: str) -> pathlib.Path:
    path = tmp_path / "onespace.conf"
    path.write_text(f"[DEFAULT]\nstate_dir = {tmp_path}\n{mappings}")
    return path


def _compare(found: dict[str, str], scratch: pathlib.Path) -> None:
    assert [name for name, what in found.items() if what == "failed"] == []
    assert upstream.summary(found) == upstream.stock(scratch / "stock")


def test_a_mapping_with_an_empty_remote_changes_nothing(
    tmp_path: pathlib.Path, second_standalone: Any
) -> None:
    user = second_standalone.info["users"][0]
    mappings = f"""
[credentials:far]
provider = swift
auth_url = {second_standalone.info["auth_url"]}
user = {user["account"]}:{user["user"]}
key = {user["key"]}
"""
    for account in _ACCOUNTS:
        mappings += f"""
[mapping:{account}]
credentials = far
account = {account}
container = *
bucket = empty-{account}-
merge_namespaces = true
propagate_delete = false
"""
    conf = upstream.with_shunt(
        tmp_path / "etc", _configuration(tmp_path, mappings)
    )
    _compare(upstream.outcomes(tmp_path, conf), tmp_path)


@pytest.mark.skipif(
    "ONESPACE_UPSTREAM" not in os.environ,
    reason="set ONESPACE_UPSTREAM=1 to run Swift's tests without a mapping",
)
def test_no_mapping_changes_nothing(tmp_path: pathlib.Path) -> None:
    conf = upstream.with_shunt(tmp_path / "etc", _configuration(tmp_path, ""))
    _compare(upstream.outcomes(tmp_path, conf), tmp_path)
