# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from onespace_core.cli import main

GOOD = """
[credentials:aws]
provider = s3
access_key = AKIA
secret_key = s3cr3t-s3
[credentials:far]
provider = swift
auth_url = http://far/auth/v1.0
user = team:anna
key = s3cr3t-swift
[mapping:photos]
credentials = aws
account = AUTH_media
container = photos
bucket = media
[mapping:prefixed]
credentials = aws
account = AUTH_media
container = docs
bucket = media
custom_prefix = /p/
[mapping:all]
credentials = far
account = AUTH_media
container = *
bucket = copies-
"""


@pytest.fixture
def check(tmp_path, capsys, caplog):
    """Run the command; return exit code, output and errors."""

    def check(text, mode=0o600):
        path = tmp_path / "onespace.conf"
        path.write_text(text)
        os.chmod(path, mode)
        code = main.main(["check-config", str(path)])
        out, err = capsys.readouterr()
        return code, out, err + caplog.text

    return check


def test_a_good_file_is_one_line_for_each_mapping(check):
    code, out, err = check(GOOD)
    assert code == 0
    assert err == ""
    photos, prefixed, everything = out.splitlines()
    assert photos.startswith("photos: AUTH_media/photos -> s3://")
    assert photos.endswith("/media (s3)")
    assert prefixed.endswith("/media/p (s3)")
    assert everything.startswith("all: AUTH_media/* -> ")
    assert everything.endswith("/copies-* (swift)")


def test_everything_wrong_is_printed_with_its_place(check):
    code, out, err = check(
        GOOD + "colour = red\n[mapping:x]\ncredentials = awz\n[DEFAULT]\nw=1"
    )
    assert code == 2
    for part in (
        "onespace.conf [mapping:all] colour: unknown option on line 27",
        "onespace.conf [mapping:x] credentials: there is no section",
        "(did you mean aws?)",
        "[mapping:x] container: this is needed",
        "onespace.conf [DEFAULT] w: unknown option",
    ):
        assert part in err
    assert [line.split(":")[0] for line in out.splitlines()] == [
        "photos",
        "prefixed",
    ]


def test_what_only_the_provider_knows_is_a_problem_as_well(check):
    code, out, err = check(
        GOOD.replace("access_key = AKIA\n", "").replace(
            "bucket = media\n[", "bucket = media\nkms_key_id = x\n["
        )
    )
    assert code == 2
    assert "[credentials:aws] access_key: " in err
    assert out.splitlines()[0].startswith("all: ")


def test_an_option_of_the_target_is_placed_in_the_mapping(check):
    code, _, err = check(GOOD.replace("docs\n", "docs\nkms_key_id = x\n"))
    assert code == 2
    assert "[mapping:prefixed] kms_key_id: " in err


def test_one_problem_of_shared_credentials_is_printed_once(check):
    _, _, err = check(GOOD.replace("access_key = AKIA\n", ""))
    assert err.count("[credentials:aws]") == 1


@pytest.mark.parametrize("text", ["", "[DEFAULT]\nworkers = 3\n"])
def test_a_file_without_a_mapping_is_of_no_use(check, text):
    code, out, err = check(text)
    assert code == 2
    assert out == ""
    assert "there is no mapping" in err


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("secret_key", "secret_kye"),
        lambda text: text.replace("secret_key = ", ""),
        lambda text: text.replace("access_key = AKIA\n", ""),
        lambda text: text.replace("http://far", "far"),
        lambda text: text + text,
    ],
)
def test_no_secret_is_printed(check, change):
    _, out, err = check(change(GOOD), mode=0o644)
    assert "s3cr3t" not in out + err


def test_a_file_that_everybody_may_read_is_warned_about(check):
    code, _, err = check(GOOD, mode=0o644)
    assert code == 0
    assert "everybody may read it" in err


def test_a_missing_file_is_named(tmp_path, capsys):
    assert main.main(["check-config", str(tmp_path / "x")]) == 2
    assert "x: cannot be read: No such file" in capsys.readouterr().err


def test_the_path_may_be_left_out(capsys):
    with pytest.raises(SystemExit):
        main.main(["check-config", "--help"])
    assert "/etc/onespace/onespace.conf" in capsys.readouterr().out
