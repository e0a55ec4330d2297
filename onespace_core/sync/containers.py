# SPDX-License-Identifier: Apache-2.0
"""What a mapping does to a remote container as a whole.

Two things, each an operator's choice: the metadata and access lists of the
local container are those of the remote one (Swift), and the bucket's own
rules age the copies (S3). What was done is noted, so that nothing is asked
again until something changes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from onespace_core.namespace.keys import KeyLayout
from onespace_core.provider import (
    AgeRule,
    AgeRules,
    AlreadyExists,
    BucketMetadata,
    NotSupported,
    OnespaceError,
    Provider,
)
from onespace_core.sync.remote import Preparation
from onespace_core.sync.task_failures import TaskFailures

_META = "x-container-meta-"
#: Container headers that say who may do what (Swift, "Container ACLs").
_ACL = {"x-container-read": "read", "x-container-write": "write"}
#: Metadata of the container that is about access to it from elsewhere; a
#: temporary URL's key is a secret of this cluster.
_NEVER = ("temp-url-key", "temp-url-key-2")
_DAY = 86400


class Notes(Protocol):
    """What was done before, by name; survives a restart."""

    def load(self, name: str) -> str | None:
        """Return a note, or None."""
        ...

    def save(self, name: str, value: str | None) -> None:
        """Write a note; None removes it."""
        ...


class ContainerTask(Protocol):
    """Something that follows a container's headers.

    :cvar NOTE: what it is called in the state.
    """

    NOTE: ClassVar[str]

    def __call__(self, headers: Mapping[str, str]) -> None:
        """Do what is left to do.

        :param headers: of the local container, names lower case.
        :raises OnespaceError: not now.
        """
        ...


class MetadataMirror:
    """Gives the remote container the metadata of the local one.

    What only the remote one has stays.

    :param acl: whether access lists go as well.
    """

    NOTE: ClassVar[str] = "container-metadata"

    def __init__(
        self,
        provider: Provider,
        bucket: str,
        notes: Notes,
        *,
        acl: bool,
        prepare: Preparation | None = None,
    ) -> None:
        self._provider = provider
        self._bucket = bucket
        self._notes = notes
        self._acl = acl
        self._prepare = prepare

    def __call__(self, headers: Mapping[str, str]) -> None:
        """See :class:`ContainerTask`."""
        metadata = {
            name.removeprefix(_META): value
            for name, value in headers.items()
            if name.startswith(_META) and _can_travel(name)
        }
        acl = {
            kind: headers[name]
            for name, kind in _ACL.items()
            if self._acl and name in headers
        }
        digest = _digest([self._bucket, metadata, acl])
        note = self._notes.load(self.NOTE)
        before = json.loads(note) if note else {"metadata": [], "acl": []}
        if before.get("digest") == digest:
            return
        noted = {
            "digest": digest,
            "metadata": sorted(metadata),
            "acl": sorted(acl),
        }
        # What was there the last time and is gone is removed there as well.
        metadata = {**dict.fromkeys(before["metadata"], ""), **metadata}
        if self._acl:
            acl = {**dict.fromkeys(before["acl"], ""), **acl}
        if metadata or acl:
            if not isinstance(self._provider, BucketMetadata):
                raise NotSupported("the store's containers have no metadata")
            if self._prepare is not None:
                self._prepare()
            self._provider.post_bucket(metadata, acl=acl, bucket=self._bucket)
        self._notes.save(self.NOTE, json.dumps(noted))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ageing:
    """What becomes of copies as they grow old.

    :param delete_after: seconds, counted in whole days; 0 means never.
    :param move_after: seconds, and the storage class; None means never.
    """

    delete_after: int = 0
    move_after: tuple[int, str] | None = None

    def rules(self, layout: KeyLayout, owner: str) -> Sequence[AgeRule]:
        """Return the rules of one container; none for no ageing at all.

        Manifests live beside the objects, under a prefix of their own, and
        would stay for ever.
        """
        if not self.delete_after and self.move_after is None:
            return ()
        # A part of a day counts whole: no copy goes before its time.
        days = -(-self.delete_after // _DAY)
        objects = AgeRule(
            rule_id=f"onespace {owner}",
            prefix=layout.root,
            delete_after=days if self.delete_after else None,
            move_after=self.move_after
            and (-(-self.move_after[0] // _DAY), self.move_after[1]),
        )
        if not self.delete_after or layout.manifest_root.startswith(
            layout.root
        ):
            return (objects,)
        manifests = AgeRule(
            rule_id=f"onespace {owner} manifests",
            prefix=layout.manifest_root,
            delete_after=days,
        )
        return objects, manifests


class AgeRuleKeeper:
    """Keeps our rules, and no others, in the bucket.

    :param owner: says in a rule's id whose it is; from names only, so that
        every node writes the same.
    :param only: whether copies may be the only ones, since local objects are
        deleted.
    """

    NOTE: ClassVar[str] = "age-rules"

    def __init__(
        self,
        provider: Provider,
        layout: KeyLayout,
        notes: Notes,
        ageing: Ageing,
        owner: str,
        *,
        only: bool = False,
    ) -> None:
        self._provider = provider
        self._bucket = layout.bucket
        self._notes = notes
        self._rules = ageing.rules(layout, owner)
        self._only = only

    def __call__(self, headers: Mapping[str, str]) -> None:
        """See :class:`ContainerTask`; the headers do not count."""
        del headers
        note = self._notes.load(self.NOTE)
        before = json.loads(note) if note else {"digest": None, "ids": []}
        digest = _digest(
            [self._bucket, [dataclasses.astuple(r) for r in self._rules]]
        )
        if before["digest"] == digest or not (self._rules or before["ids"]):
            return
        if not isinstance(self._provider, AgeRules):
            raise NotSupported("the store has no rules for old objects")
        ids = [rule.rule_id for rule in self._rules]
        for rule in self._rules:
            self._put(self._provider, rule)
        for gone in set(before["ids"]) - set(ids):
            self._provider.drop_age_rule(gone, bucket=self._bucket)
        value = json.dumps({"digest": digest, "ids": ids})
        self._notes.save(self.NOTE, value if ids else None)

    def _put(self, provider: AgeRules, rule: AgeRule) -> None:
        try:
            provider.put_age_rule(rule, bucket=self._bucket)
        except AlreadyExists as exc:
            if not self._only:
                raise
            message = (
                f"{exc}; LOCAL OBJECTS ARE DELETED once they are copied, so "
                "that rule may expire the only copies there are"
            )
            raise OnespaceError(message) from exc


class ContainerTasks:
    """Runs the tasks of one container; rows never wait for them.

    A task that fails is named in the log, once for each reason, and in the
    state until it succeeds; it is tried again the next time the container is
    looked at.

    :param failures: where it is noted.
    """

    def __init__(
        self,
        tasks: Sequence[ContainerTask],
        where: str,
        failures: TaskFailures,
        logger: logging.Logger,
    ) -> None:
        self._tasks = tasks
        self._where = where
        self._failures = failures
        self._logger = logger
        self._said: dict[str, str] = {}

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self._tasks)

    def __call__(self, headers: Mapping[str, str]) -> bool:
        """Run all; return whether all succeeded."""
        done = [self._run(task, headers) for task in self._tasks]
        return all(done)

    def _run(self, task: ContainerTask, headers: Mapping[str, str]) -> bool:
        try:
            task(headers)
        except OnespaceError as exc:
            self.failed(task.NOTE, str(exc))
            return False
        self.succeeded(task.NOTE)
        return True

    def failed(self, task: str, reason: str) -> None:
        """Say and note that something went wrong; raise nothing."""
        if self._said.get(task) != reason:
            self._said[task] = reason
            self._logger.error(
                "%s: %s; objects go on, this is tried again",
                self._where,
                reason,
            )
        self._note(task, reason)

    def succeeded(self, task: str) -> None:
        """Take back what was noted of a task; raise nothing."""
        self._said.pop(task, None)
        self._note(task, None)

    def _note(self, task: str, reason: str | None) -> None:
        try:
            self._failures.tell(task, reason)
        except OnespaceError as exc:
            self._logger.error("%s: %s", self._where, exc)


def _can_travel(name: str) -> bool:
    """Leave out secrets, and a name that makes a Swift's listings fail."""
    return name.isascii() and name.removeprefix(_META) not in _NEVER


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
