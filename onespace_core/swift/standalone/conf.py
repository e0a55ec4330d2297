# SPDX-License-Identifier: Apache-2.0
"""Swift's configuration files for a standalone, as text.

Every server is in one process and on one disk, which changes what timeouts
mean: while one greenthread computes, no other runs, and a timer that fell
due meanwhile fires before its connection is looked at. So the limits on
waiting for ourselves are long, and the only device is never taken out of
service for errors.
"""

from __future__ import annotations

import base64
import dataclasses
import re

from onespace_core.swift.standalone.folder import Layout, write_file

#: The servers behind the proxy; also the names of their rings.
BACKENDS = ("account", "container", "object")

_NAME = re.compile(r"[^\s:/]+")
_KEY = re.compile(r"\S+")
_OPTION = re.compile(r"[a-z_]+")

_MIDDLEWARE = {
    "bulk": "",
    "catch_errors": "",
    "container_quotas": "",
    "account_quotas": "",
    "copy": "",
    "dlo": "",
    "gatekeeper": "",
    "healthcheck": "",
    "listing_formats": "",
    "proxy_logging": "",
    "s3api": "location = us-east-1\n",
    "slo": "",
    "staticweb": "",
    "symlink": "",
    # Without SHA-1, which Swift warns of.
    "tempurl": "allowed_digests = sha256 sha512\n",
    "versioned_writes": (
        "allow_versioned_writes = true\nallow_object_versioning = true\n"
    ),
}
_BEFORE_SHUNT = (
    "catch_errors gatekeeper healthcheck proxy_logging cache "
    "listing_formats bulk tempurl s3api tempauth staticweb copy "
)
_AFTER_SHUNT = (
    "container_quotas account_quotas slo dlo versioned_writes symlink "
    "proxy_logging proxy-server"
)
_WAITING = "conn_timeout = 10\nnode_timeout = 60\n"


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """Someone who may do everything in one account.

    :param key: the password, and the secret key for S3.
    """

    account: str
    user: str
    key: str = dataclasses.field(repr=False)

    @property
    def login(self) -> str:
        """``X-Auth-User`` for Swift, the access key for S3."""
        return f"{self.account}:{self.user}"


DEFAULT_USER = User("test", "tester", "testing")


def parse_user(text: str) -> User:
    """Read ``ACCOUNT:USER:KEY``; the key may hold colons.

    :raises ValueError: a part is missing or has characters that tempauth
        cannot take: white space, and ``/`` in the first two.
    """
    parts = text.split(":", 2)
    if (
        len(parts) != len(dataclasses.fields(User))
        or not _NAME.fullmatch(parts[0])
        or not _NAME.fullmatch(parts[1])
        or not _KEY.fullmatch(parts[2])
    ):
        # The text holds a key: it is not repeated.
        raise ValueError(
            "a user is given as ACCOUNT:USER:KEY, without white space"
        )
    # "%(" would be taken for a reference by the configuration's reader.
    if "%(" in parts[2]:
        raise ValueError("a key cannot hold '%('")
    return User(*parts)


def parse_option(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``, an option of a filter.

    :raises ValueError: it has not that form, or more than one line.
    """
    name, equals, value = text.partition("=")
    if not (_OPTION.fullmatch(name) and equals and value.isprintable()):
        raise ValueError("an option is given as NAME=VALUE")
    return name, value


def write_all(
    layout: Layout,
    users: tuple[User, ...],
    level: str,
    shunt: tuple[tuple[str, str], ...] = (),
) -> None:
    """Write the configuration of all servers and of internal clients.

    :param level: least severe log level that is shown, such as ``WARNING``.
    :param shunt: options of the shunt, such as ``conf_file``; without any
        it is not in the proxy's pipeline.
    """
    for kind in BACKENDS:
        write_file(layout.server_conf(kind), _backend(layout, kind, level))
    proxy = _proxy(layout, users, level, dict(shunt))
    write_file(layout.server_conf("proxy"), proxy)
    write_file(layout.internal_client_conf, _internal_client(layout, level))


def common_options(layout: Layout, level: str) -> dict[str, str]:
    """Return the options that every server and daemon takes."""
    return {
        "swift_dir": str(layout.etc),
        "devices": str(layout.devices),
        "recon_cache_path": str(layout.recon),
        "mount_check": "false",
        "disable_fallocate": "true",
        "log_level": level,
        "log_custom_handlers": (
            "onespace_core.swift.standalone.logs.log_to_stderr"
        ),
    }


def _section(name: str, options: str) -> str:
    return f"[{name}]\n{options}\n"


def _defaults(layout: Layout, level: str) -> str:
    options = common_options(layout, level).items()
    return _section(
        "DEFAULT", "".join(f"{name} = {value}\n" for name, value in options)
    )


def _backend(layout: Layout, kind: str, level: str) -> str:
    return (
        _defaults(layout, level)
        + _section("pipeline:main", f"pipeline = {kind}-server\n")
        + _section(
            f"app:{kind}-server",
            f"use = egg:swift#{kind}\n"
            f"{_WAITING}container_update_timeout = 30\n",
        )
    )


def _proxy_app(recheck: int) -> str:
    return _section(
        "app:proxy-server",
        "use = egg:swift#proxy\n"
        "account_autocreate = true\n"
        f"{_WAITING}"
        "error_suppression_interval = 0\n"
        f"recheck_account_existence = {recheck}\n"
        f"recheck_container_existence = {recheck}\n",
    )


def _filters(names: set[str]) -> str:
    return "".join(
        _section(f"filter:{name}", f"use = egg:swift#{name}\n{options}")
        for name, options in sorted(_MIDDLEWARE.items())
        if name in names
    ) + _section("filter:cache", "use = egg:onespace#local_cache\n")


def _proxy(
    layout: Layout,
    users: tuple[User, ...],
    level: str,
    shunt: dict[str, str],
) -> str:
    pipeline = _BEFORE_SHUNT + ("shunt " if shunt else "") + _AFTER_SHUNT
    options = "".join(f"{name} = {value}\n" for name, value in shunt.items())
    return (
        _defaults(layout, level)
        + _section("pipeline:main", f"pipeline = {pipeline}\n")
        # A daemon in another process may change a container.
        + _proxy_app(recheck=10)
        + _filters(set(pipeline.split()))
        + _section("filter:shunt", f"use = egg:onespace#shunt\n{options}")
        + _section(
            "filter:tempauth",
            "use = egg:swift#tempauth\n"
            + "".join(f"{_user_option(user)}\n" for user in users),
        )
    )


def _internal_client(layout: Layout, level: str) -> str:
    pipeline = "catch_errors cache symlink proxy-server"
    return (
        _defaults(layout, level)
        + _section("pipeline:main", f"pipeline = {pipeline}\n")
        + _proxy_app(recheck=2)
        + _filters(set(pipeline.split()))
    )


def _user_option(user: User) -> str:
    # Names in base64, as an underscore would split them.
    account, name = (
        base64.b64encode(text.encode()).decode().rstrip("=")
        for text in (user.account, user.user)
    )
    return f"user64_{account}_{name} = {user.key} .admin"
