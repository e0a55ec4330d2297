# SPDX-License-Identifier: Apache-2.0
"""Every option of the configuration file, but those of providers.

Help, type, unit, range and default are written here and nowhere else: the
sample file, ``check-config`` and the model take them from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from oslo_config import cfg, types

from onespace_core.config.types import (
    AbsolutePath,
    Duration,
    JsonObject,
    Name,
    Pattern,
)

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

#: Options of ``[DEFAULT]``.
GLOBAL_OPTS: Sequence[cfg.Opt] = (
    cfg.Opt(
        "swift_dir",
        type=AbsolutePath(),
        default="/etc/swift",
        help="Folder with Swift's rings and swift.conf.",
    ),
    cfg.Opt(
        "devices",
        type=AbsolutePath(),
        default="/srv/node",
        help="Folder below which Swift's devices are mounted.",
    ),
    cfg.Opt(
        "state_dir",
        type=AbsolutePath(),
        default="/var/lib/onespace",
        help="Folder of what onespace has to remember: how far it came, and"
        " what it has to do again. Keep it on a disk that survives a"
        " restart.",
    ),
    cfg.BoolOpt(
        "mount_check",
        default=False,
        help="Leave devices alone that are not mounted.",
    ),
    cfg.Opt(
        "swift_bind_ip",
        type=types.IPAddress(),
        default="0.0.0.0",  # noqa: S104 - compared with the ring only
        help="Address of this node in the container ring. 0.0.0.0 means any"
        " address of this host.",
    ),
    cfg.Opt(
        "internal_client_path",
        type=AbsolutePath(),
        help="Paste configuration of Swift's internal client. Needed where"
        " the cluster encrypts at rest: the pipeline then needs keymaster"
        " and encryption. Unset means a pipeline of onespace's own.",
    ),
    cfg.Opt(
        "poll_interval",
        type=Duration(min=0.01, max=86400),
        default=0.5,
        help="Least time between the starts of two looks at a container.",
    ),
    cfg.Opt(
        "discovery_interval",
        type=Duration(min=0.1, max=86400),
        default=30.0,
        help="Least time between two looks for new containers and shards.",
    ),
    cfg.Opt(
        "verification_slack",
        type=Duration(max=30 * 86400),
        default=3600.0,
        help="How old a row is before this node does it in place of the"
        " node whose share it is.",
    ),
    cfg.IntOpt(
        "items_chunk",
        default=1000,
        min=1,
        max=100000,
        help="Rows that are read from a container database at a time.",
    ),
    cfg.IntOpt(
        "workers",
        default=16,
        min=1,
        max=1024,
        help="Objects that are handled at the same time, all mappings"
        " together.",
    ),
    cfg.IntOpt(
        "container_workers",
        default=10,
        min=1,
        max=1024,
        help="Containers that are looked at at the same time.",
    ),
    cfg.Opt(
        "retry_deadline",
        type=Duration(max=86400),
        default=60.0,
        help="How long one call to a store is repeated while its failure"
        " may pass. After that the object waits in the ledger.",
    ),
    cfg.Opt(
        "retry_max_delay",
        type=Duration(min=1, max=7 * 86400),
        default=3600.0,
        help="Longest time that a failed object waits for its next try.",
    ),
    cfg.Opt(
        "stop_timeout",
        type=Duration(max=86400),
        default=30.0,
        help="How long a stopping daemon waits for what is under way.",
    ),
    cfg.Opt(
        "log_file",
        type=AbsolutePath(),
        help="File to log to. Unset means none.",
    ),
    cfg.StrOpt(
        "log_level",
        default="info",
        choices=[
            ("debug", "everything, for a search"),
            ("info", "what is done, in sum"),
            ("warning", "what should not be so"),
            ("error", "what was not done"),
        ],
        help="Least severity that is logged.",
    ),
    cfg.BoolOpt("console", default=True, help="Log to standard error."),
    cfg.BoolOpt("use_syslog", default=False, help="Log to syslog."),
    cfg.Opt(
        "syslog_address",
        type=Name("path or host:port"),
        default="/dev/log",
        help="Where syslog listens: a socket's path, or host:port for UDP.",
    ),
    cfg.Opt(
        "statsd_host",
        type=types.HostAddress(),
        help="Host of a statsd that counters are sent to. Unset means none.",
    ),
    cfg.PortOpt(
        "statsd_port", default=8125, min=1, help="UDP port of statsd_host."
    ),
    cfg.Opt(
        "statsd_prefix",
        type=Name("text"),
        help="What every name at statsd starts with. Unset means nothing.",
    ),
    cfg.StrOpt(
        "http_proxy",
        secret=True,
        help="Proxy for stores that are reached by http, http://host:port."
        " Secret, because it may have a password in it.",
    ),
    cfg.StrOpt(
        "https_proxy",
        secret=True,
        help="Proxy for stores that are reached by https, http://host:port."
        " Secret, because it may have a password in it.",
    ),
    cfg.ListOpt(
        "config_source",
        default=[],
        help="Sections that describe drivers of oslo.config, such as"
        " castellan's; they are asked for secrets that are given nowhere"
        " else.",
    ),
)

#: The option of ``[credentials:...]`` that says what the others are.
PROVIDER_OPT: cfg.Opt = cfg.Opt(
    "provider",
    type=Name("provider"),
    required=True,
    help="Kind of store; `onespace providers` lists those installed.",
)

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


def list_opts() -> list[tuple[Any, list[cfg.Opt]]]:
    """Return all options by section, for ``oslo-config-generator``.

    The sections of the sample are named ``example``; those of providers
    carry the provider's name. Providers that are installed but cannot be
    loaded are left out.
    """
    from onespace_core.provider.errors import PluginError
    from onespace_core.provider.registry import Registry

    groups: list[tuple[Any, list[cfg.Opt]]] = [
        ("DEFAULT", list(GLOBAL_OPTS)),
        (_group("mapping:example", _MAPPING_HELP), list(MAPPING_ONLY_OPTS)),
        (_group("profile:example", _PROFILE_HELP), list(POLICY_OPTS)),
    ]
    registry = Registry()
    for name in registry.names():
        try:
            provider = registry.load(name)
        except PluginError:
            continue
        groups.extend(_provider_groups(name, provider))
    return groups


_MAPPING_HELP = (
    "One mapping: a local container and where it goes. There may be any"
    " number, each with a name of its own. Every option of its profile may"
    " be given here as well, and then counts in place of the profile's."
)
_PROFILE_HELP = "A policy that mappings share by profile = example."


def _group(name: str, text: str) -> cfg.OptGroup:
    return cfg.OptGroup(name, help=text)


def _provider_groups(
    name: str, provider: Any
) -> Iterator[tuple[Any, list[cfg.Opt]]]:
    which = cfg.Opt(
        PROVIDER_OPT.name,
        type=PROVIDER_OPT.type,
        default=name,
        help=PROVIDER_OPT.help,
    )
    yield (
        _group(
            f"credentials:example-{name}",
            f"A remote store of the kind {name}. A secret SECRET may be given"
            " as SECRET_file = /path/to/file instead, or by the environment.",
        ),
        [which, *provider.OPTS],
    )
    if provider.TARGET_OPTS:
        yield (
            _group(
                f"profile:example-{name}",
                f"What a profile or mapping may have besides, where its"
                f" credentials are for {name}.",
            ),
            list(provider.TARGET_OPTS),
        )
