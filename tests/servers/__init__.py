# SPDX-License-Identifier: Apache-2.0
"""Real servers for the tests, started on free loopback ports."""
