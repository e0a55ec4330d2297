# SPDX-License-Identifier: Apache-2.0
"""Texts of options, and what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onespace_core.config.types import ClassAfter, Selection, Size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1000", 1000),
        ("10K", 10240),
        ("64M", 64 << 20),
        ("64MiB", 64 << 20),
        ("64 M", 64 << 20),
        ("1.5G", 3 << 29),
        ("1T", 1 << 40),
        (" 5G ", 5 << 30),
        (12345678901234567, 12345678901234567),
        ("12345678901234567", 12345678901234567),
    ],
)
def test_size_is_in_bytes(text, size):
    assert Size(max=1 << 60)(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "M", "-1", "10MB", "10m", "10k", "10B", "10iB", "1e6", "٣", "0.3"],
)
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match=r"no size|not a whole number"):
        Size()(text)


def test_size_has_a_range():
    size = Size(min=5 << 20, max=5 << 30)
    assert size("5M") == 5 << 20
    assert size("5G") == 5 << 30
    with pytest.raises(ValueError, match="less than 5M"):
        size("5242879")
    with pytest.raises(ValueError, match="more than 5G"):
        size("5368709121")


@given(st.integers(0, 1 << 50))
def test_size_that_is_written_is_read_as_it_was(number):
    size = Size()
    assert size(size._formatter(number)) == number


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("30d:GLACIER", (30 * 86400, "GLACIER")),
        ("1d: STANDARD_IA ", (86400, "STANDARD_IA")),
        ("48h:DEEP_ARCHIVE", (2 * 86400, "DEEP_ARCHIVE")),
        ("2w:GLACIER_IR", (14 * 86400, "GLACIER_IR")),
    ],
)
def test_an_age_and_a_class(text, meaning):
    assert ClassAfter()(text) == meaning
    assert ClassAfter()(ClassAfter()._formatter(meaning)) == meaning


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not like"),
        ("30d", "not like"),
        ("30d:", "not like"),
        (":GLACIER", "no duration"),
        ("GLACIER:30d", "not like"),
        ("30d:glacier", "not like"),
        ("30d:A\nB", "not like"),
        ("0:GLACIER", "less than 1d"),
        ("12h:GLACIER", "less than 1d"),
        ("36h:GLACIER", "whole number of days"),
    ],
)
def test_another_form_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        ClassAfter()(text)


def test_criteria_have_one_form():
    assert (
        Selection()('{ "OR": [ {"b": "é"} ] }') == r'{"OR":[{"b":"\u00e9"}]}'
    )
    assert Selection()(" {} ") is None
    with pytest.raises(ValueError, match=r"at NOT: a JSON object"):
        Selection()('{"NOT": []}')
