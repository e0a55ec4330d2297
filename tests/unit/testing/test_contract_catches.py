# SPDX-License-Identifier: Apache-2.0
"""The contract suite fails bad providers, and certifies good ones only."""

import json
import pathlib
import subprocess
import sys

import pytest

BAD = [
    pathlib.Path(__file__).with_name(name)
    for name in ("bad_providers.py", "bad_abilities.py")
]

#: By class of those modules: tests that have to fail.
CAUGHT = {
    "TestInclusiveMarker": [
        "test_marker_is_exclusive",
        "test_limit_is_the_most",
    ],
    "TestShortBodyAccepted": [
        "test_a_body_that_lies_leaves_the_old_object[short]",
        "test_a_body_that_lies_leaves_the_old_object[long]",
        "test_a_body_that_lies_leaves_the_old_object[other-md5]",
    ],
    "TestExclusiveRangeEnd": [
        "test_a_range_is_inclusive[2-5-2345-bytes 2-5/10]"
    ],
    "TestRawSdkError": [
        "test_head_of_a_missing_object_raises",
        "test_a_missing_object_is_named[head_object]",
    ],
    "TestIgnoredCondition": [
        "test_create_only_does_not_replace",
        "test_replace_only_that_version",
        "test_one_of_many_creates",
    ],
    "TestLeakedConnection": [
        "test_a_reader_closed_early_gives_its_connection_back",
        "test_shunt_bodies_closed_unread_use_nothing_up",
    ],
    "TestStreamLeftOpen": ["test_every_stream_is_closed"],
    "TestSecretInError": ["test_no_secret_is_told"],
    "TestSecretInLog": ["test_no_secret_is_told"],
    "TestWrongOrder": ["test_keys_are_in_byte_order"],
    "TestDecodedKeys": ["test_an_awkward_key_is_kept[plus]"],
    "TestLostMetadata": ["test_an_awkward_metadata_value_is_kept[chinese]"],
    "TestMetadataCase": ["test_metadata_names_keep_their_characters"],
    "TestLoweredValues": [
        "test_an_awkward_metadata_value_is_kept[upper-case]"
    ],
    "TestNonAtomicPut": ["test_a_body_that_breaks_leaves_the_old_object"],
    "TestQuotedEtag": ["test_head_etag_is_not_quoted"],
    "TestNaiveTime": ["test_head_time_is_aware_and_utc"],
    "TestDeleteOfMissingRaises": ["test_delete_of_a_missing_object_succeeds"],
    "TestMergingPost": ["test_post_replaces_all_metadata"],
    "TestFalseCapability": ["test_a_range_is_inclusive[0-0-0-bytes 0-0/10]"],
    "TestSilentlyUnsupported": [
        "test_read_conditions_that_are_not_claimed_are_refused[head_object]"
    ],
    "TestShuntRaises": ["test_shunt_of_a_missing_object_is_404[HEAD-]"],
    "TestMissingParameter": ["test_signatures_are_those_of_the_contract"],
    "TestUnavailableIsMissing": [
        "test_an_endpoint_that_is_gone_is_retryable[head_object]"
    ],
    "TestWeakenedByDeletion": ["test_the_suite_is_not_weakened"],
    "TestWeakenedByReplacement": ["test_the_suite_is_not_weakened"],
    "TestWeakenedByXfailWithoutReason": ["test_the_suite_is_not_weakened"],
    "TestVisiblePart": [
        "test_nothing_is_seen_before_an_upload_is_complete",
        "test_an_aborted_upload_leaves_nothing",
    ],
    "TestOldObjectGone": [
        "test_the_old_object_is_there_until_an_upload_is_complete",
        "test_an_aborted_upload_leaves_nothing",
    ],
    "TestWrongEtagIgnored": [
        "test_completing_with_a_wrong_part_is_refused[etag]"
    ],
    "TestRefusalThatAborts": [
        "test_completing_with_a_wrong_part_is_refused[missing]",
        "test_a_part_that_is_too_small_is_refused",
        "test_an_upload_that_creates_only_does_not_replace",
        "test_an_upload_replaces_only_that_version",
    ],
    "TestAbortThatStays": [
        "test_an_aborted_upload_leaves_nothing",
        "test_an_upload_that_is_not_there_is_named_as_such",
    ],
    "TestLyingPartAccepted": [
        "test_a_part_that_lies_is_not_there[short]",
        "test_a_part_that_lies_is_not_there[other-md5]",
    ],
    "TestUploadPrefixIgnored": ["test_uploads_are_listed_by_prefix"],
    "TestUploadWithoutMetadata": [
        "test_an_upload_keeps_what_describes_the_object"
    ],
    "TestExclusivePartRange": ["test_a_part_is_copied"],
    "TestCopyWithoutMetadata": [
        "test_a_copy_has_all_of_its_source",
        "test_a_copy_onto_itself_keeps_the_bytes[keeping]",
    ],
    "TestCopyOfAnyVersion": [
        "test_only_that_version_is_copied",
        "test_signatures_are_those_of_the_protocol[ObjectCopy]",
    ],
    "TestUnquotedCopySource": ["test_an_awkward_key_is_copied[percent]"],
    "TestMissingSegmentAccepted": [
        "test_a_segment_that_is_wrong_leaves_the_old_object[key]"
    ],
    "TestSegmentsUnchecked": [
        "test_a_segment_that_is_wrong_leaves_the_old_object[etag]",
        "test_a_segment_that_is_wrong_leaves_the_old_object[size]",
    ],
    "TestDeletedSegments": ["test_deleting_a_manifest_keeps_its_segments"],
    "TestPrefixDecodedTwice": [
        "test_a_dynamic_prefix_is_taken_as_it_is[percent]",
        "test_a_dynamic_prefix_is_taken_as_it_is[encoded-percent]",
    ],
    "TestPrefixOnlySaid": ["test_a_dynamic_prefix_is_taken_as_it_is[percent]"],
    "TestManifestsUnclaimed": ["test_large_objects_are_claimed_if_offered"],
    "TestBucketMetadataReplaced": ["test_bucket_metadata_is_merged"],
    "TestExpiryIgnored": [
        "test_an_expiry_is_kept_replaced_and_removed",
    ],
    "TestExpirySwallowed": ["test_an_expiry_that_is_not_claimed_is_refused"],
    "TestOthersRuleReplaced": [
        "test_somebody_elses_rule_for_ours_is_kept[p/]"
    ],
    "TestMissingParameterOfAProtocol": [
        "test_signatures_are_those_of_the_protocol[ObjectCopy]"
    ],
    "TestKnownFailureThatPasses": ["test_an_awkward_key_is_kept[plus]"],
    "TestKnownFailureWithoutReason": [
        "test_the_suite_is_not_weakened",
        "test_no_secret_is_told",
    ],
    "TestKnownFailureOfNoTest": ["test_the_suite_is_not_weakened"],
    "TestKnownFailureOfTheWatch": ["test_the_suite_is_not_weakened"],
}

