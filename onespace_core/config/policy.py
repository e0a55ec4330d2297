# SPDX-License-Identifier: Apache-2.0
"""The options of profiles and mappings; see :mod:`.options`."""

from __future__ import annotations

from collections.abc import Sequence

from oslo_config import cfg

from onespace_core.config.types import Duration, JsonObject, Name, Pattern

#: Names of what a mapping can do, with what that is.
MODES = {
    "sync": "copy every change to the remote store",
    "lifecycle": "move objects there by policy (a later version)",
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

#: Options of ``[profile:...]`` and ``[mapping:...]``.
POLICY_OPTS: Sequence[cfg.Opt] = (
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
    cfg.BoolOpt(
        "propagate_delete",
        default=True,
        help="Delete the remote object when a client deletes the local one.",
    ),
    cfg.Opt(
        "exclude_pattern",
        type=Pattern(),
        help="Regular expression; objects whose names match from their"
        " start are left alone. Empty excludes nothing.",
    ),
    cfg.Opt(
        "copy_after",
        type=Duration(whole=True),
        default=0,
        help="How old an object is before it is copied. (A later version.)",
    ),
    cfg.BoolOpt(
        "retain_local",
        default=True,
        help="Keep the local object once the remote store has it. (False:"
        " a later version.)",
    ),
    cfg.BoolOpt(
        "retain_local_segments",
        default=False,
        help="Keep the segments of a large object whose manifest is not"
        " kept. (A later version.)",
    ),
    cfg.Opt(
        "selection_criteria",
        type=JsonObject(),
        help="Which objects are copied, by their headers. (A later version.)",
    ),
    cfg.Opt(
        "remote_delete_after",
        type=Duration(whole=True),
        default=0,
        help="Age at which the store deletes the copy, from the upload on;"
        " 0 means never. (A later version.)",
    ),
    cfg.Opt(
        "remote_delete_after_addition",
        type=Duration(whole=True),
        default=86400,
        help="How much longer segments live than remote_delete_after, so"
        " that they outlive their manifest. (A later version.)",
    ),
    cfg.BoolOpt(
        "propagate_expiration",
        default=False,
        help="Give the copy the X-Delete-At of the local object. (A later"
        " version.)",
    ),
    cfg.Opt(
        "propagate_expiration_offset",
        type=Duration(whole=True),
        default=0,
        help="What is added to a propagated X-Delete-At. (A later version.)",
    ),
    cfg.BoolOpt(
        "convert_dlo",
        default=False,
        help="Store a dynamic large object as a static one; for Swift. (A"
        " later version.)",
    ),
    cfg.IntOpt(
        "min_segment_size",
        default=0,
        min=0,
        max=5 << 30,
        help="Bytes that a remote segment has at least; smaller ones are"
        " joined. Needs convert_dlo; for Swift. (A later version.)",
    ),
    cfg.BoolOpt(
        "sync_container_metadata",
        default=False,
        help="Copy X-Container-Meta-* headers; for Swift. (A later version.)",
    ),
    cfg.BoolOpt(
        "sync_container_acl",
        default=False,
        help="Copy X-Container-Read and X-Container-Write as well; needs"
        " sync_container_metadata. (A later version.)",
    ),
    cfg.BoolOpt(
        "merge_namespaces",
        default=False,
        help="Show remote objects in local listings, and read them. (A"
        " later version.)",
    ),
    cfg.BoolOpt(
        "restore_object",
        default=False,
        help="Write an object back that was read from the remote store. (A"
        " later version.)",
    ),
)
