# SPDX-License-Identifier: Apache-2.0
"""Rigs: onespace-sync from a standalone Swift to each kind of store."""

import pytest
from servers.proxy import FaultProxy
from servers.rig import Rig, store_options

#: Stores that a plain sync is proved against.
STORES = ("moto_server", "radosgw", "minio", "s3api", "swift")


@pytest.fixture
def make_rig(request, standalone, tmp_path):
    """A function that makes rigs; they are closed at the end."""
    made = []

    def make(store="s3api", **changes):
        provider, options = store_options(request, store)
        folder = tmp_path / f"rig{len(made)}"
        folder.mkdir()
        options.update(changes.pop("options", {}))
        swift = changes.pop("swift", standalone.info)
        rig = Rig(folder, swift, provider, options, **changes)
        rig.store = store
        made.append(rig)
        return rig

    yield make
    for rig in made:
        rig.close()


@pytest.fixture(params=STORES)
def any_rig(request, make_rig):
    """A rig to each kind of store in turn."""
    return make_rig(request.param)


@pytest.fixture
def rig(make_rig):
    """A rig to a Swift's S3 API."""
    return make_rig()


@pytest.fixture
def swift_rig(make_rig):
    """A rig to another Swift."""
    return make_rig("swift")


@pytest.fixture
def proxied(request, make_rig):
    """A function that makes a rig with a proxy before its store."""
    proxies = []

    def make(store="moto_server", **changes):
        server = request.getfixturevalue(store)
        proxy = FaultProxy(server.host, server.port)
        proxy.__enter__()
        proxies.append(proxy)
        options = {"endpoint": proxy.url, **changes.pop("options", {})}
        return make_rig(store, options=options, **changes), proxy

    yield make
    for proxy in proxies:
        proxy.__exit__(None, None, None)
