# SPDX-License-Identifier: Apache-2.0
"""A configuration that points to the wrong place says which, and what to do.

None of it is a traceback, and none stops another mapping.
"""

import contextlib
import http.server
import subprocess
import sys
import threading
import uuid

import pytest
from servers.ports import free_ports

STORES = ("s3api", "swift")


@pytest.fixture(params=STORES)
def rig(request, make_rig):
    return make_rig(request.param)


def run(rig, program, *arguments):
    module, *command = {
        "sync": ("onespace_core.cli.sync", "--once"),
        "check": ("onespace_core.cli.main", "check-config"),
        "status": ("onespace_core.cli.main", "status"),
    }[program]
    done = subprocess.run(
        [
            *(sys.executable, "-m", module, *command),
            *(() if program == "check" else ("--config",)),
            *(str(rig.config), *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done


def address(rig):
    """Return the option that says where the store is."""
    return "auth_url" if rig.store == "swift" else "endpoint"


def secret(rig):
    return "key" if rig.store == "swift" else "secret_key"


def refused(rig, *words):
    """Run, and check what is said in the log and by the status."""
    rig.put("o", b"data")
    done = run(rig, "sync")
    assert done.returncode == 1
    said = [
        line
        for line in done.stderr.splitlines()
        if "mapping main cannot be worked on" in line
    ]
    told = [
        line
        for line in run(rig, "status").stdout.splitlines()
        if "mapping main is in trouble" in line
    ]
    assert said, done.stderr
    assert told
    for word in words:
        assert word in said[0]
        assert word in told[0]
    assert rig.options[secret(rig)] not in done.stderr
    return said[0]


# -- the file --------------------------------------------------------------


@pytest.mark.parametrize("program", ["sync", "check", "status"])
def test_configuration_that_is_a_folder_is_named(make_rig, program):
    rig = make_rig("s3api")
    rig.config.unlink()
    rig.config.mkdir()
    done = run(rig, program)
    assert done.returncode == 2
    assert str(rig.config) in done.stderr + done.stdout


@pytest.mark.parametrize("program", ["sync", "check"])
@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_secret_file_that_cannot_be_read_names_option_and_path(
    make_rig, program, kind
):
    rig = make_rig("s3api")
    path = rig.folder / "secret"
    if kind == "folder":
        path.mkdir()
    del rig.options["secret_key"]
    rig.options["secret_key_file"] = path
    rig.write_config()
    done = run(rig, program)
    assert done.returncode != 0
    text = done.stderr + done.stdout
    assert str(path) in text
    assert "secret_key_file" in text
    assert "credentials:remote" in text


def test_devices_that_are_somewhere_else_are_named(make_rig):
    rig = make_rig("s3api")
    rig.default["devices"] = rig.folder / "nowhere"
    rig.write_config()
    done = run(rig, "sync")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "devices" in done.stderr


def test_container_that_is_not_here_is_said(make_rig):
    rig = make_rig("s3api")
    rig.mapping["container"] = "typing-error"
    rig.write_config()
    done = run(rig, "sync")
    assert "typing-error" in done.stderr
    assert "nothing has been read" in run(rig, "status").stdout


# -- the store -------------------------------------------------------------


def test_wrong_secret_names_the_section_of_the_credentials(rig):
    rig.options[secret(rig)] = uuid.uuid4().hex
    rig.write_config()
    refused(rig, "credentials:remote")


def test_host_that_nobody_knows_is_named(rig):
    rig.options[address(rig)] = "http://no-such-host.invalid:80/auth/v1.0"
    rig.write_config()
    refused(rig, "no-such-host.invalid")


def test_port_where_nobody_listens_is_named(rig):
    (port,) = free_ports(["127.0.0.1"])
    rig.options[address(rig)] = f"http://127.0.0.1:{port}/auth/v1.0"
    rig.write_config()
    refused(rig, str(port))


def test_tls_to_a_port_without_it_is_said(rig):
    plain = rig.options[address(rig)]
    rig.options[address(rig)] = plain.replace("http://", "https://")
    rig.write_config()
    refused(rig, rig.options[address(rig)].split("/")[2], "http://")


@contextlib.contextmanager
def web_server(status=200, body=b"<html><body>Welcome!</body></html>"):
    """Serve the same page for every request."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _page(self):
            length = int(self.headers.get("content-length", 0))
            self.rfile.read(length)
            self.send_response(status)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _page  # noqa: N815

        def log_message(self, *_args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("archive", [False, True])
def test_page_instead_of_a_store_is_never_a_copy(rig, archive):
    """A web server says 200 to everything."""
    if archive:
        rig.mapping.update(
            mode="lifecycle", retain_local="false", propagate_delete="false"
        )
    with web_server() as port:
        rig.options[address(rig)] = f"http://127.0.0.1:{port}/auth/v1.0"
        rig.write_config()
        rig.put("o", b"data")
        done = run(rig, "sync")
        assert done.returncode == 1
        assert rig.here()["o"].data == b"data"
        told = run(rig, "status").stdout
        assert "trouble" in told or "/o " in told
