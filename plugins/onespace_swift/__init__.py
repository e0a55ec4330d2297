# SPDX-License-Identifier: Apache-2.0
"""A remote OpenStack Swift, or a store that speaks its API, as a provider.

Importing this package imports no SDK: Keystone's client is imported when the
first instance that needs it is built.
"""

from onespace_swift.provider import SwiftProvider

__all__ = ["SwiftProvider"]
