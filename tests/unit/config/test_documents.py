# SPDX-License-Identifier: Apache-2.0
"""The sample and the operator's page say what the program does."""

import pathlib
import re
import textwrap

import pytest
from oslo_config import cfg, generator

from onespace_core import config as configuration
from onespace_core.config import checks, options
from onespace_core.provider.registry import Registry

ROOT = pathlib.Path(__file__).parents[3]
SAMPLE = ROOT / "etc" / "onespace.conf.sample"
PAGE = ROOT / "docs" / "configuration.rst"
OURS = ("file", "gcs-interop", "s3", "s3-compatible", "swift")


def _option_names():
    names = {opt.dest for opt in options.GLOBAL_OPTS}
    names |= {opt.dest for opt in options.POLICY_OPTS}
    names |= {opt.dest for opt in options.MAPPING_ONLY_OPTS}
    for provider in map(Registry().load, OURS):
        names |= {opt.dest for opt in provider.OPTS}
        names |= {opt.dest for opt in provider.TARGET_OPTS}
    return sorted(names)


def _examples():
    text = PAGE.read_text()
    blocks = re.findall(r"\.\. code-block:: ini\n\n((?:    .*\n|\n)+)", text)
    return [textwrap.dedent(block) for block in blocks]


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


@pytest.mark.parametrize("name", _option_names())
def test_the_page_has_the_option(name):
    assert f"``{name}``" in PAGE.read_text()


def test_the_page_names_what_a_later_version_does():
    text = PAGE.read_text()
    part = text[text.index("Options of later versions") :]
    part = part[: part.index("What is refused")]
    for name in checks.NOT_YET:
        assert f"``{name}``" in part


def test_the_page_has_the_defaults():
    text = PAGE.read_text()
    for opt in options.GLOBAL_OPTS:
        if isinstance(opt.default, int) and not isinstance(opt.default, bool):
            assert f"``{opt.dest}`` ({opt.default}" in text


def test_the_first_example_of_the_page_can_be_used(write, tmp_path):
    secret = write("x", name="aws.secret")
    text = _examples()[0].replace("/etc/onespace/aws.secret", secret)
    config = configuration.load(write(text), environ={})
    assert config.problems == ()
    assert [each.name for each in config.mappings] == ["photos", "documents"]
    assert config.mappings[1].exclude_pattern.match("tmp/x")
