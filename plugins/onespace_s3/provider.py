# SPDX-License-Identifier: Apache-2.0
"""S3 as a provider."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import ClassVar, Self

from onespace_core.provider import (
    AccountInfo,
    Body,
    BucketInfo,
    BucketPage,
    ByteRange,
    Conditions,
    ConfigError,
    NotSupported,
    ObjectInfo,
    ObjectPage,
    ObjectReader,
    PreconditionFailed,
    Provider,
    ProviderSettings,
    PutResult,
)
from onespace_s3 import buckets, info, lister, reader, request, writer
from onespace_s3.age_rules import LifecycleRules
from onespace_s3.endpoint import Endpoint
from onespace_s3.multipart import Multipart
from onespace_s3.options import (
    COMPATIBLE_OPTS,
    GOOGLE_OPTS,
    GOOGLE_TARGET_OPTS,
    S3_OPTS,
    TARGET_OPTS,
)
from onespace_s3.presets import AMAZON, GOOGLE, PRESETS, UNKNOWN, Preset
from onespace_s3.setup import Setup


class S3Provider(Multipart, LifecycleRules, Provider):
    """Amazon S3, or a store that behaves like it in every respect.

    Metadata that is not printable ASCII is written as encoded words (RFC
    2047); ``post_object`` copies the object onto itself. A missing bucket
    cannot be told from a missing object by ``head_object``. Parts of uploads
    that nobody completes or aborts stay, and cost money.

    One client is built for each instance and shared by all threads. Memory:
    one chunk of 64 KiB for each call in progress.

    """

    NAME: ClassVar[str] = "s3"
    OPTS = S3_OPTS
    TARGET_OPTS = TARGET_OPTS

    @classmethod
    def from_settings(
        cls,
        settings: ProviderSettings,
        *,
        logger: logging.Logger,  # noqa: ARG003 - nothing to log yet
        concurrency: int = 10,
    ) -> Self:
        """Build an instance; see the contract."""
        endpoint = Endpoint.parse(settings["endpoint"])
        preset = cls._preset(settings, endpoint)
        settings = preset.applied(settings, endpoint)
        setup = Setup.from_settings(settings, endpoint, preset)
        from onespace_s3.client import build_client

        client = build_client(
            settings,
            endpoint,
            concurrency,
            encode_listings=setup.encode_listings,
        )
        return cls(client, setup)

    @classmethod
    def _preset(cls, settings: ProviderSettings, endpoint: Endpoint) -> Preset:
        """Return what is known of the store."""
        del settings
        return AMAZON if endpoint.is_amazon else UNKNOWN

    # -- accounts and buckets ---------------------------------------------

    def head_account(self) -> AccountInfo:
        """Count the buckets, which is all that S3 can tell."""
        with self._translate("head_account", None):
            page = lister.list_buckets(self._client)
        return AccountInfo(bucket_count=len(page.buckets))

    def list_buckets(
        self, *, prefix: str = "", marker: str = "", limit: int | None = None
    ) -> BucketPage:
        """List the account's buckets; see the contract."""
        with self._translate("list_buckets", None):
            return lister.list_buckets(
                self._client, prefix=prefix, marker=marker, limit=limit
            )

    def head_bucket(self, bucket: str | None = None) -> BucketInfo:
        """Ask whether a bucket is there, which is all that S3 can tell."""
        with self._on_bucket("head_bucket", bucket) as name:
            self._client.head_bucket(Bucket=name)
            return BucketInfo(name=name)

    def create_bucket(
        self,
        bucket: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """Create a bucket in the region; see ``BucketAdmin``.

        :raises NotSupported: metadata, which buckets do not have here.
        """
        with self._on_bucket("create_bucket", bucket) as name:
            if metadata:
                raise NotSupported("an S3 bucket has no metadata")
            return buckets.create(
                self._client, name, self._setup.location_constraint
            )

    def delete_bucket(self, bucket: str | None = None) -> None:
        """Delete an empty bucket; see ``BucketAdmin``."""
        with self._on_bucket("delete_bucket", bucket) as name:
            buckets.delete(self._client, name)

    def list_objects(
        self,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        marker: str = "",
        limit: int | None = None,
        bucket: str | None = None,
    ) -> ObjectPage:
        """List one page of objects; see the contract."""
        with self._on_bucket("list_objects", bucket) as name:
            return lister.list_objects(
                self._client,
                name,
                prefix=prefix,
                delimiter=delimiter,
                marker=marker,
                limit=limit,
                encode=self._setup.encode_listings,
            )

    # -- objects ----------------------------------------------------------

    def head_object(
        self,
        key: str,
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectInfo:
        """Return an object without its bytes; see the contract."""
        with self._on_object("head_object", bucket, key) as names:
            answer = self._client.head_object(
                **names, **info.condition_parameters(conditions)
            )
            return info.from_head(key, answer)

    def get_object(
        self,
        key: str,
        *,
        byte_range: ByteRange | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectReader:
        """Open an object for reading; see the contract."""
        with self._on_object("get_object", bucket, key) as names:
            answer = self._client.get_object(
                **names,
                **info.range_parameters(byte_range),
                **info.condition_parameters(conditions),
            )
            return reader.open_reader(
                key,
                answer,
                lambda: self._translate("get_object", names["Bucket"], key),
            )

    def put_object(
        self,
        key: str,
        body: Body,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> PutResult:
        """Write an object with one PUT; see the contract."""
        with self._on_object("put_object", bucket, key) as names:
            parameters = {
                **names,
                **self._setup.write_parameters,
                **request.header_parameters(
                    metadata, content_type, system, self.capabilities
                ),
                **request.write_conditions(
                    conditions,
                    self._setup.conditional_writes,
                    "PUT",
                    "conditional_writes",
                ),
            }
            request.check_size(body, self.capabilities.max_object_size)
            try:
                return writer.send(
                    self._client.put_object,
                    body,
                    parameters,
                    etag_is_md5=self.capabilities.etag_is_md5,
                    sign_payload=self._setup.sign_payload,
                )
            except self._client.exceptions.NoSuchKey as exc:
                # The answer to If-Match where there is nothing to match.
                raise PreconditionFailed("there is no object") from exc

    def delete_object(
        self, key: str, *, bucket: str | None = None
    ) -> bool | None:
        """Delete an object; S3 does not say whether it was there."""
        with self._on_object("delete_object", bucket, key) as names:
            try:
                self._client.delete_object(**names)
            except self._client.exceptions.NoSuchKey:
                return False
        return None


class S3CompatibleProvider(S3Provider):
    """A store that speaks S3's protocol and is not Amazon's.

    The same as :class:`S3Provider`, except that ``endpoint`` must be given
    and that conditions on writes are claimed only where the option
    ``conditional_writes`` says so: some stores ignore them silently.
    """

    NAME: ClassVar[str] = "s3-compatible"
    OPTS = COMPATIBLE_OPTS

    @classmethod
    def from_settings(
        cls,
        settings: ProviderSettings,
        *,
        logger: logging.Logger,
        concurrency: int = 10,
    ) -> Self:
        """Build an instance; see the contract.

        :raises ConfigError: there is no endpoint.
        """
        if not settings["endpoint"]:
            raise ConfigError(
                "a store that is not Amazon's has an endpoint",
                option="endpoint",
                hint="set it, or use provider = s3",
            )
        return super().from_settings(
            settings, logger=logger, concurrency=concurrency
        )

    @classmethod
    def _preset(cls, settings: ProviderSettings, endpoint: Endpoint) -> Preset:
        del endpoint
        return PRESETS.get(settings["preset"] or "", UNKNOWN)


class GoogleInteropProvider(S3Provider):
    """Google Cloud Storage by its XML API, with HMAC keys.

    Google keeps conditions on writes by generations, not by S3's headers:
    none is claimed. It encrypts whatever it stores. Listings are not
    URL-encoded, so that one with a key that XML cannot hold (a control
    character) fails as a whole. Parts cannot be copied from objects.
    """

    NAME: ClassVar[str] = "gcs-interop"
    OPTS = GOOGLE_OPTS
    TARGET_OPTS = GOOGLE_TARGET_OPTS

    # Its lifecycle rules are another document: no AgeRules.
    put_age_rule = None  # type: ignore[assignment]
    drop_age_rule = None  # type: ignore[assignment]

    @classmethod
    def _preset(cls, settings: ProviderSettings, endpoint: Endpoint) -> Preset:
        del settings, endpoint
        return GOOGLE
