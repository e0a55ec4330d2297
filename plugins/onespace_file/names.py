# SPDX-License-Identifier: Apache-2.0
"""Keys as paths, and back: every key has one path, every path one key.

A key is cut at its slashes; each part but the last is a directory, the last
is the *stem* of the object's two files::

    photos/2026/Z\u00fcrich 1.jpg
    photos/2026/Z\u00fcrich%201.jpg%meta                 the description
    photos/2026/Z\u00fcrich%201.jpg%v3f2a9c0d11e2b7a4    the bytes

Within a part

- a character that file systems or people trip over is written as ``%`` and
  two upper-case hexadecimal digits for each of its UTF-8 bytes;
- a first or last dot is, too: no name is ``.`` or ``..`` or hidden;
- an empty part (``a//b``, ``/a``, ``a/``) is ``%none``;
- a part whose name would be longer than :data:`LONGEST` bytes continues in a
  directory: its beginning and ``%more``.

So a ``%`` that no two upper-case hexadecimal digits follow is ours, and an
object ``a`` (``a%meta``) does not stand in the way of ``a/b`` (``a/``).

What is escaped depends on nothing but this file: not on the locale, nor on
the version of Unicode that Python knows.
"""

from __future__ import annotations

import dataclasses
import enum
import re

#: Bytes of a name without its suffix. With the longest suffix it is under
#: 143, the least that a usual file system allows (eCryptfs; others: 255).
LONGEST = 120

EMPTY = "%none"
META = "%meta"
MORE = "%more"
DATA = "%v"

#: In the folder of a bucket.
BUCKET = b"%bucket"
TEMP = b"%tmp"
LOCKS = b"%lock"

#: Characters above ASCII that cannot be seen or that turn text around.
_INVISIBLE = (
    "\u0080-\u00a0\u00ad\u061c\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\ufe00-\ufe0f\ufeff\ufff0-\uffff\U000e0000-\U000e0fff"
)
_KEPT = r"a-z0-9._+=@,~!()\[\]{}#\-"
#: Everything that stays where names are exact, and where they are folded:
#: there upper case is lower case, and composed is decomposed.
_EXACT = re.compile(rf"[{_KEPT}A-Z]|[^\x00-\x7f{_INVISIBLE}]")
_FOLDED = re.compile(rf"[{_KEPT}]")
#: Most parts are of this kind and need not be looked at by character.
_ORDINARY = re.compile(r"(?!\.)[a-z0-9._\-]+(?<!\.)")

_ESCAPES = re.compile(rb"%([0-9A-F]{2})")
_DATA_NAME = re.compile(rf"(.+){DATA}[0-9a-f]{{16}}", re.DOTALL)


class Kind(enum.Enum):
    """What a name in the tree stands for."""

    OBJECT = "object"
    BYTES = "bytes"
    FOLDER = "folder"
    MORE = "more"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A name of ours: what it is, and the text that it adds to a key."""

    kind: Kind
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectPath:
    """Where an object is within its bucket's folder.

    :param folders: names from the bucket's folder down.
    :param stem: the beginning of both files' names.
    """

    folders: tuple[bytes, ...]
    stem: str

    @property
    def meta(self) -> bytes:
        """Name of the description."""
        return (self.stem + META).encode()

    def data(self, version: str) -> bytes:
        """Name of the bytes of a version."""
        return f"{self.stem}{DATA}{version}".encode()


@dataclasses.dataclass(frozen=True, slots=True)
class Names:
    """The naming of one bucket.

    :param folded: whether the file system takes names for equal that differ
        in case or in Unicode normalisation.
    """

    folded: bool = False

    def path(self, key: str) -> ObjectPath:
        """Return where a key is.

        :param key: not empty, without surrogates.
        """
        *parents, last = key.split("/")
        *more, stem = self._pieces(last)
        return ObjectPath(
            self.folders(parents) + tuple((m + MORE).encode() for m in more),
            stem,
        )

    def folders(self, parts: list[str]) -> tuple[bytes, ...]:
        """Return the directories of the parts of a key, all but its last."""
        names = []
        for part in parts:
            *more, end = self._pieces(part)
            names += [(m + MORE).encode() for m in more]
            names.append(end.encode())
        return tuple(names)

    def single(self, text: str) -> bytes | None:
        """Return the one name of a part; None if it needs several."""
        pieces = self._pieces(text)
        return pieces[0].encode() if len(pieces) == 1 else None

    def read(self, name: str, *, is_folder: bool) -> Entry | None:
        """Return what a name stands for; None if it is not ours."""
        if not is_folder:
            if name.endswith(META):
                kind, text = Kind.OBJECT, self._text(name[: -len(META)])
            elif found := _DATA_NAME.fullmatch(name):
                kind, text = Kind.BYTES, self._text(found[1])
            else:
                return None
        elif name.endswith(MORE):
            kind = Kind.MORE
            text = self._text(name[: -len(MORE)], whole=False)
        else:
            kind, text = Kind.FOLDER, self._text(name)
        return None if text is None else Entry(kind, text)

    def _pieces(self, part: str) -> list[str]:
        if not part:
            return [EMPTY]
        if len(part) <= LONGEST and _ORDINARY.fullmatch(part):
            return [part]
        pieces, piece, size = [], "", 0
        for number, char in enumerate(part):
            is_last = number == len(part) - 1
            name = self._escape(char, dotless=not piece or is_last)
            if size + len(name.encode()) > LONGEST:
                pieces.append(piece)
                name = self._escape(char, dotless=True)
                piece, size = "", 0
            piece += name
            size += len(name.encode())
        return [*pieces, piece]

    def _escape(self, char: str, *, dotless: bool) -> str:
        kept = _FOLDED if self.folded else _EXACT
        if kept.fullmatch(char) and not (dotless and char == "."):
            return char
        return "".join(f"%{byte:02X}" for byte in char.encode())

    def _text(self, name: str, *, whole: bool = True) -> str | None:
        """Undo the escaping; None if we would have written another name."""
        if name == EMPTY:
            return "" if whole else None
        try:
            raw = _ESCAPES.sub(
                lambda found: bytes([int(found[1], 16)]), name.encode()
            )
            text = raw.decode()
        except (UnicodeDecodeError, UnicodeEncodeError):
            return None
        if whole:
            return text if self._pieces(text) == [name] else None
        # What follows is in the folder; it decides where this piece ends.
        ours = self._pieces(text + "\U0010ffff")[0] if text else None
        return text if ours is not None and ours.startswith(name) else None
