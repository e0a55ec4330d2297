# SPDX-License-Identifier: Apache-2.0
"""Clients without a token: temporary URLs, public containers, web sites."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

from .conftest import Shunted


def _archived(archive: Any, shunted: Shunted) -> Any:
    rig = archive("moto_server", mapping={"retain_local": "false"})
    rig.put("name", b"0123456789")
    rig.once()
    assert shunted.here(rig.container) == []
    return rig


def test_a_temporary_url_reads_what_is_only_there(
    shunted: Shunted, archive: Any
) -> None:
    rig = _archived(archive, shunted)
    rig.connection.post_account({"X-Account-Meta-Temp-Url-Key": "secret"})
    expires = int(time.time()) + 60
    path = f"/v1/AUTH_test/{rig.container}/name"
    text = f"GET\n{expires}\n{path}".encode()
    signature = hmac.new(b"secret", text, hashlib.sha256).hexdigest()
    query = f"temp_url_sig={signature}&temp_url_expires={expires}"
    got = shunted.ask("GET", rig.container, "name", query=query, token=None)
    assert (got.status, got.data) == (200, b"0123456789")
    assert got.headers["Content-Disposition"].startswith("attachment")
    wrong = query.replace(signature, "0" * 64)
    got = shunted.ask("GET", rig.container, "name", query=wrong, token=None)
    assert got.status == 401


def test_a_public_container_is_public_and_another_one_is_not(
    shunted: Shunted, archive: Any
) -> None:
    rig = _archived(archive, shunted)
    assert shunted.ask("GET", rig.container, "name", token=None).status == 401
    rig.connection.post_container(
        rig.container, {"X-Container-Read": ".r:*,.rlistings"}
    )
    got = shunted.ask("GET", rig.container, "name", token=None)
    assert (got.status, got.data) == (200, b"0123456789")
    got = shunted.ask("GET", rig.container, token=None)
    assert (got.status, got.data) == (200, b"name\n")


def test_a_web_site_shows_what_is_only_there(
    shunted: Shunted, archive: Any
) -> None:
    rig = archive("moto_server", mapping={"retain_local": "false"})
    rig.put("index.html", b"<h1>here</h1>")
    rig.once()
    rig.connection.post_container(
        rig.container,
        {
            "X-Container-Read": ".r:*,.rlistings",
            "X-Container-Meta-Web-Index": "index.html",
        },
    )
    got = shunted.ask("GET", rig.container, "", token=None)
    assert (got.status, got.data) == (200, b"<h1>here</h1>")
