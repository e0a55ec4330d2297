# SPDX-License-Identifier: Apache-2.0
"""The machine of the shunt finds the defects that it is there for.

Each is put into the shunt, and the machine has to fail.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from onespace_shunt import listing, missing, shunt
from onespace_shunt.missing import Missing
from onespace_shunt.reading import Reading
from property.shunt_machine import ShuntMachine

from onespace_core.namespace import remote
from onespace_core.provider import ProviderError

EXAMPLES = 300


def what_is_written_stays_missing() -> Any:
    return mock.patch.object(Missing, "forget", return_value=None)


def what_is_missing_is_so_for_ever() -> Any:
    real = Missing.remember

    def remember(self: Missing, *given: Any) -> None:
        self._ttl = 1e6
        real(self, *given)

    return mock.patch.object(Missing, "remember", remember)


def a_late_answer_is_remembered() -> Any:
    def remember(self: Missing, cache: Any, *name: str) -> None:
        self._set(cache, missing._key(name), missing._MISSING, self._ttl)

    return mock.patch.object(Missing, "remember", remember)


def a_failure_ends_the_listing() -> Any:
    real = listing._remote

    def short(*given: Any) -> Any:
        with contextlib.suppress(ProviderError):
            yield from real(*given)

    return mock.patch.object(listing, "_remote", short)


def a_page_is_the_whole_listing() -> Any:
    real = remote._Objects._pages

    def one(self: Any, *given: Any, **named: Any) -> Any:
        for page in real(self, *given, **named):
            yield page
            return

    return mock.patch.object(remote._Objects, "_pages", one)


def the_remote_one_is_shown() -> Any:
    real = listing.splice
    return mock.patch.object(
        listing,
        "splice",
        lambda ours, theirs, query: real(theirs, ours, query),
    )


def a_failure_is_a_404() -> Any:
    real = Reading.answer

    def answer(self: Reading) -> Any:
        try:
            return real(self)
        except ProviderError:
            return None

    return mock.patch.object(Reading, "answer", answer)


def a_short_body_is_a_whole_one() -> Any:
    def begin(self: Any) -> None:
        self._chunks = iter([b"".join(_all(self._chunks))])

    def _all(chunks: Any) -> Any:
        with contextlib.suppress(ProviderError):
            yield from chunks

    return mock.patch("onespace_shunt.reading.Bytes.begin", begin)


def a_partial_listing_does_not_say_so() -> Any:
    real = listing.response

    def response(request: Any, headers: Any, entries: Any, **_: Any) -> Any:
        return real(request, headers, entries)

    return mock.patch.object(shunt.listing, "response", response)


@pytest.mark.slow
@pytest.mark.parametrize(
    "defect",
    [
        what_is_written_stays_missing,
        what_is_missing_is_so_for_ever,
        a_late_answer_is_remembered,
        a_failure_ends_the_listing,
        a_page_is_the_whole_listing,
        the_remote_one_is_shown,
        a_failure_is_a_404,
        a_short_body_is_a_whole_one,
        a_partial_listing_does_not_say_so,
    ],
)
def test_a_defect_is_found(defect: Callable[[], Any]) -> None:
    with defect(), pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(
            ShuntMachine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=25,
                deadline=None,
                database=None,
                derandomize=True,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
            ),
        )
