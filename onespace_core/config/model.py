# SPDX-License-Identifier: Apache-2.0
"""What a configuration file means: frozen values for all other rooms.

Times are in seconds, sizes in bytes. No ``repr`` here has a secret in it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from typing import Any

from onespace_core.config import options, remote
from onespace_core.provider.errors import ConfigError
from onespace_core.provider.settings import ProviderSettings
from onespace_core.provider.types import KeyScheme

#: Change this where a default changes its meaning, so that fingerprints do.
_FINGERPRINT_VERSION = 1
_DAY = 86400


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The options of ``[DEFAULT]``; see their help in ``options.py``."""

    swift_dir: str = "/etc/swift"
    devices: str = "/srv/node"
    state_dir: str = "/var/lib/onespace"
    mount_check: bool = False
    swift_bind_ip: str = "0.0.0.0"  # noqa: S104 - compared with the ring only
    internal_client_path: str | None = None
    poll_interval: float = 0.5
    discovery_interval: float = 30.0
    verification_slack: float = 3600.0
    items_chunk: int = 1000
    workers: int = 16
    container_workers: int = 10
    retry_deadline: float = 60.0
    retry_max_delay: float = 3600.0
    stop_timeout: float = 30.0
    log_file: str | None = None
    log_level: str = "info"
    console: bool = True
    use_syslog: bool = False
    syslog_address: str = "/dev/log"
    statsd_host: str | None = None
    statsd_port: int = 8125
    statsd_prefix: str | None = None
    http_proxy: str | None = dataclasses.field(default=None, repr=False)
    https_proxy: str | None = dataclasses.field(default=None, repr=False)
    config_source: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Mapping:
    """A local container, or all of an account, and where it goes.

    :param name: of the section ``[mapping:name]``.
    :param account: local Swift account.
    :param container: local container, or ``*``; see :attr:`per_account`.
    :param bucket: remote bucket, or the beginning of remote containers'
        names.
    :param provider: name of the provider.
    :param credentials: name of the section ``[credentials:name]``.
    :param key_scheme: the provider's, for
        :func:`onespace_core.namespace.keys.layout_for`.
    :param settings: what the provider is built from; has the secrets.
    :param identity: the options of ``settings`` that say where and how
        objects are stored, as sorted pairs of name and text; only those
        that are not at their default.
    :param custom_prefix: as written; None means none, empty the root.
    :param include_pattern: use its ``match``; None includes all.
    :param exclude_pattern: likewise; None excludes nothing. It wins.
    :param retain_local: this is what decides whether local objects go, not
        ``mode``.
    :param selection_criteria: canonical text for
        :meth:`onespace_core.sync.select.Criteria.parse`; None asks nothing.
    :param storage_class_after: seconds (whole days) and class; None means
        never.
    :param requests_per_second: 0 means no limit.
    :param bytes_per_second: likewise.

    The others are the options of the same name.
    """

    name: str
    mode: str = "sync"
    account: str
    container: str
    bucket: str
    provider: str
    credentials: str = ""
    key_scheme: KeyScheme = KeyScheme.HASHED
    settings: ProviderSettings = dataclasses.field(hash=False)
    identity: tuple[tuple[str, str], ...] = ()
    custom_prefix: str | None = None
    include_pattern: re.Pattern[str] | None = None
    exclude_pattern: re.Pattern[str] | None = None
    selection_criteria: str | None = None
    propagate_delete: bool = True
    copy_after: int = 0
    retain_local: bool = True
    retain_local_segments: bool = True
    remote_delete_after: int = 0
    remote_delete_after_addition: int = 86400
    propagate_expiration: bool = False
    propagate_expiration_offset: int = 0
    storage_class_after: tuple[int, str] | None = None
    convert_dlo: bool = True
    min_segment_size: int = 0
    sync_container_metadata: bool = False
    sync_container_acl: bool = False
    merge_namespaces: bool = False
    restore_object: bool = False
    listing_on_remote_error: str = "error"
    requests_per_second: float = 0
    bytes_per_second: int = 0
    ordered: bool = False
    ordered_window: int = 10
    delete_breaker_share: int = 50
    delete_breaker_number: int = 0
    delete_breaker_window: int = 3600
    multipart_threshold: int = 5 << 30
    part_size: int = 64 << 20
    part_workers: int = 4
    upload_expiry: int = 7 * _DAY
    segment_grace: int = _DAY

    @property
    def per_account(self) -> bool:
        """Whether it is for every container of the account."""
        return self.container == options.ALL_CONTAINERS

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of everything that decides what goes where.

        When it changes, every object has to be looked at again. Names of
        sections, secrets, :data:`TUNING` and the mapping's own tuning
        (``options.TUNING_OPTS``) do not count. An option at its
        default does not count either, so that one which a later version
        brings changes no fingerprint.
        """
        policy = {
            opt.dest: _text(getattr(self, opt.dest))
            for opt in options.POLICY_OPTS
            if opt.dest not in _NOT_POLICY
            and getattr(self, opt.dest) != opt.default
        }
        whole = [
            _FINGERPRINT_VERSION,
            [self.account, self.container, self.provider, self.bucket],
            sorted(policy.items()),
            list(self.identity),
        ]
        text = json.dumps(whole, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


_NOT_POLICY = frozenset(
    {"account", "bucket", "credentials"}
    # What readers see; it says nothing of what goes where.
    | {"merge_namespaces", "restore_object", "listing_on_remote_error"}
    | {opt.dest for opt in options.TUNING_OPTS}
)

#: Options of providers that say how fast or by which way a store is
#: reached, not what is stored where. Besides these, options with
#: ``secret=True`` or ``advanced=True`` stay out of the fingerprint.
TUNING = frozenset(
    {
        "addressing_style",
        "ca_bundle",
        "connect_timeout",
        "endpoint_type",
        "insecure",
        "payload_signing",
        "read_timeout",
        "signature_version",
        "verify_tls",
    }
)


def identity_of(
    opts: Any, settings: ProviderSettings
) -> tuple[tuple[str, str], ...]:
    """Return the ``identity`` of :class:`Mapping`.

    :param opts: the provider's ``OPTS + TARGET_OPTS``.
    """
    left_out = TUNING | remote.login_options(settings)
    return tuple(
        sorted(
            (opt.dest, _text(settings[opt.dest]))
            for opt in opts
            if not (opt.secret or opt.advanced or opt.dest in left_out)
            and settings[opt.dest] != opt.default
        )
    )


def _text(value: Any) -> str:
    if isinstance(value, re.Pattern):
        return json.dumps(value.pattern)
    return json.dumps(value, default=str, sort_keys=True)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """A configuration file, as far as it can be used.

    :param path: where it was read.
    :param settings: of ``[DEFAULT]``; an option that is wrong there has its
        default.
    :param mappings: those without a problem, in the file's order.
    :param names: of all mappings, with a problem or without.
    :param credentials: names of all credentials, likewise.
    :param problems: everything that is wrong, in no special order.
    :param fatal: nothing may run, because ``[DEFAULT]`` has a problem.
    """

    path: str
    settings: Settings
    mappings: tuple[Mapping, ...]
    names: tuple[str, ...]
    credentials: tuple[str, ...]
    problems: tuple[ConfigError, ...]
    fatal: bool
