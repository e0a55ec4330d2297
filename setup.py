# SPDX-License-Identifier: Apache-2.0
"""Build onespace; everything is declared in setup.cfg."""

import setuptools

setuptools.setup()
