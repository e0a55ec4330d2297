# SPDX-License-Identifier: Apache-2.0
"""Where secrets come from, and that they go nowhere."""

import logging
import os
import pprint
import re
import subprocess
import sys
import traceback

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onespace_core import config as configuration
from onespace_core.config import secrets

VARIABLE = "ONESPACE_CREDENTIALS_AWS_SECRET_KEY"


@pytest.fixture
def keyless(good, secret):
    """The good file without the secret of [credentials:aws]."""
    return good.replace(f"secret_key = {secret}\n", "")


@pytest.fixture
def secret_file(write):
    return write("  s3cr3t-file \n\n", name="aws.secret")


def _secret(config):
    assert config.problems == ()
    return config.mappings[0].settings["secret_key"]


def _set(text, line):
    return text.replace("access_key", f"{line}\naccess_key")


def test_a_secret_may_be_in_a_file(load, keyless, secret_file):
    text = _set(keyless, f"secret_key_file = {secret_file}")
    assert _secret(load(text)) == "s3cr3t-file"


def test_a_secret_may_be_in_the_environment(load, keyless):
    assert _secret(load(keyless, environ={VARIABLE: "env"})) == "env"


def test_the_environment_comes_before_the_file(load, good, secret_file):
    assert _secret(load(good, environ={VARIABLE: "env"})) == "env"


def test_the_name_of_the_variable_has_letters_digits_and_underscores():
    assert secrets.env_name("credentials:a-b.c", "secret_key") == (
        "ONESPACE_CREDENTIALS_A_B_C_SECRET_KEY"
    )


def test_a_secret_of_the_default_section_works_without_the_section(load):
    environ = {"ONESPACE_DEFAULT_HTTP_PROXY": "http://p:1"}
    assert load("", environ=environ).settings.http_proxy == "http://p:1"


def test_a_secret_of_a_mapping_has_its_own_variable(load, good):
    environ = {"ONESPACE_MAPPING_PHOTOS_TARGET_TOKEN": "t"}
    config = load(good, environ=environ)
    assert config.mappings[0].settings["target_token"] == "t"


def test_a_secret_is_converted_like_any_value(load, good):
    environ = {"ONESPACE_CREDENTIALS_AWS_PIN": "1234"}
    config = load(good, environ=environ)
    assert config.mappings[0].settings["pin"] == 1234


def test_only_secrets_are_taken_from_the_environment(load, good):
    environ = {"ONESPACE_CREDENTIALS_AWS_ACCESS_KEY": "x"}
    config = load(good, environ=environ)
    assert config.mappings[0].settings["access_key"] == "AKIA"


def test_a_variable_that_two_sections_would_read_is_refused(load, good):
    more = "[credentials:AWS]\nprovider = s3\nsecret_key = x\n"
    assert load(good, more).problems == ()
    config = load(good, more, environ={VARIABLE: "env"})
    assert {(e.section, e.option) for e in config.problems} == {
        ("credentials:aws", "secret_key"),
        ("credentials:AWS", "secret_key"),
    }


def test_a_secret_given_twice_in_the_file_is_refused(load, good, secret_file):
    config = load(_set(good, f"secret_key_file = {secret_file}"))
    [problem] = config.problems
    assert "both as secret_key and as secret_key_file" in problem.reason


def test_a_missing_secret_is_a_problem_once(load, keyless):
    [problem] = load(keyless).problems
    assert (problem.section, problem.option) == (
        "credentials:aws",
        "secret_key",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff", "not UTF-8"),
        (b"x" * 70000, "too large"),
    ],
)
def test_an_unreadable_secret_file_is_one_problem(
    load, keyless, tmp_path, content, reason
):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    config = load(_set(keyless, f"secret_key_file = {path}"))
    [problem] = config.problems
    assert reason in problem.reason
    assert (problem.section, problem.option) == (
        "credentials:aws",
        "secret_key_file",
    )


@pytest.mark.parametrize("path", ["/", "/dev/zero", "aws.secret", ""])
def test_a_secret_file_is_an_ordinary_file(load, keyless, path):
    [problem] = load(_set(keyless, f"secret_key_file = {path}")).problems
    assert problem.option == "secret_key_file"


