# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping and losing a standalone Swift."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest
import requests
import swiftclient

from onespace_core.swift.standalone.folder import StandaloneError
from onespace_core.swift.standalone.process import StandaloneProcess

COMMAND = [sys.executable, "-m", "onespace_core.cli.main", "standalone"]


def connect(
    info: dict, login: str = "test:tester", key: str = "testing"
) -> swiftclient.Connection:
    return swiftclient.Connection(info["auth_url"], login, key, retries=0)


def fill(info: dict) -> None:
    swift = connect(info)
    swift.put_container("c")
    for number in range(10):
        swift.put_object("c", f"o{number}", f"body {number}".encode())


def assert_filled(info: dict) -> None:
    swift = connect(info)
    rows = swift.get_container("c")[1]
    assert [row["name"] for row in rows] == [f"o{n}" for n in range(10)]
    for number in range(10):
        body = swift.get_object("c", f"o{number}")[1]
        assert body == f"body {number}".encode()


def start_by_hand(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; only for those that cannot start."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_one_clear_line(
    done: subprocess.CompletedProcess[str], *words: str
) -> None:
    assert done.returncode == 1, done
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_it_is_ready_soon(tmp_path, capsys):
    started = time.monotonic()
    with StandaloneProcess.start(tmp_path):
        took = time.monotonic() - started
    with capsys.disabled():
        print(f" [ready in {took:.2f} s]", end="")


def test_a_restart_keeps_the_data(tmp_path):
    with StandaloneProcess.start(tmp_path) as swift:
        fill(swift.info)
        assert swift.stop() == 0
    with StandaloneProcess.start(tmp_path) as swift:
        assert_filled(swift.info)


def test_a_kill_keeps_the_data(tmp_path):
    swift = StandaloneProcess.start(tmp_path)
    fill(swift.info)
    assert swift.kill() == -signal.SIGKILL
    assert (tmp_path / "standalone.json").exists()  # and is no obstacle
    with StandaloneProcess.start(tmp_path) as swift:
        assert_filled(swift.info)


def test_what_was_acknowledged_under_load_survives_a_kill(tmp_path):
    swift = StandaloneProcess.start(tmp_path)
    connect(swift.info).put_container("c")
    acknowledged: list[str] = []

    def write(worker: int) -> None:
        client = connect(swift.info)
        for number in range(1000):
            name = f"{worker}-{number}"
            try:
                client.put_object("c", name, name.encode())
            except (swiftclient.ClientException, OSError):
                return
            acknowledged.append(name)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for writer in writers:
        writer.start()
    time.sleep(1)
    swift.kill()
    for writer in writers:
        writer.join()
    assert acknowledged
    with StandaloneProcess.start(tmp_path) as swift:
        client = connect(swift.info)
        for name in acknowledged:
            assert client.get_object("c", name)[1] == name.encode()
        listed = {row["name"] for row in client.get_container("c")[1]}
        assert set(acknowledged) <= listed


def test_the_port_may_be_the_same_after_a_restart(tmp_path):
    with StandaloneProcess.start(tmp_path) as swift:
        port = swift.info["port"]
        fill(swift.info)
    with StandaloneProcess.start(tmp_path, port=port) as swift:
        assert swift.info["port"] == port
        assert_filled(swift.info)


def test_a_port_in_use_is_one_clear_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = start_by_hand(str(tmp_path), "--port", port)
    assert_one_clear_line(done, f"127.0.0.1:{port} is in use", "--port")
    assert not (tmp_path / "standalone.json").exists()


def test_two_standalones_never_share_a_port(tmp_path):
    with StandaloneProcess.start(tmp_path / "a") as swift:
        port = str(swift.info["port"])
        done = start_by_hand(str(tmp_path / "b"), "--port", port)
    assert_one_clear_line(done, "is in use")


