# SPDX-License-Identifier: Apache-2.0
"""Everything that touches the local Swift.

Importing this package imports no Swift: modules that do are imported after
:func:`onespace_core.concurrency.patch`, and after Swift was told where its
``swift.conf`` is.
"""
