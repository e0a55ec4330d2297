# SPDX-License-Identifier: Apache-2.0
"""One object namespace over OpenStack Swift and the clouds beside it."""
