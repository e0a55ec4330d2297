# SPDX-License-Identifier: Apache-2.0
"""Where an entry of a merged listing is, in words that 1space used.

A listing in JSON says it in ``content_location``, a list: of the remote
place alone, or of the remote place and ``swift`` for what is in both.
"""

from __future__ import annotations

import urllib.parse

#: What stands for the local cluster.
LOCAL = "swift"


def remote_location(endpoint: str, *more: str) -> str:
    """Return what names a place at the remote.

    1space has ``<endpoint>;<identity>;<container>`` for a Swift, and
    ``<endpoint>;<bucket>;<beginning of the keys>`` for S3, the last only if
    there is one.

    :param endpoint: a URL or a name such as ``AWS S3``. User, password and
        query of a URL are left out: they may be secrets.
    :param more: public names; never a key or a password. Empty ones are
        left out.
    """
    return ";".join([_public(endpoint), *(part for part in more if part)])


def _public(endpoint: str) -> str:
    if "://" not in endpoint:
        return endpoint
    scheme, rest = endpoint.split("://", 1)
    authority, slash, path = rest.partition("/")
    host = authority.rpartition("@")[2]
    whole = urllib.parse.urlsplit(f"{scheme}://{host}{slash}{path}")
    return whole._replace(query="", fragment="").geturl()
