# SPDX-License-Identifier: Apache-2.0
"""Plugins in real distributions, of which some cannot be used."""

import argparse
import logging
import sys
import textwrap

import pytest
import stevedore._cache

from onespace_core.cli import providers
from onespace_core.provider import (
    ConfigError,
    PluginApiMismatch,
    PluginError,
    PluginLoadError,
    PluginNotFound,
    ProviderSettings,
)
from onespace_core.provider.registry import Registry
from onespace_core.testing import memory

GOOD = """
    from onespace_core.testing import memory

    class Acme(memory.MemoryProvider):
        pass
"""


class World:
    """Distributions in a folder, with an entry point group of their own."""

    def __init__(self, folder, namespace):
        self.folder = folder
        self.namespace = namespace
        self.registry = Registry(namespace)

    def install(self, dist, module, code, *points, requires=()):
        (self.folder / f"{module}.py").write_text(textwrap.dedent(code))
        info = self.folder / f"{dist}-1.5.dist-info"
        info.mkdir()
        lines = [f"Name: {dist}", "Version: 1.5", "Metadata-Version: 2.1"]
        lines += [f"Requires-Dist: {each}" for each in requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        lines = [f"[{self.namespace}]", *points]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def world(tmp_path, monkeypatch, request):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(stevedore._cache._c, "_disable_caching", True)
    before = set(sys.modules)
    # A group of its own for each test: stevedore remembers groups by name.
    yield World(tmp_path, f"test.{abs(hash(request.node.nodeid))}")
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(
            sys.modules[name].__file__
        ).startswith(str(tmp_path)):
            del sys.modules[name]


def load_error(world, name):
    with pytest.raises(PluginError) as caught:
        world.registry.load(name)
    return caught.value


def test_names_are_sorted_and_nothing_is_imported(world):
    world.install(
        "acme", "broken_acme", "raise SystemExit", "b = broken_acme:B",
        "a = broken_acme:A",
    )  # fmt: skip
    assert world.registry.names() == ["a", "b"]
    assert "broken_acme" not in sys.modules


def test_the_installed_providers_are_found():
    assert {"s3", "s3-compatible", "swift"} <= set(Registry().names())


def test_a_provider_is_loaded_once(world):
    world.install("acme", "acme_one", GOOD, "acme = acme_one:Acme")
    kind = world.registry.load("acme")
    assert issubclass(kind, memory.MemoryProvider)
    assert world.registry.load("acme") is kind


def test_loading_one_plugin_imports_no_other(world):
    world.install("acme", "acme_good", GOOD, "acme = acme_good:Acme")
    world.install("other", "acme_bad", "raise SystemExit", "b = acme_bad:B")
    world.registry.load("acme")
    assert "acme_bad" not in sys.modules


def test_an_unknown_name_tells_what_there_is_and_what_is_near(world):
    world.install(
        "acme", "acme_two", GOOD, "acme = acme_two:Acme",
        "other = acme_two:Acme",
    )  # fmt: skip
    error = load_error(world, "acne")
    assert type(error) is PluginNotFound
    assert "acme, other" in str(error)
    assert "did you mean 'acme'?" in str(error)


def test_an_unknown_name_where_nothing_is_installed(world):
    assert "there are: none" in str(load_error(world, "acme"))


@pytest.mark.parametrize(
    ("module", "hint"),
    [
        ("acmesdk", "pip install 'acme[sdk]'"),
        ("acmesdk.deep", "pip install 'acme[sdk]'"),
        ("always_there", "pip install --force-reinstall acme"),
        ("unheard_of", "install the package that has the module"),
    ],
)
def test_a_missing_module_says_what_to_install(world, module, hint):
    world.install(
        "acme",
        "acme_sdk",
        f"import {module}",
        "acme = acme_sdk:Acme",
        requires=[
            'python-acmesdk>=5 ; extra == "all"',
            'other>=1; extra == "all"',
            "python-acmesdk>=5; python_version > '3' and extra == 'sdk'",
            "Always.There>=2",
        ],
    )
    error = load_error(world, "acme")
    assert type(error) is PluginLoadError
    assert error.hint.startswith(hint)
    assert isinstance(error.__cause__, ImportError)
    assert "acme 1.5" in str(error)


@pytest.mark.parametrize(
    "code", ["raise AssertionError", "1 / 0", "def", "Other = 1"]
)
def test_a_plugin_that_breaks_on_import_is_a_load_error(world, code):
    world.install("acme", "acme_breaks", code, "acme = acme_breaks:Acme")
    assert type(load_error(world, "acme")) is PluginLoadError


@pytest.mark.parametrize("version", ["(0, 9)", "(2, 0)", "(1, 1)"])
def test_another_api_version_is_refused(world, version):
    code = f"{GOOD}        API_VERSION = {version}\n"
    world.install("acme", "acme_api", code, "acme = acme_api:Acme")
    error = load_error(world, "acme")
    assert type(error) is PluginApiMismatch
    assert version.strip("()").replace(", ", ".") in str(error)


def test_two_distributions_with_one_name_are_refused(world):
    world.install("acme", "acme_here", GOOD, "acme = acme_here:Acme")
    world.install("emca", "acme_there", GOOD, "acme = acme_there:Acme")
    error = load_error(world, "acme")
    assert "acme 1.5 and emca 1.5" in str(error)
    problems = [each.problem for each in world.registry.describe()]
    assert len(problems) == 2
    assert all("two distributions" in problem for problem in problems)


@pytest.mark.parametrize("code", ["Acme = 1", "class Acme: pass"])
def test_what_is_not_a_provider_is_refused(world, code):
    world.install("acme", "acme_class", code, "acme = acme_class:Acme")
    assert "not a subclass" in str(load_error(world, "acme"))


def test_an_incomplete_provider_is_refused_and_its_gaps_named(world):
    code = """
        from onespace_core.provider import Provider

        class Acme(Provider):
            def head_account(self): ...
    """
    world.install("acme", "acme_gaps", code, "acme = acme_gaps:Acme")
    error = str(load_error(world, "acme"))
    assert "put_object" in error
    assert "head_account" not in error


def create(world, bucket="b"):
    return world.registry.create(
        "acme",
        ProviderSettings({}, bucket=bucket),
        logger=logging.getLogger("test"),
    )


def test_create_builds_a_provider_from_settings(world):
    world.install("acme", "acme_made", GOOD, "acme = acme_made:Acme")
    assert create(world).head_bucket().name == "b"


def test_an_sdk_missing_in_from_settings_is_a_load_error(world):
    code = f"""{GOOD}
        @classmethod
        def from_settings(cls, settings, *, logger, concurrency=10):
            import acme_sdk_that_is_missing
    """
    world.install("acme", "acme_late", code, "acme = acme_late:Acme")
    with pytest.raises(PluginLoadError) as caught:
        create(world)
    assert "acme_sdk_that_is_missing" in str(caught.value)


def test_settings_that_contradict_are_the_operators_error(world):
    code = f"""{GOOD}
        @classmethod
        def from_settings(cls, settings, *, logger, concurrency=10):
            from onespace_core.provider import ConfigError
            raise ConfigError("no")
    """
    world.install("acme", "acme_config", code, "acme = acme_config:Acme")
    with pytest.raises(ConfigError):
        create(world)


def test_describe_lists_good_and_bad(world):
    world.install("acme", "acme_fine", GOOD, "acme = acme_fine:Acme")
    world.install("bad", "acme_poor", "import no_such_sdk", "b = acme_poor:B")
    good, bad = world.registry.describe()
    assert (good.name, good.target) == ("acme", "acme_fine:Acme")
    assert (good.distribution, good.problem) == ("acme 1.5", None)
    assert "no_such_sdk" in bad.problem


def run_command(world):
    parser = argparse.ArgumentParser()
    providers.add_parser(parser.add_subparsers())
    args = parser.parse_args(["providers"])
    return providers.run(args, world.registry)


def test_the_command_lists_a_broken_plugin_with_its_reason(world, capsys):
    world.install("acme", "acme_shown", GOOD, "acme = acme_shown:Acme")
    world.install("bad", "acme_sad", "import no_such_sdk", "b = acme_sad:B")
    assert run_command(world) == 1
    title, good, abilities, bad = capsys.readouterr().out.splitlines()
    assert title.split() == ["NAME", "DISTRIBUTION", "CLASS", "STATE"]
    assert good.split() == ["acme", "acme", "1.5", "acme_shown:Acme", "ok"]
    assert abilities.startswith("    can: range_get, conditional_get, ")
    assert "no_such_sdk" in bad


CHOOSY = """
    from oslo_config import cfg
    from onespace_core.provider import ConfigError
    from onespace_core.testing import memory

    class Choosy(memory.MemoryProvider):
        OPTS = (cfg.StrOpt("endpoint", required=True), cfg.StrOpt("user"))

        @classmethod
        def from_settings(cls, settings, *, logger, concurrency=10):
            assert settings["endpoint"]
            raise ConfigError("a user is needed")
"""


def test_the_command_asks_no_instance_that_cannot_be_made(world, capsys):
    world.install("acme", "acme_choosy", CHOOSY, "acme = acme_choosy:Choosy")
    assert run_command(world) == 0
    assert "can: depends on its settings" in capsys.readouterr().out


def test_the_command_succeeds_where_all_can_be_used(world, capsys):
    world.install("acme", "acme_alone", GOOD, "acme = acme_alone:Acme")
    assert run_command(world) == 0
    assert capsys.readouterr().err == ""


def test_the_command_fails_where_nothing_is_installed(world, capsys):
    assert run_command(world) == 1
