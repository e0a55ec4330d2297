# SPDX-License-Identifier: Apache-2.0
"""1space's file becomes ours, and nothing is lost in silence."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onespace_core import config as configuration
from onespace_core.config import legacy
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


def test_a_lifecycle_mapping_is_refused_and_not_run_as_a_copy(convert):
    _, config = convert({**S3, "retain_local": False, "copy_after": 86400})
    assert config.mappings == ()
    assert {each.option for each in config.problems} == {
        "retain_local",
        "copy_after",
    }


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
