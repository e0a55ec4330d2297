# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while ``onespace-sync --once`` waits for a store."""

import signal
import socket
import subprocess

import pytest
from servers.children import hear_ctrl_c
from servers.rig import eventually


@pytest.fixture
def silent_store():
    """An address that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener


def test_an_interrupted_pass_is_130_and_nothing_is_lost(rig, silent_store):
    endpoint = rig.options["endpoint"]
    port = silent_store.getsockname()[1]
    rig.options["endpoint"] = f"http://127.0.0.1:{port}"
    rig.write_config()
    for number in range(5):
        rig.put(f"o{number}", b"data")
    process = subprocess.Popen(
        rig.command("--once"),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )
    try:
        silent_store.settimeout(30)
        connection, _address = silent_store.accept()
        eventually(lambda: connection.recv(1000))
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=30)
        connection.close()
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "Traceback" not in err
    rig.options["endpoint"] = endpoint
    rig.write_config()
    rig.once()
    rig.assert_equal()
