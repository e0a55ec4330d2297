# SPDX-License-Identifier: Apache-2.0
"""A remote Swift through the provider contract."""

from __future__ import annotations

import logging
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from onespace_core.provider import (
    AccountInfo,
    Body,
    BucketInfo,
    BucketNotFound,
    BucketPage,
    ByteRange,
    Capabilities,
    Conditions,
    InvalidRequest,
    KeyScheme,
    ObjectInfo,
    ObjectPage,
    ObjectReader,
    Provider,
    ProviderSettings,
    PutResult,
)
from onespace_swift import headers, lister, manifest, options
from onespace_swift.auth import Authenticator, Credential, V1Authenticator
from onespace_swift.client import Client
from onespace_swift.copying import CopyCalls
from onespace_swift.errors import BadAnswer, Refused, translate
from onespace_swift.large import LargeObjectCalls
from onespace_swift.pool import Transport
from onespace_swift.reader import object_reader

_NOT_FOUND = 404
_CREATED = 201

_CAPABILITIES = Capabilities(
    range_get=True,
    conditional_get=True,
    conditional_put=True,
    list_delimiter=True,
    metadata_post=True,
    delete_reports_missing=True,
    account_stats=True,
    etag_is_md5=True,
    large_objects=True,
    object_expiry=True,
    # Swift's defaults (GET /info of a cluster says otherwise where it is).
    max_object_size=5 * 1024**3,
    # Of names it counts characters (1024), so there is no limit in bytes.
    max_key_bytes=None,
    max_metadata_bytes=4096,
    max_list_limit=lister.MAX_LIMIT,
)