#: The faults that the kit promises to refuse, whatever else it does.
PROMISED = {
    "weakened test": "TestWeakenedByReplacement",
    "inclusive marker": "TestInclusiveMarker",
    "short body accepted": "TestShortBodyAccepted",
    "exclusive range end": "TestExclusiveRangeEnd",
    "raw SDK error": "TestRawSdkError",
    "ignored condition": "TestIgnoredCondition",
    "leaked reader": "TestLeakedConnection",
    "secret in an error": "TestSecretInError",
    "wrong order of keys": "TestWrongOrder",
    "lost metadata case": "TestMetadataCase",
    "non-atomic put": "TestNonAtomicPut",
    "false capability": "TestFalseCapability",
    "part seen too early": "TestVisiblePart",
    "wrong part accepted": "TestWrongEtagIgnored",
    "upload that stays": "TestAbortThatStays",
    "copy without metadata": "TestCopyWithoutMetadata",
    "segment that is missing": "TestMissingSegmentAccepted",
    "prefix decoded twice": "TestPrefixDecodedTwice",
}

#: Classes that run whole.
WHOLE = [
    "TestHonest",
    "TestWeakenedBySkip",
    "TestXfailWithReason",
    "TestKnownFailures",
]


def classes():
    """Return the module of each contract class."""
    return {
        line.split("(")[0].removeprefix("class "): path
        for path in BAD
        for line in path.read_text().splitlines()
        if line.startswith("class Test")
    }


