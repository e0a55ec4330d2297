# SPDX-License-Identifier: Apache-2.0
"""Configuration files and rings of the Swift clusters in the tests."""

from __future__ import annotations

import dataclasses
import getpass
import pathlib
import textwrap

from .ports import free_ports

KINDS = ("account", "container", "object")
DEVICE = "d1"
POLICIES = ("Policy-0", "silver")
#: (account, user, key, groups)
USERS = (
    ("test", "tester", "testing", ".admin"),
    ("test", "tester3", "testing3", ""),
    ("test2", "tester2", "testing2", ".admin"),
    ("admin", "admin", "admin", ".admin .reseller_admin"),
)
_PART_POWER = 4
_PIPELINE = (
    "catch_errors gatekeeper healthcheck proxy_logging cache "
    "listing_formats container_sync bulk tempurl ratelimit s3api tempauth "
    "staticweb copy container_quotas account_quotas slo dlo "
    "versioned_writes symlink proxy_logging proxy-server"
)
_INTERNAL_PIPELINE = "catch_errors proxy_logging cache symlink proxy-server"
_OPTIONS = {
    "cache": "use = egg:swift#memcache\nmemcache_servers = {memcached}\n",
    "s3api": "use = egg:swift#s3api\nlocation = us-east-1\n",
    "versioned_writes": (
        "use = egg:swift#versioned_writes\n"
        "allow_versioned_writes = true\nallow_object_versioning = true\n"
    ),
    "tempauth": "use = egg:swift#tempauth\n"
    + "".join(
        f"user_{account}_{user} = {key} {groups}\n"
        for account, user, key, groups in USERS
    ),
}


@dataclasses.dataclass(frozen=True)
class Node:
    """One storage node: an address and the ports of its servers."""

    number: int
    ports: dict[str, int]

    @property
    def ip(self) -> str:
        return f"127.0.0.{self.number}"


@dataclasses.dataclass(frozen=True)
class ClusterLayout:
    """Where everything of one cluster is."""

    base: pathlib.Path
    replicas: int
    proxy_port: int
    memcached_port: int
    rsync_port: int
    nodes: tuple[Node, ...]

    @classmethod
    def choose(
        cls, base: pathlib.Path, nodes: int, replicas: int
    ) -> ClusterLayout:
        """Take free ports for a new cluster."""
        hosts = ["127.0.0.1"] * 3 + [
            f"127.0.0.{n}" for n in range(1, nodes + 1) for _ in KINDS
        ]
        proxy, memcached, rsync, *rest = free_ports(hosts)
        return cls(
            base,
            replicas,
            proxy,
            memcached,
            rsync,
            tuple(
                Node(n + 1, dict(zip(KINDS, rest[3 * n :], strict=False)))
                for n in range(nodes)
            ),
        )

    @property
    def etc(self) -> pathlib.Path:
        return self.base / "etc"

    @property
    def rsyncd_conf(self) -> pathlib.Path:
        return self.etc / "rsyncd.conf"

    @property
    def proxy_conf(self) -> pathlib.Path:
        return self.etc / "proxy-server.conf"

    @property
    def internal_client_conf(self) -> pathlib.Path:
        return self.etc / "internal-client.conf"

    def devices(self, node: Node) -> pathlib.Path:
        return self.base / f"node{node.number}"

    def recon(self, node: Node) -> pathlib.Path:
        return self.base / f"recon{node.number}"

    def server_conf(self, kind: str, node: Node) -> pathlib.Path:
        return self.etc / f"{kind}-server" / f"{node.number}.conf"


def write_cluster(layout: ClusterLayout) -> None:
    """Write every file that the cluster needs to start."""
    layout.etc.mkdir(parents=True)
    for node in layout.nodes:
        (layout.devices(node) / DEVICE).mkdir(parents=True)
        layout.recon(node).mkdir()
        for kind in KINDS:
            conf = layout.server_conf(kind, node)
            conf.parent.mkdir(exist_ok=True)
            conf.write_text(_backend(layout, kind, node))
    (layout.etc / "swift.conf").write_text(_swift_conf())
    layout.proxy_conf.write_text(
        _pipeline_conf(layout, _PIPELINE, layout.proxy_port)
    )
    layout.internal_client_conf.write_text(
        _pipeline_conf(layout, _INTERNAL_PIPELINE, layout.proxy_port)
    )
    (layout.etc / "container-sync-realms.conf").write_text("[DEFAULT]\n")
    layout.rsyncd_conf.write_text(_rsyncd(layout))
    _write_rings(layout)


