# SPDX-License-Identifier: Apache-2.0
"""The filter before an app that answers what it is told."""

import logging

import pytest
from onespace_shunt import filter_factory
from onespace_shunt.options import Options
from onespace_shunt.shunt import Shunt
from swift.common.swob import Request, Response

CONF = """
[credentials:disk]
provider = file
folder = {folder}

[mapping:main]
credentials = disk
account = AUTH_a
container = c
bucket = b
{more}
"""


@pytest.fixture
def conf_file(tmp_path):
    path = tmp_path / "onespace.conf"
    path.write_text(
        CONF.format(folder=tmp_path, more="merge_namespaces = true")
    )
    return path


class App:
    """Answers with one status, and notes what came."""

    def __init__(self, status=200):
        self.status = status
        self.seen = []

    def __call__(self, env, start_response):
        self.seen.append(env)
        answer = Response(
            request=Request(env), status=self.status, body=b"local"
        )
        return answer(env, start_response)


def shunt_of(app, conf_file, **options):
    return Shunt(
        app,
        Options(conf_file=str(conf_file), **options),
        logging.getLogger("test"),
    )


@pytest.mark.parametrize("status", [200, 400, 401, 403, 410, 500, 503])
@pytest.mark.parametrize("path", ["/v1/AUTH_a/c/o", "/v1/AUTH_a/c"])
def test_case_S28c_any_other_answer_is_passed_on(conf_file, status, path):
    if status == 200 and path.endswith("/c"):
        return  # a listing
    app = App(status)
    shunt = shunt_of(app, conf_file)
    got = Request.blank(path).get_response(shunt)
    assert (got.status_int, got.body) == (
        status,
        b"local",
    )
    assert len(app.seen) == 1
    assert not shunt.counts


@pytest.mark.parametrize(
    "path",
    [
        *("/", "", "/v1", "/v1/", "/v1/AUTH_a", "/v1/AUTH_a/", "//", "/info"),
        *("/v1//c/o", "/v1/AUTH_a//o", "/v1/AUTH_b/c/o", "/v1/AUTH_a/d/o"),
        *("/v1/AUTH_a/c/\0x", "/auth/v1.0", "/v1/AUTH_a/%ff/o"),
    ],
)
def test_other_paths_are_no_affair_of_ours(conf_file, path):
    app = App(404)
    shunt = shunt_of(app, conf_file)
    env = {**Request.blank("/").environ, "PATH_INFO": path}
    got = Request(env).get_response(shunt)
    assert (got.status_int, got.body) == (404, b"local")
    assert [each is env for each in app.seen] == [True]
    assert not shunt.counts


def test_case_S28b_a_file_that_is_not_there_is_no_mapping(tmp_path):
    app = App(404)
    shunt = shunt_of(app, tmp_path / "missing")
    assert Request.blank("/v1/AUTH_a/c/o").get_response(shunt).body == (
        b"local"
    )


def test_case_H06_credentials_without_a_provider_harm_no_request(tmp_path):
    path = tmp_path / "onespace.conf"
    path.write_text(
        CONF.format(folder=tmp_path, more="merge_namespaces = true").replace(
            "provider = file", ""
        )
    )
    app = App(404)
    shunt = shunt_of(app, path)
    got = Request.blank("/v1/AUTH_a/c/o").get_response(shunt)
    assert (got.status_int, got.body) == (404, b"local")


def test_a_fault_of_ours_is_no_500(conf_file, monkeypatch, caplog):
    def broken(*_args):
        raise ZeroDivisionError

    shunt = shunt_of(App(404), conf_file)
    monkeypatch.setattr(shunt, "_remote", broken)
    got = Request.blank("/v1/AUTH_a/c/o").get_response(shunt)
    assert got.status_int == 503
    assert shunt.counts["faults"] == 1
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("key", "sent", "passes"),
    [
        (None, "x", False),
        (None, "", False),
        ("k", "x", False),
        ("k", "k\xe9", False),
        ("k", "k", True),
    ],
)
def test_case_S23_the_bypass_needs_a_key(conf_file, key, sent, passes):
    shunt = shunt_of(App(404), conf_file, bypass_key=key)
    env = Request.blank("/v1/AUTH_a/c/o").environ
    env["HTTP_X_ONESPACE_BYPASS"] = sent
    assert (shunt._find(env) is None) == passes


def test_the_key_is_in_no_repr():
    assert "secret" not in repr(Options(bypass_key="secret"))


@pytest.mark.parametrize("value", ["x", "-1", "nan", "inf", ""])
def test_a_time_that_is_none_stops_the_proxy(value):
    with pytest.raises(ValueError, match="remote_timeout"):
        filter_factory({}, remote_timeout=value)


def test_options_are_read():
    options = Options.parse(
        {"conf_file": "/a", "negative_ttl": "0", "expose_location": "no"}
    )
    assert options == Options(
        conf_file="/a", negative_ttl=0, expose_location=False
    )
    assert Options.parse({}) == Options()
