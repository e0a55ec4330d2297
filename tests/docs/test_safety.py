# SPDX-License-Identifier: Apache-2.0
"""Every trap and every case has its lines, and every named test exists."""

import ast
import functools
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAFETY = (ROOT / "docs/safety.rst").read_text()
ACCEPTANCE = (ROOT / "docs/acceptance.rst").read_text()
TRAPS = sorted([*(f"T-{number:02}" for number in range(1, 60)), "T-28b"])
CASES = list(range(1, 101))
NAMED = re.compile(r"``(tests/[\w/.]+\.py)::([\w:]+)``")


def traps(text):
    """Return the lines of each trap; the last one of a number counts."""
    parts = re.split(r"^\.\. _(t-\w+):\n\n(T-\w+)\n", text, flags=re.M)
    return {
        name: re.split(r"^\S", body, maxsplit=1, flags=re.M)[0]
        for _anchor, name, body in zip(
            parts[1::3], parts[2::3], parts[3::3], strict=True
        )
    }


def cases(text):
    """Return the line of each case."""
    parts = re.split(r"^ {3}\* - (\d+)\n", text, flags=re.M)
    return dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))


@functools.cache
def names_in(path):
    """Return the tests of a file, as pytest names them."""
    if not (ROOT / path).is_file():
        return frozenset()
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found.update(
                f"{node.name}::{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef)
            )
    return frozenset(each for each in found if "test_" in each)


def missing(text):
    """Return the named tests that are not there."""
    return [
        f"{path}::{name}"
        for path, name in NAMED.findall(text)
        if name not in names_in(path)
    ]


def numbers(name):
    """Return the cases whose numbers are in the name of a test."""
    found = re.search(r"_cases?((?:_\d+)+)(?:_|$)", name)
    return set(map(int, re.findall(r"\d+", found[1]))) if found else set()


def test_every_trap_is_explained_once():
    assert sorted(re.findall(r"^(T-\w+)$", SAFETY, re.M)) == TRAPS
    anchors = re.findall(r"^\.\. _(t-\w+):$", SAFETY, re.M)
    assert sorted(anchors) == [name.lower() for name in TRAPS]


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_shown_not_to_happen(name):
    body = traps(SAFETY)[name]
    words = NAMED.sub("", body)
    assert len(words.split()) > 8
    assert NAMED.search(body) or "Cannot occur:" in body
    assert missing(body) == []


def test_every_case_has_one_line():
    found = re.findall(r"^ {3}\* - (\d+)$", ACCEPTANCE, re.M)
    assert list(map(int, found)) == CASES


@pytest.mark.parametrize("number", CASES)
def test_a_case_is_a_test_with_its_number(number):
    line = cases(ACCEPTANCE)[number]
    named = NAMED.findall(line)
    assert named
    assert missing(line) == []
    for path, name in named:
        assert number in numbers(name), f"{path}::{name}"


def test_a_test_that_is_not_there_is_found_out():
    here = "tests/docs/test_safety.py"
    assert missing(f"``{here}::test_every_case_has_one_line``") == []
    assert missing(f"``{here}::test_nothing``") == [f"{here}::test_nothing"]
    assert missing(f"``{here}::missing``") == [f"{here}::missing"]
    assert missing("``tests/no.py::test_a``") == ["tests/no.py::test_a"]


def test_numbers_of_cases_are_read_from_names():
    assert numbers("test_case_7_t_42_other") == {7}
    assert numbers("test_cases_1_3_new_object") == {1, 3}
    assert numbers("test_case_94_of_an_endless_iterator_88_bytes") == {94}
    assert numbers("test_casein_1") == set()
