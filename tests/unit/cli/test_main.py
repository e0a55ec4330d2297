# SPDX-License-Identifier: Apache-2.0
"""Usage, exit codes and ends of both programs."""

import importlib.metadata
import os
import signal
import subprocess
import sys
import types

import pytest
from servers.children import hear_ctrl_c

from onespace_core.cli import arguments, main
from onespace_core.provider.errors import ConfigError, OnespaceError

COMMANDS = (
    "demo",
    "standalone",
    "check-config",
    "status",
    "providers",
    "import-config",
)
PROGRAMS = {
    "onespace": "onespace_core.cli.main",
    "onespace-sync": "onespace_core.cli.sync",
}


def run(program, *arguments, **options):
    """Run a program to its end, as a process."""
    return subprocess.run(
        [sys.executable, "-m", PROGRAMS[program], *arguments],
        check=False,
        **{"capture_output": True, "text": True, "timeout": 60, **options},
    )


@pytest.fixture
def command(monkeypatch):
    """A function that makes ``onespace providers`` end with an exception."""

    def make(exc):
        def raise_it(args):
            raise exc

        def add_parser(subparsers):
            subparsers.add_parser("broken").set_defaults(run=raise_it)

        module = types.SimpleNamespace(add_parser=add_parser)
        monkeypatch.setattr(main, "_COMMANDS", (module,))
        return main.main(["broken"])

    return make


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_names_every_option_and_is_a_success(program):
    done = run(program, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: {program} ")
    wanted = COMMANDS if program == "onespace" else ("--config", "--once")
    for word in (*wanted, "--version"):
        assert word in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main.main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: onespace {name} ")
    # The description says more than the line in the list of commands.
    assert len(text.split("\n\n")[1]) > 50


@pytest.mark.parametrize("program", PROGRAMS)
def test_version_is_the_one_that_is_installed(program):
    done = run(program, "--version")
    version = importlib.metadata.version("onespace")
    assert (done.returncode, done.stdout) == (0, f"{program} {version}\n")


@pytest.mark.parametrize(
    "arguments", [(), ("explode",), ("providers", "--loud"), ("--config",)]
)
def test_wrong_usage_is_2_and_says_what_there_is(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main.main(arguments)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: onespace")
    if arguments == ("explode",):
        for name in COMMANDS:
            assert name in err


@pytest.mark.parametrize(
    "arguments", [("--explode",), ("now",), ("--log-level", "loud")]
)
def test_wrong_usage_of_the_daemon_is_2(arguments):
    done = run("onespace-sync", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage: onespace-sync" in done.stderr


@pytest.mark.parametrize(
    ("exc", "code"),
    [
        (OnespaceError("no luck today"), 1),
        (PermissionError(13, "no luck today", "/x"), 1),
        (ConfigError("no luck today"), 2),
    ],
)
def test_an_expected_failure_is_one_line_and_a_code(
    command, capsys, exc, code
):
    assert command(exc) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("onespace broken: ")
    assert "no luck today" in err
    assert err.count("\n") == 1


def test_ctrl_c_is_130_without_a_word(command, capsys):
    assert command(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "")


def test_a_fault_of_ours_is_not_hidden(command):
    with pytest.raises(ZeroDivisionError):
        command(ZeroDivisionError())


def test_ctrl_c_ends_a_real_command(tmp_path):
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", PROGRAMS["onespace"]),
            *("demo", "--dir", str(tmp_path / "demo")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )
    try:
        assert process.stdout.readline() == "Starting two Swifts ...\n"
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert err == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [("providers",), ("--help",)])
def test_a_reader_that_went_away_is_no_traceback(unbuffered, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run(
            "onespace",
            *arguments,
            capture_output=False,
            stdout=writing,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode in (0, 1)  # argparse takes no notice of some


@pytest.mark.parametrize("program", ["status", "check-config"])
def test_a_folder_is_no_configuration(program, tmp_path, capsys):
    option = ["--config"] if program == "status" else []
    assert main.main([program, *option, str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert str(tmp_path) in err


def test_a_folder_is_no_configuration_of_the_daemon(tmp_path):
    done = run("onespace-sync", "--once", "--config", str(tmp_path))
    assert done.returncode == 2
    assert "Is a directory" in done.stderr
    assert done.stderr.count("\n") == 1


def minimal(tmp_path, **default):
    """Return the path of a configuration with one mapping."""
    lines = [f"{name} = {value}" for name, value in default.items()]
    path = tmp_path / "onespace.conf"
    path.touch(mode=0o600)
    path.write_text(
        "\n".join(["[DEFAULT]", *lines])
        + "\n[credentials:aws]\nprovider = s3\nregion = eu-central-1\n"
        "access_key = AKIA\nsecret_key = hidden\n[mapping:photos]\n"
        "credentials = aws\naccount = AUTH_a\ncontainer = c\nbucket = b\n"
    )
    return str(path)


@pytest.mark.parametrize("missing", ["state_dir", "swift_dir", "devices"])
def test_the_daemon_names_the_option_of_a_wrong_folder(tmp_path, missing):
    folders = dict.fromkeys(("state_dir", "swift_dir", "devices"), tmp_path)
    folders[missing] = tmp_path / "nowhere"
    done = run("onespace-sync", "--config", minimal(tmp_path, **folders))
    assert done.returncode == 2
    assert missing in done.stderr
    assert str(folders[missing]) in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_state_folder_without_room_may_pass_and_is_named(tmp_path):
    # A full disk needs root to make; a limit on files does the same here.
    config = minimal(tmp_path, state_dir=tmp_path, devices=tmp_path)
    done = subprocess.run(
        [
            *("bash", "-c", 'ulimit -f 0; exec "$@"', "bash"),
            *(sys.executable, "-m", PROGRAMS["onespace-sync"]),
            *("--config", config),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # Not 2: a supervisor has to start it again.
    assert done.returncode == 1
    assert f"cannot write to {tmp_path}" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "default"),
    [
        ("log_file", {"log_file": "/nowhere/sync.log"}),
        (
            "syslog_address",
            {"use_syslog": "true", "syslog_address": "nowhere.invalid:514"},
        ),
    ],
)
def test_a_log_that_cannot_be_opened_is_named(tmp_path, option, default):
    done = run("onespace-sync", "--config", minimal(tmp_path, **default))
    assert done.returncode == 1
    assert option in done.stderr
    assert "nowhere" in done.stderr
    assert done.stderr.count("\n") == 1


def test_both_programs_read_the_same_file_unless_told_otherwise():
    assert arguments.DEFAULT_CONFIG == "/etc/onespace/onespace.conf"
    for given in (("status", "--help"), ("check-config", "--help")):
        done = run("onespace", *given)
        assert arguments.DEFAULT_CONFIG in done.stdout
