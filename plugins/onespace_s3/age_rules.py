# SPDX-License-Identifier: Apache-2.0
"""Rules by age, kept in a bucket's lifecycle configuration."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from onespace_core.provider import AgeRule, AlreadyExists, NotSupported
from onespace_s3 import hooks, lifecycle
from onespace_s3.connected import Connected

_HINT = "this store cannot age objects by itself: take the age rules away"


class LifecycleRules(Connected):
    """``AgeRules``."""

    def put_age_rule(
        self, rule: AgeRule, *, bucket: str | None = None
    ) -> bool:
        """Add or replace a rule; see ``AgeRules``.

        The whole configuration is read, and written only if something is to
        be changed: S3 knows no condition for that, so that a change that
        somebody else makes at that very moment is lost. What others wrote
        goes back as it came.

        :raises NotSupported: the store has no lifecycle rules.
        """
        with self._on_rules("put_age_rule", bucket) as name:
            lifecycle.check(rule)
            document, kept = self._read(name)
            found = lifecycle.rules(document)
            theirs = lifecycle.obstacle(rule, found)
            if theirs is not None:
                raise AlreadyExists(
                    f"the rule {theirs.rule_id!a} is for the same objects"
                    f" (prefix {theirs.prefix!a})",
                    hint="disable that rule, or narrow it, or leave the"
                    " ageing to it",
                )
            if any(each.as_ours == rule for each in found):
                return False
            self._write(name, lifecycle.with_rule(document, rule), kept)
            return True

    def drop_age_rule(
        self, rule_id: str, *, bucket: str | None = None
    ) -> bool:
        """Remove a rule; see ``AgeRules``.

        With the last rule the bucket's configuration goes.

        :raises NotSupported: the store has no lifecycle rules.
        """
        with self._on_rules("drop_age_rule", bucket) as name:
            document, kept = self._read(name)
            found = lifecycle.rules(document)
            ours = [each for each in found if each.rule_id == rule_id]
            if document is None or not ours:
                return False
            if len(found) == 1:
                self._client.delete_bucket_lifecycle(Bucket=name)
            else:
                rest = lifecycle.without_rule(document, ours[0])
                self._write(name, rest, kept)
            return True

    @contextlib.contextmanager
    def _on_rules(self, op: str, bucket: str | None) -> Iterator[str]:
        with self._on_bucket(op, bucket) as name:
            try:
                yield name
            except NotSupported as exc:
                exc.hint = exc.hint or _HINT
                raise
            except self._client.exceptions.ClientError as exc:
                status = exc.response["ResponseMetadata"]["HTTPStatusCode"]
                if status in (405, 501):
                    raise NotSupported(
                        "the store has no lifecycle rules",
                        status=status,
                        hint=_HINT,
                    ) from exc
                raise

    def _read(self, bucket: str) -> tuple[bytes | None, Mapping[str, Any]]:
        """Return the document, None if there is none.

        And what is not in it but has to be written with it.
        """
        try:
            answer = self._client.get_bucket_lifecycle_configuration(
                Bucket=bucket
            )
        except self._client.exceptions.ClientError as exc:
            if exc.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
                return None, {}
            raise
        name = "TransitionDefaultMinimumObjectSize"
        kept = {name: answer[name]} if name in answer else {}
        return answer[hooks.DOCUMENT], kept

    def _write(
        self, bucket: str, document: bytes, kept: Mapping[str, Any]
    ) -> None:
        self._client.put_bucket_lifecycle_configuration(
            Bucket=bucket, **{hooks.DOCUMENT: document}, **kept
        )
