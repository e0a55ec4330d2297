# SPDX-License-Identifier: Apache-2.0
"""1space's file becomes ours, and nothing is lost in silence."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onespace_core import config as configuration
from onespace_core.config import legacy, legacy_policy
from onespace_core.provider import ConfigError

S3 = {
    "account": "AUTH_test",
    "container": "photos",
    "aws_bucket": "bucket",
    "aws_identity": "AKIA",
    "aws_secret": "s3cr3t $#1",
}
SWIFT = {
    "account": "AUTH_test",
    "container": "/*",
    "protocol": "swift",
    "aws_bucket": "copies-",
    "aws_endpoint": "https://far:5000/v3",
    "aws_identity": "anna",
    "aws_secret": "pass",
    "auth_type": "keystone_v3",
    "project_name": "media",
    "project_domain_name": "Default",
    "user_domain_name": "Default",
}


@pytest.fixture
def convert(write):
    """Convert mappings and global options, and load what comes of it."""

    def convert(*containers, secrets_dir=None, **rest):
        document = {"containers": list(containers), **rest}
        data = json.dumps(document).encode()
        imported = legacy.convert(
            legacy.parse(data, "sync.json"), secrets_dir=secrets_dir
        )
        return imported, configuration.load(write(imported.text), environ={})

    return convert


def test_a_mapping_to_amazon_is_taken_over(convert):
    _, config = convert(S3)
    assert config.problems == ()
    [mapping] = config.mappings
    assert mapping.provider == "s3"
    assert (mapping.account, mapping.container) == ("AUTH_test", "photos")
    assert mapping.bucket == "bucket"
    assert mapping.settings["access_key"] == "AKIA"
    assert mapping.settings["secret_key"] == "s3cr3t $#1"
    assert mapping.settings["encryption"] is None
    assert mapping.custom_prefix is None


def test_a_mapping_to_swift_is_taken_over(convert):
    _, config = convert({**SWIFT, "storage_policy": "gold"})
    assert config.problems == ()
    [mapping] = config.mappings
    assert mapping.provider == "swift"
    assert mapping.per_account
    assert mapping.settings["auth_url"] == "https://far:5000/v3"
    assert mapping.settings["user"] == "anna"
    assert mapping.settings["key"] == "pass"
    assert mapping.settings["auth_type"] == "keystone_v3"
    assert mapping.settings["project_name"] == "media"
    assert mapping.settings["storage_policy"] == "gold"


def test_another_endpoint_is_a_compatible_store_with_a_note(convert):
    imported, config = convert({**S3, "aws_endpoint": "http://ceph:8000"})
    assert config.problems == ()
    assert config.mappings[0].provider == "s3-compatible"
    assert any("signature_version = s3" in note for note in imported.notes)


def test_a_session_token_is_taken_over(convert):
    _, config = convert({**S3, "aws_session_token": "t0ken"})
    assert config.mappings[0].settings["session_token"] == "t0ken"


def test_no_encryption_at_amazon_is_taken_over(convert):
    _, config = convert({**S3, "encryption": False})
    assert config.mappings[0].settings["encryption"] == "none"


@pytest.mark.parametrize("prefix", ["", "p", "p/q"])
def test_a_prefix_is_taken_over(convert, prefix):
    _, config = convert({**S3, "custom_prefix": prefix})
    assert config.problems == ()
    assert config.mappings[0].custom_prefix == prefix


def test_an_empty_pattern_becomes_none_with_a_note(convert):
    """T-08: it excluded everything there."""
    imported, config = convert({**S3, "exclude_pattern": ""})
    assert config.mappings[0].exclude_pattern is None
    assert any("exclude_pattern was empty" in n for n in imported.notes)


def test_a_pattern_is_taken_over(convert):
    _, config = convert({**S3, "exclude_pattern": r"tmp/.*\d$ #"})
    assert config.problems == ()
    assert config.mappings[0].exclude_pattern.pattern == r"tmp/.*\d$ #"


def test_the_default_pattern_is_left_out(convert):
    imported, _ = convert({**S3, "exclude_pattern": "^$"})
    assert "exclude_pattern" not in imported.text


def notes_of(imported):
    return "\n".join(imported.notes)


ARCHIVE = {**S3, "retain_local": False, "propagate_delete": False}


def test_case_32_an_archive_that_deletes_itself_is_refused(convert):
    """T-01: as 1space has it, unless propagate_delete is false."""
    imported, config = convert({**S3, "retain_local": False})
    assert config.mappings == ()
    assert [each.option for each in config.problems] == ["propagate_delete"]
    assert "write propagate_delete = false" in notes_of(imported)


def test_an_archive_is_taken_over_with_what_1space_did(convert):
    imported, config = convert({**ARCHIVE, "copy_after": 86400})
    assert config.problems == ()
    [mapping] = config.mappings
    assert mapping.mode == "lifecycle"
    assert mapping.retain_local is False
    assert mapping.copy_after == 86400
    assert mapping.retain_local_segments is False
    assert "retain_local_segments = false" in imported.text
    assert "here the default is true" in notes_of(imported)


def test_segments_that_were_kept_are_kept(convert):
    imported, config = convert({**ARCHIVE, "retain_local_segments": True})
    assert config.mappings[0].retain_local_segments is True
    assert "segments" not in notes_of(imported)


def test_a_copy_says_nothing_of_local_objects(convert):
    imported, config = convert(S3)
    assert "retain" not in imported.text
    assert config.mappings[0].retain_local


EVERY = {
    "propagate_delete": False,
    "copy_after": 60,
    "retain_local": False,
    "retain_local_segments": False,
    "remote_delete_after": 86400,
    "remote_delete_after_addition": 3600,
    "propagate_expiration": True,
    "propagate_expiration_offset": 30,
    "convert_dlo": True,
    "min_segment_size": 2000,
    "sync_container_metadata": True,
    "sync_container_acl": True,
    "merge_namespaces": True,
    "restore_object": True,
}


def test_every_option_of_a_mapping_to_swift_is_taken_over(convert):
    assert set(EVERY) == set(legacy_policy.SAME)
    imported, config = convert({**SWIFT, **EVERY, "container": "photos"})
    assert config.problems == ()
    [mapping] = config.mappings
    for name, value in EVERY.items():
        assert getattr(mapping, name) == value, name
    assert "left out" not in notes_of(imported)


def test_what_1space_ignored_for_s3_is_left_out_and_named(convert):
    imported, config = convert({**S3, **EVERY})
    assert config.problems == ()
    left_out = [
        name
        for name in EVERY
        if f": {name} is left out: without effect for S3" in notes_of(imported)
    ]
    assert left_out == list(legacy_policy._SWIFT_ONLY)
    [mapping] = config.mappings
    for name in set(EVERY) - set(left_out):
        assert getattr(mapping, name) == EVERY[name], name


def test_what_was_off_is_not_worth_a_word(convert):
    off = dict.fromkeys(legacy_policy._SWIFT_ONLY, False)
    imported, config = convert({**S3, **off})
    assert config.problems == ()
    assert "left out" not in notes_of(imported)


def test_expiry_that_1space_did_not_propagate_is_not_either(convert):
    imported, config = convert(
        {**SWIFT, "remote_delete_after": 60, "propagate_expiration": True},
        {**SWIFT, "aws_bucket": "x-", "propagate_expiration_offset": 60},
        {**SWIFT, "aws_bucket": "y-", "propagate_expiration": True},
    )
    assert config.problems == ()
    assert [m.propagate_expiration for m in config.mappings] == [
        False,
        False,
        True,
    ]
    assert "propagated nothing beside" in notes_of(imported)
    assert "it needs propagate_expiration" in notes_of(imported)


@pytest.mark.parametrize(
    ("change", "option"),
    [
        ({"remote_delete_after": 3600}, "remote_delete_after"),
        ({**SWIFT, "sync_container_acl": True}, "sync_container_acl"),
        (
            {
                **SWIFT,
                "propagate_expiration": True,
                "propagate_expiration_offset": 60,
            },
            "propagate_expiration_offset",
        ),
        (
            {
                **SWIFT,
                "propagate_expiration": True,
                "propagate_expiration_offset": -60,
            },
            "propagate_expiration_offset",
        ),
        (
            {**ARCHIVE, "container": "photos_segments"},
            "retain_local",
        ),
        ({"exclude_pattern": "["}, "exclude_pattern"),
        ({"container": "/*", "custom_prefix": "p"}, "custom_prefix"),
    ],
)
def test_what_is_dangerous_there_is_refused_here(convert, change, option):
    _, config = convert({**S3, **change})
    assert config.mappings == ()
    assert [each.option for each in config.problems] == [option]


def test_criteria_are_taken_over(convert):
    tree = {"OR": [{"x-object-meta-msd": "boo #1"}, {"NOT": {"ü": None}}]}
    _, config = convert({**S3, "selection_criteria": tree})
    assert config.problems == ()
    [mapping] = config.mappings
    assert json.loads(mapping.selection_criteria) == tree


def test_no_criteria_are_left_out(convert):
    imported, _ = convert({**S3, "selection_criteria": {}})
    assert "selection_criteria" not in imported.text


@pytest.mark.parametrize(
    "tree", [{"a": 1}, {"a": "1", "b": "2"}, ["x"], [], "", 0, {"AND": 1}]
)
def test_criteria_that_are_none_stop_the_mapping(convert, tree):
    """Left out, they would mean every object."""
    imported, config = convert({**S3, "selection_criteria": tree})
    assert config.mappings == ()
    assert "selection_criteria" in [each.option for each in config.problems]
    assert "selection_criteria cannot be used" in notes_of(imported)


def test_mappings_share_credentials(convert):
    imported, config = convert(S3, {**S3, "container": "docs"})
    assert imported.text.count("[credentials:") == 1
    assert len(config.mappings) == 2


def test_other_secrets_are_other_credentials(convert):
    imported, config = convert(
        S3, {**S3, "container": "docs", "aws_secret": "other"}
    )
    assert imported.text.count("[credentials:") == 2
    assert [m.settings["secret_key"] for m in config.mappings] == [
        "s3cr3t $#1",
        "other",
    ]


def test_mappings_of_equal_names_get_names_of_their_own(convert):
    _, config = convert(S3, {**S3, "aws_bucket": "second"})
    names = [each.name for each in config.mappings]
    assert names == ["AUTH_test-photos", "AUTH_test-photos-2"]


def test_names_in_any_script_are_taken_over(convert):
    _, config = convert({**S3, "account": "كتب", "container": "عربي"})
    assert config.problems == ()
    [mapping] = config.mappings
    assert (mapping.account, mapping.container) == ("كتب", "عربي")


@pytest.mark.parametrize("name", [" a ", '"a"', "'a'", '"', "a #b", "a;b"])
def test_names_that_look_like_syntax_are_taken_over(convert, name):
    _, config = convert({**S3, "container": name})
    assert config.problems == ()
    assert config.mappings[0].container == name


def test_global_options_are_taken_over(convert):
    imported, config = convert(
        S3,
        devices="/srv/disks",
        items_chunk=500,
        poll_interval=5,
        workers=20,
        enumerator_workers=4,
        verification_slack=60,
        log_file="/var/log/sync.log",
        log_level="debug",
        console=False,
        statsd_host="127.0.0.1",
        statsd_port=8126,
        statsd_prefix="one",
        syslog={"host": "logs", "port": 515},
        https_proxy="http://proxy:3128",
        internal_client_path="/etc/swift/internal-client.conf",
    )
    assert imported.notes == ()
    assert config.problems == ()
    values = config.settings
    assert values.devices == "/srv/disks"
    assert values.items_chunk == 500
    assert values.poll_interval == 5.0
    assert values.workers == 20
    assert values.container_workers == 4
    assert values.verification_slack == 3600.0
    assert values.log_file == "/var/log/sync.log"
    assert values.log_level == "debug"
    assert not values.console
    assert (values.statsd_host, values.statsd_port) == ("127.0.0.1", 8126)
    assert values.statsd_prefix == "one"
    assert (values.use_syslog, values.syslog_address) == (True, "logs:515")
    assert values.https_proxy == "http://proxy:3128"
    assert values.internal_client_path == "/etc/swift/internal-client.conf"


def test_the_sample_of_1space_s_documentation_s_kind_is_taken_over(convert):
    """Its shape, with what it sets; see the specification."""
    imported, config = convert(
        {**S3, "exclude_pattern": "", "aws_endpoint": None},
        {**SWIFT, "propagate_delete": False, "merge_namespaces": False},
        status_dir="/var/lib/swift-s3-sync",
        bulk_process=False,
        migrations=[],
    )
    assert config.problems == ()
    assert len(config.mappings) == 2
    notes = "\n".join(imported.notes)
    for name in ("status_dir", "bulk_process", "migrations"):
        assert f"{name} is left out" in notes


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"colour": "red"}, "colour is left out: unknown"),
        ({"protocol": "ftp"}, "no such protocol"),
        ({"aws_bucket": None}, "incomplete, without aws_bucket"),
        ({"container": "a\nb"}, "container cannot be taken over"),
        ({"aws_secret": "a\nb"}, "secret_key cannot be taken over"),
        ({"aws_secret": "\ud800"}, "secret_key cannot be taken over"),
        ({"account": ["x"]}, "account cannot be taken over"),
        ({**SWIFT, "custom_prefix": "p"}, "without effect for Swift"),
    ],
)
def test_what_has_no_equivalent_is_noted(convert, change, note):
    imported, _ = convert({**S3, **change})
    assert any(note in each for each in imported.notes)


def test_tcp_syslog_is_noted(convert):
    imported, config = convert(S3, syslog={"proto": "tcp"})
    assert any("UDP" in note for note in imported.notes)
    assert config.settings.syslog_address == "localhost:514"


def test_secrets_may_go_to_files(convert, tmp_path):
    imported, config = convert(
        S3, SWIFT, secrets_dir=str(tmp_path), http_proxy="http://u:pw@h:1"
    )
    assert "s3cr3t" not in imported.text + repr(imported)
    assert "u:pw" not in imported.text
    assert sorted(imported.secrets.values()) == sorted(
        ["http://u:pw@h:1", "pass", "s3cr3t $#1"]
    )
    assert config.fatal  # the files are not written yet


def test_no_note_has_a_secret(convert):
    for change in ({"colour": "s3cr3t"}, {"s3cr3t $x": 1}, {}):
        imported, _ = convert(
            {**S3, **change, "aws_secret": "s3cr3t\n", "account": "a"}
        )
        assert "s3cr3t" not in "\n".join(imported.notes)
        assert "s3cr3t" not in repr(imported)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"1", b"\xff", b"[" * 100000]
)
def test_what_is_no_json_object_is_refused(data):
    with pytest.raises(ConfigError) as caught:
        legacy.parse(data, "sync.json")
    assert caught.value.__cause__ is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(), inner, max_size=2)
    ),
    max_leaves=5,
)
_MAPPING = st.dictionaries(
    st.sampled_from([*sorted(legacy._READ), "colour"]), _JSON
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    containers=st.lists(_MAPPING | _JSON, max_size=3),
    rest=st.dictionaries(
        st.sampled_from(
            ["syslog", "verification_slack", "devices", "http_proxy"]
        ),
        _JSON,
    ),
)
def test_whatever_the_file_has_it_is_converted(convert, containers, rest):
    _, config = convert(*containers, **rest)
    for problem in config.problems:
        assert "\n" not in str(problem)
