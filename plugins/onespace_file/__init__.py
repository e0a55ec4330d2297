# SPDX-License-Identifier: Apache-2.0
"""A local folder as a provider: buckets are its sub-folders."""

from onespace_file.provider import FileProvider

__all__ = ["FileProvider"]
