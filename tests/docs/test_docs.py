# SPDX-License-Identifier: Apache-2.0
"""What the documentation says is there, and what is there is said.

(The sample, and that every option is on a page, is looked at in
``tests/unit/config/test_documents.py``.)
"""

import argparse
import configparser
import importlib
import importlib.metadata
import pathlib
import re
import shlex
import textwrap

import pytest

from onespace_core import config
from onespace_core.cli import main
from onespace_core.config.options import GLOBAL_OPTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = (ROOT / "README.rst").read_text()
PAGES = {path.stem: path.read_text() for path in DOCS.glob("*.rst")}
EVERYTHING = {"README": README, **PAGES}
#: Top-level packages and where they are.
PACKAGES = {
    path.name: str(path.relative_to(ROOT))
    for room in ("", "plugins", "middleware", "connector")
    for path in (ROOT / room).glob("onespace_*")
}
PATH = (
    r"(?<![\w/])(?:onespace_core|plugins|tests|etc|docs|bench|examples)"
    r"/[\w./-]*[\w/]"
)
SCRIPTS = {
    script.name: script
    for script in importlib.metadata.entry_points(group="console_scripts")
    if script.name.startswith("onespace")
}


def parser_of(program):
    """Return the parser of a program, without running it."""
    return importlib.import_module(SCRIPTS[program].module)._parser()


