# SPDX-License-Identifier: Apache-2.0
"""For tests of onespace and of providers that others write.

``memory``
    a whole store in memory; the reference of the contract.
``faulty``
    errors, delays and broken bodies by script.
``leaks``
    which readers and streams are still open.
``contract``
    the suite that proves a provider right; needs pytest.
``plugin``
    its pytest plugin: ``-p onespace_core.testing.plugin``.

Nothing is imported here: the plugin has to prepare pytest before the suite
is loaded, and the others do without pytest.
"""
