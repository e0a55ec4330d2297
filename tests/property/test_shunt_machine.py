# SPDX-License-Identifier: Apache-2.0
"""Whatever happened before, one namespace is shown as it is.

As many examples as ``ONESPACE_SHUNT_EXAMPLES`` says.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from property.shunt_machine import ShuntMachine

from onespace_core.namespace.query import ListingQuery

IN_CI = bool(os.environ.get("CI"))
EXAMPLES = int(
    os.environ.get("ONESPACE_SHUNT_EXAMPLES", "1000" if IN_CI else "60")
)
STEPS = 25


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_one_namespace_is_shown_as_it_is_or_not_at_all():
    run_state_machine_as_test(
        ShuntMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=IN_CI,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
        ),
    )


def test_a_store_that_passes_over_its_marker_shows_nothing_twice():
    whole = ListingQuery(limit=10000)
    after = ListingQuery(limit=10000, marker="a", delimiter="/")
    state = ShuntMachine()
    state.begin(cached=False, proxies=1, partial=False, rolls_up=True)
    for what, query in (
        ("put", whole),
        ("archive", whole),
        ("trouble", whole),
        ("put", after),
    ):
        state.something_happens(
            step=(what, "a", 0, "repeats", 0.0, 0),
            look=("a", 0, query, False),
        )
    state.teardown()