def test_a_second_start_in_one_folder_names_the_first(tmp_path):
    with StandaloneProcess.start(tmp_path) as swift:
        done = start_by_hand(str(tmp_path), "--port", "0")
        assert_one_clear_line(
            done, f"in use by process {swift.info['pid']}", str(tmp_path)
        )
        fill(swift.info)  # the first is unharmed
        assert json.loads((tmp_path / "standalone.json").read_text())


def test_a_file_is_not_a_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    assert_one_clear_line(start_by_hand(str(path)), "is not a folder")


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    done = start_by_hand(str(tmp_path))
    assert_one_clear_line(done, "thesis.txt")
    assert not (tmp_path / "etc").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_line():
    done = start_by_hand("/proc/no-such-folder")
    assert_one_clear_line(done, "cannot use /proc/no-such-folder")


def test_a_file_system_without_attributes_is_named(tmp_path):
    # /proc keeps no attributes, but no folders either: ask the check itself.
    from onespace_core.swift.standalone import folder

    with pytest.MonkeyPatch.context() as patch:

        def refuse(*_args: object) -> None:
            raise OSError(95, "Operation not supported")

        patch.setattr(folder.os, "setxattr", refuse)
        with (
            pytest.raises(StandaloneError, match="no extended attributes"),
            folder.claim(tmp_path),
        ):
            pass


def test_lost_hash_values_are_never_made_up(tmp_path):
    with StandaloneProcess.start(tmp_path) as swift:
        fill(swift.info)
    conf = tmp_path / "etc" / "swift.conf"
    conf.rename(tmp_path / "aside")
    assert_one_clear_line(start_by_hand(str(tmp_path)), "swift.conf")
    (tmp_path / "aside").rename(conf)
    with StandaloneProcess.start(tmp_path) as swift:
        assert_filled(swift.info)


def test_a_device_that_went_away_is_never_replaced(tmp_path):
    with StandaloneProcess.start(tmp_path) as swift:
        fill(swift.info)
    (device,) = (tmp_path / "devices").iterdir()
    device.rename(tmp_path / "aside")
    done = start_by_hand(str(tmp_path), "--port", "0")
    assert_one_clear_line(done, "is its disk mounted?")
    assert list((tmp_path / "devices").iterdir()) == []
    (tmp_path / "aside").rename(device)
    with StandaloneProcess.start(tmp_path) as swift:
        assert_filled(swift.info)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_and_soon(tmp_path, number):
    swift = StandaloneProcess.start(tmp_path)
    try:
        requests.get(f"{swift.info['url']}/healthcheck").raise_for_status()
        # A client that keeps its connection open and says nothing.
        with socket.create_connection(("127.0.0.1", swift.info["port"])):
            started = time.monotonic()
            os.kill(swift.info["pid"], number)
            while swift.running and time.monotonic() < started + 10:
                time.sleep(0.02)
        assert time.monotonic() - started < 2
        assert swift.stop() == 0
    finally:
        swift.kill()
    assert not (tmp_path / "standalone.json").exists()
    assert "Traceback" not in (tmp_path / "standalone.log").read_text()


def test_a_download_that_nobody_reads_does_not_delay_the_stop(tmp_path):
    with StandaloneProcess.start(tmp_path) as swift:
        client = connect(swift.info)
        client.put_container("c")
        client.put_object("c", "big", b"x" * (64 * 2**20))
        url, token = client.get_auth()
        answer = requests.get(
            f"{url}/c/big", headers={"X-Auth-Token": token}, stream=True
        )
        with answer:
            assert answer.raw.read(10)
            started = time.monotonic()
            assert swift.stop() == 0
            assert time.monotonic() - started < 2
    assert "Traceback" not in (tmp_path / "standalone.log").read_text()


