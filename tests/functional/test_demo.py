# SPDX-License-Identifier: Apache-2.0
"""``onespace demo``, as a person runs it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from servers.children import hear_ctrl_c
from servers.rig import eventually

COMMAND = (sys.executable, "-m", "onespace_core.cli.main", "demo")
AGREES = "Both sides hold the same"


def demo(*arguments, **options):
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def answers(url):
    """Return whether an HTTP server is there."""
    try:
        with urllib.request.urlopen(f"{url}/healthcheck", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True  # an answer, and so somebody who gives it
    except OSError:
        return False


@contextlib.contextmanager
def kept(folder):
    """Run ``demo --keep`` until it waits; give it and what it printed."""
    process = subprocess.Popen(
        [*COMMAND, "--keep", "--dir", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
        # Through a pipe, and still to be seen while it runs.
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    printed = ""
    try:
        while "Ctrl-C here stops both." not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        yield process, printed
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def servers(printed):
    """Return the addresses of both Swifts."""
    urls = re.findall(r"^  the cl(?:uster|oud) +(\S+) ", printed, re.M)
    assert len(urls) == 2
    return urls


def test_it_shows_that_both_sides_agree_and_leaves_nothing(tmp_path):
    done = demo(env={**os.environ, "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    # Once after the first sync, once after the changes.
    assert done.stdout.count(AGREES) == 2
    assert "DIFFERENT" not in done.stdout
    assert re.search(r"copied \d+ objects .* failed 0", done.stdout)
    assert "deleted 1, post 1;" in done.stdout
    rows = re.findall(r" {2}(yes|no) +(yes|no)$", done.stdout, re.M)
    assert len(rows) > 10
    assert set(rows) == {("yes", "yes")}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_given_is_kept_and_has_all_data(tmp_path):
    folder = tmp_path / "new" / "demo"
    done = demo("--dir", str(folder))
    assert done.returncode == 0, done.stderr
    names = {path.name for path in folder.iterdir()}
    assert names == {"cluster", "cloud", "state", "onespace.conf"}
    assert list(folder.rglob("*.data"))
    # There are keys in it.
    assert (folder / "onespace.conf").stat().st_mode & 0o077 == 0


def test_a_folder_with_something_in_it_is_refused_untouched(tmp_path):
    (tmp_path / "precious").write_text("mine")
    done = demo("--dir", str(tmp_path))
    assert done.returncode == 1
    assert "not an empty folder" in done.stderr
    assert str(tmp_path) in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_is_one_clear_line(tmp_path, place):
    (tmp_path / "file").write_text("mine")
    done = demo("--dir", str(tmp_path / place))
    assert done.returncode == 1
    assert str(tmp_path / "file") in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("how", ["Ctrl-C", "kill"])
def test_keep_serves_until_it_is_stopped_and_keeps_the_data(tmp_path, how):
    folder = tmp_path / "demo"
    with kept(folder) as (process, printed):
        assert printed.count(AGREES) == 2
        urls = servers(printed)
        assert all(answers(url) for url in urls)
        assert_advice_works(printed)
        if how == "Ctrl-C":
            # As a terminal does: all of the group, so both Swifts as well.
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.terminate()
        assert process.wait(30) == 0
        assert "Traceback" not in process.stdout.read()
        eventually(lambda: not any(answers(url) for url in urls))
    assert list(folder.rglob("*.data"))


def assert_advice_works(printed):
    """Run what the demo tells people to try, as far as it is ours."""
    config = re.search(r"onespace status --config (\S+)", printed)[1]
    done = subprocess.run(
        [*COMMAND[:-1], "status", "--config", config],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "AUTH_demo/documents" in done.stdout


def test_killed_it_leaves_no_process_behind(tmp_path):
    with kept(tmp_path / "demo") as (process, printed):
        urls = servers(printed)
        assert all(answers(url) for url in urls)
        process.kill()
        process.wait()
        eventually(lambda: not any(answers(url) for url in urls))
