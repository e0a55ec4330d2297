# SPDX-License-Identifier: Apache-2.0
"""The folder of a standalone Swift: its layout, its owner, its limits."""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import json
import os
import pathlib
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from onespace_core.provider.errors import OnespaceError

#: Files with this beginning may be in a folder before its first start.
_OWN_PREFIX = "standalone."
#: Swift writes attributes in pieces of this many bytes (its diskfile).
_XATTR_PIECE = 65536
_XATTR_NAME = "user.onespace.probe"
_DEVICE = "d1-"
#: What the readers of Swift's configuration would misread in a path.
_BAD_IN_PATH = ("\n", "\r", "%(")


class StandaloneError(OnespaceError):
    """A standalone Swift cannot start; the text is for the operator."""


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Where things are below the folder of a standalone Swift.

    :param folder: absolute path.
    """

    folder: pathlib.Path

    @property
    def etc(self) -> pathlib.Path:
        """Swift's ``swift_dir``: configuration and rings."""
        return self.folder / "etc"

    @property
    def devices(self) -> pathlib.Path:
        """Swift's ``devices``: the data of all servers."""
        return self.folder / "devices"

    @property
    def device(self) -> str:
        """The name of the only device, another one in each folder.

        Ports are taken anew at each start, so a daemon that still has the
        old ring may reach the servers of another standalone: they refuse a
        device that they do not know, rather than answer that an object is
        not there.

        :raises StandaloneError: there is none, or more than one.
        """
        names = [path.name for path in self.devices.glob(f"{_DEVICE}*")]
        if len(names) != 1:
            raise StandaloneError(
                f"{self.devices} must hold one device, not {len(names)}: is "
                "its disk mounted?"
            )
        return names[0]

    @property
    def recon(self) -> pathlib.Path:
        """Swift's ``recon_cache_path``."""
        return self.folder / "recon"

    @property
    def swift_conf(self) -> pathlib.Path:
        """The file with the hash prefix and suffix: losing it loses all."""
        return self.etc / "swift.conf"

    @property
    def internal_client_conf(self) -> pathlib.Path:
        """The pipeline for daemons, here or in another process."""
        return self.etc / "internal-client.conf"

    @property
    def info(self) -> pathlib.Path:
        """What is running; there while it is."""
        return self.folder / "standalone.json"

    @property
    def lock(self) -> pathlib.Path:
        """Locked while a process uses the folder."""
        return self.folder / "standalone.lock"

    @property
    def log(self) -> pathlib.Path:
        """Where ``StandaloneProcess`` writes the output."""
        return self.folder / "standalone.log"

    def server_conf(self, kind: str) -> pathlib.Path:
        """Return the configuration file of one server.

        :param kind: ``account``, ``container``, ``object`` or ``proxy``.
        """
        return self.etc / f"{kind}-server.conf"


@contextmanager
def claim(folder: str | os.PathLike[str]) -> Iterator[Layout]:
    """Create or find a standalone's folder and keep others out of it.

    :param folder: a new, an empty, or a standalone's folder.
    :raises StandaloneError: it is something else, cannot be written, cannot
        hold Swift's metadata, or is in use.
    """
    layout = Layout(pathlib.Path(folder).absolute())
    if any(text in str(layout.folder) for text in _BAD_IN_PATH):
        raise StandaloneError(
            f"Swift cannot take {str(layout.folder)!r} as a path"
        )
    try:
        layout.folder.mkdir(parents=True, exist_ok=True)
        _refuse_strange_folder(layout)
        lock = layout.lock.open("a+")
    except FileExistsError:
        raise StandaloneError(f"{layout.folder} is not a folder") from None
    except OSError as exc:
        raise StandaloneError(
            f"cannot use {layout.folder}: {exc.strerror}"
        ) from exc
    with lock:
        _take(lock, layout)
        try:
            _furnish(layout)
        except OSError as exc:
            raise StandaloneError(
                f"cannot write in {layout.folder}: {exc.strerror}"
            ) from exc
        yield layout


def _refuse_strange_folder(layout: Layout) -> None:
    if layout.swift_conf.exists():
        return
    ours = {layout.etc.name, layout.devices.name, layout.recon.name}
    strange = sorted(
        entry.name
        for entry in layout.folder.iterdir()
        if entry.name not in ours and not entry.name.startswith(_OWN_PREFIX)
    )
    # Without swift.conf, data in devices/ could never be found again: a new
    # hash suffix names other places.
    if any(layout.devices.glob("*/*")):
        raise StandaloneError(
            f"{layout.swift_conf} is missing though {layout.devices} holds "
            "data: put the file back, nothing else finds this data"
        )
    if strange:
        raise StandaloneError(
            f"{layout.folder} holds other things ({strange[0]} ...): give a "
            "new or an empty folder"
        )


def _take(lock: IO[str], layout: Layout) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        if exc.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
            raise StandaloneError(
                f"cannot lock {layout.lock}: {exc.strerror}"
            ) from exc
        lock.seek(0)
        pid = lock.read().strip() or "unknown"
        raise StandaloneError(
            f"{layout.folder} is in use by process {pid}"
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()


def _furnish(layout: Layout) -> None:
    layout.info.unlink(missing_ok=True)  # of one that was killed
    for path in (layout.etc, layout.devices, layout.recon):
        path.mkdir(exist_ok=True)
    require_attributes(layout.devices)
    if not layout.swift_conf.exists():
        # Only once: what had a device and has none lost its disk.
        if not any(layout.devices.glob(f"{_DEVICE}*")):
            (layout.devices / f"{_DEVICE}{secrets.token_hex(4)}").mkdir()
        # Before any data, and only once: placement depends on it.
        write_file(
            layout.swift_conf,
            "[swift-hash]\n"
            "# Without these two values no data is found again: keep them.\n"
            f"swift_hash_path_prefix = {secrets.token_hex(16)}\n"
            f"swift_hash_path_suffix = {secrets.token_hex(16)}\n",
        )
    _ = layout.device  # which says what is wrong


def require_attributes(folder: pathlib.Path) -> bool:
    """Check that files in a folder can carry what Swift stores with them.

    :returns: whether attributes may be as large as Swift writes them; False
        on ext4, which keeps about 4 KiB for a file.
    :raises StandaloneError: the file system keeps no ``user.*`` attributes.
    """
    with tempfile.NamedTemporaryFile(dir=folder, prefix=_OWN_PREFIX) as probe:
        try:
            os.setxattr(probe.fileno(), _XATTR_NAME, b"x" * 100)
        except OSError as exc:
            raise StandaloneError(
                f"the file system of {folder} keeps no extended attributes "
                f"({exc.strerror}), in which Swift stores metadata: use a "
                "folder on XFS, ext4, btrfs or tmpfs"
            ) from exc
        try:
            os.setxattr(probe.fileno(), _XATTR_NAME, b"x" * _XATTR_PIECE)
        except OSError:
            return False
        return True


def write_file(path: pathlib.Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner only.

    :raises OSError: it cannot be written; the old file is untouched.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_OWN_PREFIX)
    new = pathlib.Path(name)
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def write_info(layout: Layout, info: Mapping[str, Any]) -> None:
    """Say that the standalone is ready, and where; see ``Layout.info``."""
    write_file(layout.info, json.dumps(info, indent=2) + "\n")
