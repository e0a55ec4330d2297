# SPDX-License-Identifier: Apache-2.0
"""Limits and counters of requests, from the file to a real store."""

import collections
import contextlib
import re
import socket
import threading

import pytest

OBJECTS = {f"o{number}": bytes([number]) * 20_000 for number in range(5)}


@pytest.fixture
def statsd():
    """A port, and the sums of all counters and timers sent to it."""
    sums = collections.Counter()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        address = server.getsockname()

        def listen():
            while (data := server.recv(2000)) != b"end":
                name, value, kind = re.fullmatch(
                    rb"(.*):([\d.]+)\|(c|ms)", data
                ).groups()
                add = float(value) if kind == b"c" else 1
                sums[name.decode() + "|" + kind.decode()] += add

        thread = threading.Thread(target=listen)
        thread.start()

        def ended():
            # It arrives after all else that this host has sent.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"end", address)
            thread.join(10)
            return sums

        try:
            yield address[1], ended
        finally:
            with contextlib.suppress(OSError):
                ended()


def test_limits_lose_nothing_and_every_request_is_counted(proxied, statsd):
    port, sums = statsd
    rig, proxy = proxied(
        "moto_server",
        mapping={"requests_per_second": 40, "bytes_per_second": "100K"},
        default={
            "statsd_host": "127.0.0.1",
            "statsd_port": port,
            "statsd_prefix": "site",
        },
    )
    for name, data in OBJECTS.items():
        rig.put(name, data)
    proxy.reset()
    proxy.fail(1, 503, match="^PUT")
    rig.once()
    puts, others = proxy.count("PUT"), proxy.count() - proxy.count("PUT")
    rig.assert_equal()

    counted = sums()
    mine = {
        name.removeprefix("site.requests.main."): count
        for name, count in counted.items()
        if name.startswith("site.requests.main.")
    }
    assert puts == len(OBJECTS) + 1
    assert mine.pop("put_object.ok|c") == len(OBJECTS)
    assert mine.pop("put_object.ServiceUnavailable|c") == 1
    assert mine.pop("put_object|ms") == puts
    assert mine.pop("bytes_sent|c") >= sum(map(len, OBJECTS.values()))
    timed = sum(n for name, n in mine.items() if name.endswith("|ms"))
    assert timed == others, mine
    [copied] = [n for k, n in counted.items() if "copied_objects" in k]
    assert copied == len(OBJECTS)
