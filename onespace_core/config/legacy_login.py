# SPDX-License-Identifier: Apache-2.0
"""How a mapping of 1space logs in, in our words."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

from onespace_core.config import remote

#: Options of a login at Swift that have the same name and meaning.
SWIFT_LOGIN = (
    "auth_type",
    "tenant_name",
    "project_name",
    "project_domain_name",
    "user_domain_name",
    "remote_account",
)


def s3_login(
    given: Mapping[str, Any], endpoint: Any
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return a title, plain options and secrets for a store with S3."""
    amazon = is_amazon(endpoint)
    plain = {"provider": "s3" if amazon else "s3-compatible"}
    if endpoint:
        plain["endpoint"] = endpoint
    if "aws_identity" in given:
        plain["access_key"] = given["aws_identity"]
    secret = {}
    for ours, theirs in (
        ("secret_key", "aws_secret"),
        ("session_token", "aws_session_token"),
    ):
        if theirs in given:
            secret[ours] = given[theirs]
    return "aws" if amazon else _host(endpoint), plain, secret


def swift_login(
    given: Mapping[str, Any], endpoint: Any
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return a title, plain options and secrets for a Swift."""
    plain = {"provider": "swift"}
    if endpoint:
        plain["auth_url"] = endpoint
    if "aws_identity" in given:
        plain["user"] = given["aws_identity"]
    plain |= {name: given[name] for name in SWIFT_LOGIN if name in given}
    secret = {"key": given["aws_secret"]} if "aws_secret" in given else {}
    return _host(endpoint), plain, secret


def is_amazon(endpoint: Any) -> bool:
    """Return whether 1space's ``aws_endpoint`` means Amazon."""
    return not endpoint or remote.is_amazon(str(endpoint))


def _host(endpoint: Any) -> str:
    try:
        return urllib.parse.urlsplit(str(endpoint)).hostname or ""
    except ValueError:
        return ""
