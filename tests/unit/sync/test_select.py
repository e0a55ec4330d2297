# SPDX-License-Identifier: Apache-2.0
"""Which objects criteria mean."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onespace_core.config.criteria import MAX_DEPTH
from onespace_core.sync.select import Criteria

YES = {"yes": "1"}
NO = {"yes": "0"}


def matches(tree, headers):
    return Criteria.parse(json.dumps(tree)).matches(headers)


@pytest.mark.parametrize(
    ("name", "headers", "chosen"),
    [
        ("foo", {"x-object-meta-msd": "foo"}, False),
        ("none", {}, False),
        ("boo", {"x-object-meta-msd": "Boo"}, True),
        ("bár", {"x-object-meta-ünïcode": "BÁR"}, True),
        ("baz", {"x-object-meta-ünïcode": "baz"}, False),
    ],
)
def test_case_37_only_what_is_asked_for_in_any_case(name, headers, chosen):
    asked = {
        "OR": [
            {"x-object-meta-msd": "boo"},
            {"X-Object-Meta-ÜnÏcode": "bár"},
        ]
    }
    assert matches(asked, headers) is chosen, name


@pytest.mark.parametrize(
    ("tree", "answer"),
    [
        ({}, True),
        (YES, True),
        (NO, False),
        ({"AND": []}, True),
        ({"AND": [YES]}, True),
        ({"AND": [YES, NO]}, False),
        ({"OR": []}, False),
        ({"OR": [NO]}, False),
        ({"OR": [NO, YES]}, True),
        ({"NOT": YES}, False),
        ({"NOT": NO}, True),
        ({"NOT": {"AND": []}}, False),
        ({"NOT": {"OR": []}}, True),
        ({"NOT": {"NOT": YES}}, True),
        ({"AND": [{"OR": [NO, YES]}, {"NOT": {"AND": [YES, NO]}}]}, True),
        ({"OR": [{"AND": [YES, NO]}, {"NOT": {"OR": [NO, YES]}}]}, False),
        ({"missing": "1"}, False),
        ({"NOT": {"missing": "1"}}, True),
        ({"yes": None}, False),
        ({"missing": None}, False),
        ({"NOT": {"yes": None}}, True),
        ({"yes": ""}, False),
    ],
)
def test_case_38_truth_table(tree, answer):
    assert matches(tree, YES) is answer


def test_case_38_header_that_is_null_equals_nothing():
    assert not matches({"a": "None"}, {"a": None})
    assert not matches({"a": ""}, {"a": None})
    assert matches({"a": ""}, {"a": ""})


@pytest.mark.parametrize(
    ("asked", "has"),
    [("STRASSE", "straße"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("ünï", "ÜNÏ")],
)
def test_case_does_not_count_in_any_script(asked, has):
    assert matches({asked: asked}, {has: has})


def test_a_value_matches_as_a_whole():
    assert not matches({"a": "b"}, {"a": "b "})
    assert not matches({"a": "b"}, {"a": "bb"})


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[]", "a JSON object"),
        ("null", "a JSON object"),
        ('{"a": "1", "b": "2"}', "not 2"),
        ('{"a": "1", "a": "2"}', "twice"),
        ('{"AND": {}}', "at AND: a list"),
        ('{"OR": "x"}', "at OR: a list"),
        ('{"AND": [{}]}', "at AND[0]: one name"),
        ('{"AND": [{"a": "1"}, {"OR": ["x"]}]}', "at AND[1].OR[0]: a JSON"),
        ('{"NOT": [{"a": "1"}]}', "at NOT: a JSON object"),
        ('{"NOT": {}}', "at NOT: one name"),
        ('{"and": []}', "write AND"),
        ('{"Not": "x"}', "write NOT"),
        ('{"": "x"}', "name is empty"),
        ('{"a": 1}', "at a: a header's value"),
        ('{"a": true}', "at a: a header's value"),
        ('{"a": ["x"]}', "at a: a header's value"),
        ('{"NOT":' * 200 + '{"a": "1"}' + "}" * 200, "too deeply"),
        ('{"a":' * 100000, "too deeply"),
    ],
)
def test_another_shape_is_refused_and_says_where(text, where):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - see below
        Criteria.parse(text)
    assert where in str(caught.value)


def test_the_deepest_tree_has_an_answer():
    tree = {"a": "1"}
    for _ in range(MAX_DEPTH):
        tree = {"NOT": tree}
    assert matches(tree, {"a": "1"}) is (MAX_DEPTH % 2 == 0)


_TREE = st.recursive(
    st.dictionaries(
        st.sampled_from(["a", "B", "ß", "missing"]),
        st.none() | st.sampled_from(["1", "x", "SS"]),
        min_size=1,
        max_size=1,
    ),
    lambda inner: (
        st.builds(lambda n: {"AND": n}, st.lists(inner, max_size=3))
        | st.builds(lambda n: {"OR": n}, st.lists(inner, max_size=3))
        | st.builds(lambda n: {"NOT": n}, inner)
    ),
    max_leaves=8,
)
_HEADERS = st.dictionaries(
    st.sampled_from(["A", "b", "SS"]),
    st.none() | st.sampled_from(["1", "X", "ss"]),
)


def _model(tree, headers):
    """Answer by the words of the specification, another way."""
    [(name, value)] = tree.items()
    if name == "AND":
        return not [each for each in value if not _model(each, headers)]
    if name == "OR":
        return [each for each in value if _model(each, headers)] != []
    if name == "NOT":
        return not _model(value, headers)
    return value is not None and any(
        has is not None
        and other.casefold() == name.casefold()
        and has.casefold() == value.casefold()
        for other, has in headers.items()
    )


@given(tree=_TREE, headers=_HEADERS)
def test_any_tree_answers_as_specified(tree, headers):
    assert matches(tree, headers) == _model(tree, headers)
    assert matches({"NOT": tree}, headers) != matches(tree, headers)
