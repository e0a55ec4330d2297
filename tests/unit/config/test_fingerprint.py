# SPDX-License-Identifier: Apache-2.0
"""What makes every object be looked at again, and what does not."""

import re

import pytest

from onespace_core.config import options

#: A value other than the default for every policy option.
OTHER = {
    "mode": "lifecycle",
    "account": "AUTH_other",
    "bucket": "other",
    "custom_prefix": "",
    "propagate_delete": False,
    "include_pattern": re.compile("photos/"),
    "exclude_pattern": re.compile("tmp/"),
    "copy_after": 1,
    "retain_local": False,
    "retain_local_segments": False,
    "selection_criteria": '{"a":"1"}',
    "remote_delete_after": 1,
    "remote_delete_after_addition": 1,
    "propagate_expiration": True,
    "propagate_expiration_offset": 1,
    "storage_class_after": (30 * 86400, "GLACIER"),
    "convert_dlo": False,
    "min_segment_size": 1,
    "sync_container_metadata": True,
    "sync_container_acl": True,
}
#: The same for options that only say how.
TUNED = {
    "requests_per_second": 5.0,
    "bytes_per_second": 10 << 20,
    "ordered": True,
    "ordered_window": 60,
    "delete_breaker_share": 0,
    "delete_breaker_number": 1000,
    "delete_breaker_window": 60,
    "multipart_threshold": 100 << 20,
    "part_size": 16 << 20,
    "part_workers": 8,
    "upload_expiry": 86400,
    "segment_grace": 3600,
    "merge_namespaces": True,
    "restore_object": True,
    "listing_on_remote_error": "partial",
}


def test_every_policy_option_is_tried_here():
    names = {opt.dest for opt in options.POLICY_OPTS}
    assert OTHER.keys() | TUNED.keys() == names - {"credentials"}


@pytest.mark.parametrize("option", TUNED)
def test_an_option_that_only_says_how_does_not_change_it(make, option):
    changed = make(**{option: TUNED[option]})
    assert changed != make()
    assert changed.fingerprint == make().fingerprint


@pytest.mark.parametrize("option", {**OTHER, **TUNED})
def test_the_model_has_the_defaults_of_the_options(make, option):
    [default] = [
        opt.default for opt in options.POLICY_OPTS if opt.dest == option
    ]
    if option not in ("account", "bucket"):
        assert getattr(make(), option) == default


@pytest.mark.parametrize("option", OTHER)
def test_case_84_a_policy_option_changes_the_fingerprint(make, option):
    changed = make(**{option: OTHER[option]})
    assert changed.fingerprint != make().fingerprint


@pytest.mark.parametrize("option", ["provider", "container"])
def test_case_84_where_it_goes_changes_the_fingerprint(make, option):
    assert make(**{option: "x"}).fingerprint != make().fingerprint


@pytest.mark.parametrize("option", ["name", "credentials"])
def test_names_of_sections_do_not_change_it(make, option):
    assert make(**{option: "x"}).fingerprint == make().fingerprint


def test_two_patterns_differ(make):
    one = make(exclude_pattern=re.compile("a"))
    other = make(exclude_pattern=re.compile("b"))
    assert one.fingerprint != other.fingerprint


def test_no_prefix_and_the_root_differ(make):
    assert make(custom_prefix="").fingerprint != make().fingerprint


def test_it_is_the_same_in_every_process(make):
    """Changing this value makes every installation scan everything."""
    mapping = make(identity=(("endpoint", '"https://h"'),))
    assert mapping.fingerprint == (
        "715755f5c511a039042b7a0fe0fe85a45056f245a3928f372ac35d8c3c988799"
    )


def _changed(load, good, old, new):
    assert old in good
    [before] = load(good).mappings
    [after] = load(good.replace(old, new)).mappings
    return before.fingerprint != after.fingerprint


@pytest.mark.parametrize(
    "line",
    [
        "endpoint = https://ceph",
        "region = eu-west-1",
        "header = x",
    ],
)
def test_case_84_an_option_of_the_store_changes_it(load, good, line):
    new = f"provider = s3\n{line}"
    assert _changed(load, good, "provider = s3", new)


@pytest.mark.parametrize(
    "line", ["read_timeout = 5", "depth = 2", "pin = 1234"]
)
def test_tuning_and_secrets_do_not_change_it(load, good, line):
    new = f"provider = s3\n{line}"
    assert not _changed(load, good, "provider = s3", new)


def test_an_option_of_the_target_changes_it(load, good):
    new = "bucket = media\nstorage_class = IA"
    assert _changed(load, good, "bucket = media", new)


def test_new_keys_at_amazon_do_not_change_it(load, good, secret):
    assert not _changed(load, good, "AKIA", "ASIA")
    assert not _changed(load, good, secret, "another")


def test_a_new_access_key_elsewhere_may_be_another_account(load, good):
    ceph = good.replace("access_key", "endpoint = https://ceph\naccess_key")
    assert _changed(load, ceph, "AKIA", "ASIA")
    assert not _changed(load, ceph, "provider = s3", "pin=1\nprovider = s3")


FAR = """
[credentials:far]
provider = swift
auth_url = https://far/v3
user = anna
key = old
{}
[mapping:m]
credentials = far
account = AUTH_a
container = c
bucket = b
"""


def test_a_new_user_of_v1_may_be_another_account(load):
    assert _changed(load, FAR.format(""), "anna", "bert")


def test_another_user_of_one_project_does_not_change_it(load):
    text = FAR.format("project_name = p")
    assert not _changed(load, text, "anna", "bert")
    assert not _changed(load, text, "old", "new")
    assert _changed(load, text, "project_name = p", "project_name = q")


def test_the_way_to_write_a_value_does_not_change_it(load, good):
    old = good + "exclude_pattern = x\npropagate_delete = no\n"
    assert not _changed(load, old, "delete = no", "delete = False")
    assert not _changed(load, old, "pattern = x", 'pattern = "x"')


def test_a_profile_and_the_mapping_itself_are_the_same(load, good):
    [before] = load(good).mappings
    moved = good.replace("account = AUTH_media\n", "") + (
        "account = AUTH_media\n"
    )
    [after] = load(moved).mappings
    assert before.fingerprint == after.fingerprint
    assert before == after