def test_a_comment_behind_the_path_is_hinted_at(load, keyless, secret_file):
    line = f"secret_key_file = {secret_file}   # or environment"
    [problem] = load(_set(keyless, line)).problems
    assert problem.hint == "a comment stands on a line of its own"


@pytest.mark.parametrize(("mode", "warnings"), [(0o644, 1), (0o640, 0)])
def test_a_secret_that_everybody_may_read_is_warned_about(
    load, keyless, secret_file, caplog, mode, warnings
):
    os.chmod(secret_file, mode)
    load(_set(keyless, f"secret_key_file = {secret_file}"))
    assert len(caplog.records) == warnings
    assert all(r.levelno == logging.WARNING for r in caplog.records)
    assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize(
    ("mode", "literal", "warned"),
    [(0o644, True, True), (0o640, True, False), (0o644, False, False)],
)
def test_a_file_with_secrets_that_everybody_may_read_is_warned_about(
    write, plugins, good, keyless, caplog, mode, literal, warned
):
    path = write(good if literal else keyless.replace("key = wJ", "user = "))
    if not literal:
        path = write("[DEFAULT]\nworkers = 3\n", name="other.conf")
    os.chmod(path, mode)
    configuration.load(path, plugins, environ={})
    assert bool(caplog.records) is warned


# -- nowhere ---------------------------------------------------------------


def _everything_said(config, caplog):
    said = [repr(config), str(config), pprint.pformat(config), caplog.text]
    for problem in config.problems:
        said += [repr(problem), str(problem), str(vars(problem))]
        said += traceback.format_exception(problem)
    for mapping in config.mappings:
        said += [repr(mapping), str(mapping), str(mapping.identity)]
        said += [mapping.fingerprint, str(mapping.settings)]
    return "\n".join(said)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("secret_key", "pin"),
        lambda text: text.replace("secret_key =", "secret_kye ="),
        lambda text: text.replace("secret_key =", "="),
        lambda text: text.replace("secret_key = ", ""),
        lambda text: text.replace("secret_key =", "["),
        lambda text: text.replace("secret_key =", "secret_key =\n "),
        lambda text: text.replace("secret_key =", "secret_key_file ="),
        lambda text: text.replace("provider = s3", "provider = s4"),
        lambda text: text + text,
    ],
)
def test_no_secret_is_said(load, good, secret, caplog, change):
    caplog.set_level(logging.DEBUG)
    text = change(good).replace("secret_key_file = w", "secret_key_file = /w")
    config = load(text)
    said = _everything_said(config, caplog)
    if "_file" not in text:  # a path is no secret
        assert secret not in said


def test_no_secret_of_the_environment_or_a_file_is_said(
    load, keyless, secret_file, caplog
):
    caplog.set_level(logging.DEBUG)
    os.chmod(secret_file, 0o644)
    text = _set(keyless, f"secret_key_file = {secret_file}")
    environ = {
        "ONESPACE_CREDENTIALS_AWS_PIN": "no-number-s3cr3t",
        "ONESPACE_DEFAULT_HTTPS_PROXY": "proxy-s3cr3t",
        "ONESPACE_CREDENTIALS_FAR_KEY": "swift-s3cr3t",
    }
    config = load(text, environ=environ)
    said = _everything_said(config, caplog)
    assert "s3cr3t" not in said.replace("s3cr3t-file is", "")
    assert {e.option for e in config.problems} == {"pin", "https_proxy"}


def test_a_line_that_is_no_option_is_not_quoted(load, good, caplog):
    config = load(good, "wJalr+XUtn/FEMI = x\n")
    [problem] = config.problems
    assert "wJalr" not in _everything_said(config, caplog)
    assert "line 21" in problem.reason


def test_equal_files_give_equal_mappings_and_a_new_secret_does_not(
    load, good, secret
):
    assert load(good).mappings == load(good).mappings
    changed = load(good.replace(secret, "other"))
    assert load(good).mappings != changed.mappings
    assert hash(load(good).mappings[0]) == hash(changed.mappings[0])


# With a mark, so that it is not by chance a word that is said anyway.
_SECRETS = st.text(
    st.characters(min_codepoint=33, exclude_categories=["Cs", "Z", "Cc"]),
    max_size=30,
).map(lambda text: f"s3cr3t{text}")


@settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(value=_SECRETS)
def test_any_secret_is_kept_as_it_is_and_said_nowhere(
    load, good, secret, caplog, value
):
    caplog.clear()
    config = load(good.replace(secret, value))
    assert _secret(config) == value
    assert config.mappings[0].settings["secret_key"] == value
    assert "s3cr3t" not in _everything_said(config, caplog)


# -- config_source ---------------------------------------------------------

SOURCE = "[DEFAULT]\nconfig_source = vault\n[vault]\n"


@pytest.fixture
def remote_file(tmp_path):
    """Serve a file of secrets; return its address.

    By a process of its own: importing Swift can change how threads and
    sockets of this one behave.
    """
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "secrets.conf").write_text(
        "[credentials:aws]\nsecret_key = from-remote\n"
    )
    command = [sys.executable, "-u", "-m", "http.server", "0"]
    command += ["--bind", "127.0.0.1", "--directory", str(folder)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            port = re.search(r"port (\d+)", server.stdout.readline())[1]
            yield f"http://127.0.0.1:{port}/secrets.conf"
        finally:
            server.terminate()


def test_oslo_config_s_own_driver_is_asked(load, keyless, remote_file):
    config = load(
        SOURCE, f"driver = remote_file\nuri = {remote_file}\n", keyless
    )
    assert _secret(config) == "from-remote"


def test_a_source_is_asked_last(load, good, secret, remote_file):
    config = load(SOURCE, f"driver = remote_file\nuri = {remote_file}\n", good)
    assert _secret(config) == secret


def test_a_source_that_fails_later_is_a_problem(load, good, monkeypatch):
    from castellan import _config_driver as driver

    class Broken:
        def __init__(self, *args):
            pass

        def get(self, *args):
            raise RuntimeError("token s3cr3t is not valid")

    monkeypatch.setattr(driver, "CastellanConfigurationSource", Broken)
    config = load(
        SOURCE, "driver = castellan\nconfig_file=/a\nmapping_file=/b\n", good
    )
    assert config.mappings == ()
    texts = [str(each) for each in config.problems]
    assert any("[credentials:aws] pin" in text for text in texts)
    assert "s3cr3t" not in "".join(texts)


def test_castellan_is_asked(load, write, keyless, tmp_path, monkeypatch):
    """With a key manager in memory, in place of Barbican or Vault."""
    from castellan import key_manager
    from castellan.common.objects import passphrase

    class Manager:
        def get(self, context, managed_object_id):
            assert managed_object_id == "id-1"
            return passphrase.Passphrase(b"from-castellan")

    monkeypatch.setattr(key_manager, "API", lambda conf: Manager())
    castellan = write("[key_manager]\n", name="castellan.conf")
    ids = write("[credentials:aws]\nsecret_key = id-1\n", name="ids.conf")
    config = load(
        SOURCE,
        f"driver = castellan\nconfig_file = {castellan}\n",
        f"mapping_file = {ids}\n",
        keyless,
    )
    assert _secret(config) == "from-castellan"


@pytest.mark.parametrize(
    ("lines", "option"),
    [
        ("driver = carrier-pigeon\n", "driver"),
        ("", "driver"),
        ("driver = castellan\n", "config_file"),
        ("driver = castellan\ncolour = red\n", "colour"),
        ("driver = remote_file\nuri = nowhere\n", "uri"),
        (
            (
                "driver = castellan\nconfig_file = /nowhere\n"
                "mapping_file = /nowhere\n"
            ),
            None,
        ),
    ],
)
def test_a_source_that_cannot_be_opened_is_a_problem(
    load, good, lines, option
):
    config = load(SOURCE, lines, good)
    assert ("vault", option) in [
        (each.section, each.option) for each in config.problems
    ]


def test_with_a_source_that_is_broken_nobody_guesses(load, good):
    """An optional secret may be there: the mapping does not run."""
    config = load(SOURCE, "driver = castellan\n", good)
    assert config.mappings == ()
    [problem] = [
        each for each in config.problems if each.section == "credentials:aws"
    ]
    assert "could not be opened: vault" in problem.reason
