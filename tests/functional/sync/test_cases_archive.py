# SPDX-License-Identifier: Apache-2.0
"""Archiving, where something happens in between: nothing is lost."""

import json
import subprocess

import pytest
import swiftclient
from servers.rig import eventually

from onespace_core.provider import NotFound
from onespace_core.swift.standalone.process import StandaloneProcess

ARCHIVE = {
    "mode": "lifecycle",
    "retain_local": "false",
    "propagate_delete": "false",
}
#: Each gets a request for the object itself, not for its bucket.
PUT = r"^PUT /[^/?]+/[^?]"


def owed(rig):
    with rig.state() as state:
        return {entry.name: entry for _key, entry in state.entries()}


def local_head(rig, name):
    return rig.connection.head_object(rig.container, name)


@pytest.fixture(params=["moto_server", "s3api", "radosgw"])
def raced(request, proxied):
    """An archive whose upload can be held up."""
    return proxied(request.param, mapping=ARCHIVE)


def test_case_30_object_overwritten_during_its_upload_is_not_deleted(raced):
    rig, proxy = raced
    rig.put("o", b"former", number="1")
    proxy.meanwhile(lambda: rig.put("o", b"newer!", number="2"), match=PUT)
    done = rig.once()
    assert "it changed since it was copied" in done.stderr
    assert rig.here() == {}
    assert rig.there()["o"].data == b"newer!"
    assert rig.there()["o"].metadata["number"] == "2"


def test_case_31_metadata_written_during_the_upload_is_not_lost(raced):
    rig, proxy = raced
    rig.put("o", b"data", color="red")

    def post():
        rig.connection.post_object(
            rig.container, "o", {"X-Object-Meta-Color": "blue"}
        )

    proxy.meanwhile(post, match=PUT)
    done = rig.once()
    assert "it changed since it was copied" in done.stderr
    assert rig.here() == {}
    assert rig.there()["o"].metadata["color"] == "blue"
    assert rig.there()["o"].data == b"data"


def test_case_34_failed_metadata_update_keeps_the_local_object(proxied):
    rig, proxy = proxied("s3api")
    rig.put("o", b"data", color="red")
    rig.once()
    rig.connection.post_object(
        rig.container, "o", {"X-Object-Meta-Color": "blue"}
    )
    rig.mapping.update(ARCHIVE)
    rig.write_config()
    proxy.fail(10**6, 403, match="^PUT ")
    proxy.fail(10**6, 403, match="^POST ")
    done = rig.once(code=1)
    assert proxy.count("PUT") > 0
    assert "o" in owed(rig)
    assert "Traceback" not in done.stderr
    assert local_head(rig, "o")["x-object-meta-color"] == "blue"
    assert rig.there()["o"].metadata["color"] == "red"
    proxy.reset()
    retried_now(rig)
    assert rig.here() == {}
    assert rig.there()["o"].metadata["color"] == "blue"


def retried_now(rig):
    """Look at everything again, whenever it is due."""
    (rig.state_dir / "sync.sqlite").unlink()
    rig.once()


@pytest.fixture(params=["moto_server", "swift"])
def archive(request, make_rig):
    return make_rig(request.param, mapping=ARCHIVE)


def put_dlo(rig, name, prefix="d/", count=3):
    container = f"{rig.container}_dyn"
    rig.connection.put_container(container)
    for number in range(count):
        rig.connection.put_object(
            container, f"{prefix}{number}", f"part {number};".encode()
        )
    rig.connection.put_object(
        rig.container,
        name,
        b"",
        headers={"X-Object-Manifest": f"{container}/{prefix}"},
    )
    return container


def test_case_44_archived_dlo_is_whole_there_and_its_segments_stay(archive):
    container = put_dlo(archive, "dlo")
    before = archive.connection.get_object(archive.container, "dlo")[1]
    assert before == b"part 0;part 1;part 2;"
    archive.once()
    assert archive.here() == {}
    with archive.remote.get_object(archive.layout.key("dlo")) as reader:
        assert reader.read() == before
    left = archive.connection.get_container(container)[1]
    assert [each["name"] for each in left] == ["d/0", "d/1", "d/2"]


