# SPDX-License-Identifier: Apache-2.0
"""What a client asks of a listing, by Swift's rules.

The rules are those of Swift's proxy, account and container servers
(https://docs.openstack.org/api-ref/object-store/).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from onespace_core.provider import OnespaceError

_TRUE = frozenset({"true", "1", "yes", "on", "t", "y"})


class QueryError(OnespaceError):
    """A client asks for what cannot be answered.

    :param status: the HTTP status that Swift answers: 400 or 412.
    :param reason: one line for the client.
    """

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ListingQuery:
    """Which names are listed, in which order.

    A text that is empty limits nothing. Names are compared as Python
    compares text: by code point, which is the order of UTF-8 bytes and so
    that of Swift and S3.

    :param limit: at most so many entries; 0 or more.
    :param marker: only what comes after it in the listing's order.
    :param end_marker: only what comes before it in the listing's order.
    :param prefix: only names that start with it.
    :param delimiter: what follows its first appearance after the prefix is
        rolled up into one subdir. May have several characters.
    :param reverse: from the last name to the first.
    :param objects_only: what Swift does with ``path=``: no subdirs, and not
        the object that has the prefix for a name; but objects whose only
        delimiter is at the end.
    """

    limit: int
    marker: str = ""
    end_marker: str = ""
    prefix: str = ""
    delimiter: str = ""
    reverse: bool = False
    objects_only: bool = False

    @property
    def lower(self) -> str:
        """The marker below all names, exclusive; empty: there is none."""
        return self.end_marker if self.reverse else self.marker

    @property
    def upper(self) -> str:
        """The marker above all names, exclusive; empty: there is none."""
        return self.marker if self.reverse else self.end_marker

    def admits(self, name: str) -> bool:
        """Return whether a name is within the prefix and the markers.

        To be asked of names as they are stored: Swift rolls up what is left
        then. So a subdir may come before the marker if there are names in
        it that come after.
        """
        return (
            name.startswith(self.prefix)
            and name > self.lower
            and (not self.upper or name < self.upper)
        )

    def directory(self, name: str) -> str | None:
        """Return the subdir that a name is rolled up into, or None.

        None as well for a name without the prefix.
        """
        if not self.delimiter or not name.startswith(self.prefix):
            return None
        at = name.find(self.delimiter, len(self.prefix))
        return None if at < 0 else name[: at + len(self.delimiter)]

    def follows(self, name: str, other: str) -> bool:
        """Return whether a name comes after another in this order."""
        return name < other if self.reverse else name > other


def parse_query(params: Mapping[str, str], *, maximum: int) -> ListingQuery:
    """Return what a client asks of a listing.

    :param params: the query's parameters as WSGI servers give text: each
        character is a byte (PEP 3333). Of a name that is given twice the
        last one counts; unknown names are ignored.
    :param maximum: the limit if none is given, and the largest.
    :raises QueryError: 400 for text that is not UTF-8, 412 for a limit
        above the maximum. A limit that is no number is ignored.
    """
    marker = text_of(params, "marker")
    end_marker = text_of(params, "end_marker")
    prefix = text_of(params, "prefix")
    delimiter = text_of(params, "delimiter")
    reverse = text_of(params, "reverse").lower() in _TRUE
    path = text_of(params, "path") if "path" in params else None
    if path is not None:
        prefix = f"{path.rstrip('/')}/" if path else ""
        delimiter = "/"
    return ListingQuery(
        limit=_limit(text_of(params, "limit"), maximum),
        marker=marker,
        end_marker=end_marker,
        prefix=prefix,
        delimiter=delimiter,
        reverse=reverse,
        objects_only=path is not None,
    )


def text_of(params: Mapping[str, str], name: str) -> str:
    """Return a parameter as text; empty if it is not there.

    :param params: as in :func:`parse_query`.
    :raises QueryError: 400, it is not UTF-8.
    """
    try:
        return params.get(name, "").encode("latin-1").decode()
    except UnicodeError as exc:
        raise QueryError(400, f'"{name}" parameter not valid UTF-8') from exc


def _limit(given: str, maximum: int) -> int:
    # isdecimal and not isdigit: a superscript is a digit but no number.
    if not given.isdecimal():
        return maximum
    # Python refuses to read thousands of digits; so many are too many.
    digits = given.lstrip("0")
    if len(digits) > len(str(maximum)) or int(given or 0) > maximum:
        raise QueryError(412, f"Maximum limit is {maximum}")
    return int(given)
