# SPDX-License-Identifier: Apache-2.0
"""Providers that need no plugin, and a file to load."""

import textwrap

import pytest
from oslo_config import cfg

from onespace_core import config as configuration
from onespace_core.provider import (
    KeyScheme,
    PluginNotFound,
    Provider,
    ProviderSettings,
)

SECRET = "wJalr$XUtnFEMI/K7MDENG"


class Bucket(Provider):
    OPTS = (
        cfg.StrOpt("endpoint"),
        cfg.StrOpt("region"),
        cfg.StrOpt("access_key"),
        cfg.StrOpt("secret_key", secret=True, required=True),
        cfg.IntOpt("pin", secret=True),
        cfg.StrOpt("profile"),
        cfg.FloatOpt("read_timeout", default=60.0, min=0.1),
        cfg.IntOpt("depth", default=1, advanced=True),
        cfg.MultiStrOpt("header", default=[]),
    )
    TARGET_OPTS = (
        cfg.StrOpt("storage_class"),
        cfg.StrOpt("target_token", secret=True),
    )


class Container(Provider):
    KEY_SCHEME = KeyScheme.PLAIN
    OPTS = (
        cfg.StrOpt("auth_url", required=True),
        cfg.StrOpt("user"),
        cfg.StrOpt("key", secret=True),
        cfg.StrOpt("project_name"),
        cfg.StrOpt("project_domain_name"),
        cfg.StrOpt("remote_account"),
    )
    TARGET_OPTS = (cfg.StrOpt("storage_policy"),)


class Greedy(Provider):
    """A plugin whose author took one of our names."""

    TARGET_OPTS = (cfg.BoolOpt("propagate_delete"),)


class Plugins:
    def __init__(self):
        self.classes = {
            "s3": Bucket,
            "other-s3": Bucket,
            "swift": Container,
            "greedy": Greedy,
        }

    def names(self):
        return sorted(self.classes)

    def load(self, name):
        if name not in self.classes:
            raise PluginNotFound(f"no provider {name!r}", hint="install it")
        return self.classes[name]


GOOD = f"""
[credentials:aws]
provider = s3
access_key = AKIA
secret_key = {SECRET}

[credentials:far]
provider = swift
auth_url = https://far/auth/v1.0
user = team:anna
key = {SECRET}

[profile:archive]
credentials = aws
account = AUTH_media
bucket = media

[mapping:photos]
profile = archive
container = photos
"""


@pytest.fixture
def secret():
    return SECRET


@pytest.fixture
def plugins():
    return Plugins()


@pytest.fixture
def write(tmp_path):
    """Write a file that only we may read; return its path."""

    def write(*texts, name="onespace.conf"):
        path = tmp_path / name
        path.touch(mode=0o600)
        path.write_text("".join(map(textwrap.dedent, texts)))
        return str(path)

    return write


@pytest.fixture
def load(write, plugins):
    """Load a text with the fake providers and an empty environment."""

    def load(*texts, environ=None):
        path = write(*texts)
        return configuration.load(path, plugins, environ=environ or {})

    return load


@pytest.fixture
def good():
    return GOOD


@pytest.fixture
def found(load):
    """Load a good file with something more; return section, option, text."""

    def found(more):
        return [
            (each.section, each.option, str(each))
            for each in load(GOOD + more).problems
        ]

    return found


@pytest.fixture
def make():
    """Make a mapping directly; options of the provider by ``settings``."""

    def make(*, settings=None, **values):
        values.setdefault("name", "m")
        values.setdefault("account", "AUTH_a")
        values.setdefault("container", "photos")
        values.setdefault("bucket", "b")
        values.setdefault("provider", "s3")
        return configuration.Mapping(
            settings=ProviderSettings(settings or {}), **values
        )

    return make
