# SPDX-License-Identifier: Apache-2.0
import socket

from onespace_core.telemetry import (
    SyncRecorder,
    statsd_client,
    statsd_prefix,
)

PREFIX = (
    "http%3A%2F%2F127%2E0%2E0%2E1%3A5000%2Fauth%2Fv1%2E0.acc%C3%B4unt"
    ".bucket%2Fmyobj%C3%AFcts.c%C3%B5ntainer"
)


def prefix():
    return statsd_prefix(
        endpoint="http://127.0.0.1:5000/auth/v1.0",
        account="accôunt",
        bucket="bucket",
        custom_prefix="myobjïcts",
        container="cõntainer",
    )


def test_case_93_names_are_escaped_as_1space_did():
    assert prefix() == PREFIX


def test_case_93_counters_go_to_statsd():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        client = statsd_client("127.0.0.1", server.getsockname()[1], "site")
        recorder = SyncRecorder(client, prefix())
        recorder.copied(7)
        recorder.deleted()
        seen = {server.recv(1000).decode() for _ in range(3)}
    assert seen == {
        f"site.{PREFIX}.copied_objects:1|c",
        f"site.{PREFIX}.bytes:7|c",
        f"site.{PREFIX}.deleted_objects:1|c",
    }


def test_case_93_no_host_means_silence():
    assert statsd_client(None, 8125, None) is None
    recorder = SyncRecorder(None, prefix())
    recorder.copied(7)
    recorder.done("noop")
    assert recorder.figures().copied == 1
    assert recorder.figures().others == {"noop": 1}
