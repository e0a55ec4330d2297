# SPDX-License-Identifier: Apache-2.0
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onespace_core.namespace.keys import hash_prefix, layout_for
from onespace_core.provider import KeyScheme


def layout(**changes):
    given_ = {
        "account": "AUTH_test",
        "container": "c156",
        "bucket": "b",
        **changes,
    }
    return layout_for(KeyScheme.HASHED, **given_)


@pytest.mark.parametrize(
    ("account", "container", "prefix"),
    [
        ("account", "container", "356b9d"),
        ("AUTH_test", "sync-s3", "e5d922"),
        ("AUTH_test", "c156", "322f"),
    ],
)
def test_case_20_prefix_of_a_small_hash_is_not_padded(
    account, container, prefix
):
    assert hash_prefix(account, container) == prefix


def test_key_holds_account_container_and_object():
    assert layout().key("a/b") == "322f/AUTH_test/c156/a/b"


@pytest.mark.parametrize(
    ("custom", "key"),
    [("pre-", "pre-/k"), ("", "k"), ("/a/b/", "a/b/k"), ("/", "k")],
)
def test_case_19_custom_prefix_replaces_the_namespace(custom, key):
    assert layout(custom_prefix=custom).key("k") == key


def test_manifest_key_is_the_one_of_1space():
    digest = hashlib.sha256(b"k").hexdigest()
    assert layout().manifest_key("k") == (
        f"322f/.manifests/AUTH_test/c156/{digest}.swift_slo_manifest"
    )
    assert layout(custom_prefix="p/").manifest_key("/k") == (
        f"p/.manifests/{digest}.swift_slo_manifest"
    )


def test_plain_store_keeps_names_and_derives_containers():
    one = layout_for(
        KeyScheme.PLAIN, account="A", container="c", bucket="target"
    )
    every = layout_for(
        KeyScheme.PLAIN,
        account="A",
        container="c",
        bucket="crazy-target:",
        per_account=True,
    )
    assert (one.bucket, one.key("o")) == ("target", "o")
    assert (every.bucket, every.key("o")) == ("crazy-target:c", "o")


@given(st.text(min_size=1), st.sampled_from([None, "", "p", "/a/b/"]))
def test_name_is_the_inverse_of_key(name, custom):
    there = layout(custom_prefix=custom)
    assert there.name(there.key(name)) == name


def test_foreign_key_has_no_name():
    assert layout().name("other/key") is None


@pytest.mark.parametrize("prefix", [None, "pre", ""])
def test_t_12_names_whose_keys_may_be_those_of_manifests(prefix):
    layout = layout_for(
        KeyScheme.HASHED,
        account="AUTH_a",
        container="c",
        bucket="b",
        custom_prefix=prefix,
    )
    key = layout.manifest_key("slo")
    name = layout.name(key)
    assert (name is None) == (prefix is None)
    if name is not None:
        assert layout.meets_a_manifest(name)
    for other in ("slo", ".manifests/slo", "x.swift_slo_manifest", ""):
        assert not layout.meets_a_manifest(other)
