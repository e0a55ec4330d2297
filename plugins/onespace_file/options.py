# SPDX-License-Identifier: Apache-2.0
"""The options of the file provider."""

from __future__ import annotations

from oslo_config import cfg

#: Options of a ``[credentials:...]`` section with ``provider = file``.
OPTS = [
    cfg.StrOpt(
        "folder",
        required=True,
        help="Absolute path of the folder that is the store. It must hold a"
        " file .onespace-store, which an operator makes once: without it the"
        " folder is taken for a disk that is not mounted.",
    ),
    cfg.BoolOpt(
        "fsync",
        default=True,
        help="Whether an object is on the disk, not only in memory, before a"
        " write is reported done. Without it a power cut may lose or damage"
        " what was written shortly before; a killed process never does.",
    ),
]
