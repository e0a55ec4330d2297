# SPDX-License-Identifier: Apache-2.0
# mypy: disable-error-code="type-abstract"
"""The suite's promises on what is said of buckets and of an object's end."""

from __future__ import annotations

import time

import pytest

from onespace_core.provider import (
    EXPIRY,
    AgeRule,
    AgeRules,
    AlreadyExists,
    BucketAdmin,
    BucketMetadata,
    BucketNotFound,
    BytesBody,
    NotSupported,
    ObjectNotFound,
    Provider,
)
from onespace_core.testing._suite_base import (
    SuiteBase,
    claims,
    offered,
    put,
    walk,
    without,
)
from onespace_core.testing.harness import Harness

#: Seconds that a store may take to notice that an object has expired.
_PATIENCE = 30


class BucketAdminContract(SuiteBase):
    """What ``BucketAdmin`` promises."""

    @pytest.fixture
    def admin(self, provider: Provider) -> BucketAdmin:
        """Return the provider if it offers the protocol."""
        return offered(provider, BucketAdmin)

    def test_bucket_admin_makes_and_removes_a_bucket(
        self, provider: Provider, harness: Harness, admin: BucketAdmin
    ) -> None:
        """Making and removing say what happened, and may be repeated."""
        name = harness.missing_bucket
        try:
            assert admin.create_bucket(name) is True
            assert admin.create_bucket(name) is False
            assert provider.head_bucket(name).name == name
        finally:
            admin.delete_bucket(name)
        admin.delete_bucket(name)
        with pytest.raises(BucketNotFound):
            provider.head_bucket(name)

    def test_bucket_admin_keeps_a_bucket_that_has_objects(
        self, provider: Provider, admin: BucketAdmin
    ) -> None:
        """A bucket with objects is not removed."""
        put(provider, "a")
        with pytest.raises(AlreadyExists):
            admin.delete_bucket()
        assert provider.head_object("a").size == 4


class BucketMetadataContract(SuiteBase):
    """What ``BucketMetadata`` promises."""

    @pytest.fixture
    def described(self, provider: Provider) -> BucketMetadata:
        """Return the provider if it offers the protocol."""
        return offered(provider, BucketMetadata)

    def test_bucket_metadata_is_merged(
        self, provider: Provider, described: BucketMetadata
    ) -> None:
        """What is named is new, what is empty is gone, the rest stays."""
        described.post_bucket({"onespace-a": "1", "onespace-b": "bl\u00e5"})
        described.post_bucket({"onespace-a": "2", "onespace-c": "3"})
        metadata = provider.head_bucket().metadata
        assert metadata["onespace-a"] == "2"
        assert metadata["onespace-b"] == "bl\u00e5"
        assert metadata["onespace-c"] == "3"
        described.post_bucket(
            {"onespace-a": "", "onespace-b": "", "onespace-c": ""}
        )
        left = provider.head_bucket().metadata
        assert not [name for name in left if name.startswith("onespace-")]

    def test_access_lists_leave_metadata_alone(
        self, provider: Provider, described: BucketMetadata
    ) -> None:
        """They are set and removed, and are no metadata."""
        described.post_bucket(
            {"onespace-a": "1"}, acl={"read": ".r:*", "write": "a:b"}
        )
        described.post_bucket({}, acl={"read": "", "write": ""})
        assert provider.head_bucket().metadata["onespace-a"] == "1"
        described.post_bucket({"onespace-a": ""})

    def test_a_new_bucket_has_its_metadata(
        self, provider: Provider, harness: Harness, described: BucketMetadata
    ) -> None:
        """What ``create_bucket`` is given is what ``head_bucket`` says."""
        del described
        admin = offered(provider, BucketAdmin)
        name = harness.missing_bucket
        try:
            admin.create_bucket(name, metadata={"onespace-a": "bl\u00e5"})
            metadata = provider.head_bucket(name).metadata
            assert metadata["onespace-a"] == "bl\u00e5"
        finally:
            admin.delete_bucket(name)

    def test_metadata_of_a_missing_bucket_raises(
        self, provider: Provider, harness: Harness, described: BucketMetadata
    ) -> None:
        """No bucket is made on the way."""
        missing = harness.missing_bucket
        with pytest.raises(BucketNotFound):
            described.post_bucket({"onespace-a": "1"}, bucket=missing)
        with pytest.raises(BucketNotFound):
            provider.head_bucket(missing)


