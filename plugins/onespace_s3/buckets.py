# SPDX-License-Identifier: Apache-2.0
"""Making and removing buckets."""

from __future__ import annotations

from typing import Any


def create(client: Any, bucket: str, location: str | None) -> bool:
    """Create a bucket, unless it is ours already.

    :param location: the region, where it has to be said.
    :returns: whether it is new.
    """
    if _exists(client, bucket):
        return False
    where = (
        {}
        if location is None
        else {"CreateBucketConfiguration": {"LocationConstraint": location}}
    )
    try:
        client.create_bucket(Bucket=bucket, **where)
    except client.exceptions.BucketAlreadyOwnedByYou:
        return False
    return True


def delete(client: Any, bucket: str) -> None:
    """Delete an empty bucket; a missing one is a success."""
    try:
        client.delete_bucket(Bucket=bucket)
    except client.exceptions.ClientError as exc:
        if exc.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise


def _exists(client: Any, bucket: str) -> bool:
    """Whether a bucket is there and ours; creating tells of other errors.

    Some stores answer a second creation with success.
    """
    try:
        client.head_bucket(Bucket=bucket)
    except client.exceptions.ClientError as exc:
        if exc.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
            return False
        raise
    return True
