# SPDX-License-Identifier: Apache-2.0
"""Does an operator's own store keep what its provider claims?

A short part of the contract that harms nothing: everything happens under a
random prefix, and what was written is deleted in the end. The whole contract
is :mod:`onespace_core.testing.contract`; it needs a bucket of its own and
pytest, this needs neither.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import time
import uuid
from collections.abc import Callable, Collection, Iterator

from onespace_core.provider.base import Provider
from onespace_core.provider.errors import ProviderError
from onespace_core.testing._verify_checks import (
    CHECKS,
    FIRST,
    Check,
    Failed,
    NotClaimed,
    Place,
)

__all__ = ["Outcome", "Result", "verify"]


class Outcome(enum.Enum):
    """How a check ended."""

    PASSED = "ok"
    FAILED = "FAILED"
    NOT_CLAIMED = "-"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One check, for people.

    :param title: what was checked, such as ``reads a range``.
    :param outcome: how it ended.
    :param detail: why, unless it passed; one line without a secret.
    :param hint: what the operator can change.
    """

    title: str
    outcome: Outcome
    detail: str | None = None
    hint: str | None = None


def verify(
    provider: Provider,
    report: Callable[[Result], object],
    *,
    bucket: str | None = None,
    prefix: str = "",
    options: Collection[str] = (),
    settle: float = 10.0,
    sleep: Callable[[float], None] | None = None,
) -> bool:
    """Check a store; return whether it keeps all that was checked.

    Writes about fifteen objects of a few bytes, makes about a hundred
    requests, and never touches a key that is not under its own prefix. If
    the store cannot be listed or written, the rest is not tried.

    :param provider: what is checked.
    :param report: is given each result as soon as it is known.
    :param bucket: None means the provider's own.
    :param prefix: in front of the random prefix, where credentials may write
        only there.
    :param options: names of the provider's options, so that hints can tell
        which one to change.
    :param settle: seconds that a listing may lag behind a write.
    :param sleep: waits so many seconds; None means ``time.sleep``.
    """
    place = Place(
        provider=provider,
        bucket=bucket,
        prefix=f"{prefix}onespace-verify-{uuid.uuid4().hex}/",
        settle=settle,
        sleep=sleep or time.sleep,
    )
    results: list[Result] = []

    def tell(result: Result) -> None:
        results.append(result)
        report(result)

    with _cleaned_up(place, tell):
        for check in FIRST:
            result = _run(check, place, options)
            tell(result)
            if result.outcome is Outcome.FAILED:
                return False
        for check in CHECKS:
            tell(_run(check, place, options))
    return all(each.outcome is not Outcome.FAILED for each in results)


def _run(check: Check, place: Place, options: Collection[str]) -> Result:
    title = check.title
    try:
        check.run(place)
    except NotClaimed as exc:
        return Result(
            title=title, outcome=Outcome.NOT_CLAIMED, detail=str(exc)
        )
    except Failed as exc:
        return Result(
            title=title,
            outcome=Outcome.FAILED,
            detail=str(exc),
            hint=_hint(exc.capability, options),
        )
    except ProviderError as exc:
        return Result(title=title, outcome=Outcome.FAILED, detail=str(exc))
    except Exception as exc:  # noqa: BLE001 - a foreign provider's
        # Its text may hold a secret.
        return Result(
            title=title,
            outcome=Outcome.FAILED,
            detail=f"the provider raised {type(exc).__name__}, which is no"
            " error of the contract",
            hint="report this to the provider's author",
        )
    return Result(title=title, outcome=Outcome.PASSED)


#: Options by which providers let an operator take a claim back, and what to
#: write. Only those that the provider declares are named.
_TAKE_BACK = {
    "conditional_put": ("conditional_writes", "no"),
    "conditional_replace": ("conditional_writes", "create"),
    "etag_is_md5": ("etag_is_md5", "false"),
}


def _hint(capability: str | None, options: Collection[str]) -> str | None:
    if capability is None:
        return None
    option, value = _TAKE_BACK.get(capability, ("", ""))
    if option in options:
        return f"set {option} = {value}"
    return (
        f"the provider claims {capability} wrongly; report this to its author"
    )


@contextlib.contextmanager
def _cleaned_up(
    place: Place, tell: Callable[[Result], None]
) -> Iterator[None]:
    """Delete all that was written, whatever happens in the block."""
    try:
        yield
    finally:
        left = _delete_all(place)
        if left:
            tell(
                Result(
                    title="cleans up",
                    outcome=Outcome.FAILED,
                    detail=left,
                    hint=f"delete what is under {place.prefix!r} by hand",
                )
            )
        elif place.written:
            tell(Result(title="cleans up", outcome=Outcome.PASSED))


def _delete_all(place: Place) -> str | None:
    """Delete every key that was tried; return what went wrong."""
    problem = None
    for key in sorted(place.written):
        try:
            place.delete(key)
        except Exception as exc:  # noqa: BLE001 - go on with the others
            if not place.is_missing(key):
                problem = _text(exc)
    if problem is None and place.written:
        try:
            place.listed(lambda: place.names(""), [])
        except Exception as exc:  # noqa: BLE001 - it is the last word
            problem = _text(exc)
    return problem


def _text(exc: Exception) -> str:
    if isinstance(exc, ProviderError | Failed):
        return str(exc)
    return f"the provider raised {type(exc).__name__}"