def test_case_44_dlo_that_could_not_be_sent_stays_whole_here(proxied):
    rig, proxy = proxied(mapping=ARCHIVE)
    container = put_dlo(rig, "dlo")
    before = rig.connection.get_object(rig.container, "dlo")[1]
    proxy.fail(10**6, 500, match="^(PUT|POST) ")
    rig.once(code=1)
    assert rig.connection.get_object(rig.container, "dlo")[1] == before
    assert len(rig.connection.get_container(container)[1]) == 3


def put_slo(rig, name, paths):
    rig.connection.put_object(
        rig.container,
        name,
        json.dumps([{"path": path} for path in paths]),
        query_string="multipart-manifest=put",
    )


def put_slo_beside_segments(rig):
    for number in range(2):
        rig.put(f"parts/{number}", f"part {number};".encode())
    put_slo(
        rig, "slo", [f"/{rig.container}/parts/{each}" for each in range(2)]
    )


def test_case_58_t_39_segments_beside_their_manifest(archive):
    """Archived one by one they are apart, but every byte is there.

    ``exclude_pattern`` keeps such segments together with their manifest.
    """
    rig = archive
    put_slo_beside_segments(rig)
    rig.mapping["exclude_pattern"] = "^parts/"
    rig.write_config()
    before = rig.connection.get_object(rig.container, "slo")[1]
    rig.once()
    with rig.remote.get_object(rig.layout.key("slo")) as reader:
        assert reader.read() == before
    assert rig.here().keys() == {"parts/0", "parts/1"}


def test_t_57_copy_outlives_an_object_that_expires_here(make_rig):
    rig = make_rig("s3api", mapping={"propagate_delete": "false"})
    rig.put("o", b"data")
    rig.once()
    rig.connection.post_object(rig.container, "o", {"X-Delete-After": "1"})
    # The expirer of this Swift deletes it as a client would.
    eventually(lambda: not rig.local.list_objects().objects, 60)
    rig.once()
    assert rig.there()["o"].data == b"data"


@pytest.fixture
def own_swift(tmp_path):
    with StandaloneProcess.start(tmp_path / "swift") as swift:
        yield swift.info


def remote_connection(rig):
    return swiftclient.Connection(
        rig.options["auth_url"], rig.options["user"], rig.options["key"]
    )


def remote_containers(rig):
    found = remote_connection(rig).get_account(full_listing=True)[1]
    names = [each["name"] for each in found]
    return {name for name in names if name.startswith(f"{rig.bucket}:")}


@pytest.fixture
def account_rig(make_rig, own_swift):
    """A mapping of a whole account to containers with a prefix."""
    rig = make_rig("swift", swift=own_swift, mapping={"container": "*"})
    rig.mapping["bucket"] = f"{rig.bucket}:"
    rig.write_config()
    return rig


def test_case_74_each_container_gets_one_with_the_prefix(account_rig):
    rig = account_rig
    rig.connection.delete_container(rig.container)
    content = {"slashc1": {"a", "b"}, "slashc2": {"c"}}
    for container, names in content.items():
        rig.connection.put_container(container)
        for name in names:
            rig.connection.put_object(container, name, name.encode())
    rig.once()
    wanted = {f"{rig.bucket}:{name}": content[name] for name in content}
    assert remote_containers(rig) == wanted.keys()
    for container, names in wanted.items():
        listed = rig.remote.list_objects(bucket=container).objects
        assert {info.key for info in listed} == names


def put_account_slo(rig):
    rig.connection.put_container("segments")
    for number in range(2):
        rig.connection.put_object("segments", f"s{number}", b"x" * 100)
    put_slo(rig, "slo", ["/segments/s0", "/segments/s1"])


def test_case_75_large_objects_of_an_account_arrive_whole(account_rig):
    rig = account_rig
    put_account_slo(rig)
    rig.once()
    remote = f"{rig.bucket}:{rig.container}"
    assert remote in remote_containers(rig)
    assert f"{rig.bucket}:segments" in remote_containers(rig)
    with rig.remote.get_object("slo", bucket=remote) as reader:
        assert reader.read() == b"x" * 200


