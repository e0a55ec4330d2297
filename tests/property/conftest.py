# SPDX-License-Identifier: Apache-2.0
"""The rigs of the functional tests, for properties of whole ways."""

from functional.sync.conftest import make_rig  # noqa: F401 - a fixture
