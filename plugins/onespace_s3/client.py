# SPDX-License-Identifier: Apache-2.0
"""The SDK's client, set up for bulk work with an owner of retries outside.

The only module that imports botocore to make requests.
"""

from __future__ import annotations

import functools
import importlib.metadata
import urllib.parse
from collections.abc import Mapping
from typing import Any

import botocore.exceptions
import botocore.handlers
import botocore.loaders
import botocore.session
from botocore.config import Config

from onespace_core.provider import ConfigError
from onespace_s3 import hooks
from onespace_s3.endpoint import Endpoint

#: Bodies from this size on wait for the store's word before they are sent;
#: below, the wait costs more than the bytes.
EXPECT_FROM = 1 << 20


def build_client(
    options: Mapping[str, Any],
    endpoint: Endpoint,
    concurrency: int,
    *,
    encode_listings: bool = True,
) -> Any:
    """Return a thread-safe S3 client; make no request.

    :param options: values of ``S3_OPTS``.
    :param endpoint: the option ``endpoint``, parsed.
    :param concurrency: connections to keep.
    :param encode_listings: whether listings may ask for encoded keys.
    :raises ConfigError: the AWS profile does not exist, or the SDK refuses
        a setting.
    """
    try:
        session = botocore.session.Session(profile=options["profile"] or None)
        session.register_component(
            "data_loader", _loader(session.get_config_variable("data_path"))
        )
        client = session.create_client(
            "s3",
            region_name=_region(options, session),
            endpoint_url=endpoint.url,
            aws_access_key_id=options["access_key"] or None,
            aws_secret_access_key=options["secret_key"] or None,
            aws_session_token=options["session_token"] or None,
            verify=_verify(options),
            config=_config(options, endpoint, concurrency),
        )
    except botocore.exceptions.ProfileNotFound as exc:
        raise ConfigError(
            "the AWS configuration has no such profile", option="profile"
        ) from exc
    except (botocore.exceptions.BotoCoreError, ValueError) as exc:
        raise ConfigError(f"the AWS SDK refuses the settings: {exc}") from exc
    _expect_for_large_bodies(client)
    if not encode_listings:
        client.meta.events.unregister(
            "before-parameter-build.s3.ListObjectsV2",
            botocore.handlers.set_list_objects_encoding_type_url,
        )
    if options["signature_version"] == "s3":
        client.meta.events.register("before-sign.s3", _sign_path_as_sent)
    hooks.register(client)
    return client


@functools.cache
def _loader(data_path: str | None) -> Any:
    """Return the SDK's reader of its own data, which remembers what it read.

    One for all clients: the description of S3 is a megabyte of JSON, and
    to read and keep it for each client is most of a client's cost.
    """
    return botocore.loaders.create_loader(data_path)


def _region(
    options: Mapping[str, Any], session: botocore.session.Session
) -> str:
    return (
        options["region"]
        or session.get_config_variable("region")
        or "us-east-1"
    )


def _verify(options: Mapping[str, Any]) -> bool | str | None:
    """Return the SDK's ``verify``; None lets its own settings decide."""
    if not options["verify_tls"]:
        return False
    return options["ca_bundle"] or None


def _config(
    options: Mapping[str, Any], endpoint: Endpoint, concurrency: int
) -> Config:
    style = options["addressing_style"]
    proxy = options["proxy"]
    return Config(
        signature_version=options["signature_version"],
        s3={
            "addressing_style": style
            or ("auto" if endpoint.is_amazon else "path"),
            "payload_signing_enabled": options["payload_signing"],
        },
        # Clones stumble over the checksums that newer SDKs send unasked;
        # Content-MD5 protects what we send.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # One attempt: the retry layer owns retries.
        retries={"total_max_attempts": 1, "mode": "standard"},
        # We check what we send; and a fixed user agent is not built anew
        # for every call.
        parameter_validation=False,
        user_agent=f"onespace/{importlib.metadata.version('onespace')}",
        max_pool_connections=max(1, concurrency),
        connect_timeout=options["connect_timeout"],
        read_timeout=options["read_timeout"],
        proxies={"http": proxy, "https": proxy} if proxy else None,
        # The operator's files say where the store is, not a variable of
        # the environment: encryption and signing depend on it.
        ignore_configured_endpoint_urls=True,
    )


def _expect_for_large_bodies(client: Any) -> None:
    """Ask before large bodies only; the SDK asks before every stream."""
    events = client.meta.events
    events.unregister("before-call.s3", botocore.handlers.add_expect_header)
    for operation in ("PutObject", "UploadPart"):
        events.register(f"before-call.s3.{operation}", _add_expect)


def _add_expect(params: dict[str, Any], **_: Any) -> None:
    headers = params["headers"]
    if int(headers.get("Content-Length", 0)) >= EXPECT_FROM:
        headers["Expect"] = "100-continue"


def _sign_path_as_sent(request: Any, **_: Any) -> None:
    """Sign ``/bucket`` where the request is for it, not ``/bucket/``.

    The SDK's Version 2 signer adds the slash; radosgw signs what it got.
    """
    path = urllib.parse.urlsplit(request.url).path
    if request.auth_path == path + "/":
        request.auth_path = path