class SwiftProvider(LargeObjectCalls, CopyCalls, Provider):
    """One account of an OpenStack Swift.

    Limits are the cluster's own; by default a metadata name has up to 128
    bytes, a value up to 256, an object up to 90 of them. A value that HTTP
    cannot carry (control characters, blanks at its ends) is kept as one
    encoded word of RFC 2047, which takes a third more.

    ``if_none_match="*"`` never replaces an object that was there when the
    PUT began. It is no lock: of two that begin at the same time both may
    succeed, and the later one stays (Swift looks before it reads the body).

    Built by :meth:`from_settings`.
    """

    OPTS: ClassVar[Sequence[Any]] = options.OPTS
    TARGET_OPTS: ClassVar[Sequence[Any]] = options.TARGET_OPTS
    KEY_SCHEME: ClassVar[KeyScheme] = KeyScheme.PLAIN

    def __init__(self, settings: ProviderSettings, client: Client) -> None:
        super().__init__(client, settings.bucket)
        self._storage_policy: str | None = settings["storage_policy"]
        self._location = _location(settings)

    @classmethod
    def from_settings(
        cls,
        settings: ProviderSettings,
        *,
        logger: logging.Logger,
        concurrency: int = 10,
    ) -> Self:
        """See :meth:`Provider.from_settings`.

        :raises ImportError: ``auth_type`` is Keystone and its client is not
            installed.
        """
        options.check(settings)
        transport = Transport(settings, concurrency=concurrency)
        credential = Credential(
            _authenticator(settings, transport),
            logger=logger,
            account=settings["remote_account"] or None,
        )
        client = Client(transport, credential, secrets=(settings["key"],))
        return cls(settings, client)

    @property
    def capabilities(self) -> Capabilities:
        """See :attr:`Provider.capabilities`."""
        return _CAPABILITIES

    @property
    def location(self) -> str:
        """``swift://`` with the login's host and the account, if it is set.

        Which account the login gives is not known before it.
        """
        return self._location

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._location}>"

    def close(self) -> None:
        """See :meth:`Provider.close`; calls after it raise StreamClosed."""
        self._client.close()

    # -- account and containers -------------------------------------------

    def head_account(self) -> AccountInfo:
        """See :meth:`Provider.head_account`."""
        with translate("head_account"):
            found, _ = self._client.call("HEAD", "")
        return AccountInfo(
            bucket_count=headers.number(found, "x-account-container-count"),
            object_count=headers.number(found, "x-account-object-count"),
            bytes_used=headers.number(found, "x-account-bytes-used"),
            headers=headers.without_secrets(found),
        )

    def list_buckets(
        self, *, prefix: str = "", marker: str = "", limit: int | None = None
    ) -> BucketPage:
        """See :meth:`Provider.list_buckets`; only an empty page is last."""
        with translate("list_buckets"):
            _, body = self._client.call(
                "GET",
                "",
                query=lister.query(prefix=prefix, marker=marker, limit=limit),
            )
            return lister.bucket_page(body)

    def head_bucket(self, bucket: str | None = None) -> BucketInfo:
        """See :meth:`Provider.head_bucket`."""
        with self._about_bucket("head_bucket", bucket) as name:
            found, _ = self._client.call("HEAD", headers.path(name))
            return headers.bucket_info(name, found)

    def list_objects(
        self,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        marker: str = "",
        limit: int | None = None,
        bucket: str | None = None,
    ) -> ObjectPage:
        """See :meth:`Provider.list_objects`; only an empty page is last."""
        with self._about_bucket("list_objects", bucket) as name:
            query = lister.query(
                prefix=prefix, marker=marker, limit=limit, delimiter=delimiter
            )
            path = headers.path(name)
            _, body = self._client.call("GET", path, query=query)
            return lister.object_page(body)

    def create_bucket(
        self,
        bucket: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> bool:
        """See :meth:`BucketAdmin.create_bucket`.

        :raises AlreadyExists: it is there, with another storage policy.
        :raises InvalidRequest: the store has no such storage policy.
        """
        with self._about_bucket("create_bucket", bucket) as name:
            more = headers.container_headers(metadata)
            if self._storage_policy:
                more["x-storage-policy"] = self._storage_policy.encode()
            path = headers.path(name)
            answer = self._client.open("PUT", path, headers=more)
            answer.read()
            return answer.status == _CREATED

    def post_bucket(
        self,
        metadata: Mapping[str, str],
        *,
        acl: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """See :meth:`BucketMetadata.post_bucket`.

        :raises InvalidRequest: a list that is neither ``read`` nor
            ``write``, or one that Swift does not understand; or a name of
            metadata that is not ASCII, with which Swift could not list the
            container any more. (It can be removed.)
        """
        with self._about_bucket("post_bucket", bucket) as name:
            more = {
                **headers.container_headers(metadata),
                **headers.acl_headers(acl),
            }
            self._client.call("POST", headers.path(name), headers=more)

    def delete_bucket(self, bucket: str | None = None) -> None:
        """See :meth:`BucketAdmin.delete_bucket`."""
        with self._about_bucket("delete_bucket", bucket) as name:
            try:
                self._client.call("DELETE", headers.path(name))
            except Refused as exc:
                if exc.status != _NOT_FOUND:
                    raise

    # -- objects ----------------------------------------------------------

    def head_object(
        self,
        key: str,
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectInfo:
        """See :meth:`Provider.head_object`."""
        with self._about_object("head_object", key, bucket) as path:
            found, _ = self._client.call(
                "HEAD", path, headers=headers.condition_headers(conditions)
            )
            size = headers.number(found, "content-length")
            if size is None:
                raise BadAnswer("no length")
            return headers.object_info(key, found, size)

    def get_object(
        self,
        key: str,
        *,
        byte_range: ByteRange | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectReader:
        """See :meth:`Provider.get_object`."""
        with self._about_object("get_object", key, bucket) as path:
            more = headers.condition_headers(conditions)
            if byte_range is not None:
                more["range"] = byte_range.header()
            return object_reader(
                self._client.open("GET", path, headers=more),
                bucket=self._name(bucket),
                key=key,
                ranged=byte_range is not None,
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
        """See :meth:`Provider.put_object`.

        The store compares ``body.md5``; where it is None, its ETag is
        compared with the MD5 of what was sent. Holds one chunk. An error
        that reading the body raises comes out as it was raised.
        """
        with self._about_object(
            "put_object", key, bucket, missing=BucketNotFound
        ) as path:
            if body.size is not None:
                _check_size(body.size)
            more: headers.Sent = {
                **headers.put_condition_headers(conditions),
                **headers.object_headers(metadata, content_type, system),
            }
            if body.md5 is not None:
                more["etag"] = body.md5
            answer = self._client.put(path, body, headers=more)
            return headers.put_result(answer)

    def post_object(
        self,
        key: str,
        metadata: Mapping[str, str],
        *,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """See :meth:`Provider.post_object`.

        POST turns a dynamic large object into its own empty manifest unless
        it says again what it is (Swift, "Large objects"). So a HEAD, of the
        newest replica and without its segments, looks first. Swift has no
        condition for POST: if the object is replaced between the two, the
        new one becomes what the old one was.
        """
        with self._about_object("post_object", key, bucket) as path:
            more = {
                **headers.metadata_headers(metadata),
                **headers.system_headers(content_type, system),
            }
            found, _ = self._client.call(
                "HEAD",
                path,
                query=manifest.AS_IT_IS,
                headers={"x-newest": "true"},
            )
            if headers.DYNAMIC in found:
                more[headers.DYNAMIC] = found[headers.DYNAMIC].encode()
            self._client.call("POST", path, headers=more)

    def delete_object(self, key: str, *, bucket: str | None = None) -> bool:
        """See :meth:`Provider.delete_object`.

        Of a large object the manifest alone. Only where the store says that
        there was none, a HEAD of the container finds out whether that is
        what is missing.
        """
        with self._about_object("delete_object", key, bucket) as path:
            try:
                self._client.call("DELETE", path)
            except Refused as exc:
                if exc.status != _NOT_FOUND:
                    raise
            else:
                return True
        with self._about_object(
            "delete_object", key, bucket, missing=BucketNotFound
        ):
            self._client.call("HEAD", headers.path(self._name(bucket)))
        return False


def _check_size(size: int) -> None:
    limit = _CAPABILITIES.max_object_size
    if limit is not None and size > limit:
        reason = f"{size} bytes are more than one PUT may have ({limit})"
        raise InvalidRequest(reason)


def _location(settings: Mapping[str, Any]) -> str:
    host = urllib.parse.urlsplit(settings["auth_url"]).netloc
    where = f"swift://{host.rpartition('@')[2]}"
    account = settings["remote_account"]
    return f"{where}/{account}" if account else where


def _authenticator(
    settings: Mapping[str, Any], transport: Transport
) -> Authenticator:
    if settings["auth_type"] in ("v1", "swift"):
        return V1Authenticator(
            transport,
            url=settings["auth_url"],
            user=settings["user"],
            key=settings["key"],
        )
    from onespace_swift.keystone import KeystoneAuthenticator

    return KeystoneAuthenticator(settings)
