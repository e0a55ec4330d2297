# SPDX-License-Identifier: Apache-2.0
"""The options of profiles and mappings; see :mod:`.options`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oslo_config import cfg

from onespace_core.config.tuning import TUNING_OPTS
from onespace_core.config.types import (
    ClassAfter,
    Duration,
    Name,
    Pattern,
    Selection,
    Size,
)

#: Names of what a mapping can do, with what that is.
MODES = {
    "sync": "copy every change to the remote store",
    "lifecycle": "move objects there by policy",
    "migration": "pull objects from there (a later version)",
    "index": "index metadata (a later version)",
    "connector": "serve a cloud endpoint (a later version)",
}

#: ``container`` of a mapping that is for every container of its account.
ALL_CONTAINERS = "*"

#: Options of ``[mapping:...]`` alone.
MAPPING_ONLY_OPTS: Sequence[cfg.Opt] = (
    cfg.Opt(
        "profile",
        type=Name("name of a profile"),
        help="Section [profile:...] whose options hold where this section"
        " does not say otherwise.",
    ),
    cfg.Opt(
        "container",
        type=Name("container"),
        required=True,
        help="Local container, or * for every container of the account.",
    ),
)

_PLACE: Sequence[cfg.Opt] = (
    cfg.StrOpt(
        "mode",
        default="sync",
        choices=list(MODES.items()),
        help="What is done with the containers.",
    ),
    cfg.Opt(
        "credentials",
        type=Name("name of credentials"),
        required=True,
        help="Section [credentials:...] of the remote store.",
    ),
    cfg.Opt(
        "account",
        type=Name("account"),
        required=True,
        help="Local Swift account, such as AUTH_media.",
    ),
    cfg.Opt(
        "bucket",
        type=Name("bucket"),
        required=True,
        help="Remote bucket or container. With container = * and a store"
        " where each container has a bucket of its own (Swift), what their"
        " names start with.",
    ),
    cfg.StrOpt(
        "custom_prefix",
        help="What keys start with, in place of hash, account and"
        " container; not for container = *. Slashes at both ends do not"
        " count; empty means the bucket's root. Nothing else may live"
        " there.",
    ),
)

_FILTERS: Sequence[cfg.Opt] = (
    cfg.Opt(
        "include_pattern",
        type=Pattern(),
        help="Regular expression; only objects whose names match from their"
        " start are handled. Empty includes all.",
    ),
    cfg.Opt(
        "exclude_pattern",
        type=Pattern(),
        help="Regular expression; objects whose names match from their"
        " start are left alone, even if include_pattern matches. Empty"
        " excludes nothing.",
    ),
    cfg.Opt(
        "selection_criteria",
        type=Selection(),
        help="Which objects are copied, by their headers: a JSON object with"
        ' one name, {"header": "value"}, {"AND": [...]}, {"OR": [...]} or'
        ' {"NOT": {...}}.',
    ),
)

_LIFECYCLE: Sequence[cfg.Opt] = (
    cfg.BoolOpt(
        "propagate_delete",
        default=True,
        help="Delete the remote object when a client deletes the local one.",
    ),
    cfg.Opt(
        "copy_after",
        type=Duration(whole=True),
        default=0,
        help="How long an object has not been changed before it is copied.",
    ),
    cfg.BoolOpt(
        "retain_local",
        default=True,
        help="Keep the local object once the remote store has it. With mode"
        " = lifecycle the default is false.",
    ),
    cfg.BoolOpt(
        "retain_local_segments",
        default=True,
        help="Keep the segments of a large object whose manifest is not kept.",
    ),
)

_AGEING: Sequence[cfg.Opt] = (
    cfg.Opt(
        "remote_delete_after",
        type=Duration(whole=True),
        default=0,
        help="Age at which the store deletes the copy, from the upload on;"
        " 0 means never. For S3 whole days.",
    ),
    cfg.Opt(
        "remote_delete_after_addition",
        type=Duration(whole=True),
        default=86400,
        help="How much longer segments live than remote_delete_after, so"
        " that they outlive their manifest; for Swift.",
    ),
    cfg.BoolOpt(
        "propagate_expiration",
        default=False,
        help="Let the copy expire with the local object (X-Delete-At). At S3"
        " the time is only written beside the copy, as metadata.",
    ),
    cfg.Opt(
        "propagate_expiration_offset",
        type=Duration(whole=True),
        default=0,
        help="How much later than the local object the copy expires; needs"
        " propagate_expiration.",
    ),
    cfg.Opt(
        "storage_class_after",
        type=ClassAfter(),
        help="Age at which the store moves the copy to another storage"
        " class, and that class; for S3. Unset means never.",
    ),
)

_LARGE: Sequence[cfg.Opt] = (
    cfg.BoolOpt(
        "convert_dlo",
        default=True,
        help="Store a dynamic large object as a static one; for Swift. false"
        " is refused: such a copy is whatever its listing says.",
    ),
    cfg.Opt(
        "min_segment_size",
        type=Size(max=5 << 30),
        default=0,
        help="Size that a remote segment has at least; smaller ones are"
        " joined. Needs convert_dlo; for Swift.",
    ),
)

_CONTAINERS: Sequence[cfg.Opt] = (
    cfg.BoolOpt(
        "sync_container_metadata",
        default=False,
        help="Copy X-Container-Meta-* headers; for Swift.",
    ),
    cfg.BoolOpt(
        "sync_container_acl",
        default=False,
        help="Copy X-Container-Read and X-Container-Write as well; needs"
        " sync_container_metadata.",
    ),
)

_NAMESPACE: Sequence[cfg.Opt] = (
    cfg.BoolOpt(
        "merge_namespaces",
        default=False,
        help="Show remote objects in local listings, and read them.",
    ),
    cfg.BoolOpt(
        "restore_object",
        default=False,
        help="Write an object back that was read from the remote store.",
    ),
    cfg.StrOpt(
        "listing_on_remote_error",
        default="error",
        choices=[
            ("error", "503: nobody takes what is missing for deleted"),
            ("partial", "what is local, marked by X-Onespace-Partial"),
        ],
        help="With merge_namespaces: how a listing is answered while the"
        " remote store cannot be asked.",
    ),
)

#: Options of ``[profile:...]`` and ``[mapping:...]``.
POLICY_OPTS: Sequence[cfg.Opt] = (
    *_PLACE,
    *_FILTERS,
    *_LIFECYCLE,
    *_AGEING,
    *_LARGE,
    *_CONTAINERS,
    *_NAMESPACE,
    *TUNING_OPTS,
)


def default_of(opt: cfg.Opt, given: Mapping[str, Any]) -> Any:
    """Return the value of an option that is not given.

    :param given: values of options that are.
    """
    if opt.dest == "retain_local":
        # To move is not to keep; that is all the difference of the modes.
        return given.get("mode") != "lifecycle"
    return opt.default