class ExpiryContract(SuiteBase):
    """What ``object_expiry`` means."""

    @claims("object_expiry")
    def test_an_expiry_is_kept_replaced_and_removed(
        self, provider: Provider
    ) -> None:
        """It is among ``system``, and POST treats it as the others."""
        now = int(time.time())
        first, second = str(now + 86400), str(now + 2 * 86400)
        provider.put_object("a", BytesBody(b"1"), system={EXPIRY: first})
        assert dict(provider.head_object("a").system) == {EXPIRY: first}
        provider.post_object("a", {}, system={EXPIRY: second})
        assert dict(provider.head_object("a").system) == {EXPIRY: second}
        provider.post_object("a", {})
        assert dict(provider.head_object("a").system) == {}

    @claims("object_expiry")
    def test_an_object_is_gone_after_its_expiry(
        self, provider: Provider
    ) -> None:
        """``ObjectNotFound``; one with a later time is still there."""
        soon, later = str(int(time.time()) + 2), str(int(time.time()) + 86400)
        provider.put_object("a", BytesBody(b"1"), system={EXPIRY: soon})
        provider.put_object("b", BytesBody(b"1"), system={EXPIRY: later})
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                provider.head_object("a")
            except ObjectNotFound:
                break
            time.sleep(0.2)
        with pytest.raises(ObjectNotFound):
            provider.get_object("a")
        assert provider.head_object("b").size == 1

    @without("object_expiry")
    def test_an_expiry_that_is_not_claimed_is_refused(
        self, provider: Provider, harness: Harness
    ) -> None:
        """``NotSupported`` before any request: it would live for ever."""
        system = {EXPIRY: str(int(time.time()) + 86400)}
        for each in (provider, harness.make_unreachable()):
            if each is None:
                continue
            with pytest.raises(NotSupported):
                each.put_object("a", BytesBody(b"1"), system=system)
            with pytest.raises(NotSupported):
                each.post_object("a", {}, system=system)
        assert walk(provider) == []


#: Ids of rules: ours, and somebody else's.
_OURS = "onespace-contract"
_THEIRS = "somebody-else"


class AgeContract(SuiteBase):
    """What ``AgeRules`` promises. Nothing waits a day to see it work."""

    @pytest.fixture
    def ages(self, provider: Provider) -> AgeRules:
        """Return the provider if it offers the protocol; it has no rule."""
        ages = offered(provider, AgeRules)
        for rule_id in (_OURS, f"{_OURS}-2", _THEIRS):
            ages.drop_age_rule(rule_id)
        return ages

    def test_a_rule_is_added_replaced_and_dropped(
        self, ages: AgeRules
    ) -> None:
        """Each says whether anything had to be changed."""
        rule = AgeRule(rule_id=_OURS, prefix="p/ \u00e9&/", delete_after=30)
        other = AgeRule(rule_id=_OURS, prefix="p/", delete_after=31)
        assert ages.put_age_rule(rule) is True
        assert ages.put_age_rule(rule) is False
        assert ages.put_age_rule(other) is True
        assert ages.put_age_rule(other) is False
        assert ages.drop_age_rule(_OURS) is True
        assert ages.drop_age_rule(_OURS) is False

    def test_rules_stand_side_by_side(self, ages: AgeRules) -> None:
        """One is added and dropped, and the other is still there."""
        one = AgeRule(rule_id=_OURS, prefix="one/", delete_after=1)
        two = AgeRule(rule_id=f"{_OURS}-2", prefix="two/", delete_after=2)
        assert ages.put_age_rule(one) is True
        assert ages.put_age_rule(two) is True
        assert ages.put_age_rule(one) is False
        assert ages.drop_age_rule(two.rule_id) is True
        assert ages.put_age_rule(one) is False
        assert ages.drop_age_rule(one.rule_id) is True

    @pytest.mark.parametrize("prefix", ["", "p", "p/"])
    def test_somebody_elses_rule_for_ours_is_kept(
        self, ages: AgeRules, prefix: str
    ) -> None:
        """``AlreadyExists``; theirs is as it was, and ours not there."""
        theirs = AgeRule(rule_id=_THEIRS, prefix=prefix, delete_after=3)
        ours = AgeRule(rule_id=_OURS, prefix="p/", delete_after=30)
        ages.put_age_rule(theirs)
        try:
            with pytest.raises(AlreadyExists):
                ages.put_age_rule(ours)
            assert ages.put_age_rule(theirs) is False
            assert ages.drop_age_rule(_OURS) is False
        finally:
            ages.drop_age_rule(_THEIRS)

    def test_rules_of_a_missing_bucket_raise(
        self, harness: Harness, ages: AgeRules
    ) -> None:
        """``BucketNotFound``."""
        rule = AgeRule(rule_id=_OURS, prefix="", delete_after=1)
        with pytest.raises(BucketNotFound):
            ages.put_age_rule(rule, bucket=harness.missing_bucket)
