# SPDX-License-Identifier: Apache-2.0
import pytest

from onespace_core.namespace.location import remote_location


@pytest.mark.parametrize(
    ("parts", "location"),
    [
        (("https://s3:1", "user", "b"), "https://s3:1;user;b"),
        (("AWS S3", "b", ""), "AWS S3;b"),
        (("AWS S3", "b", "pre/"), "AWS S3;b;pre/"),
        (("AWS S3",), "AWS S3"),
        (("http://k:auth/v1.0", "t:u", "c"), "http://k:auth/v1.0;t:u;c"),
    ],
)
def test_location_is_written_as_1space_wrote_it(parts, location):
    assert remote_location(*parts) == location


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://me:hidden@host/v1",
        "https://hid@den:x@host/v1",
        "https://host/v1?key=hidden",
        "https://host/v1#hidden",
        "https://me:hidden@host",
        "https://host?hidden",
    ],
)
def test_endpoint_is_given_without_what_may_be_secret(endpoint):
    said = remote_location(endpoint, "b")
    assert "hid" not in said
    assert said in ("https://host/v1;b", "https://host;b")
