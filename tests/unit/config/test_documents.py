# SPDX-License-Identifier: Apache-2.0
"""The sample and the operator's pages say what the program does."""

import pathlib
import re

import pytest
from oslo_config import cfg, generator, types

from onespace_core import config as configuration
from onespace_core.config import options
from onespace_core.provider.registry import Registry

ROOT = pathlib.Path(__file__).parents[3]
SAMPLE = ROOT / "etc" / "onespace.conf.sample"
PAGE = ROOT / "docs" / "configuration.rst"
PAGES = [PAGE, *sorted((ROOT / "docs").glob("options-*.rst"))]
#: Options without a page of their own yet.
SHUNT = ("restore_object",)
OURS = ("file", "gcs-interop", "s3", "s3-compatible", "swift")


def _option_names():
    names = {opt.dest for opt in options.GLOBAL_OPTS}
    names |= {opt.dest for opt in options.POLICY_OPTS}
    names |= {opt.dest for opt in options.MAPPING_ONLY_OPTS}
    for provider in map(Registry().load, OURS):
        names |= {opt.dest for opt in provider.OPTS}
        names |= {opt.dest for opt in provider.TARGET_OPTS}
    return sorted(names)


@pytest.fixture
def generate(tmp_path, monkeypatch):
    """Make the sample as the command does, elsewhere."""

    def generate():
        monkeypatch.chdir(ROOT)
        conf = cfg.ConfigOpts()
        generator.register_cli_opts(conf)
        target = tmp_path / "sample"
        conf(
            ["--config-file", "etc/config-generator.conf"],
            default_config_files=[],
        )
        with target.open("w") as file:
            generator.generate(conf, file)
        return target.read_text()

    return generate


def test_the_sample_is_what_the_generator_makes(generate):
    """If not: oslo-config-generator --config-file etc/config-generator.conf"""
    assert generate() == SAMPLE.read_text()


def test_the_sample_has_every_option():
    text = SAMPLE.read_text()
    missing = [
        name
        for name in (*_option_names(), "provider")
        if not re.search(rf"^#{name} =", text, re.MULTILINE)
    ]
    assert missing == []


def test_the_sample_is_a_good_file_as_it_is(tmp_path):
    config = configuration.load(SAMPLE, environ={})
    assert config.problems == ()
    assert config.mappings == ()
    assert config.settings == configuration.Settings()


def test_defaults_in_the_sample_are_values_that_can_be_read(write):
    """Taking the # from every option changes nothing."""
    text = SAMPLE.read_text()
    default, _, _ = text.partition("[credentials:")
    active = re.sub(r"^#(\w+ =)", r"\1", default, flags=re.MULTILINE)
    active = re.sub(r"^\w+ = <None>$", "", active, flags=re.MULTILINE)
    config = configuration.load(write(active), environ={})
    assert config.problems == ()
    assert config.settings == configuration.Settings()


def test_every_option_has_help_and_a_type():
    groups = options.list_opts()
    assert len(groups) > 5
    for _, opts in groups:
        for opt in opts:
            assert opt.help, opt.dest
            assert opt.help.endswith((".", ".)")), opt.dest
            assert type(opt.type) is not types.ConfigType, opt.dest


@pytest.mark.parametrize(
    "opt",
    [opt for opt in options.POLICY_OPTS if type(opt.default) in (int, float)],
    ids=lambda opt: opt.dest,
)
def test_every_number_of_a_policy_has_a_range(opt):
    assert opt.type.min is not None
    assert opt.type.max is not None or opt not in options.TUNING_OPTS


@pytest.mark.parametrize("name", _option_names())
def test_a_page_says_what_the_option_is(name):
    """In a list of its own, not only in passing."""
    said = [
        page.name
        for page in PAGES
        for line in page.read_text().splitlines()
        if re.match(rf"(``\w+``.*, )?``{name}``", line)
    ]
    assert said


@pytest.mark.parametrize(
    "opt",
    [
        opt
        for opt in options.POLICY_OPTS
        if opt.default is not None and opt.dest not in SHUNT
    ],
    ids=lambda opt: opt.dest,
)
def test_the_pages_have_the_defaults_of_a_policy(opt):
    text = "\n".join(page.read_text() for page in PAGES[1:])
    [said] = re.findall(rf"^``{opt.dest}`` \(([^;,)]+)", text, re.M)
    assert opt.type(said.strip("`")) == opt.default


def test_the_page_has_the_defaults():
    text = PAGE.read_text()
    for opt in options.GLOBAL_OPTS:
        if isinstance(opt.default, int) and not isinstance(opt.default, bool):
            assert f"``{opt.dest}`` ({opt.default}" in text
