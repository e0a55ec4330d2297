# SPDX-License-Identifier: Apache-2.0
"""Container databases to rows to handlers, with progress that lasts."""
