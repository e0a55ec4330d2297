# SPDX-License-Identifier: Apache-2.0
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onespace_core.namespace.query import (
    ListingQuery,
    QueryError,
    parse_query,
)

MAXIMUM = 10_000


def parse(query_string):
    params = dict(
        urllib.parse.parse_qsl(
            query_string, keep_blank_values=True, encoding="latin-1"
        )
    )
    return parse_query(params, maximum=MAXIMUM)


def test_nothing_asked_is_everything_up_to_the_maximum():
    assert parse("") == ListingQuery(limit=MAXIMUM)


def test_all_parameters_are_read():
    query = parse(
        "limit=3&marker=a&end_marker=%C3%A9&prefix=p&delimiter=%2F%2F"
        "&reverse=Yes&format=json"
    )
    assert query == ListingQuery(
        limit=3,
        marker="a",
        end_marker="\u00e9",
        prefix="p",
        delimiter="//",
        reverse=True,
    )


def swift_limit(query_string):
    """What Swift itself makes of a limit: a number or a status."""
    from swift.common.request_helpers import constrain_req_limit
    from swift.common.swob import HTTPException, Request

    request = Request.blank(f"/v1/a/c?{query_string}")
    try:
        return constrain_req_limit(request, MAXIMUM)
    except HTTPException as exc:
        return exc.status_int


@pytest.mark.parametrize(
    "given_",
    ["", "0", "7", "10000", "10001", "-1", "x", "1.5", "+5", " 5", "007"],
)
def test_limit_is_read_as_swift_reads_it(given_):
    query_string = urllib.parse.urlencode({"limit": given_})
    try:
        ours = parse(query_string).limit
    except QueryError as exc:
        ours = exc.status
    assert ours == swift_limit(query_string)


@pytest.mark.parametrize("given_", ["9" * 5000, "99999"])
def test_limit_above_the_maximum_is_412(given_):
    with pytest.raises(QueryError, match="Maximum limit is 10000") as caught:
        parse(f"limit={given_}")
    assert caught.value.status == 412


def test_limit_that_looks_like_a_digit_is_ignored():
    # A superscript two: Swift answers 500 for it.
    assert parse("limit=%C2%B2").limit == MAXIMUM


@pytest.mark.parametrize(
    "name",
    [
        "limit",
        "marker",
        "end_marker",
        "prefix",
        "delimiter",
        "path",
        "reverse",
    ],
)
def test_text_that_is_not_utf8_is_400(name):
    with pytest.raises(QueryError, match="not valid UTF-8") as caught:
        parse(f"{name}=%FF")
    assert caught.value.status == 400
    assert name in caught.value.reason


@pytest.mark.parametrize(
    ("path", "prefix"),
    [("", ""), ("a", "a/"), ("a/", "a/"), ("a//", "a/"), ("/", "/")],
)
def test_path_is_a_prefix_and_a_slash(path, prefix):
    query = parse(f"prefix=x&delimiter=-&path={path}")
    assert query == ListingQuery(
        limit=MAXIMUM, prefix=prefix, delimiter="/", objects_only=True
    )


@given(st.text(max_size=6))
def test_reverse_is_true_where_swift_says_so(text):
    from swift.common.utils import config_true_value

    query = parse(urllib.parse.urlencode({"reverse": text}))
    assert query.reverse == config_true_value(text)


@given(
    st.text("/-a\u00e9\U0001f600\uff5e", max_size=4),
    st.text("/-a\u00e9\U0001f600\uff5e", max_size=4),
)
def test_order_is_that_of_utf8(one, other):
    query = ListingQuery(limit=1)
    assert query.follows(one, other) == (one.encode() > other.encode())
