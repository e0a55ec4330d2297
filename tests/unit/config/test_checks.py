# SPDX-License-Identifier: Apache-2.0
"""Every dangerous combination, as a rule and through a file."""

import re

import pytest

from onespace_core.config import checks, options
from onespace_core.config.model import Settings
from onespace_core.provider import KeyScheme

PLAIN = {"key_scheme": KeyScheme.PLAIN, "provider": "swift"}

CASES = [
    # rule, what it refuses, what it lets pass
    (
        checks.archive_deletes_itself,
        [{"retain_local": False}],
        [{"retain_local": False, "propagate_delete": False}, {}],
    ),
    (
        checks.prefix_for_all_containers,
        [
            {"container": "*", "custom_prefix": ""},
            {"container": "*", "custom_prefix": "p"},
        ],
        [{"container": "*"}, {"custom_prefix": ""}],
    ),
    (
        checks.prefix_without_effect,
        [{**PLAIN, "custom_prefix": "p"}, {**PLAIN, "custom_prefix": ""}],
        [PLAIN, {"custom_prefix": "p"}],
    ),
    (
        checks.slash_in_container,
        [{"container": "a/b"}, {"container": "/*"}],
        [{"container": "a"}, {"container": "*"}],
    ),
    (checks.slash_in_bucket, [{"bucket": "a/b"}], [{"bucket": "a"}]),
    (
        checks.slash_in_account,
        [{"account": "AUTH_a/b"}],
        [{"account": "AUTH_a"}],
    ),
    (
        checks.short_lifecycle_rule,
        [{"remote_delete_after": 1}, {"remote_delete_after": 43199}],
        [
            {},
            {"remote_delete_after": 43200},
            {**PLAIN, "remote_delete_after": 60},
        ],
    ),
    (
        checks.segments_would_go,
        [
            {"retain_local": False, "container": "photos_segments"},
            {"retain_local": False, "container": "photos+segments"},
            {"retain_local": False, "container": ".segments"},
            {"retain_local": False, "container": "*"},
        ],
        [
            {"container": "photos_segments"},
            {"retain_local": False},
            {
                "retain_local": False,
                "container": "*",
                "exclude_pattern": re.compile("seg/"),
            },
        ],
    ),
    (
        checks.endpoint_is_no_address,
        [
            {"settings": {"endpoint": "s3.example.org"}},
            {"settings": {"endpoint": "ftp://s3.example.org"}},
            {"settings": {"endpoint": "https://"}},
            {"settings": {"endpoint": "https://h:70000"}},
            {"settings": {"endpoint": "https://[::1"}},
            {"settings": {"endpoint": "https://key:secret@h"}},
            {"settings": {"endpoint": "https://h/?x=1"}},
            {"settings": {"auth_url": "far/auth/v1.0"}},
        ],
        [
            {},
            {"settings": {"endpoint": "https://h"}},
            {"settings": {"endpoint": "http://[::1]:9000/path"}},
            {"settings": {"auth_url": "HTTP://far/auth/v1.0"}},
        ],
    ),
    (
        checks.amazon_in_clear,
        [
            {"settings": {"endpoint": "http://s3.amazonaws.com"}},
            {"settings": {"endpoint": "HTTP://S3.AmazonAWS.com:80/"}},
            {
                "settings": {
                    "endpoint": "http://s3.cn-north-1.amazonaws.com.cn"
                }
            },
        ],
        [
            {},
            {"settings": {"endpoint": "https://s3.amazonaws.com"}},
            {"settings": {"endpoint": "http://ceph:8000"}},
            {"settings": {"endpoint": "http://notamazonaws.com"}},
            {"settings": {"endpoint": "http://amazonaws.com.evil.org"}},
        ],
    ),
    (
        checks.joined_segments,
        [
            {"min_segment_size": 1},
            {"min_segment_size": 1, "convert_dlo": True},
            {**PLAIN, "min_segment_size": 1},
        ],
        [{}, {**PLAIN, "min_segment_size": 1, "convert_dlo": True}],
    ),
    (
        checks.acl_without_metadata,
        [{"sync_container_acl": True}],
        [
            {},
            {"sync_container_metadata": True},
            {"sync_container_acl": True, "sync_container_metadata": True},
        ],
    ),
]


def test_every_rule_has_its_cases():
    assert {rule for rule, _, _ in CASES} == set(checks.RULES)


