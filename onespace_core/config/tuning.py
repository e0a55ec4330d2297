# SPDX-License-Identifier: Apache-2.0
"""Options of a mapping that say how, not what; see :mod:`.policy`.

None of them counts for the fingerprint: a change makes nobody look at every
object again.
"""

from __future__ import annotations

from collections.abc import Sequence

from oslo_config import cfg

from onespace_core.config.types import Duration, Size

_MIB, _GIB = 1 << 20, 1 << 30
#: S3's limits of a part, and of what is sent in one request.
_LEAST_PART, _LARGEST = 5 * _MIB, 5 * _GIB

_RATES = (
    cfg.FloatOpt(
        "requests_per_second",
        default=0,
        min=0,
        max=1_000_000,
        help="Requests that this node makes to the store for the mapping in"
        " a second, at most; retries count. Its workers share them, other"
        " nodes have as many again. 0 means no limit.",
    ),
    cfg.Opt(
        "bytes_per_second",
        type=Size(max=1 << 40),
        default=0,
        help="Bytes of objects that this node sends to and gets from the"
        " store for the mapping in a second, at most; retries count. Its"
        " workers share them, other nodes have as many again. 0 means no"
        " limit.",
    ),
)

_ORDER = (
    cfg.BoolOpt(
        "ordered",
        default=False,
        help="Do the changes of a container in the order of their"
        " timestamps, one after the other. Slower: one object that is large"
        " or fails holds up those after it.",
    ),
    cfg.Opt(
        "ordered_window",
        type=Duration(max=86400, whole=True),
        default=10,
        help="With ordered: how old a change is before it is done, so that"
        " an older one which replication brings later still goes first.",
    ),
)

_BREAKER = (
    cfg.IntOpt(
        "delete_breaker_share",
        default=50,
        min=0,
        max=100,
        help="Percent of a container's objects. When more than that are"
        " deleted within delete_breaker_window, no deletion of the mapping"
        " is propagated until 'onespace-sync --resume-deletes'. A few"
        " deletions never count as too many. 0 means no such limit.",
    ),
    cfg.IntOpt(
        "delete_breaker_number",
        default=0,
        min=0,
        max=1_000_000_000,
        help="Objects of the mapping. When more than that are deleted within"
        " delete_breaker_window, no deletion is propagated until"
        " 'onespace-sync --resume-deletes'. 0 means no such limit.",
    ),
    cfg.Opt(
        "delete_breaker_window",
        type=Duration(min=60, max=30 * 86400, whole=True),
        default=3600,
        help="Time over which deletions are counted for the two limits.",
    ),
)

_PARTS = (
    cfg.Opt(
        "multipart_threshold",
        type=Size(min=_LEAST_PART, max=_LARGEST),
        default=_LARGEST,
        help="Plain objects above this size are sent in parts, where the"
        " store takes parts. S3 takes none above 5G in one request.",
    ),
    cfg.Opt(
        "part_size",
        type=Size(min=_LEAST_PART, max=_LARGEST),
        default=64 * _MIB,
        help="Size of a part. S3 takes 10000 parts of an object.",
    ),
    cfg.IntOpt(
        "part_workers",
        default=4,
        min=1,
        max=32,
        help="Parts of one large object that are sent at the same time.",
    ),
    cfg.Opt(
        "upload_expiry",
        type=Duration(min=3600, max=365 * 86400, whole=True),
        default=7 * 86400,
        help="Age at which an upload in parts that nobody continues is"
        " aborted; the store charges for its parts until then.",
    ),
    cfg.Opt(
        "segment_grace",
        type=Duration(max=365 * 86400, whole=True),
        default=86400,
        help="How long a segment that nothing seems to need any more is kept"
        " before it is looked for once more and deleted.",
    ),
)

#: Options of ``[profile:...]`` and ``[mapping:...]`` besides the policy.
TUNING_OPTS: Sequence[cfg.Opt] = (*_RATES, *_ORDER, *_BREAKER, *_PARTS)
