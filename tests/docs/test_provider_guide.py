# SPDX-License-Identifier: Apache-2.0
"""The guide shows the example's own code, and says how long both are."""

import pathlib
import re
import textwrap

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "writing-a-provider.rst"
EXAMPLE = ROOT / "examples" / "onespace-provider-example"
SOURCES = sorted(
    path
    for pattern in ("*.cfg", "*.rst", "*/*.py")
    for path in EXAMPLE.glob(pattern)
)


def blocks():
    """Return the guide's code blocks, without their indentation."""
    found = re.findall(
        r"::\n\n((?:    .*\n|\n(?=    |\n))+)", GUIDE.read_text()
    )
    return [textwrap.dedent(block).strip("\n") for block in found]


def example():
    """Return every way in which a file's lines may be indented."""
    texts = [path.read_text() for path in SOURCES]
    for depth in range(0, 17, 4):
        for text in texts:
            yield "\n".join(
                line[depth:] if line[:depth].isspace() or not depth else line
                for line in text.split("\n")
            )


def test_there_are_blocks():
    assert len(blocks()) > 12
    assert len(SOURCES) == 7


@pytest.mark.parametrize("block", blocks())
def test_a_block_is_in_the_example(block):
    assert any(f"\n{block}\n" in f"\n{text}\n" for text in example()), block


def test_the_lengths_are_right():
    package = EXAMPLE / "onespace_example"
    lines = sum(
        len(path.read_text().splitlines()) for path in package.glob("*.py")
    )
    guide = GUIDE.read_text()
    said = re.search(r"is (\d+) lines,\s+the example's package (\d+)", guide)
    assert said is not None
    assert [int(each) for each in said.groups()] == [
        len(guide.splitlines()),
        lines,
    ]
