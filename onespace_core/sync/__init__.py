# SPDX-License-Identifier: Apache-2.0
"""Keeping a store equal to a container: decide (pure), then do."""
