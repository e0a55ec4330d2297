# SPDX-License-Identifier: Apache-2.0
"""What every layer starts from."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, ParamSpec, Self, TypeVar

from onespace_core.provider.base import Provider
from onespace_core.provider.body import Body, ObjectReader
from onespace_core.provider.protocols import PROTOCOLS, withholding
from onespace_core.provider.settings import ProviderSettings
from onespace_core.provider.types import (
    AccountInfo,
    BucketInfo,
    BucketPage,
    ByteRange,
    Capabilities,
    Conditions,
    KeyScheme,
    ObjectInfo,
    ObjectPage,
    PutResult,
)

P = ParamSpec("P")
T = TypeVar("T")


class Layer(Provider):
    """A provider around another one; this one changes nothing.

    Each of the nine goes through :meth:`around`, which is all that most
    layers override. The five derived methods are *not* forwarded: they run
    over the layer's own nine. A layer that changes requests would be passed
    by otherwise, and a key without its prefix is the wrong object. The price
    is that an inner provider's faster ones are not used.

    A layer offers just those optional protocols that its inner provider
    offers, and each of their methods goes through :meth:`around` as well,
    with the arguments in the protocol's order. ``list_uploads`` makes its
    requests as it is consumed, which is after ``around``.

    :param provider: where requests go; the layer owns and closes it.
    """

    def __new__(
        cls, provider: Provider, *_args: object, **_kwargs: object
    ) -> Self:
        """Make one of a class without what the provider does not offer."""
        withheld = [p for p in PROTOCOLS if not isinstance(provider, p)]
        kind: type[Self] = withholding(cls, frozenset(withheld))
        made: Self = super().__new__(kind)
        return made

    def __init__(self, provider: Provider) -> None:
        self.inner = provider

    @classmethod
    def from_settings(
        cls,
        settings: ProviderSettings,
        *,
        logger: logging.Logger,
        concurrency: int = 10,
    ) -> NoReturn:
        """Refuse: a layer is made around a provider.

        :raises TypeError: always.
        """
        del settings, logger, concurrency
        reason = f"{cls.__name__} is made around a provider, not of settings"
        raise TypeError(reason)

    def around(
        self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make one request; ``method.__name__`` says which.

        :param method: bound method of the inner provider.
        """
        return method(*args, **kwargs)

    @property
    def KEY_SCHEME(self) -> KeyScheme:  # type: ignore[override] # noqa: N802 - a constant of the class, an instance's own here
        """The inner provider's."""
        return self.inner.KEY_SCHEME

    @property
    def capabilities(self) -> Capabilities:
        """The inner provider's."""
        return self.inner.capabilities

    @property
    def location(self) -> str:
        """The inner provider's."""
        return self.inner.location

    def close(self) -> None:
        """Close the inner provider; twice is fine."""
        self.inner.close()

    def head_account(self) -> AccountInfo:
        """See :meth:`Provider.head_account`."""
        return self.around(self.inner.head_account)

    def list_buckets(
        self, *, prefix: str = "", marker: str = "", limit: int | None = None
    ) -> BucketPage:
        """See :meth:`Provider.list_buckets`."""
        return self.around(
            self.inner.list_buckets, prefix=prefix, marker=marker, limit=limit
        )

    def head_bucket(self, bucket: str | None = None) -> BucketInfo:
        """See :meth:`Provider.head_bucket`."""
        return self.around(self.inner.head_bucket, bucket)

    def list_objects(
        self,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        marker: str = "",
        limit: int | None = None,
        bucket: str | None = None,
    ) -> ObjectPage:
        """See :meth:`Provider.list_objects`."""
        return self.around(
            self.inner.list_objects,
            prefix=prefix,
            delimiter=delimiter,
            marker=marker,
            limit=limit,
            bucket=bucket,
        )

    def head_object(
        self,
        key: str,
        *,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectInfo:
        """See :meth:`Provider.head_object`."""
        return self.around(
            self.inner.head_object, key, conditions=conditions, bucket=bucket
        )

    def get_object(
        self,
        key: str,
        *,
        byte_range: ByteRange | None = None,
        conditions: Conditions | None = None,
        bucket: str | None = None,
    ) -> ObjectReader:
        """See :meth:`Provider.get_object`."""
        return self.around(
            self.inner.get_object,
            key,
            byte_range=byte_range,
            conditions=conditions,
            bucket=bucket,
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
        """See :meth:`Provider.put_object`."""
        return self.around(
            self.inner.put_object,
            key,
            body,
            metadata=metadata,
            content_type=content_type,
            system=system,
            conditions=conditions,
            bucket=bucket,
        )

    def post_object(
        self,
        key: str,
        metadata: Mapping[str, str],
        *,
        content_type: str | None = None,
        system: Mapping[str, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """See :meth:`Provider.post_object`."""
        self.around(
            self.inner.post_object,
            key,
            metadata,
            content_type=content_type,
            system=system,
            bucket=bucket,
        )

    def delete_object(
        self, key: str, *, bucket: str | None = None
    ) -> bool | None:
        """See :meth:`Provider.delete_object`."""
        return self.around(self.inner.delete_object, key, bucket=bucket)


def _forwarder(protocol: type, name: str) -> Callable[..., Any]:
    """Return the method by which a layer passes on a protocol's."""
    promised = getattr(protocol, name)
    signature = inspect.signature(promised)

    @functools.wraps(promised)
    def forward(self: Layer, *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(self, *args, **kwargs)
        inner = getattr(self.inner, name)
        return self.around(inner, *given.args[1:], **given.kwargs)

    return forward


for _protocol, _names in PROTOCOLS.items():
    for _name in _names:
        setattr(Layer, _name, _forwarder(_protocol, _name))
