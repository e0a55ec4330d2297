# SPDX-License-Identifier: Apache-2.0
"""Every dangerous combination, as a rule and through a file."""

import re

import pytest

from onespace_core.config import checks, options, policy_checks
from onespace_core.config.model import Settings
from onespace_core.provider import KeyScheme

ARCHIVE = {"mode": "lifecycle", "retain_local": False}
LATER = {"propagate_expiration": True, "propagate_expiration_offset": 60}
CLASSES = {"settings": {"storage_class": None}}
GLACIER = {"storage_class_after": (30 * 86400, "GLACIER")}
PLAIN = {"key_scheme": KeyScheme.PLAIN, "provider": "swift"}
LATER_MODES = [m for m in options.MODES if m not in checks.MODES_NOW]

CASES = [
    # rule, what it refuses, what it lets pass
    (
        policy_checks.archive_deletes_itself,
        [ARCHIVE, {"retain_local": False}],
        [{**ARCHIVE, "propagate_delete": False}, {}, {"mode": "lifecycle"}],
    ),
    (
        policy_checks.sync_keeps_objects,
        [{"retain_local": False}],
        [ARCHIVE, {}, {"mode": "lifecycle"}],
    ),
    (
        policy_checks.copy_goes_with_the_object,
        [LATER],
        [
            {**LATER, "propagate_delete": False},
            {"propagate_expiration": True},
            {},
        ],
    ),
    (
        policy_checks.offset_of_nothing,
        [{"propagate_expiration_offset": 1}],
        [LATER, {}, {"propagate_expiration": True}],
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
        policy_checks.part_of_a_day,
        [
            {"remote_delete_after": 1},
            {"remote_delete_after": 12 * 3600 - 1},
            {"remote_delete_after": 36 * 3600},
        ],
        [
            {},
            {"remote_delete_after": 86400},
            {"remote_delete_after": 33 * 86400},
            {**PLAIN, "remote_delete_after": 60},
        ],
    ),
    (
        policy_checks.class_of_no_store,
        [
            GLACIER,
            {**PLAIN, **GLACIER},
            {**CLASSES, **GLACIER, "remote_delete_after": 30 * 86400},
            {**CLASSES, **GLACIER, "remote_delete_after": 86400},
        ],
        [
            {},
            {**CLASSES, **GLACIER},
            {**CLASSES, **GLACIER, "remote_delete_after": 31 * 86400},
        ],
    ),
    (
        policy_checks.segments_would_go,
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
        policy_checks.joined_segments,
        [
            {"min_segment_size": 1, "convert_dlo": False},
            {**PLAIN, "min_segment_size": 1, "convert_dlo": False},
        ],
        [{}, {**PLAIN, "min_segment_size": 1, "convert_dlo": True}],
    ),
    (
        policy_checks.dynamic_copy,
        [{"convert_dlo": False}, {**PLAIN, "convert_dlo": False}],
        [{}, PLAIN],
    ),
    (
        policy_checks.not_for_this_store,
        [
            {"min_segment_size": 1, "convert_dlo": True},
            {"sync_container_metadata": True},
            {"sync_container_acl": True, "sync_container_metadata": True},
        ],
        [
            {},
            {**PLAIN, "min_segment_size": 1, "convert_dlo": True},
            {
                **PLAIN,
                "sync_container_acl": True,
                "sync_container_metadata": True,
            },
        ],
    ),
    (
        checks.mode_of_a_later_version,
        [{"mode": mode} for mode in LATER_MODES],
        [{"mode": mode} for mode in checks.MODES_NOW],
    ),
    (
        policy_checks.acl_without_metadata,
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


@pytest.mark.parametrize("mode", LATER_MODES)
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
        ('selection_criteria = {"and": []}', "selection_criteria"),
        ("include_pattern = [", "include_pattern"),
        ("storage_class_after = 30d", "storage_class_after"),
        ("convert_dlo = false", "convert_dlo"),
        ("mode = lifecycle", "propagate_delete"),
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


def test_case_32_an_archive_that_deletes_itself_is_refused(load, good):
    config = load(good, "mode = lifecycle\n")
    [problem] = config.problems
    assert config.mappings == ()
    assert problem.option == "propagate_delete"
    assert problem.hint == "write propagate_delete = false"
    [mapping] = load(
        good, "mode = lifecycle\npropagate_delete = false\n"
    ).mappings
    assert not mapping.retain_local
    assert mapping.retain_local_segments


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ("", True),
        ("mode = sync", True),
        ("retain_local = true", True),
        ("mode = lifecycle", False),
        ("mode = lifecycle\nretain_local = false", False),
        ("mode = lifecycle\nretain_local = true", True),
    ],
)
def test_the_mode_says_whether_local_objects_stay(load, good, lines, kept):
    [mapping] = load(good, f"{lines}\npropagate_delete = false\n").mappings
    assert mapping.retain_local is kept


def test_the_mode_of_a_profile_counts_likewise(load, good):
    text = good.replace(
        "[profile:archive]",
        "[profile:archive]\nmode = lifecycle\npropagate_delete = false",
    )
    [mapping] = load(text).mappings
    assert not mapping.retain_local
    [mapping] = load(text, "mode = sync\n").mappings
    assert mapping.retain_local


def test_case_57_joined_segments_need_convert_dlo(load, good):
    text = good.replace("credentials = aws", "credentials = far")
    lines = "min_segment_size = 2000\nconvert_dlo = false\n"
    [dynamic, problem] = load(text, lines).problems
    assert dynamic.option == "convert_dlo"
    assert problem.option == "min_segment_size"
    assert problem.reason == "this needs convert_dlo"
    config = load(text, "min_segment_size = 2000\nconvert_dlo = true\n")
    assert config.problems == ()


def test_case_98_copies_that_would_go_with_their_objects(load, good):
    lines = "propagate_expiration = true\npropagate_expiration_offset = 1h\n"
    [problem] = load(good, lines).problems
    assert problem.option == "propagate_expiration_offset"
    assert load(good, lines, "propagate_delete = false\n").problems == ()


MIRROR = """
[mapping:mirror]
credentials = far
account = {account}
container = {container}
bucket = mirror
propagate_delete = {deletes}
"""
MOVES = "mode = lifecycle\npropagate_delete = false\n"


@pytest.mark.parametrize(
    ("moves", "mirror", "refused"),
    [
        (MOVES, ("AUTH_media", "photos", "true"), True),
        (MOVES, ("AUTH_media", "*", "true"), True),
        (MOVES, ("AUTH_media", "photos", "false"), False),
        (MOVES, ("AUTH_media", "other", "true"), False),
        (MOVES, ("AUTH_other", "photos", "true"), False),
        ("", ("AUTH_media", "photos", "true"), False),
    ],
)
def test_nobody_deletes_copies_of_what_another_moves(
    load, good, moves, mirror, refused
):
    """T-01 once more, by way of two mappings."""
    account, container, deletes = mirror
    config = load(
        good,
        moves,
        MIRROR.format(account=account, container=container, deletes=deletes),
    )
    named = {(each.section, each.option) for each in config.problems}
    both = {
        ("mapping:photos", "propagate_delete"),
        ("mapping:mirror", "propagate_delete"),
    }
    assert named == (both if refused else set())
    assert len(config.mappings) == (0 if refused else 2)


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
