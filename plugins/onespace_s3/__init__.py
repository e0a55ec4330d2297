# SPDX-License-Identifier: Apache-2.0
"""Amazon S3, and the stores that speak its protocol, as providers.

Importing this package imports no SDK: botocore is imported when the first
instance is built.
"""

from onespace_s3.provider import (
    GoogleInteropProvider,
    S3CompatibleProvider,
    S3Provider,
)

__all__ = ["GoogleInteropProvider", "S3CompatibleProvider", "S3Provider"]
