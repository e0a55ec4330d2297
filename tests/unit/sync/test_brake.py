# SPDX-License-Identifier: Apache-2.0
"""The breaker is asked with the size of the container."""

import pytest

from onespace_core.state import ContainerKey
from onespace_core.swift.source import SourceError
from onespace_core.sync.brake import ContainerBrake

KEY = ContainerKey("m", "AUTH_t", "c")


class Breaker:
    def __init__(self):
        self.asked = []
        self.taken_back = []

    def allow(self, key, objects):
        self.asked.append((key, objects))
        return True

    def take_back(self, key):
        self.taken_back.append(key)


class Containers:
    def __init__(self, headers):
        self.headers = headers
        self.calls = 0

    def container_headers(self, account, container):
        self.calls += 1
        assert (account, container) == ("AUTH_t", "c")
        if isinstance(self.headers, Exception):
            raise self.headers
        return self.headers


def test_size_is_asked_for_now_and_then():
    breaker = Breaker()
    containers = Containers({"x-container-object-count": "7"})
    now = [0.0]
    brake = ContainerBrake(breaker, KEY, containers, clock=lambda: now[0])
    assert brake()
    assert brake()
    assert containers.calls == 1
    now[0] = 60.0
    assert brake()
    assert containers.calls == 2
    assert breaker.asked == [(KEY, 7)] * 3


def test_container_that_is_gone_has_no_objects():
    breaker = Breaker()
    ContainerBrake(breaker, KEY, Containers(None))()
    assert breaker.asked == [(KEY, 0)]


def test_nothing_is_allowed_while_the_size_is_unknown():
    breaker = Breaker()
    brake = ContainerBrake(breaker, KEY, Containers(SourceError("503")))
    with pytest.raises(SourceError):
        brake()
    assert breaker.asked == []


def test_deletion_that_was_not_made_is_taken_back():
    breaker = Breaker()
    ContainerBrake(breaker, KEY, Containers(None)).take_back()
    assert breaker.taken_back == [KEY]
