# SPDX-License-Identifier: Apache-2.0
"""What an operator may write, and what is refused before any request."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from onespace_swift import SwiftProvider
from unit.swift_provider.scripted import make

from onespace_core.provider import ConfigError

GOOD = {"auth_url": "http://h:1/auth/v1.0", "user": "u", "key": "sec-ret"}


@pytest.mark.parametrize("auth_type", ["v1", "swift"])
def test_version_1_needs_url_user_and_key(auth_type: str) -> None:
    assert make(**GOOD, auth_type=auth_type).location == "swift://h:1"
    with pytest.raises(ConfigError) as caught:
        make(auth_type=auth_type)
    for name in ("auth_url", "user", "key"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("auth_type", "names"),
    [
        ("keystone_v2", ["tenant_name"]),
        (
            "keystone_v3",
            ["project_name", "project_domain_name", "user_domain_name"],
        ),
    ],
)
def test_keystone_names_everything_that_is_missing(
    auth_type: str, names: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**GOOD, auth_type=auth_type)
    for name in names:
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auth_url", "h:1/auth"),
        ("auth_url", "ftp://h/"),
        ("auth_url", "http://h:port/"),
        ("auth_type", "v9"),
        ("user", "u\r\nX-Evil: 1"),
        ("key", "sec-ret\n"),
        ("proxy", "h:1"),
        ("remote_account", "AUTH_a/c"),
    ],
)
def test_a_value_that_cannot_be_used_names_its_option(
    name: str, value: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**{**GOOD, name: value})
    assert caught.value.option == name
    assert "sec-ret" not in str(caught.value)


def test_every_option_has_help_and_secrets_are_marked() -> None:
    options = (*SwiftProvider.OPTS, *SwiftProvider.TARGET_OPTS)
    assert all(option.help for option in options)
    secret = {option.dest for option in options if option.secret}
    assert secret == {"key", "proxy"}


def test_neither_location_nor_repr_shows_a_secret() -> None:
    provider = make(
        **{**GOOD, "auth_url": "http://me:sec-ret@h:1/auth"},
        remote_account="AUTH_x",
    )
    assert provider.location == "swift://h:1/AUTH_x"
    assert "sec-ret" not in repr(provider)


def test_importing_the_plugin_imports_no_sdk() -> None:
    code = (
        "import sys, onespace_swift; print([m for m in sys.modules if "
        "m.partition('.')[0] in ('swiftclient', 'keystoneauth1', "
        "'keystoneclient', 'requests', 'eventlet')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True
    )
    assert done.stdout.strip() == b"[]"


def test_keystone_without_its_client_is_an_import_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "onespace_swift.keystone", raising=False)
    monkeypatch.setitem(sys.modules, "keystoneauth1", None)
    options: dict[str, Any] = {
        **GOOD,
        "auth_type": "keystone_v2",
        "tenant_name": "t",
    }
    with pytest.raises(ImportError):
        make(**options)
