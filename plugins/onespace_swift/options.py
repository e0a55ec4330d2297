# SPDX-License-Identifier: Apache-2.0
"""What an operator can set for a remote Swift, and what goes together."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from onespace_core.provider import ConfigError

#: Values of ``auth_type`` and what each needs beside ``auth_url``, ``user``
#: and ``key``. ``swift`` is 1space's word for ``v1``.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "v1": (),
    "swift": (),
    "keystone_v2": ("tenant_name",),
    "keystone_v3": (
        "project_name",
        "project_domain_name",
        "user_domain_name",
    ),
}
_ALWAYS = ("auth_url", "user", "key")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

OPTS = (
    cfg.StrOpt(
        "auth_url",
        help=(
            "Where to log in: http://HOST/auth/v1.0 for v1, "
            "http://HOST:5000/v3 for Keystone. In 1space: aws_endpoint."
        ),
    ),
    cfg.StrOpt(
        "user",
        help=(
            "User name; for v1 often ACCOUNT:USER. In 1space: aws_identity."
        ),
    ),
    cfg.StrOpt(
        "key",
        secret=True,
        help="Key or password of the user. In 1space: aws_secret.",
    ),
    cfg.StrOpt(
        "auth_type",
        default="v1",
        choices=[
            ("v1", "Swift's own (tempauth, swauth, Ceph)"),
            ("swift", "the same, as 1space calls it"),
            ("keystone_v2", "Keystone v2.0; needs tenant_name"),
            (
                "keystone_v3",
                f"Keystone v3; needs {', '.join(NEEDED['keystone_v3'])}",
            ),
        ],
        help="How to log in.",
    ),
    cfg.StrOpt("tenant_name", help="Tenant to log in to (Keystone v2.0)."),
    cfg.StrOpt("project_name", help="Project to log in to (Keystone v3)."),
    cfg.StrOpt(
        "project_domain_name", help="Domain of the project (Keystone v3)."
    ),
    cfg.StrOpt("user_domain_name", help="Domain of the user (Keystone v3)."),
    cfg.StrOpt(
        "region",
        help="Region of the object store; unset means the first (Keystone).",
    ),
    cfg.StrOpt(
        "endpoint_type",
        default="public",
        choices=["public", "internal", "admin"],
        help="Which of the object store's endpoints to use (Keystone).",
    ),
    cfg.StrOpt(
        "remote_account",
        help=(
            "Account to use instead of the one that the login names, such "
            "as AUTH_archive. The user needs rights in it."
        ),
    ),
    cfg.StrOpt(
        "ca_bundle",
        help=(
            "File of CA certificates in PEM that the servers' certificates "
            "are checked against; unset means the system's."
        ),
    ),
    cfg.BoolOpt(
        "insecure",
        default=False,
        help="Accept any certificate. Only for tests.",
    ),
    cfg.FloatOpt(
        "connect_timeout",
        default=10.0,
        min=0.1,
        max=600.0,
        help="Seconds to wait for a connection.",
    ),
    cfg.FloatOpt(
        "read_timeout",
        default=60.0,
        min=0.1,
        max=3600.0,
        help="Seconds to wait for the next bytes of an answer.",
    ),
    cfg.StrOpt(
        "proxy",
        secret=True,
        help=(
            "HTTP proxy to go through, http://[USER:PASSWORD@]HOST:PORT. "
            "The environment's http_proxy is not used."
        ),
    ),
)

TARGET_OPTS = (
    cfg.StrOpt(
        "storage_policy",
        help=(
            "Storage policy of containers that onespace creates there; "
            "unset means the cluster's default."
        ),
    ),
)


def check(settings: Mapping[str, Any]) -> None:
    """Check that the settings can be used together.

    :param settings: a value for every option of :data:`OPTS`.
    :raises ConfigError: something is missing (all of it is named) or cannot
        be used; values of secret options are never shown.
    """
    auth_type = settings["auth_type"]
    if auth_type not in NEEDED:
        raise ConfigError(
            f"{auth_type!r} is not a way to log in",
            option="auth_type",
            hint=f"one of {', '.join(NEEDED)}",
        )
    names = _ALWAYS + NEEDED[auth_type]
    missing = [name for name in names if not settings[name]]
    if missing:
        raise ConfigError(
            f"auth_type {auth_type} needs {', '.join(missing)}",
            option=missing[0] if len(missing) == 1 else None,
        )
    for name in names:
        if _CONTROL.search(settings[name]):
            raise ConfigError("has a control character", option=name)
    _check_url(settings, "auth_url", ("http", "https"))
    if settings["proxy"]:
        _check_url(settings, "proxy", ("http", "https"))
    account = settings["remote_account"]
    if account and ("/" in account or _CONTROL.search(account)):
        raise ConfigError(
            "an account has neither slashes nor control characters",
            option="remote_account",
            hint="such as AUTH_archive",
        )


def _check_url(
    settings: Mapping[str, Any], name: str, schemes: tuple[str, ...]
) -> None:
    try:
        parts = urllib.parse.urlsplit(settings[name])
        usable = parts.scheme in schemes and bool(parts.hostname)
        _ = parts.port  # raises for a port that is not a number
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            "is not a URL that can be used",
            option=name,
            hint=f"it begins with {' or '.join(f'{s}://' for s in schemes)}",
        )
