# SPDX-License-Identifier: Apache-2.0
"""The suite that proves a provider right.

A provider's tests have one module such as this::

    from onespace_core.testing import contract

    class TestAcme(contract.ProviderContract):
        @pytest.fixture
        def harness(self):
            return AcmeHarness()

run with ``-p onespace_core.testing.plugin``. Each test is one behaviour, and
its docstring is the promise. Which tests run follows from the capabilities:
what is claimed is tested, what is not claimed has to be refused.

A test that a provider cannot pass is overridden with ``pytest.mark.xfail``
and a reason; one that is deleted or replaced fails the suite.
"""

from __future__ import annotations

from onespace_core.testing._suite_base import weakened
from onespace_core.testing._suite_changing import (
    DeleteContract,
    PostContract,
)
from onespace_core.testing._suite_derived import ShuntContract, UploadContract
from onespace_core.testing._suite_errors import (
    ConcurrencyContract,
    ErrorContract,
)
from onespace_core.testing._suite_listing import (
    AccountContract,
    BucketContract,
    ListingContract,
)
from onespace_core.testing._suite_reading import GetContract, HeadContract
from onespace_core.testing._suite_writing import PutContract
from onespace_core.testing.harness import Harness

__all__ = ["Harness", "ProviderContract", "weakened"]


class ProviderContract(
    AccountContract,
    BucketContract,
    ListingContract,
    HeadContract,
    GetContract,
    PutContract,
    PostContract,
    DeleteContract,
    ErrorContract,
    UploadContract,
    ShuntContract,
    ConcurrencyContract,
):
    """Every promise of a provider; subclass it and write ``harness``.

    **Everything in the harness's bucket is deleted.**
    """

    #: Tells the plugin that a class is one of these.
    onespace_contract = True