def subcommands(parser, path):
    """Yield every command below a parser, such as ``onespace demo``."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield f"{path} {name}"
                yield from subcommands(child, f"{path} {name}")


COMMANDS = sorted(
    {
        command
        for program in SCRIPTS
        for command in (program, *subcommands(parser_of(program), program))
    }
)


def shown(text):
    """Yield the commands of ours that indented blocks show."""
    joined = text.replace("\\\n", " ")
    for line in re.findall(
        r"^ +(?:\S*/)?(onespace\S* .+|onespace\S*)$", joined, re.M
    ):
        words = shlex.split(line, comments=True)
        if words[0] in SCRIPTS:
            yield words


SHOWN = [
    pytest.param(words, id=f"{page}: {' '.join(words)}")
    for page, text in sorted(EVERYTHING.items())
    for words in shown(text)
]


def examples(page):
    """Return the configurations that a page shows."""
    blocks = re.findall(
        r"^\.\. code-block:: ini\n\n((?: {4}.*\n|\n)+)", PAGES[page], re.M
    )
    return [textwrap.dedent(block) for block in blocks]


def section(text, name):
    """Return one section of a configuration."""
    found = re.search(rf"^\[{name}\]\n(?:(?!\[).*\n)*", text, re.M)
    return found[0] if found else ""


#: Pages with options of mappings.
OPTION_PAGES = sorted(page for page in PAGES if page.startswith("options-"))
#: Examples with a mapping, which can be used as they are.
EXAMPLES = [
    pytest.param(text, id=f"{page}, number {number}")
    for page in ("configuration", *OPTION_PAGES)
    for number, text in enumerate(examples(page), 1)
    if "[mapping:" in text
]
STORES = {
    name: section("\n".join(examples("configuration")), f"credentials:{name}")
    for name in ("aws", "far")
}


def prose(text):
    """Return a text without paragraphs on what is planned."""
    paragraphs = re.split(r"\n\s*\n", text)
    return "\n\n".join(p for p in paragraphs if "lanned:" not in p)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_program_and_command_is_documented(command):
    words = " ".join("\n".join(EVERYTHING.values()).split())
    assert re.search(rf"(?<![\w/-]){re.escape(command)}(?![\w-])", words)


@pytest.mark.parametrize("words", SHOWN)
def test_every_command_that_is_shown_is_one_that_works(words):
    # argparse ends the program at anything it does not know.
    parser_of(words[0]).parse_args(words[1:])


def test_commands_are_found_where_they_are_shown():
    found = {
        " ".join(words)
        for page in ("README", "sync", "configuration")
        for words in shown(EVERYTHING[page])
    }
    assert {
        "onespace check-config",
        "onespace-sync --once",
        "onespace check-config /etc/onespace/onespace.conf",
    } <= found


@pytest.mark.parametrize("page", sorted(EVERYTHING))
def test_every_link_leads_somewhere(page):
    folder = ROOT if page == "README" else DOCS
    for target in re.findall(r"<([^>\s]+)>`_", EVERYTHING[page]):
        if not re.match(r"\w+:", target):
            assert (folder / target).is_file(), target
    for target in re.findall(r":doc:`([^`]+)`", EVERYTHING[page]):
        assert target in PAGES, target


def test_every_page_is_in_the_index_and_in_the_readme():
    listed = PAGES["index"].partition(".. toctree::")[2].split()
    for page in PAGES.keys() - {"index", *OPTION_PAGES}:
        assert page in listed
        assert f"<docs/{page}.rst>" in README


def test_every_page_of_options_is_below_the_one_on_configuration():
    listed = PAGES["configuration"].partition(".. toctree::")[2]
    listed = listed.partition("=====")[0].split()[2:]
    assert sorted(listed) == OPTION_PAGES
    assert len(listed) >= 8


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_of_a_mapping_can_be_used(text, tmp_path):
    for name, store in STORES.items():
        assert store
        if f"[credentials:{name}]" not in text:
            text = f"{text}\n{store}"
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("hidden\n")
    path = tmp_path / "onespace.conf"
    path.write_text(
        re.sub(r"^(\w+_file) = .*", rf"\1 = {secret}", text, flags=re.M)
    )
    loaded = config.load(path, environ={})
    assert loaded.problems == ()
    assert len(loaded.mappings) == text.count("[mapping:")


@pytest.mark.parametrize("page", OPTION_PAGES)
def test_every_option_of_a_page_is_in_an_example(page):
    text = "\n".join(examples(page))
    shown = set(re.findall(r"^(\w+) =", text, re.M))
    described = re.findall(r"^``(\w+)`` \(", PAGES[page], re.M)
    assert described
    assert set(described) <= shown


@pytest.mark.parametrize("page", sorted(EVERYTHING))
def test_every_package_that_is_named_is_there(page):
    named = set(re.findall(r"\bonespace_\w+", prose(EVERYTHING[page])))
    examples = {path.name for path in ROOT.glob("examples/*/onespace_*")}
    assert named <= PACKAGES.keys() | examples


def test_every_room_is_in_the_design():
    for folder in PACKAGES.values():
        assert f" {folder}/ " in prose(PAGES["design"]), folder


@pytest.mark.parametrize("page", sorted(EVERYTHING))
def test_every_file_that_is_named_is_there(page):
    named = set(re.findall(PATH, prose(EVERYTHING[page])))
    for path in named:
        assert (ROOT / path).exists(), path


def test_every_test_that_is_named_is_there():
    named = re.findall(r"``(tests/\S+\.py)::(\w+)``", PAGES["design"])
    assert len(named) > 10
    for path, name in named:
        text = (ROOT / path).read_text()
        assert f"\ndef {name}(" in text, f"{path}::{name}"


def test_every_promise_says_what_holds_and_names_a_test():
    section = PAGES["design"].partition("\nTen promises\n")[2]
    section = section.partition("\nFrom a row to a copy\n")[0]
    promises = re.split(r"^\d+\. +", section, flags=re.M)[1:]
    assert len(promises) == 10
    for promise in promises:
        assert "``tests/" in promise


def test_every_package_of_core_is_in_the_design():
    folders = {
        path.parent.name
        for path in (ROOT / "onespace_core").glob("*/__init__.py")
    }
    for name in folders:
        assert f"``{name}``" in PAGES["design"], name


def test_the_two_commands_of_the_readme_are_as_promised():
    block = README.partition("\nTry it\n")[2].partition("::\n\n")[2]
    first, second = block.partition("\n\n")[0].splitlines()
    assert first.split(" && ") == [
        "    python3 -m venv .venv",
        ".venv/bin/pip install tox",
        ".venv/bin/tox -e demo",
    ]
    assert second == "    .venv/bin/tox"


def test_the_configuration_of_the_readme_can_be_used(tmp_path):
    block = README.partition(".. code-block:: ini\n")[2]
    lines = []
    for line in block.splitlines()[1:]:
        if line and not line.startswith("    "):
            break
        lines.append(line[4:])
    secret = tmp_path / "aws.secret"
    secret.touch(mode=0o600)
    secret.write_text("hidden\n")
    path = tmp_path / "onespace.conf"
    path.write_text(
        "\n".join(lines).replace("/etc/onespace/aws.secret", str(secret))
    )
    loaded = config.load(path)
    assert loaded.problems == ()
    assert [mapping.name for mapping in loaded.mappings] == ["photos"]
    assert main.main(["check-config", str(path)]) == 0


def test_the_unit_for_systemd_starts_a_program_that_there_is():
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read(ROOT / "etc/onespace-sync.service")
    program, *arguments = unit["Service"]["ExecStart"].split()
    name = pathlib.Path(program).name
    parser_of(name).parse_args(arguments)
    assert unit["Service"]["RestartPreventExitStatus"] == "2"
    assert unit["Service"]["Restart"] == "on-failure"
    # It has to wait for longer than the daemon waits for its copies.
    (stop,) = (o.default for o in GLOBAL_OPTS if o.dest == "stop_timeout")
    assert float(unit["Service"]["TimeoutStopSec"]) > stop


def test_the_newest_changes_are_those_of_this_version():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    text = (ROOT / "CHANGES.rst").read_text()
    versions = re.findall(r"^(\d[\d.]*)\n=+$", text, re.M)
    assert versions[0] == setup["metadata"]["version"]
    entries = re.findall(r"^- (.*)$", text, re.M)
    assert entries
    for entry in entries:
        assert entry.startswith("onespace now "), entry
