# SPDX-License-Identifier: Apache-2.0
"""The machines see what they are there for: ten and more known defects."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import HypothesisException
from hypothesis.stateful import run_state_machine_as_test
from property import sync_machine
from property.defects import DEFECTS

#: Within so many examples, always the same ones, each has to be seen.
MOST = 800


@pytest.mark.slow
@pytest.mark.parametrize("trap", DEFECTS)
def test_machine_catches(trap, monkeypatch):
    defect, name = DEFECTS[trap]
    begun = []

    class Counted(getattr(sync_machine, name)):
        def __init__(self):
            super().__init__()
            begun.append(self)

    defect(monkeypatch)
    found = None
    try:
        run_state_machine_as_test(
            Counted,
            settings=settings(
                max_examples=MOST,
                stateful_step_count=8,
                deadline=None,
                database=None,
                derandomize=True,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
            ),
        )
    except AssertionError as exc:
        found = exc
    except HypothesisException as exc:  # another run of it fails otherwise
        found = exc.__context__ or exc.__cause__
    assert isinstance(found, AssertionError), f"{trap} was not seen"
    # So looks a defect that does not fit the program any more, and fails.
    assert "still owed" not in f"{found}", f"{trap}: {found}"
    what = f"{found}".partition("\n")[0][:120]
    print(f"{trap}: seen within {len(begun)} examples: {what}")
