# SPDX-License-Identifier: Apache-2.0
"""What an operator chose for a mapping, as the engine needs it."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from onespace_core.namespace.keys import KeyLayout, layout_for
from onespace_core.provider import KeyScheme
from onespace_core.sync.select import Criteria
from onespace_core.sync.travel import ExpiryRules

if TYPE_CHECKING:
    from onespace_core.config import Mapping


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SyncPolicy:
    """See the options of the same names.

    :param exclude: object names to leave alone, matched from the start;
        None excludes nothing.
    :param include: the only names that are not left alone, likewise; None
        includes all.
    :param criteria: which objects are copied, by their headers; None: all.
    :param copy_after: seconds; an object is copied when it is older.
    :param min_segment_size: bytes; smaller segments are joined at another
        Swift, 0 joins none.
    :param segment_grace: seconds for which a segment that nothing refers to
        is safe at another Swift; 0 sweeps it at once.
    :param multipart_threshold: bytes; a plain object that is larger is sent
        in parts, where the store takes parts.
    :param part_size: bytes of its parts.
    :param part_workers: parts of one object that are sent side by side.
    """

    propagate_delete: bool = True
    exclude: re.Pattern[str] | None = None
    include: re.Pattern[str] | None = None
    criteria: Criteria | None = None
    copy_after: int = 0
    retain_local: bool = True
    expiry: ExpiryRules = dataclasses.field(default_factory=ExpiryRules)
    min_segment_size: int = 0
    segment_grace: int = 86400
    multipart_threshold: int = 5 << 30
    part_size: int = 64 << 20
    part_workers: int = 4


def policy_of(mapping: Mapping) -> SyncPolicy:
    """Return a mapping's policy, from its checked options."""
    criteria = mapping.selection_criteria
    return SyncPolicy(
        propagate_delete=mapping.propagate_delete,
        exclude=mapping.exclude_pattern,
        include=mapping.include_pattern,
        criteria=None if criteria is None else Criteria.parse(criteria),
        copy_after=mapping.copy_after,
        retain_local=mapping.retain_local,
        expiry=ExpiryRules(
            propagate=mapping.propagate_expiration,
            offset=mapping.propagate_expiration_offset,
            after=mapping.remote_delete_after,
            addition=mapping.remote_delete_after_addition,
        ),
        min_segment_size=mapping.min_segment_size,
        segment_grace=mapping.segment_grace,
        multipart_threshold=mapping.multipart_threshold,
        part_size=mapping.part_size,
        part_workers=mapping.part_workers,
    )


def layout_of(
    mapping: Mapping, scheme: KeyScheme, container: str
) -> KeyLayout:
    """Return where a container of a mapping is in the store.

    :param scheme: the provider's ``KEY_SCHEME``.
    """
    return layout_for(
        scheme,
        account=mapping.account,
        container=container,
        bucket=mapping.bucket,
        per_account=mapping.per_account,
        custom_prefix=mapping.custom_prefix,
    )
