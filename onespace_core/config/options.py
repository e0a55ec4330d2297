# SPDX-License-Identifier: Apache-2.0
"""Every option of the configuration file, but those of providers.

Help, type, unit, range and default are written here and nowhere else: the
sample file, ``check-config`` and the model take them from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from oslo_config import cfg, types

from onespace_core.config.policy import (
    ALL_CONTAINERS,
    MAPPING_ONLY_OPTS,
    MODES,
    POLICY_OPTS,
)
from onespace_core.config.tuning import TUNING_OPTS
from onespace_core.config.types import AbsolutePath, Duration, Name

__all__ = [
    "ALL_CONTAINERS",
    "GLOBAL_OPTS",
    "MAPPING_ONLY_OPTS",
    "MODES",
    "POLICY_OPTS",
    "PROVIDER_OPT",
    "TUNING_OPTS",
    "list_opts",
]

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
        help="Objects of one mapping that are handled at the same time;"
        " also the connections it keeps to its store.",
    ),
    cfg.IntOpt(
        "container_workers",
        default=10,
        min=1,
        max=1024,
        help="Containers of one mapping that are looked at at the same time.",
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