def test_case_75_policy_that_is_not_there_makes_no_container(account_rig):
    rig = account_rig
    rig.mapping["storage_policy"] = "no-such-policy"
    rig.write_config()
    rig.put("o", b"data")
    done = rig.once(code=1)
    assert remote_containers(rig) == set()
    assert "policy" in done.stderr
    rig.mapping.pop("storage_policy")
    rig.write_config()
    rig.once()
    remote = f"{rig.bucket}:{rig.container}"
    with rig.remote.get_object("o", bucket=remote) as reader:
        assert reader.read() == b"data"


def test_case_83_failed_object_is_named_with_its_traceback(proxied):
    rig, proxy = proxied()
    rig.put("gut", b"1")
    rig.put("schlëcht", b"2")
    proxy.fail(10**6, 403, match="schl%C3%ABcht")
    done = rig.once("--log-level", "debug", code=1)
    assert rig.there().keys() == {"gut"}
    assert "schlëcht" in done.stderr
    assert "Traceback" in done.stderr
    assert owed(rig).keys() == {"schlëcht"}


def test_case_87_t_42_other_files_beside_the_state_are_left_alone(rig):
    folder = rig.state_dir / "AUTH_somebody" / "container"
    folder.mkdir(parents=True)
    (folder / "precious").write_text("data")
    (rig.state_dir / "note.txt").write_text("data")
    rig.put("o", b"data")
    rig.once()
    rig.write_config()
    rig.connection.delete_object(rig.container, "o")
    rig.connection.delete_container(rig.container)
    rig.once()
    assert (folder / "precious").read_text() == "data"
    assert (rig.state_dir / "note.txt").read_text() == "data"


def test_t_28_what_an_archive_has_is_not_sent_to_another_prefix(make_rig):
    """Objects that are gone from here stay where their copies are."""
    rig = make_rig("s3api", mapping={**ARCHIVE, "custom_prefix": "one"})
    rig.put("o", b"data")
    rig.once()
    former = rig.layout.key("o")
    rig.mapping["custom_prefix"] = "two"
    rig.write_config()
    rig.put("p", b"later")
    rig.once()
    rig.once()
    with rig.remote.get_object(former) as reader:
        assert reader.read() == b"data"
    assert rig.there()["p"].data == b"later"
    with pytest.raises(NotFound):
        rig.remote_head("o")


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="segments that are objects of the mapping itself are archived"
    " one by one, and their manifest can then not be read or copied",
)
def test_t_39_segments_that_go_before_their_manifest(make_rig):
    """Every byte is at the store, but the large object is in pieces."""
    rig = make_rig(
        "s3api", mapping={**ARCHIVE, "ordered": "true", "ordered_window": "0"}
    )
    put_slo_beside_segments(rig)
    before = rig.connection.get_object(rig.container, "slo")[1]
    subprocess.run(rig.command("--once"), timeout=300, check=False)
    there = rig.there()
    pieces = [there[f"parts/{number}"].data for number in range(2)]
    if b"".join(pieces) != before:
        raise RuntimeError("bytes are lost")
    assert "slo" in there


@pytest.mark.parametrize("name", [".manifests/slo", "its very key"])
def test_t_12_object_named_like_a_manifest_is_not_lost(make_rig, name):
    rig = make_rig("s3api", mapping={**ARCHIVE, "custom_prefix": "pre"})
    key = rig.layout.manifest_key("slo")
    skipped = name == "its very key"
    if skipped:
        name = rig.layout.name(key)
    rig.put(name, b"a client's own")
    rig.once()
    assert (name in rig.here()) == skipped
    assert (name in owed(rig)) == skipped
    container = f"{rig.container}_seg"
    rig.connection.put_container(container)
    rig.connection.put_object(container, "0", b"segment")
    put_slo(rig, "slo", [f"/{container}/0"])
    rig.once()
    held = rig.here() if skipped else rig.there()
    assert held[name].data == b"a client's own"
    rig.connection.put_object(rig.container, name, b"x")
    rig.connection.delete_object(rig.container, name)
    rig.once()
    with rig.remote.get_object(key) as reader:
        assert json.loads(reader.read())[0]["name"] == f"/{container}/0"
