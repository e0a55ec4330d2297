# SPDX-License-Identifier: Apache-2.0
import json
import os
import stat

import pytest

from onespace_core import config as configuration
from onespace_core.cli import main

SOURCE = {
    "devices": "/srv/node",
    "status_dir": "/var/lib/swift-s3-sync",
    "items_chunk": 1000,
    "verification_slack": 30,
    "containers": [
        {
            "account": "AUTH_test",
            "container": "photos",
            "aws_bucket": "bucket",
            "aws_identity": "AKIA",
            "aws_secret": "s3cr3t",
            "exclude_pattern": "",
        }
    ],
}


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "sync.json"
    path.write_text(json.dumps(SOURCE))
    return str(path)


def _run(*args):
    return main.main(["import-config", *map(str, args)])


def _mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_the_new_file_can_be_used_and_only_we_may_read_it(
    source, tmp_path, capsys
):
    target = tmp_path / "onespace.conf"
    old = os.umask(0)
    try:
        assert _run(source, "-o", target) == 0
    finally:
        os.umask(old)
    assert _mode(target) == 0o600
    config = configuration.load(target, environ={})
    assert config.problems == ()
    assert config.settings.verification_slack == 1800.0
    assert config.mappings[0].settings["secret_key"] == "s3cr3t"
    out, err = capsys.readouterr()
    assert out == ""
    assert "status_dir is left out" in err
    assert "exclude_pattern was empty" in err
    assert f"onespace check-config {target}" in err
    assert "s3cr3t" not in err
    assert main.main(["check-config", str(target)]) == 0


def test_secrets_may_go_to_files_of_their_own(source, tmp_path, caplog):
    folder = tmp_path / "secrets"
    folder.mkdir()
    target = tmp_path / "onespace.conf"
    assert _run(source, "-o", target, "--secrets-dir", folder) == 0
    assert "s3cr3t" not in target.read_text()
    [secret] = folder.iterdir()
    assert secret.name == "aws.secret_key"
    assert _mode(secret) == 0o600
    config = configuration.load(target, environ={})
    assert config.problems == ()
    assert config.mappings[0].settings["secret_key"] == "s3cr3t"
    assert caplog.text == ""


def test_standard_output_gets_no_secret(source, tmp_path, capsys):
    assert _run(source) == 2
    assert "secrets do not go to standard output" in capsys.readouterr().err
    assert _run(source, "--secrets-dir", tmp_path) == 0
    out, err = capsys.readouterr()
    assert "[mapping:AUTH_test-photos]" in out
    assert "s3cr3t" not in out + err


def test_nothing_is_overwritten(source, tmp_path, capsys):
    target = tmp_path / "onespace.conf"
    target.write_text("precious")
    folder = tmp_path / "secrets"
    folder.mkdir()
    assert _run(source, "-o", target, "--secrets-dir", folder) == 2
    assert target.read_text() == "precious"
    assert list(folder.iterdir()) == []
    assert "File exists" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(source, tmp_path, capsys):
    missing = tmp_path / "no" / "onespace.conf"
    assert _run(source, "-o", missing) == 2
    assert str(missing) in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{'aws_secret': 's3cr3t'}", "[]"])
def test_what_is_no_1space_file_is_refused(tmp_path, capsys, content):
    source = tmp_path / "sync.json"
    source.write_text(content)
    target = tmp_path / "onespace.conf"
    assert _run(source, "-o", target) == 2
    err = capsys.readouterr().err
    assert "sync.json" in err
    assert "s3cr3t" not in err
    assert not target.exists()


def test_a_missing_file_is_named(tmp_path, capsys):
    assert _run(tmp_path / "x.json", "-o", tmp_path / "y") == 2
    assert "x.json: cannot be read" in capsys.readouterr().err
