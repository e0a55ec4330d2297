# SPDX-License-Identifier: Apache-2.0
"""A memory store's buckets: made, removed, described, with rules by age."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from onespace_core.provider.errors import AlreadyExists, InvalidRequest
from onespace_core.provider.large import AgeRule
from onespace_core.testing import _memory_rules as rules
from onespace_core.testing._memory_base import MemoryBase


class Admin(MemoryBase):
    """``BucketAdmin``, ``BucketMetadata`` and ``AgeRules``; see there."""

    def create_bucket(
        self,
        bucket: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """See :meth:`BucketAdmin.create_bucket`."""
        with self._describe("create_bucket", bucket) as name:
            self._enter("create_bucket", name)
            return self.store.add_bucket(name, metadata)

    def delete_bucket(self, bucket: str | None = None) -> None:
        """See :meth:`BucketAdmin.delete_bucket`."""
        with (
            self._describe("delete_bucket", bucket) as name,
            self.store.lock,
        ):
            self._enter("delete_bucket", name)
            there = self.store.buckets.get(name)
            if there is not None and there.objects:
                raise AlreadyExists("the bucket has objects")
            self.store.buckets.pop(name, None)

    def post_bucket(
        self,
        metadata: Mapping[str, str],
        *,
        acl: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """See :meth:`BucketMetadata.post_bucket`."""
        with self._request("post_bucket", bucket) as there:
            if set(acl or ()) - {"read", "write"}:
                raise InvalidRequest("access is read or write")
            there.acl = _merged(there.acl, acl)
            there.info = dataclasses.replace(
                there.info, metadata=_merged(there.info.metadata, metadata)
            )

    def put_age_rule(
        self, rule: AgeRule, *, bucket: str | None = None
    ) -> bool:
        """See :meth:`AgeRules.put_age_rule`.

        A rule with another id is somebody else's.
        """
        with self._request("put_age_rule", bucket) as there:
            for rule_id, other in there.rules.items():
                if rule_id != rule.rule_id and rule.prefix.startswith(
                    other.prefix
                ):
                    raise AlreadyExists(f"there is a rule {rule_id!r}")
            changed = there.rules.get(rule.rule_id) != rule
            there.rules[rule.rule_id] = rule
            return changed

    def drop_age_rule(
        self, rule_id: str, *, bucket: str | None = None
    ) -> bool:
        """See :meth:`AgeRules.drop_age_rule`."""
        with self._request("drop_age_rule", bucket) as there:
            return there.rules.pop(rule_id, None) is not None


def _merged(
    old: Mapping[str, str], new: Mapping[str, str] | None
) -> dict[str, str]:
    merged = {**old, **rules.names_lowered(new)}
    return {name: value for name, value in merged.items() if value}
