# SPDX-License-Identifier: Apache-2.0
"""What goes wrong at 3 a.m.: nothing is lost, and it is said."""

import pathlib
import time
import uuid

import pytest
from servers.ports import free_ports
from servers.rig import eventually
from servers.rows import add_rows

from onespace_core.provider import NotFound
from onespace_core.state import Kind
from onespace_core.swift.standalone.process import StandaloneProcess


def owed(rig):
    with rig.state() as state:
        return {entry.name: entry for _key, entry in state.entries()}


def health(rig):
    with rig.state() as state:
        return state.health()


# -- the local side --------------------------------------------------------


@pytest.mark.parametrize("store", ["radosgw", "minio", "s3api", "swift"])
def test_case_15_rotten_bytes_never_become_a_remote_object(make_rig, store):
    rig = make_rig(store)
    marker = uuid.uuid4().hex.encode() * 1000
    rig.put("rotten", marker)
    rig.put("sound", b"data")
    (path,) = [
        path
        for path in pathlib.Path(rig.swift["devices"]).rglob("*.data")
        if path.read_bytes() == marker
    ]
    path.write_bytes(marker[:-1] + b"\x00")
    done = rig.once(code=1)
    assert rig.there().keys() == {"sound"}
    assert owed(rig).keys() == {"rotten"}
    assert "rotten" in done.stderr
    rig.put("rotten", b"mended")
    rig.once()
    rig.assert_equal()
    assert owed(rig) == {}


def test_case_16_row_newer_than_every_replica_waits(rig):
    rig.put("stale", b"data")
    rig.put("fresh", b"data")
    later = f"{time.time() + 5:.5f}"
    add_rows(
        rig.swift,
        rig.account,
        rig.container,
        {"name": "stale", "timestamp": later},
    )
    rig.once(code=1)
    assert rig.there().keys() == {"fresh"}
    assert owed(rig)["stale"].kind is Kind.WAITING
    time.sleep(max(0.0, float(later) - time.time()))
    rig.put("stale", b"newer")
    rig.once()
    rig.assert_equal()
    assert owed(rig) == {}


def test_case_18_listed_object_that_no_replica_has_blocks_no_other(rig):
    rig.put("there", b"data")
    add_rows(
        rig.swift,
        rig.account,
        rig.container,
        {"name": "ghost", "timestamp": f"{time.time():.5f}"},
    )
    rig.put("behind", b"data")
    rig.once(code=1)
    assert rig.there().keys() == {"there", "behind"}
    assert owed(rig)["ghost"].kind is Kind.WAITING


def test_case_27_old_tombstone_of_a_lagging_replica_spares_a_live_object(
    any_rig,
):
    any_rig.put("o", b"data")
    any_rig.once()
    path = add_rows(any_rig.swift, any_rig.account, any_rig.container)
    # The replica that lags knows the deletion, not what was written since.
    import sqlite3

    database = sqlite3.connect(path)
    database.create_function("chexor", 3, lambda old, _n, _t: old)
    (created,) = database.execute("SELECT created_at FROM object").fetchone()
    database.execute("DELETE FROM object")
    database.commit()
    database.close()
    older = f"{float(created) - 100:.5f}"
    add_rows(
        any_rig.swift,
        any_rig.account,
        any_rig.container,
        {"name": "o", "timestamp": older, "deleted": True},
    )
    done = any_rig.once()
    assert any_rig.there().keys() == {"o"}
    assert "superseded 1" in done.stderr


# -- the remote side -------------------------------------------------------


