# SPDX-License-Identifier: Apache-2.0
"""What the settings mean, worked out once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from onespace_core.provider import (
    Capabilities,
    ConfigError,
    ProviderSettings,
)
from onespace_s3 import lister
from onespace_s3.endpoint import Endpoint
from onespace_s3.presets import Preset

_MIB = 1 << 20
_GIB = 1 << 30


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """What a provider does, apart from its client.

    :param bucket: the bucket that None means.
    :param location: where the store is, for people.
    :param capabilities: what it can do.
    :param write_parameters: of the SDK's calls that make objects:
        encryption and storage class.
    :param sign_payload: bodies are read twice.
    :param location_constraint: where buckets are made; None lets the store
        decide.
    :param encode_listings: keys in listings come URL-encoded.
    :param conditional_writes: value of the option, ``no`` without one.
    :param conditional_complete: likewise.
    :param copy_conditions: copies keep conditions on their source.
    :param part_copy_any_key: parts can be copied from an object with ``%``
        or ``?`` in its key.
    :param upload_prefix: a listing of uploads takes any prefix.
    """

    bucket: str | None
    location: str
    capabilities: Capabilities
    write_parameters: Mapping[str, str]
    sign_payload: bool
    location_constraint: str | None
    encode_listings: bool
    conditional_writes: str
    conditional_complete: str
    copy_conditions: bool
    part_copy_any_key: bool
    upload_prefix: bool

    @classmethod
    def from_settings(
        cls, settings: ProviderSettings, endpoint: Endpoint, preset: Preset
    ) -> Setup:
        """Work out what the settings mean.

        :param preset: what is known of the store.
        :raises ConfigError: they contradict each other.
        """
        _check_credentials(settings)
        encryption = settings.get("encryption") or (
            "AES256" if endpoint.is_amazon else "none"
        )
        region = settings["region"]
        abroad = endpoint.is_amazon and region not in (None, "us-east-1")
        return cls(
            bucket=settings.bucket,
            location=f"s3://{endpoint.netloc or region or 'amazonaws.com'}",
            capabilities=_capabilities(settings, endpoint, encryption, preset),
            write_parameters=_write_parameters(settings, encryption),
            sign_payload=bool(settings["payload_signing"]),
            location_constraint=region if abroad else None,
            encode_listings=preset.encode_listings,
            conditional_writes=settings.get("conditional_writes") or "no",
            conditional_complete=settings.get("conditional_complete") or "no",
            copy_conditions=preset.copy_conditions,
            part_copy_any_key=preset.part_copy_any_key,
            upload_prefix=preset.upload_prefix,
        )


def _check_credentials(settings: ProviderSettings) -> None:
    if bool(settings["access_key"]) != bool(settings["secret_key"]):
        missing = "secret_key" if settings["access_key"] else "access_key"
        raise ConfigError(
            "access_key and secret_key belong together", option=missing
        )
    if settings["session_token"] and not settings["access_key"]:
        raise ConfigError(
            "a session token needs access_key and secret_key",
            option="session_token",
        )
    if settings["profile"] and settings["access_key"]:
        raise ConfigError(
            "profile and access_key exclude each other", option="profile"
        )


def _write_parameters(
    settings: ProviderSettings, encryption: str
) -> dict[str, str]:
    parameters = {}
    if settings.get("kms_key_id") and encryption != "aws:kms":
        raise ConfigError(
            "kms_key_id needs encryption = aws:kms", option="kms_key_id"
        )
    if encryption != "none":
        parameters["ServerSideEncryption"] = encryption
    if settings.get("kms_key_id"):
        parameters["SSEKMSKeyId"] = settings["kms_key_id"]
    if settings["storage_class"]:
        parameters["StorageClass"] = settings["storage_class"]
    return parameters


def _capabilities(
    settings: ProviderSettings,
    endpoint: Endpoint,
    encryption: str,
    preset: Preset,
) -> Capabilities:
    writes = settings.get("conditional_writes")
    completes = settings.get("conditional_complete")
    return Capabilities(
        range_get=True,
        conditional_get=True,
        conditional_put=writes in ("yes", "create"),
        conditional_replace=writes == "yes",
        conditional_complete=completes in ("yes", "create"),
        conditional_complete_replace=completes == "yes",
        list_delimiter=True,
        etag_is_md5=settings["etag_is_md5"] and encryption != "aws:kms",
        part_copy=preset.part_copy,
        min_part_size=5 * _MIB,
        max_part_size=5 * _GIB,
        max_parts=preset.max_parts,
        max_object_size=5 * _GIB,
        max_key_bytes=1024,
        # Amazon's limit; other stores have other ones and say so.
        max_metadata_bytes=(
            2048 if endpoint.is_amazon else preset.max_metadata_bytes
        ),
        max_list_limit=lister.MAX_KEYS,
    )
