# SPDX-License-Identifier: Apache-2.0
"""One token for many calls."""

from __future__ import annotations

import concurrent.futures
import logging
import threading

import pytest
from onespace_swift.auth import Credential, Login, with_account
from onespace_swift.keystone import versioned


class Counting:
    """Logs in slowly, and counts."""

    def __init__(self, lifetime: float | None = None) -> None:
        self.count = 0
        self.lifetime = lifetime
        self.go = threading.Event()
        self.go.set()

    def login(self) -> Login:
        self.count += 1
        self.go.wait(10)
        return Login(
            storage_url="http://h/v1/AUTH_a",
            token=f"t{self.count}",
            lifetime=self.lifetime,
        )


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_many_calls_wait_for_one_login() -> None:
    source = Counting()
    source.go.clear()
    credential = Credential(source, logger=logging.getLogger("test"))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        logins = [pool.submit(credential.current) for _ in range(8)]
        source.go.set()
        assert {login.result().token for login in logins} == {"t1"}
    assert source.count == 1


def test_many_refusals_of_one_token_are_one_renewal() -> None:
    source = Counting()
    credential = Credential(source, logger=logging.getLogger("test"))
    old = credential.current()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        renewed = list(pool.map(credential.renew, [old] * 8))
    assert {login.token for login in renewed} == {"t2"}


@pytest.mark.parametrize(
    ("lifetime", "kept", "gone"), [(3600, 3569, 3571), (100, 89, 91)]
)
def test_a_token_is_replaced_shortly_before_it_ends(
    lifetime: float, kept: float, gone: float
) -> None:
    source, clock = Counting(lifetime), Clock()
    credential = Credential(
        source, logger=logging.getLogger("test"), clock=clock
    )
    start = clock.now
    assert credential.current().token == "t1"
    clock.now = start + kept
    assert credential.current().token == "t1"
    clock.now = start + gone
    assert credential.current().token == "t2"


def test_a_token_without_an_end_is_kept() -> None:
    clock = Clock()
    credential = Credential(
        Counting(), logger=logging.getLogger("test"), clock=clock
    )
    credential.current()
    clock.now += 1e9
    assert credential.current().token == "t1"


def test_a_login_does_not_show_its_token() -> None:
    assert "t1" not in repr(Counting().login())


def test_an_account_is_replaced_and_escaped() -> None:
    assert with_account("http://h/v1/AUTH_a", "x y%") == "http://h/v1/x%20y%25"


@pytest.mark.parametrize(
    ("url", "full"),
    [
        ("http://h:5000", "http://h:5000/v3"),
        ("http://h:5000/", "http://h:5000/v3"),
        ("http://h:5000/v3/", "http://h:5000/v3"),
        ("http://h/identity", "http://h/identity/v3"),
        ("http://h/identity/v2.0", "http://h/identity/v2.0"),
    ],
)
def test_keystones_url_has_a_version(url: str, full: str) -> None:
    assert versioned(url, "v3") == full