class Run:
    def __init__(self, folder, *nodes):
        path = folder / "certificate.json"
        command = [sys.executable, "-m", "pytest", "-q", "--tb=no"]
        command += ["-p", "no:cacheprovider", f"--onespace-certify={path}"]
        where = classes()
        command += [f"{where[n.partition('::')[0]]}::{n}" for n in nodes]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False
        )
        self.code, self.output = done.returncode, done.stdout
        self.certificates = {
            each["configuration"].rpartition("::")[2]: each
            for each in json.loads(path.read_text())["configurations"]
        }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    nodes = [f"{k}::{test}" for k, tests in CAUGHT.items() for test in tests]
    return Run(tmp_path_factory.mktemp("certificate"), *nodes, *WHOLE)


@pytest.mark.parametrize("kind", CAUGHT)
def test_the_suite_catches(run, kind):
    certificate = run.certificates[kind]
    tests = certificate["tests"]
    assert sorted(tests) == sorted(CAUGHT[kind])
    assert {each["outcome"] for each in tests.values()} == {"failed"}
    assert certificate["certified"] is False


@pytest.mark.parametrize("fault", PROMISED)
def test_a_fault_that_the_kit_promises_to_refuse_is_refused(run, fault):
    certificate = run.certificates[PROMISED[fault]]
    assert certificate["counts"]["failed"] >= 1
    assert not certificate["certified"]


def test_every_bad_provider_is_looked_at():
    assert classes().keys() == {*CAUGHT, *WHOLE}


def test_an_honest_provider_is_certified(run):
    certificate = run.certificates["TestHonest"]
    assert certificate["problems"] == []
    assert certificate["certified"] is True
    assert certificate["distribution"] is None  # a test is of none
    assert certificate["provider"]["api_version"] == [1, 0]
    assert certificate["provider"]["capabilities"]["range_get"] is True
    assert certificate["counts"]["passed"] > 150
    assert set(certificate["counts"]) == {"passed", "skipped"}


def test_an_xfail_with_a_reason_is_certified(run):
    certificate = run.certificates["TestXfailWithReason"]
    assert certificate["certified"] is True
    xfailed = certificate["tests"]["test_no_secret_is_told"]
    assert xfailed["outcome"] == "xfailed"
    assert "release 5" in xfailed["reason"]


def test_a_known_failure_of_one_parameter_is_certified(run):
    certificate = run.certificates["TestKnownFailures"]
    assert certificate["problems"] == []
    assert certificate["certified"] is True
    assert certificate["counts"]["xfailed"] == 3
    tests = certificate["tests"]
    known = tests["test_an_awkward_key_is_kept[plus]"]
    assert known["outcome"] == "xfailed"
    assert "release 5" in known["reason"]
    assert tests["test_an_awkward_key_is_kept[space]"] == {"outcome": "passed"}
    assert "    3 expected to fail: the listing says +" in run.output


def test_a_test_that_somebody_skips_is_not_certified(run):
    certificate = run.certificates["TestWeakenedBySkip"]
    assert certificate["certified"] is False
    assert certificate["problems"] == [
        "skipped: test_marker_is_exclusive: too hard"
    ]


def test_the_run_fails_and_prints_a_table(run):
    assert run.code == 1
    assert "provider contract" in run.output
    (line,) = (
        line
        for line in run.output.splitlines()
        if "TestXfailWithReason: " in line
    )
    assert "0 failed" in line
    assert "1 xfailed" in line


def test_a_part_of_the_suite_certifies_nothing(tmp_path):
    run = Run(tmp_path, "TestHonest::test_marker_is_exclusive")
    certificate = run.certificates["TestHonest"]
    assert certificate["tests"]["test_marker_is_exclusive"] == {
        "outcome": "passed"
    }
    assert "did not run: test_prefix_selects" in certificate["problems"]
    assert certificate["certified"] is False
    assert run.code == 1
    assert "did not run" in run.output


def test_memory_faults_and_leaks_do_without_pytest():
    code = (
        "import sys\n"
        "import onespace_core.testing.memory\n"
        "import onespace_core.testing.faulty\n"
        "import onespace_core.testing.leaks\n"
        "import onespace_core.testing.harness\n"
        "assert 'pytest' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
