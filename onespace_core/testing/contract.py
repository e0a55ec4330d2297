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

A test that a provider cannot pass is named in ``known_failures``, or is
overridden with ``pytest.mark.xfail`` and a reason; one that is deleted or
replaced fails the suite.

The abilities of :mod:`onespace_core.provider.protocols` are tested where the
provider offers them.
"""

from __future__ import annotations

from onespace_core.testing._suite_admin import (
    AgeContract,
    BucketAdminContract,
    BucketMetadataContract,
    ExpiryContract,
)
from onespace_core.testing._suite_base import weakened
from onespace_core.testing._suite_changing import (
    DeleteContract,
    PostContract,
)
from onespace_core.testing._suite_copy import CopyContract
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
from onespace_core.testing._suite_manifests import ManifestContract
from onespace_core.testing._suite_multipart import PartsContract
from onespace_core.testing._suite_protocols import ProtocolContract
from onespace_core.testing._suite_reading import GetContract, HeadContract
from onespace_core.testing._suite_uploads import UploadsContract
from onespace_core.testing._suite_values import AWKWARD_KEYS
from onespace_core.testing._suite_writing import PutContract
from onespace_core.testing.harness import Harness

__all__ = ["AWKWARD_KEYS", "Harness", "ProviderContract", "weakened"]


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
    ProtocolContract,
    BucketAdminContract,
    BucketMetadataContract,
    ExpiryContract,
    AgeContract,
    CopyContract,
    PartsContract,
    UploadsContract,
    ManifestContract,
):
    """Every promise of a provider; subclass it and write ``harness``.

    **Everything in the harness's bucket is deleted.**

    :cvar known_failures: tests, as pytest names them with their parameter
        (``test_an_awkward_key_is_kept[newline]``), that this provider fails,
        each with the reason. One that passes after all fails the run. The
        plugin prints the reasons, and they are in the certificate.
    """

    #: Tells the plugin that a class is one of these.
    onespace_contract = True