def test_it_ends_with_the_process_that_started_it(tmp_path):
    code = (
        "import sys, time\n"
        "from onespace_core.swift.standalone.process import "
        "StandaloneProcess\n"
        "swift = StandaloneProcess.start(sys.argv[1])\n"
        "print(swift.info['pid'], flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    end = time.monotonic() + 10
    while _exists(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _exists(pid)
    assert not (tmp_path / "standalone.json").exists()


def _exists(pid: int) -> bool:
    # A zombie that nobody reaped has an empty command line.
    try:
        return bool(pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def test_users_have_an_account_each(tmp_path):
    users = ["under_score:a_b:k:e:y", "zweite:nutzerin-ü:geheim"]
    with StandaloneProcess.start(tmp_path, users=users) as swift:
        first = connect(swift.info, "under_score:a_b", "k:e:y")
        second = connect(swift.info, "zweite:nutzerin-ü", "geheim")
        assert first.get_auth()[0].endswith("/AUTH_under_score")
        first.put_container("mine")
        second.put_container("hers")
        assert [c["name"] for c in second.get_account()[1]] == ["hers"]
        with pytest.raises(swiftclient.ClientException) as refused:
            swiftclient.get_account(first.get_auth()[0], second.get_auth()[1])
        assert refused.value.http_status == 403
        with pytest.raises(swiftclient.ClientException) as refused:
            connect(swift.info).get_auth()  # the default user is not there
        assert refused.value.http_status == 401


@pytest.mark.parametrize("text", ["a:b", "a:b:", ":b:c", "a b:c:d", "a:b:c d"])
def test_a_user_that_cannot_be_is_wrong_usage(tmp_path, text):
    done = start_by_hand(str(tmp_path), "--user", text)
    assert done.returncode == 2
    assert "ACCOUNT:USER:KEY" in done.stderr


def test_files_with_keys_are_for_the_owner_only(tmp_path):
    with StandaloneProcess.start(tmp_path):
        for name in (
            "standalone.json",
            "standalone.log",
            "etc/proxy-server.conf",
        ):
            mode = stat.S_IMODE((tmp_path / name).stat().st_mode)
            assert mode == 0o600, name


def test_the_start_says_what_a_person_needs(tmp_path):
    with StandaloneProcess.start(tmp_path) as swift:
        text = (tmp_path / "standalone.log").read_text()
        info = swift.info
    for needed in (
        info["auth_url"],
        f"{info['url']}/v1/AUTH_test",
        "test:tester",
        "testing",
        "aws --endpoint-url",
        "curl ",
        "swift -A",
        str(info["pid"]),
    ):
        assert needed in text


def test_requests_are_logged_when_asked(tmp_path):
    with StandaloneProcess.start(tmp_path, extra=["--verbose"]) as swift:
        requests.get(f"{swift.info['url']}/info").raise_for_status()
        swift.stop()
        assert "GET /info" in (tmp_path / "standalone.log").read_text()


def test_a_failure_to_start_shows_the_log(tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(StandaloneError, match="is in use"),
    ):
        StandaloneProcess.start(tmp_path, port=taken.getsockname()[1])


def test_an_ipv6_address_can_be_served(tmp_path):
    with StandaloneProcess.start(tmp_path, extra=["--host", "::1"]) as swift:
        assert swift.info["url"].startswith("http://[::1]:")
        fill(swift.info)
        assert_filled(swift.info)


def test_another_process_can_work_on_the_same_swift(tmp_path):
    """What our daemons do: an InternalClient on the printed paths."""
    code = (
        "import json, sys\n"
        "from onespace_core import concurrency; concurrency.patch()\n"
        "info = json.load(open(sys.argv[1]))\n"
        "from swift.common import utils\n"
        "utils.set_swift_dir(info['swift_dir'])\n"
        "from swift.common.internal_client import InternalClient\n"
        "client = InternalClient(info['internal_client_path'], 'test', 1)\n"
        "rows = client.iter_objects('AUTH_test', 'c')\n"
        "print(json.dumps([row['name'] for row in rows]))\n"
    )
    with StandaloneProcess.start(tmp_path) as swift:
        fill(swift.info)
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "standalone.json")],
            capture_output=True,
            text=True,
            check=True,
        )
    assert json.loads(done.stdout) == [f"o{number}" for number in range(10)]