def second_mapping(rig, provider, options, **mapping):
    """Return sections of another mapping of the rig's container."""
    name = mapping.pop("name", "second")
    lines = [f"[credentials:{name}]", f"provider = {provider}"]
    lines += [f"{key} = {value}" for key, value in options.items()]
    lines += [f"[mapping:{name}]", f"credentials = {name}", "mode = sync"]
    values = {
        "account": rig.account,
        "container": rig.container,
        "bucket": rig.bucket,
        **mapping,
    }
    lines += [f"{key} = {value}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("store", ["radosgw", "minio", "s3api", "swift"])
def test_wrong_key_names_the_mapping_and_others_go_on(make_rig, store):
    good, bad = make_rig("s3api"), make_rig(store)
    option = "key" if store == "swift" else "secret_key"
    wrong = f"wrong-{uuid.uuid4().hex}"
    good.write_config(
        second_mapping(
            good,
            bad.provider,
            {**bad.options, option: wrong},
            name="broken",
            bucket=bad.bucket,
        )
    )
    good.put("o", b"data")
    done = good.once(code=1)
    assert good.there().keys() == {"o"}
    assert bad.remote.list_objects().objects == []
    assert "mapping broken cannot be worked on" in done.stderr
    assert wrong not in done.stderr
    assert health(good).keys() == {"broken"}
    # The key is mended: nothing else has to be done.
    good.write_config(
        second_mapping(
            good,
            bad.provider,
            bad.options,
            name="broken",
            bucket=bad.bucket,
        )
    )
    good.once()
    assert len(bad.remote.list_objects().objects) == 1
    assert health(good) == {}


@pytest.mark.parametrize("store", ["radosgw", "minio", "s3api", "swift"])
def test_missing_bucket_is_named_and_mended_by_creating_it(make_rig, store):
    rig = make_rig(store)
    rig.remote.delete_bucket()
    rig.put("o", b"data")
    done = rig.once(code=1)
    assert rig.bucket in done.stderr
    assert "mapping main cannot be worked on" in done.stderr
    assert owed(rig) == {}
    rig.remote.create_bucket()
    rig.once()
    rig.assert_equal()


def test_endpoint_that_is_down_costs_nothing_and_is_caught_up(make_rig):
    rig = make_rig("s3api")
    endpoint = rig.options["endpoint"]
    (port,) = free_ports(["127.0.0.1"])
    rig.options["endpoint"] = f"http://127.0.0.1:{port}"
    rig.write_config()
    for number in range(30):
        rig.put(f"o{number}", b"data")
    done = rig.once(code=1)
    assert "mapping main cannot be worked on" in done.stderr
    assert owed(rig) == {}
    rig.options["endpoint"] = endpoint
    rig.write_config()
    rig.once()
    rig.assert_equal()


def test_daemon_catches_up_when_the_endpoint_comes_back(proxied):
    rig, proxy = proxied("radosgw")
    proxy.fail(10**6, 503)
    with rig.daemon() as daemon:
        rig.put("o", b"data")
        eventually(lambda: "cannot be worked on" in rig.log())
        proxy.reset()
        eventually(lambda: rig.there().keys() == {"o"}, 60)
        assert rig.stop(daemon) == 0
    rig.assert_equal()


@pytest.mark.parametrize("store", ["radosgw", "minio", "s3api"])
def test_body_that_is_cut_on_its_way_makes_no_object(proxied, store):
    rig, proxy = proxied(store)
    rig.put("o", b"x" * 500_000)
    proxy.cut_request(100_000, times=50, match="PUT .*/o$")
    rig.once(code=1)
    assert rig.there() == {}
    proxy.reset()
    rig.once()
    rig.assert_equal()


def test_answer_that_is_lost_is_no_reason_to_write_twice(proxied):
    rig, proxy = proxied("radosgw")
    rig.put("o", b"data")
    proxy.lose_response(1, match="PUT .*/o$")
    done = rig.once()
    rig.assert_equal()
    assert "failed 0" in done.stderr


def test_busy_store_is_asked_again_later(proxied):
    rig, proxy = proxied("radosgw")
    for number in range(5):
        rig.put(f"o{number}", b"data")
    proxy.fail(3, 503, body=b"<Error><Code>SlowDown</Code></Error>")
    rig.once()
    rig.assert_equal()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>captive portal</html>"),
        (301, b""),
        (403, b"<html>forbidden</html>"),
        (500, b"garbage <<<"),
    ],
)
def test_strange_answers_fail_rows_and_never_the_program(
    proxied, status, body
):
    rig, proxy = proxied("radosgw")
    rig.put("o", b"data")
    proxy.fail(10**6, status, body=body, match="PUT .*/o$")
    rig.once(code=1)
    proxy.reset()
    rig.once()
    rig.assert_equal()


