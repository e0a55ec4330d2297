# SPDX-License-Identifier: Apache-2.0
"""Pointing Swift's libraries at the right configuration folder."""

from __future__ import annotations

import os

from onespace_core.provider.errors import ConfigError


def use_swift_dir(swift_dir: str) -> None:
    """Make Swift's libraries in this process use ``swift_dir``.

    Hash prefix, storage policies and constraints come from its
    ``swift.conf``. Swift reads it when its modules are imported; call this
    first, once, and before anything else of Swift is imported.

    :raises ConfigError: there is no usable ``swift.conf``.
    """
    path = os.path.join(swift_dir, "swift.conf")
    if not os.access(path, os.R_OK):
        raise ConfigError(
            f"{path} is missing or cannot be read",
            section="DEFAULT",
            option="swift_dir",
            hint="run on a Swift node, as the user that Swift runs as",
        )
    from swift.common import utils

    try:
        utils.set_swift_dir(swift_dir)
    except SystemExit as exc:
        raise ConfigError(
            f"{path} is not usable: {exc}",
            section="DEFAULT",
            option="swift_dir",
        ) from exc
    from swift.common import constraints, storage_policy

    constraints.reload_constraints()
    storage_policy.reload_storage_policies()
