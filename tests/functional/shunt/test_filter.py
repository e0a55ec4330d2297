# SPDX-License-Identifier: Apache-2.0
"""Which requests the shunt looks at, and for whom."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .conftest import KEY


def test_case_S23_bypass_needs_the_key(shunted: Any, faulty: Any) -> None:
    rig, proxy = faulty
    for header in ("X-Onespace-Bypass", "X-Cloud-Sync-Shunt-Bypass"):
        right = {header: KEY}
        got = shunted.ask("GET", rig.container, "name", headers=right)
        assert got.status == 404
        assert shunted.here(rig.container) == []
        got = shunted.ask(
            "GET", rig.container, "name", headers={header: "true"}
        )
        assert got.status == 200
    assert proxy.count(method="GET", path="name") == 2


def test_case_S24_without_merge_namespaces_nothing_is_asked(
    shunted: Any, faulty: Any
) -> None:
    rig, proxy = faulty
    text = shunted.conf_file.read_text()
    shunted.write(text.replace("merge_namespaces = true", ""))
    assert shunted.ask("GET", rig.container, "name").status == 404
    assert shunted.names(rig.container) == []
    assert proxy.requests == []


def test_case_S10_a_post_to_what_is_only_there_is_a_404(
    shunted: Any, faulty: Any
) -> None:
    rig, proxy = faulty
    got = shunted.ask(
        "POST", rig.container, "name", headers={"X-Object-Meta-A": "b"}
    )
    assert got.status == 404
    got = shunted.ask("DELETE", rig.container, "name")
    assert got.status == 404
    assert proxy.requests == []
    assert rig.remote_head("name").metadata["colour"] == "red"


def test_security_1_who_is_refused_here_never_reaches_the_store(
    shunted: Any, faulty: Any
) -> None:
    rig, proxy = faulty
    for token in (None, "AUTH_tkwrong"):
        for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            got = shunted.ask(method, rig.container, "name", token=token)
            assert got.status == 401
        assert shunted.ask("GET", rig.container, token=token).status == 401
    assert proxy.requests == []


def test_security_2_5_only_what_is_allowed_passes_in_either_direction(
    shunted: Any, faulty: Any
) -> None:
    rig, proxy = faulty
    got = shunted.ask(
        "GET",
        rig.container,
        "name",
        headers={
            "X-Private": "mine",
            "Cookie": "c=1",
            "Referer": "http://a/",
            "X-Onespace-Bypass": "wrong",
        },
    )
    assert got.status == 200
    (sent,) = proxy.requests
    text = repr(sent.headers)
    for mine in (shunted.token, "mine", "c=1", "http://a/", "wrong"):
        assert mine not in text
    names = {name.lower() for name in got.headers}
    assert not {n for n in names if n.startswith("x-amz")}
    assert "server" not in names
    assert not {n for n in names if "onespace-version" in n}


def test_case_S34_there_is_one_transaction_id_and_it_is_local(
    shunted: Any, archive: Any
) -> None:
    rig = archive("swift")
    rig.put("name", b"x")
    rig.once()
    got = shunted.ask("GET", rig.container, "name")
    assert got.status == 200
    assert got.headers["X-Onespace-Location"]
    assert len(got.headers.getlist("X-Trans-Id")) == 1
    assert "Transfer-Encoding" not in got.headers


def test_case_S27_S28b_a_broken_file_keeps_the_last_good_one(
    shunted: Any, faulty: Any
) -> None:
    rig, _ = faulty
    good = shunted.conf_file.read_text()
    for broken in (b"\xff\xfe", b"[DEFAULT]\nworkers = none\n"):
        shunted.conf_file.write_bytes(broken)
        assert shunted.ask("GET", rig.container, "name").status == 200
        info = shunted.pool.request("GET", shunted.info["url"] + "/info")
        assert info.json()["onespace"]["config"] == "broken"
    shunted.write(good[: good.index("bucket =")])
    assert shunted.ask("GET", rig.container, "name").status == 200
    shunted.conf_file.unlink()
    assert shunted.ask("GET", rig.container, "name").status == 404
    shunted.write("")
    assert shunted.ask("GET", rig.container, "name").status == 404
    shunted.write(good)
    assert shunted.ask("GET", rig.container, "name").status == 200
    info = shunted.pool.request("GET", shunted.info["url"] + "/info")
    assert info.json()["onespace"]["config"] == "good"


def test_case_S28c_what_the_local_cluster_answers_is_the_answer(
    shunted: Any, faulty: Any
) -> None:
    rig, proxy = faulty
    shunted.ask("PUT", rig.container, "name", body=b"local")
    assert shunted.ask("GET", rig.container, "name").data == b"local"
    assert shunted.ask("GET", rig.container, "n" * 1025).status == 404
    assert shunted.ask("GET", rig.container, query="limit=x1").status == 200
    got = shunted.ask("GET", rig.container, query="limit=99999")
    assert got.status == 412
    assert proxy.count("HEAD") == 0


def test_case_D06_what_has_expired_does_not_rise_again(
    shunted: Any, archive: Any
) -> None:
    rig = archive("moto_server")
    for name, age in (("dead", "15"), ("alive", "3000")):
        shunted.ask(
            "PUT",
            rig.container,
            name,
            body=b"x",
            headers={"X-Delete-After": age},
        )
    rig.once()
    assert shunted.here(rig.container) == []
    got = shunted.ask("GET", rig.container, "alive")
    assert int(got.headers["X-Delete-At"]) > 0
    time.sleep(15)
    for method in ("GET", "HEAD"):
        assert shunted.ask(method, rig.container, "dead").status == 404
        assert shunted.ask(method, rig.container, "alive").status == 200


def test_a_container_that_is_not_here_has_no_objects(
    shunted: Any, faulty: Any
) -> None:
    rig, proxy = faulty
    assert shunted.ask("DELETE", rig.container).status == 204
    assert shunted.ask("GET", rig.container).status == 404
    assert shunted.ask("GET", rig.container, "name").status == 404
    assert proxy.requests == []


def test_a_copy_reads_what_is_only_there(shunted: Any, faulty: Any) -> None:
    rig, _ = faulty
    got = shunted.ask(
        "PUT",
        rig.container,
        "copy",
        headers={
            "X-Copy-From": f"/{rig.container}/name",
            "Content-Length": "0",
        },
    )
    assert got.status == 201
    got = shunted.ask("GET", rig.container, "copy")
    assert got.data == b"0123456789"
    assert got.headers["X-Object-Meta-Colour"] == "red"
    assert shunted.here(rig.container) == ["copy"]


@pytest.mark.parametrize("query", ["version-id=null", "symlink=get"])
def test_queries_about_local_things(
    shunted: Any, faulty: Any, query: str
) -> None:
    rig, _ = faulty
    got = shunted.ask("GET", rig.container, "name", query=query)
    assert got.status == (200 if query == "symlink=get" else 404)