def test_garbage_instead_of_http_fails_rows_and_never_the_program(proxied):
    rig, proxy = proxied("radosgw")
    rig.put("o", b"data")
    proxy.garbage(10**6)
    rig.once(code=1)
    proxy.reset()
    rig.once()
    rig.assert_equal()


# -- the state -------------------------------------------------------------


def test_corrupt_state_is_set_aside_and_everything_compared_again(rig):
    rig.put("o", b"data")
    rig.once()
    (rig.state_dir / "sync.sqlite").write_bytes(b"not a database" * 999)
    rig.put("p", b"data")
    done = rig.once()
    rig.assert_equal()
    assert "is corrupt" in done.stderr
    assert len(list(rig.state_dir.glob("sync.sqlite.corrupt-*"))) == 1


def test_missing_state_folder_is_a_clear_error(rig):
    rig.default["state_dir"] = rig.folder / "nowhere"
    rig.write_config()
    done = rig.once(code=2)
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_second_daemon_on_the_same_state_is_refused(rig):
    with rig.daemon() as daemon:
        eventually(lambda: "following" in rig.log())
        done = rig.once(code=1)
        assert str(daemon.pid) in done.stderr
        assert rig.stop(daemon) == 0
    rig.once()


def test_case_84_other_bucket_means_everything_is_copied_there(rig):
    rig.put("o", b"data")
    rig.once()
    other = f"{rig.bucket}-2"
    rig.remote.create_bucket(other)
    rig.mapping["bucket"] = other
    rig.write_config()
    rig.once()
    objects = rig.remote.list_objects(bucket=other).objects
    assert [info.key for info in objects] == [rig.layout.key("o")]


@pytest.mark.parametrize(
    "change", [{"custom_prefix": "elsewhere"}, {"exclude_pattern": "x"}]
)
def test_case_84_other_policy_means_everything_is_looked_at(rig, change):
    rig.put("o", b"data")
    rig.once()
    rig.mapping.update(change)
    rig.write_config()
    done = rig.once()
    assert "copied 1" in done.stderr or "noop 1" in done.stderr
    assert rig.there().keys() == {"o"}


def test_case_84_other_secret_means_nothing(proxied):
    rig, proxy = proxied("moto_server")
    rig.put("o", b"data")
    rig.once()
    rig.options["secret_key"] = uuid.uuid4().hex
    rig.write_config()
    proxy.reset()
    rig.once()
    assert proxy.requests == []


def test_case_86_two_mappings_of_one_container_progress_independently(
    make_rig,
):
    rig, other = make_rig("s3api"), make_rig("moto_server")
    both = second_mapping(
        rig, other.provider, other.options, bucket=other.bucket
    )
    rig.put("o", b"1")
    rig.once()
    rig.write_config(both)
    rig.put("p", b"2")
    rig.once()
    assert rig.there().keys() == {"o", "p"}
    assert len(other.remote.list_objects().objects) == 2
    done = rig.once()
    assert "copied 0" in done.stderr
    assert "noop" not in done.stderr


def test_case_87_mapping_that_is_removed_leaves_no_state(rig):
    foreign = rig.state_dir / "foreign"
    foreign.mkdir()
    both = second_mapping(
        rig, rig.provider, rig.options, custom_prefix="second"
    )
    rig.write_config(both)
    rig.put("o", b"data")
    rig.once()
    rig.write_config()
    rig.once()
    with rig.state() as state:
        assert {s.key.mapping for s in state.summaries()} == {"main"}
    assert foreign.is_dir()


def test_case_87_deleted_container_is_drained_then_forgotten(rig):
    rig.put("o", b"data")
    rig.once()
    rig.local.delete_object("o")
    rig.local.delete_bucket()
    done = rig.once()
    assert "deleted 1" in done.stderr
    assert rig.there() == {}
    with rig.state() as state:
        assert state.summaries() == []


# -- the program -----------------------------------------------------------


def test_case_92_missing_configuration_is_said_and_is_no_failure(rig):
    rig.config.unlink()
    done = rig.once(code=0)
    assert str(rig.config) in done.stderr