def _swift_conf() -> str:
    return (
        "[swift-hash]\n"
        "swift_hash_path_prefix = prefix\nswift_hash_path_suffix = suffix\n"
        + "".join(
            f"[storage-policy:{index}]\nname = {name}\n"
            + ("default = yes\n" if index == 0 else "")
            for index, name in enumerate(POLICIES)
        )
    )


def _defaults(layout: ClusterLayout, ip: str, port: int) -> str:
    return textwrap.dedent(f"""\
        [DEFAULT]
        swift_dir = {layout.etc}
        user = {getpass.getuser()}
        bind_ip = {ip}
        bind_port = {port}
        workers = 0
        log_address = {layout.base}/no-syslog
        disable_fallocate = true
        mount_check = false
    """)


def _backend(layout: ClusterLayout, kind: str, node: Node) -> str:
    daemon = (
        "interval = 1\n"
        f"recon_cache_path = {layout.recon(node)}\n"
        f"internal_client_conf_path = {layout.internal_client_conf}\n"
    )
    rsync_module = (
        f"rsync_module = rsync://127.0.0.1:{layout.rsync_port}"
        f"/{kind}{{replication_port}}\n"
    )
    sections = {
        "replicator": rsync_module,
        "auditor": "",
        "updater": "account_suppression_time = 1\n",
    }
    if kind == "container":
        sections |= {"sharder": _SHARDER, "sync": "", "reconciler": ""}
    if kind == "object":
        sections |= {"expirer": "dequeue_from_legacy = true\n"}
        sections["replicator"] += "sync_method = ssync\n"
    if kind == "account":
        sections |= {"reaper": ""}
    return (
        _defaults(layout, node.ip, node.ports[kind])
        + f"devices = {layout.devices(node)}\n"
        + f"[pipeline:main]\npipeline = {kind}-server\n"
        + f"[app:{kind}-server]\nuse = egg:swift#{kind}\n"
        + "".join(
            f"[{kind}-{name}]\n{daemon}{options}"
            for name, options in sections.items()
        )
    )


# Small enough that a test can fill a shard: five hundred rows in each.
_SHARDER = """\
auto_shard = true
shard_container_threshold = 1000
shrink_threshold = 100
expansion_limit = 750
minimum_shard_size = 100
rows_per_shard = 500
shard_scanner_batch_size = 10
cleave_batch_size = 100
"""


def _pipeline_conf(layout: ClusterLayout, pipeline: str, port: int) -> str:
    memcached = f"127.0.0.1:{layout.memcached_port}"
    filters = sorted(set(pipeline.split()) - {"proxy-server"})
    return (
        _defaults(layout, "127.0.0.1", port)
        + f"[pipeline:main]\npipeline = {pipeline}\n"
        + "[app:proxy-server]\nuse = egg:swift#proxy\n"
        + "account_autocreate = true\nallow_account_management = true\n"
        # A node that a test has stopped and started is used again at once.
        + "error_suppression_interval = 1\n"
        + "".join(
            f"[filter:{name}]\n"
            + _OPTIONS.get(name, f"use = egg:swift#{name}\n").format(
                memcached=memcached
            )
            for name in filters
        )
    )


def _rsyncd(layout: ClusterLayout) -> str:
    user = getpass.getuser()
    return textwrap.dedent(f"""\
        uid = {user}
        gid = {user}
        use chroot = no
        address = 127.0.0.1
        port = {layout.rsync_port}
        log file = {layout.base}/log/rsync.log
    """) + "".join(
        f"[{kind}{node.ports[kind]}]\nmax connections = 25\n"
        f"path = {layout.devices(node)}\nread only = false\n"
        f"lock file = {layout.base}/rsync-{kind}{node.number}.lock\n"
        for node in layout.nodes
        for kind in KINDS
    )


def _write_rings(layout: ClusterLayout) -> None:
    from swift.common.ring import RingBuilder

    for kind in KINDS:
        builder = RingBuilder(_PART_POWER, layout.replicas, 0)
        for node in layout.nodes:
            port = node.ports[kind]
            builder.add_dev(
                {
                    "region": 1,
                    "zone": node.number,
                    "ip": node.ip,
                    "port": port,
                    "replication_ip": node.ip,
                    "replication_port": port,
                    "device": DEVICE,
                    "weight": 1,
                }
            )
        builder.rebalance()
        builder.validate()
        policies = range(1, len(POLICIES)) if kind == "object" else ()
        for name in (kind, *(f"{kind}-{index}" for index in policies)):
            builder.get_ring().save(str(layout.etc / f"{name}.ring.gz"))
