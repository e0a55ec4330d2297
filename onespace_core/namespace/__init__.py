# SPDX-License-Identifier: Apache-2.0
"""The pure algebra of the merged namespace: names and listings."""