def test_another_swift_refuses_what_is_not_for_it(tmp_path):
    """A daemon with an old ring must not read 404 from a stranger."""
    with (
        StandaloneProcess.start(tmp_path / "a") as mine,
        StandaloneProcess.start(tmp_path / "b") as other,
    ):
        (device,) = os.listdir(mine.info["devices"])
        ring = load_ring(other.info["swift_dir"], "object")
        port = ring["devs"][0]["port"]
        for method in ("GET", "DELETE", "PUT"):
            answer = requests.request(
                method,
                f"http://127.0.0.1:{port}/{device}/1/AUTH_test/c/o",
                headers={
                    "X-Timestamp": "1700000000.00000",
                    "Content-Type": "text/plain",
                },
            )
            assert answer.status_code == 507, method


def load_ring(swift_dir: str, kind: str) -> dict:
    code = (
        "import json, sys\n"
        "from swift.common.ring import RingData\n"
        "ring = RingData.load(sys.argv[1], metadata_only=True)\n"
        "print(json.dumps({'devs': ring.devs, "
        "'part_power': ring.part_power, 'replicas': ring.replica_count}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"{swift_dir}/{kind}.ring.gz"],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["account", "container", "object"])
def test_placement_never_changes(tmp_path, kind):
    """Another part power, and every existing folder would be lost."""
    with StandaloneProcess.start(tmp_path) as swift:
        ring = load_ring(swift.info["swift_dir"], kind)
    assert ring["part_power"] == 4
    assert ring["replicas"] == 1
    assert len(ring["devs"]) == 1


def test_an_update_put_aside_reaches_the_listing(tmp_path):
    """An object server that could not reach the container server."""
    code = (
        "import sys, time, requests\n"
        "from swift.common import utils\n"
        "utils.set_swift_dir(sys.argv[1])\n"
        "from swift.common.ring import Ring\n"
        "name = ('AUTH_test', 'c', 'aside')\n"
        "ring = Ring(sys.argv[1], ring_name='object')\n"
        "part, (node,) = ring.get_nodes(*name)\n"
        "containers = Ring(sys.argv[1], ring_name='container')\n"
        "place, (where,) = containers.get_nodes(*name[:2])\n"
        "url = 'http://127.0.0.1:{port}/{device}'.format(**node)\n"
        "url += '/%d/%s/%s/%s' % (part, *name)\n"
        "answer = requests.put(url, data=b'late', headers={\n"
        "    'X-Timestamp': utils.Timestamp.now().internal,\n"
        "    'Content-Type': 'text/plain',\n"
        "    'X-Container-Host': '127.0.0.1:1',\n"
        "    'X-Container-Device': where['device'],\n"
        "    'X-Container-Partition': str(place)})\n"
        "answer.raise_for_status()\n"
    )
    with StandaloneProcess.start(tmp_path) as swift:
        client = connect(swift.info)
        client.put_container("c")
        subprocess.run(
            [sys.executable, "-c", code, swift.info["swift_dir"]], check=True
        )
        end = time.monotonic() + 20
        listed: list = []
        while not listed and time.monotonic() < end:
            time.sleep(0.2)
            listed = client.get_container("c")[1]
        assert [row["name"] for row in listed] == ["aside"]
        assert client.get_object("c", "aside")[1] == b"late"


def test_a_path_that_swift_cannot_read_is_refused(tmp_path):
    done = start_by_hand(str(tmp_path / "100%(x)"))
    assert_one_clear_line(done, "as a path")


def test_a_folder_with_spaces_and_unicode_works(tmp_path):
    folder = tmp_path / "my \U0001f5c4 100% folder"
    with StandaloneProcess.start(folder) as swift:
        fill(swift.info)
        assert_filled(swift.info)


def test_starting_it_imports_neither_swift_nor_eventlet():
    code = (
        "import sys\n"
        "import onespace_core.swift.standalone.process\n"
        "import onespace_core.cli.standalone\n"
        "print({'swift', 'eventlet'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
