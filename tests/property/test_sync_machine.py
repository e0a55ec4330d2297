# SPDX-License-Identifier: Apache-2.0
"""Whatever happened before, a quiet store has what it should.

As many examples of each machine as ``ONESPACE_SYNC_EXAMPLES`` says, 100 by
default. In CI there are 500 of each of the four, which makes 2000: half of
them copy, half archive, half have large objects. They are always the same
ones and take about four minutes. A failure prints what repeats it.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from property.sync_machine import (
    ArchiveMachine,
    LargeArchiveMachine,
    LargeSyncMachine,
    SyncMachine,
)

IN_CI = bool(os.environ.get("CI"))
EXAMPLES = int(
    os.environ.get("ONESPACE_SYNC_EXAMPLES", "500" if IN_CI else "100")
)
#: Each of them is 8 to 16 things that happen.
STEPS = 8


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "machine",
    [SyncMachine, ArchiveMachine, LargeSyncMachine, LargeArchiveMachine],
)
def test_quiet_store_has_what_it_should_whatever_happened_before(machine):
    run_state_machine_as_test(
        machine,
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
