# SPDX-License-Identifier: Apache-2.0
"""What is known of stores that speak S3's protocol.

Where each fact comes from, and which were proved against a running server,
is in ``docs/s3-stores.rst``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from onespace_core.provider import ProviderSettings
from onespace_s3.endpoint import Endpoint


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """Defaults for one kind of store; what an operator writes wins.

    :param conditional_writes: value of that option.
    :param conditional_complete: value of that option.
    :param region: value of that option.
    :param region_domain: the region is the second label of a host
        ``s3.REGION.DOMAIN``; this is the domain.
    :param max_metadata_bytes: of all user metadata; None means unknown.
    :param encode_listings: ask for keys in listings as URL-encoded.
    :param copy_conditions: copies keep conditions on their source.
    :param part_copy: parts can be copied from objects.
    :param part_copy_any_key: also from one with ``%`` or ``?`` in its key.
    :param max_parts: of one upload.
    :param upload_prefix: a listing of uploads takes any prefix.
    """

    conditional_writes: str = "no"
    conditional_complete: str = "no"
    region: str | None = None
    region_domain: str | None = None
    max_metadata_bytes: int | None = None
    encode_listings: bool = True
    copy_conditions: bool = False
    part_copy: bool = True
    part_copy_any_key: bool = False
    max_parts: int = 10_000
    upload_prefix: bool = True

    def applied(
        self, settings: ProviderSettings, endpoint: Endpoint
    ) -> ProviderSettings:
        """Return settings whose options without a value are filled in."""
        defaults = {
            "conditional_writes": self.conditional_writes,
            "conditional_complete": self.conditional_complete,
            "region": self.region or self._region_of(endpoint),
        }
        options = dict(settings)
        for name, value in defaults.items():
            if name in options and options[name] is None:
                options[name] = value
        return ProviderSettings(options, bucket=settings.bucket)

    def _region_of(self, endpoint: Endpoint) -> str | None:
        if self.region_domain is None or endpoint.host is None:
            return None
        head, _, rest = endpoint.host.partition(".")
        region, _, domain = rest.partition(".")
        if head == "s3" and domain == self.region_domain:
            return region
        return None


#: Nothing is known: what is not claimed cannot be wrong.
UNKNOWN = Preset()

#: Amazon's own.
AMAZON = Preset(
    conditional_writes="yes",
    conditional_complete="yes",
    copy_conditions=True,
    part_copy_any_key=True,
)

#: By value of the option ``preset``.
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "radosgw": Preset(conditional_writes="yes"),
        "minio": Preset(
            conditional_writes="yes",
            conditional_complete="yes",
            copy_conditions=True,
            part_copy_any_key=True,
            upload_prefix=False,
        ),
        "swift-s3api": Preset(
            conditional_writes="create",
            conditional_complete="create",
            copy_conditions=True,
            part_copy_any_key=True,
            max_parts=1000,
        ),
        "wasabi": Preset(region_domain="wasabisys.com"),
        "b2": Preset(region_domain="backblazeb2.com"),
        "r2": Preset(
            conditional_writes="yes",
            conditional_complete="yes",
            copy_conditions=True,
            part_copy_any_key=True,
            region="auto",
            max_metadata_bytes=8192,
        ),
        "ovh": Preset(
            conditional_writes="yes", region_domain="io.cloud.ovh.net"
        ),
    }
)

#: Google's XML API with HMAC keys. It has generations for conditions of
#: writes, not S3's headers.
GOOGLE = Preset(
    region="auto",
    max_metadata_bytes=8192,
    encode_listings=False,
    part_copy=False,
)
