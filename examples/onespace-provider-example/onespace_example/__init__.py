# SPDX-License-Identifier: Apache-2.0
"""Objects in one SQLite file: an example of a onespace provider."""

from onespace_example.provider import ExampleProvider

__all__ = ["ExampleProvider"]