@pytest.mark.parametrize(
    ("rule", "values"),
    [(rule, each) for rule, refused, _ in CASES for each in refused],
)
def test_a_dangerous_combination_is_refused(make, rule, values):
    finding = rule(make(**values))
    assert finding is not None
    assert finding.option
    assert finding in list(checks.check(make(**values)))


@pytest.mark.parametrize(
    ("rule", "values"),
    [(rule, each) for rule, _, passed in CASES for each in passed],
)
def test_what_is_not_dangerous_passes(make, rule, values):
    assert rule(make(**values)) is None


def test_a_plain_mapping_has_no_finding(make):
    assert list(checks.check(make())) == []


VALUES = {
    "copy_after": "30d",
    "retain_local": "false",
    "retain_local_segments": "true",
    "selection_criteria": '{"AND": []}',
    "remote_delete_after": "30d",
    "remote_delete_after_addition": "2d",
    "propagate_expiration": "true",
    "propagate_expiration_offset": "1h",
    "convert_dlo": "true",
    "min_segment_size": "1000",
    "sync_container_metadata": "true",
    "sync_container_acl": "true",
    "merge_namespaces": "true",
    "restore_object": "true",
}


def test_every_option_of_a_later_version_has_a_value_here():
    assert set(VALUES) == set(checks.NOT_YET)


@pytest.mark.parametrize("option", checks.NOT_YET)
def test_an_option_of_a_later_version_is_refused(load, good, option):
    config = load(good, f"{option} = {VALUES[option]}\n")
    assert config.mappings == ()
    assert (
        "mapping:photos",
        option,
        "this version does not do this yet",
    ) in [(e.section, e.option, e.reason) for e in config.problems]


@pytest.mark.parametrize("option", checks.NOT_YET)
def test_an_option_of_a_later_version_may_stand_at_its_default(
    load, good, option
):
    [opt] = [o for o in options.POLICY_OPTS if o.dest == option]
    if opt.default is None:
        return
    config = load(good, f"{option} = {str(opt.default).lower()}\n")
    assert config.problems == ()
    assert len(config.mappings) == 1


@pytest.mark.parametrize("mode", [m for m in options.MODES if m != "sync"])
def test_a_mode_of_a_later_version_is_refused(found, mode):
    [(section, option, text)] = found(f"mode = {mode}\n")
    assert (section, option) == ("mapping:photos", "mode")
    assert f"does not do {mode} yet" in text


@pytest.mark.parametrize(
    ("lines", "option"),
    [
        ("retain_local = false", "retain_local"),
        ("container = *\ncustom_prefix = x", "custom_prefix"),
        ("container = a/b", "container"),
        ("exclude_pattern = [", "exclude_pattern"),
        ("exclude_pattern = *.tmp", "exclude_pattern"),
        ("remote_delete_after = 11h", "remote_delete_after"),
        ("propagate_expiration_offset = -1", "propagate_expiration_offset"),
        ("min_segment_size = 100", "min_segment_size"),
        ("sync_container_acl = true", "sync_container_acl"),
        ("selection_criteria = []", "selection_criteria"),
    ],
)
def test_a_dangerous_combination_in_a_file_stops_the_mapping(
    load, good, lines, option
):
    text = good
    if lines.startswith("container"):
        text = good.replace("container = photos\n", "")
    config = load(text, lines + "\n")
    assert config.mappings == ()
    assert ("mapping:photos", option) in [
        (each.section, each.option) for each in config.problems
    ]


def test_plain_http_to_amazon_names_the_credentials(load, good):
    config = load(
        good.replace(
            "access_key = AKIA", "endpoint = http://s3.amazonaws.com/"
        )
    )
    [problem] = config.problems
    assert (problem.section, problem.option) == ("credentials:aws", "endpoint")
    assert config.mappings == ()


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({"console": False}, "console"),
        ({"syslog_address": "host"}, "syslog_address"),
        ({"syslog_address": "host:0"}, "syslog_address"),
        ({"syslog_address": ":514"}, "syslog_address"),
        ({"http_proxy": "proxy:3128"}, "http_proxy"),
        ({"https_proxy": "http://proxy:x"}, "https_proxy"),
    ],
)
def test_dangerous_settings_are_refused(values, option):
    [finding] = checks.settings(Settings(**values))
    assert finding.option == option


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"console": False, "log_file": "/x"},
        {"console": False, "use_syslog": True},
        {"syslog_address": "::1:514"},
        {"http_proxy": "http://user:pw@proxy:3128"},
    ],
)
def test_other_settings_pass(values):
    assert list(checks.settings(Settings(**values))) == []
