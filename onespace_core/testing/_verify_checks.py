# SPDX-License-Identifier: Apache-2.0
"""The checks of :mod:`onespace_core.testing.verify`."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence

from onespace_core.provider.base import Provider
from onespace_core.provider.body import BytesBody, CallbackBody
from onespace_core.provider.errors import (
    IntegrityError,
    NotSupported,
    ObjectNotFound,
    PreconditionFailed,
)
from onespace_core.provider.types import ByteRange, Conditions, ObjectInfo

#: What an object name may look like, and what careless code makes of it.
AWKWARD = "a b+c%2Fd/&=?#/\u00fc"
UMLAUT = "gr\u00fcn"


class Failed(Exception):
    """The store does not keep a promise.

    :param capability: the claim that is wrong, if it is one.
    """

    def __init__(self, detail: str, *, capability: str | None = None) -> None:
        super().__init__(detail)
        self.capability = capability


class NotClaimed(Exception):
    """The promise was not made, and that was kept."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where to check; every key goes through it.

    :ivar written: keys that may be there.
    """

    provider: Provider
    bucket: str | None
    prefix: str
    settle: float
    sleep: Callable[[float], None]
    written: set[str] = dataclasses.field(default_factory=set)

    def put(
        self,
        name: str,
        data: bytes = b"one",
        *,
        metadata: Mapping[str, str] | None = None,
        conditions: Conditions | None = None,
        md5: str | None = None,
    ) -> None:
        """Write an object.

        :param md5: what the body says of itself; None means the truth.
        """
        key = self.prefix + name
        self.written.add(key)
        body = BytesBody(data)
        self.provider.put_object(
            key,
            CallbackBody(body.open, size=body.size, md5=md5 or body.md5),
            metadata=metadata,
            content_type="text/plain",
            conditions=conditions,
            bucket=self.bucket,
        )

    def head(self, name: str) -> ObjectInfo:
        """Return an object without its bytes."""
        return self.provider.head_object(
            self.prefix + name, bucket=self.bucket
        )

    def get(self, name: str, byte_range: ByteRange | None = None) -> bytes:
        """Return an object's bytes."""
        reader = self.provider.get_object(
            self.prefix + name, byte_range=byte_range, bucket=self.bucket
        )
        return reader.read()

    def names(
        self, below: str, *, marker: str = "", limit: int | None = None
    ) -> list[str]:
        """Return the names on one page, without our prefix."""
        page = self.provider.list_objects(
            prefix=self.prefix + below,
            marker=self.prefix + marker if marker else "",
            limit=limit,
            bucket=self.bucket,
        )
        return [each.key.removeprefix(self.prefix) for each in page.objects]

    def delete(self, key: str) -> None:
        """Delete an object by its whole key."""
        self.provider.delete_object(key, bucket=self.bucket)

    def is_missing(self, key: str) -> bool:
        """Return whether the store says so; False if it cannot be asked."""
        try:
            self.provider.head_object(key, bucket=self.bucket)
        except ObjectNotFound:
            return True
        except Exception:  # noqa: BLE001 - nobody knows
            return False
        return False

    def listed(self, names: Callable[[], list[str]], want: list[str]) -> None:
        """Wait until a listing is as it should be.

        :raises Failed: it is not after the time that it may lag.
        """
        waited = 0.0
        while (found := names()) != want:
            if waited >= self.settle:
                raise Failed(f"listed {found}, expected {want}")
            self.sleep(0.5)
            waited += 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One promise.

    :param title: for people; says what the store does.
    :param run: raises if it does not.
    """

    title: str
    run: Callable[[Place], None]


def _expect(holds: bool, detail: str, capability: str | None = None) -> None:
    if not holds:
        raise Failed(detail, capability=capability)


def _reaches(place: Place) -> None:
    _expect(place.names("", limit=1) == [], "a new prefix is not empty")


def _writes(place: Place) -> None:
    place.put("object", b"0123456789", metadata={"colour": "green"})


def _heads(place: Place) -> None:
    info = place.head("object")
    _expect(info.size == 10, f"its size is {info.size}, not 10")
    _expect(
        info.content_type == "text/plain",
        f"its content type is {info.content_type!r}, not 'text/plain'",
    )
    _expect(
        info.metadata.get("colour") == "green",
        f"its metadata is {dict(info.metadata)}",
    )
    _expect('"' not in (info.etag or ""), f"the ETag is quoted: {info.etag}")
    if place.provider.capabilities.etag_is_md5:
        md5 = hashlib.md5(b"0123456789", usedforsecurity=False).hexdigest()
        _expect(
            info.etag == md5,
            f"the ETag is {info.etag}, not the MD5 of the bytes",
            "etag_is_md5",
        )


def _reads(place: Place) -> None:
    _expect(
        place.get("object") == b"0123456789", "the bytes are not those put"
    )


def _reads_range(place: Place) -> None:
    if not place.provider.capabilities.range_get:
        raise NotClaimed("ranges are not claimed")
    got = place.get("object", ByteRange(first=2, last=5))
    _expect(got == b"2345", f"bytes 2 to 5 are {got!r}", "range_get")


def _lists(place: Place) -> None:
    names = ["list/B", "list/a", "list/a-b", "list/c"]
    for name in reversed(names):
        place.put(name)
    place.listed(lambda: place.names("list/"), names)


def _lists_after(place: Place) -> None:
    place.listed(
        lambda: place.names("list/", marker="list/a"),
        ["list/a-b", "list/c"],
    )
    page = place.names("list/", limit=2)
    _expect(page == ["list/B", "list/a"], f"a page of two is {page}")


def _lists_below(place: Place) -> None:
    # Stores that keep objects as files lose one of the two.
    names = ["nest/x", "nest/x/y"]
    for name in names:
        place.put(name, name.encode())
    for name in names:
        _expect(place.get(name) == name.encode(), f"{name} is another")
    place.listed(lambda: place.names("nest/"), names)


def _keeps_key(place: Place) -> None:
    name = f"key/{AWKWARD}"
    place.put(name, b"awkward")
    _expect(place.get(name) == b"awkward", "it has other bytes")
    place.listed(lambda: place.names("key/"), [name])


def _keeps_metadata(place: Place) -> None:
    place.put("metadata", metadata={"colour": UMLAUT})
    there = place.head("metadata").metadata
    _expect(
        there.get("colour") == UMLAUT,
        f"{UMLAUT!r} came back as {there.get('colour')!r}",
    )


def _replaces(place: Place) -> None:
    place.put("replaced", b"old", metadata={"old": "1"})
    place.put("replaced", b"new bytes")
    _expect(place.get("replaced") == b"new bytes", "the old bytes are there")
    left = dict(place.head("replaced").metadata)
    _expect(not left, f"metadata of the old object is left: {left}")


def _creates_only(place: Place) -> None:
    condition = Conditions(if_none_match="*")
    place.put("create", b"first")
    if not place.provider.capabilities.conditional_put:
        _is_refused(place, "create", condition, "conditional_put")
    try:
        place.put("create", b"second", conditions=condition)
    except PreconditionFailed:
        pass
    else:
        raise Failed(
            "the store ignores If-None-Match: it replaced an object that it"
            " had to leave alone",
            capability="conditional_put",
        )
    _expect(
        place.get("create") == b"first",
        "the store refused, but replaced the object all the same",
        "conditional_put",
    )
    place.put("created", b"new", conditions=condition)
    _expect(place.get("created") == b"new", "it did not create an object")


def _replaces_only(place: Place) -> None:
    place.put("version", b"first")
    etag = place.head("version").etag
    match = Conditions(if_match=etag)
    if not place.provider.capabilities.conditional_replace:
        _is_refused(place, "version", match, "conditional_replace")
    place.put("version", b"second", conditions=match)
    _expect(place.get("version") == b"second", "it did not replace it")
    try:
        place.put("version", b"third", conditions=match)
    except PreconditionFailed:
        pass
    else:
        raise Failed(
            "the store ignores If-Match: it replaced another version than"
            " the one that was named",
            capability="conditional_replace",
        )
    _expect(
        place.get("version") == b"second",
        "the store refused, but replaced the object all the same",
        "conditional_replace",
    )


def _is_refused(
    place: Place, name: str, conditions: Conditions, capability: str
) -> None:
    """Expect what is not claimed to be refused.

    :raises NotClaimed: it is.
    """
    try:
        place.put(name, b"unwanted", conditions=conditions)
    except NotSupported:
        raise NotClaimed(f"{capability} is not claimed") from None
    raise Failed(
        f"{capability} is not claimed, but a condition was not refused;"
        " report this to the provider's author"
    )


def _posts(place: Place) -> None:
    place.put("posted", b"bytes", metadata={"old": "1"})
    place.provider.post_object(
        place.prefix + "posted", {"new": "2"}, bucket=place.bucket
    )
    there = dict(place.head("posted").metadata)
    _expect(there == {"new": "2"}, f"the metadata is {there}")
    _expect(place.get("posted") == b"bytes", "the bytes have changed")


def _deletes(place: Place) -> None:
    place.put("deleted")
    key = place.prefix + "deleted"
    place.delete(key)
    try:
        place.head("deleted")
    except ObjectNotFound:
        pass
    else:
        raise Failed("the object is still there")
    place.delete(key)


def _misses(place: Place) -> None:
    for look in (place.head, place.get):
        try:
            look("missing")
        except ObjectNotFound:
            continue
        raise Failed("a key that was never written is there")


def _refuses_md5(place: Place) -> None:
    place.put("md5", b"right")
    try:
        place.put("md5", b"wrong", md5="0" * 32)
    except IntegrityError:
        pass
    else:
        raise Failed("bytes that are not those of their MD5 were accepted")
    _expect(
        place.get("md5") == b"right",
        "the error is raised too late: the old object is gone (the store"
        " does not look at Content-MD5)",
    )


#: Without these nothing else makes sense.
FIRST: Sequence[Check] = (
    Check("reaches the bucket", _reaches),
    Check("writes an object", _writes),
)

CHECKS: Sequence[Check] = (
    Check("tells about an object", _heads),
    Check("reads an object", _reads),
    Check("reads a range, both ends included", _reads_range),
    Check("lists objects in order", _lists),
    Check("lists what comes after a marker, by pages", _lists_after),
    Check("lists an object whose key goes on after another's", _lists_below),
    Check("keeps an awkward key", _keeps_key),
    Check("keeps metadata that is not ASCII", _keeps_metadata),
    Check("replaces an object, metadata and all", _replaces),
    Check("creates only where nothing is (If-None-Match)", _creates_only),
    Check("replaces only the version named (If-Match)", _replaces_only),
    Check("replaces metadata and keeps the bytes", _posts),
    Check("deletes, also what is gone", _deletes),
    Check("says that a key is missing", _misses),
    Check("refuses bytes with a wrong MD5", _refuses_md5),
)
