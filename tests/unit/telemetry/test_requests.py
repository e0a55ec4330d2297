# SPDX-License-Identifier: Apache-2.0
import socket

from onespace_core.layers import Event
from onespace_core.telemetry import RequestMeter, statsd_client


def test_every_request_is_counted_and_timed():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        client = statsd_client("127.0.0.1", server.getsockname()[1], "site")
        tell = RequestMeter(client, "media.photos")
        tell(
            Event(
                op="put_object",
                bucket=None,
                outcome="ok",
                seconds=0.25,
                bytes_sent=7,
            )
        )
        tell(
            Event(
                op="get_object",
                bucket="b",
                outcome="ConnectionFailed",
                seconds=1.5,
                bytes_received=9,
            )
        )
        seen = [server.recv(1000).decode() for _ in range(6)]
    assert seen == [
        "site.requests.media%2Ephotos.put_object.ok:1|c",
        "site.requests.media%2Ephotos.put_object:250.000000|ms",
        "site.requests.media%2Ephotos.bytes_sent:7|c",
        "site.requests.media%2Ephotos.get_object.ConnectionFailed:1|c",
        "site.requests.media%2Ephotos.get_object:1500.000000|ms",
        "site.requests.media%2Ephotos.bytes_received:9|c",
    ]
