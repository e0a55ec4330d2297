# SPDX-License-Identifier: Apache-2.0
"""``onespace providers verify`` finds the store and says what it does."""

import argparse
from types import MappingProxyType

import pytest
from oslo_config import cfg

from onespace_core.cli import providers
from onespace_core.provider import (
    ConfigError,
    KeyScheme,
    PluginNotFound,
    Provider,
)
from onespace_core.testing.memory import MemoryProvider, MemoryStore

SECRET = "wJalrXUtnFEMI"
CONFIG = """
[credentials:good]
provider = honest
endpoint = http://store/
secret_key = {secret}

[credentials:bad]
provider = liar
endpoint = http://store
secret_key = {secret}

[credentials:plain]
provider = plain
endpoint = http://plain
secret_key = {secret}

[credentials:poor]
provider = honest
secret_key = {secret}

[mapping:photos]
credentials = good
account = AUTH_a
container = photos
bucket = bucket
custom_prefix = /deep/in/

[mapping:many]
credentials = plain
account = AUTH_a
container = *
bucket = buck

[mapping:wrong]
credentials = poor
account = AUTH_a
container = other
bucket = bucket
"""


class Honest(MemoryProvider):
    OPTS = (
        cfg.StrOpt("endpoint", required=True),
        cfg.StrOpt("secret_key", secret=True, required=True),
        cfg.StrOpt("conditional_writes", default="yes"),
    )
    made = ()

    @classmethod
    def from_settings(cls, settings, *, logger, concurrency=10):
        provider = cls(MemoryStore("bucket", "other"), bucket=settings.bucket)
        provider.settings = settings
        Honest.made = (*Honest.made, provider)
        return provider


class Liar(Honest):
    def put_object(self, key, body, *, conditions=None, **options):
        return super().put_object(key, body, **options)


class Plain(Honest):
    KEY_SCHEME = KeyScheme.PLAIN


class Plugins:
    """A registry of three."""

    kinds = MappingProxyType({"honest": Honest, "liar": Liar, "plain": Plain})

    def load(self, name: str) -> type[Provider]:
        if name not in self.kinds:
            raise PluginNotFound(f"no provider {name!r}")
        return self.kinds[name]

    def names(self):
        return sorted(self.kinds)

    def create(self, name, settings, **options):
        return self.load(name).from_settings(settings, **options)


@pytest.fixture
def verify(tmp_path, capsys, monkeypatch):
    """Run the command; return exit code, output and the provider."""
    monkeypatch.setattr(Honest, "made", ())
    path = tmp_path / "onespace.conf"
    path.touch(0o600)
    path.write_text(CONFIG.format(secret=SECRET))

    def verify(*arguments):
        parser = argparse.ArgumentParser()
        providers.add_parser(parser.add_subparsers())
        args = parser.parse_args(
            ["providers", "verify", "--config", str(path), *arguments]
        )
        code = args.run(args, Plugins(), {})
        return code, capsys.readouterr().out, Honest.made[-1]

    return verify


def test_credentials_with_a_bucket_are_verified(verify):
    code, out, provider = verify("good", "--bucket", "other")
    assert code == 0
    first, *lines, last = out.splitlines()
    assert first == "memory:/other"
    assert {line.split()[0] for line in lines} == {"ok"}
    assert last == "the store does what is claimed"
    assert {call.bucket for call in provider.calls} == {"other"}
    assert provider.settings["endpoint"] == "http://store"
    assert provider.settings["secret_key"] == SECRET


def test_a_mapping_is_verified_where_it_writes(verify):
    code, _out, provider = verify("photos")
    assert code == 0
    places = {(call.bucket, call.key) for call in provider.calls if call.key}
    assert len(places) > 10
    for bucket, key in places:
        assert bucket == "bucket"
        assert key.startswith("deep/in/onespace-verify-")


def test_a_liar_is_found_out_and_the_option_named(verify):
    code, out, _provider = verify("bad", "--bucket", "bucket")
    assert code == 1
    (line,) = [each for each in out.splitlines() if "If-None-Match" in each]
    assert line.split()[0] == "FAILED"
    assert line.endswith("set conditional_writes = no")
    assert out.splitlines()[-1] == "the store does NOT do what is claimed"


def test_no_secret_is_printed(verify):
    assert SECRET not in verify("bad", "--bucket", "bucket")[1]


def test_a_missing_bucket_is_one_line(verify):
    code, out, _provider = verify("good", "--bucket", "nowhere")
    assert code == 1
    assert out.count("FAILED") == 1


def test_the_provider_is_closed(verify):
    _code, _out, provider = verify("photos")
    with pytest.raises(Exception, match="closed"):
        provider.head_bucket()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["good"], "name a bucket with --bucket"),
        (["goood", "--bucket", "b"], "did you mean good"),
        (["photo", "--bucket", "b"], "did you mean photos"),
        (["many"], "name one with --bucket"),
        (["poor", "--bucket", "b"], "credentials:poor.*endpoint"),
        (["wrong"], "credentials:poor.*endpoint"),
    ],
)
def test_what_cannot_be_found_is_said(verify, arguments, message):
    with pytest.raises(ConfigError, match=message):
        verify(*arguments)


def test_containers_of_a_mapping_of_many_can_be_named(verify):
    code, _out, provider = verify("many", "--bucket", "bucket")
    assert code == 0
    assert {call.bucket for call in provider.calls} == {"bucket"}