def test_unusable_configuration_lists_every_problem(rig):
    rig.mapping.update({"mode": "sink", "nonsense": 1})
    rig.default["workers"] = "many"
    rig.write_config()
    done = rig.once(code=2)
    for word in ("mode", "nonsense", "workers"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_provider_and_good_mapping_side_by_side(rig):
    rig.write_config(second_mapping(rig, "s4", {}, bucket="x", name="typo"))
    rig.put("o", b"data")
    done = rig.once(code=2)
    assert rig.there().keys() == {"o"}
    assert "s4" in done.stderr


def test_case_92_no_log_target_is_an_error(rig):
    rig.default["console"] = "false"
    rig.write_config()
    done = rig.once(code=2)
    assert "log_file" in done.stderr


def test_case_92_log_file_gets_the_log(rig):
    rig.default.update(console="false", log_file=rig.folder / "sync.log")
    rig.write_config()
    rig.put("o", b"data")
    done = rig.once()
    assert done.stderr == ""
    assert "copied 1 objects" in (rig.folder / "sync.log").read_text()


def test_case_92_syslog_gets_the_log(rig):
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        rig.default.update(
            console="false",
            use_syslog="true",
            syslog_address=f"127.0.0.1:{server.getsockname()[1]}",
        )
        rig.write_config()
        rig.put("o", b"data")
        rig.once()
        assert b"copied 1 objects" in server.recv(10000)


def test_case_92_proxy_of_the_settings_is_used(proxied):
    rig, proxy = proxied("moto_server")
    rig.options["endpoint"] = "http://store.invalid:8080"
    rig.default["http_proxy"] = proxy.url
    rig.write_config()
    rig.put("o", b"data")
    proxy.reset()
    rig.once(code=1)
    assert any("store.invalid" in path for _, path, _ in proxy.requests)


@pytest.mark.parametrize("store", ["s3api", "swift"])
def test_case_99_secrets_appear_nowhere_at_any_level(make_rig, store):
    rig = make_rig(store)
    option = "key" if store == "swift" else "secret_key"
    secret = f"hidden-{uuid.uuid4().hex}"
    rig.put("o", b"data")
    good = rig.options[option]
    texts = [rig.once("--log-level", "debug").stderr]
    rig.options[option] = secret
    rig.write_config()
    (rig.state_dir / "sync.sqlite").unlink()
    texts.append(rig.once("--log-level", "debug", code=1).stderr)
    with rig.state() as state:
        texts.append(repr((state.health(), state.entries())))
    for text in texts:
        assert secret not in text
        assert f"'{good}'" not in text
        assert "X-Auth-Token" not in text
        assert "Signature=" not in text


@pytest.fixture
def own_swift(tmp_path):
    """A Swift for one test, because its mapping is for a whole account."""
    with StandaloneProcess.start(tmp_path / "swift") as swift:
        yield swift.info


def test_case_74_account_mapping_follows_every_container(make_rig, own_swift):
    rig = make_rig("swift", swift=own_swift, mapping={"container": "*"})
    rig.put("o", b"data")
    rig.connection.put_container("another")
    rig.connection.put_object("another", "p", b"data")
    rig.once()
    for container, name in ((rig.container, "o"), ("another", "p")):
        remote = f"{rig.bucket}{container}"
        objects = rig.remote.list_objects(bucket=remote).objects
        assert [info.key for info in objects] == [name]


def test_case_74_account_mapping_to_s3_keeps_containers_apart(
    make_rig, own_swift
):
    rig = make_rig("s3api", swift=own_swift, mapping={"container": "*"})
    rig.put("o", b"data")
    rig.connection.put_container("another")
    rig.connection.put_object("another", "o", b"other")
    rig.once()
    assert rig.there()["o"].data == b"data"
    assert len(rig.remote.list_objects().objects) == 2


def test_daemon_finds_a_container_that_is_made_later(make_rig, own_swift):
    rig = make_rig("swift", swift=own_swift, mapping={"container": "*"})
    rig.default["discovery_interval"] = 1
    rig.write_config()
    with rig.daemon() as daemon:
        eventually(lambda: "following" in rig.log())
        rig.connection.put_container("later")
        rig.connection.put_object("later", "o", b"data")
        eventually(lambda: _exists(rig, f"{rig.bucket}later", "o"))
        assert rig.stop(daemon) == 0


def _exists(rig, bucket, key):
    try:
        return rig.remote.head_object(key, bucket=bucket)
    except NotFound:
        return None
