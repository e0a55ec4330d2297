# SPDX-License-Identifier: Apache-2.0
import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from onespace_core import config as configuration
from onespace_core.config import options
from onespace_core.config.model import Settings
from onespace_core.provider import ConfigError, KeyScheme


def test_a_good_file_gives_its_mappings_and_no_problem(load, good, secret):
    config = load(good)
    assert config.problems == ()
    assert not config.fatal
    [mapping] = config.mappings
    assert (mapping.name, mapping.mode) == ("photos", "sync")
    assert (mapping.account, mapping.container) == ("AUTH_media", "photos")
    assert (mapping.provider, mapping.credentials) == ("s3", "aws")
    assert mapping.bucket == mapping.settings.bucket == "media"
    assert mapping.key_scheme is KeyScheme.HASHED
    assert mapping.settings["secret_key"] == secret
    assert mapping.settings["read_timeout"] == 60.0
    assert mapping.custom_prefix is None
    assert mapping.exclude_pattern is None
    assert mapping.propagate_delete is True
    assert not mapping.per_account


def test_the_provider_gets_every_declared_option(load, good, plugins):
    [mapping] = load(good).mappings
    provider = plugins.load("s3")
    names = {opt.dest for opt in (*provider.OPTS, *provider.TARGET_OPTS)}
    assert set(mapping.settings) == names


def test_a_mapping_s_profile_is_not_the_option_of_a_provider(load, good):
    [mapping] = load(good).mappings
    assert mapping.settings["profile"] is None


def test_a_mapping_overrides_its_profile(load, good):
    config = load(
        good,
        """
        bucket = other
        propagate_delete = false
        """,
    )
    assert config.problems == ()
    assert config.mappings[0].bucket == "other"
    assert config.mappings[0].propagate_delete is False


def test_a_mapping_needs_no_profile(load, good):
    config = load(
        good,
        """
        [mapping:docs]
        credentials = far
        account = AUTH_docs
        container = *
        bucket = docs-
        storage_policy = gold
        """,
    )
    assert config.problems == ()
    docs = config.mappings[1]
    assert docs.per_account
    assert docs.key_scheme is KeyScheme.PLAIN
    assert docs.settings["storage_policy"] == "gold"


def test_defaults_of_settings_are_those_of_the_options(load):
    config = load("")
    assert config.settings == Settings()
    for opt in options.GLOBAL_OPTS:
        expected = () if opt.dest == "config_source" else opt.default
        assert getattr(config.settings, opt.dest) == expected, opt.dest


def test_defaults_of_mappings_are_those_of_the_options(make):
    mapping = make()
    for opt in options.POLICY_OPTS:
        if opt.dest not in ("account", "bucket", "credentials"):
            assert getattr(mapping, opt.dest) == opt.default, opt.dest


def test_every_option_has_help_and_a_type_name():
    for opt in (
        *options.GLOBAL_OPTS,
        *options.MAPPING_ONLY_OPTS,
        *options.POLICY_OPTS,
        options.PROVIDER_OPT,
    ):
        assert opt.help, opt.dest
        assert opt.help.rstrip().endswith((".", ".)")), opt.dest
        assert opt.type.type_name, opt.dest


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45", 45),
        ("0.5", 0.5),
        ("45s", 45),
        ("60m", 3600),
        ("12h", 43200),
        ("1d", 86400),
        ("1.5 h", 5400),
        ("00:30", None),
        ("30 days", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("9" * 400, None),
        ("٣", None),
    ],
)
def test_durations_have_units(load, text, seconds):
    config = load(f"[DEFAULT]\nretry_deadline = {text}\n")
    if seconds is None:
        [problem] = config.problems
        assert (problem.section, problem.option) == (
            "DEFAULT",
            "retry_deadline",
        )
        assert config.settings.retry_deadline == 60.0
    else:
        assert config.problems == ()
        assert config.settings.retry_deadline == seconds


def test_settings_are_read(load):
    config = load(
        """
        [DEFAULT]
        swift_dir = /srv/swift
        poll_interval = 250s
        workers = 3
        console = no
        log_file = /var/log/onespace.log
        http_proxy = http://user:pw@proxy:3128
        """
    )
    assert config.problems == ()
    values = config.settings
    assert values.swift_dir == "/srv/swift"
    assert values.poll_interval == 250.0
    assert values.workers == 3
    assert values.console is False
    assert values.http_proxy == "http://user:pw@proxy:3128"


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("workers = many", "workers"),
        ("workers = 0", "workers"),
        ("workers = 100000", "workers"),
        ("swift_dir = etc/swift", "swift_dir"),
        ("console = perhaps", "console"),
        ("log_level = verbose", "log_level"),
        ("statsd_port = 70000", "statsd_port"),
        ("swift_bind_ip = here", "swift_bind_ip"),
        ("poll_interval = 0", "poll_interval"),
        ("syslog_address = here", "syslog_address"),
        ("wrokers = 3", "wrokers"),
        ("console = false", "console"),
        ("http_proxy = proxy:3128", "http_proxy"),
        ("workers", None),
        ("config_source = nowhere", None),
    ],
)
def test_a_problem_of_the_default_section_names_its_option(
    load, good, line, option
):
    config = load(f"[DEFAULT]\n{line}\n{good}")
    problem = config.problems[0]
    assert problem.option == option
    assert problem.path.endswith("onespace.conf")
    if "config_source" not in line:
        assert problem.section == "DEFAULT"
        assert config.fatal


@pytest.mark.parametrize(
    "text",
    [
        "workers = 3\n[DEFAULT]\n",
        "[DEFAULT\nworkers = 3\n",
        "[]\nworkers = 3\n",
        "[default]\nworkers = 3\n",
        "[ DEFAULT ]\nworkers = 3\n",
        "[DEFAULT]\nworkers = 3\n[DEFAULT]\nworkers = 3\n",
        "[DEFAULT]\nworkers = 3\nworkers = 3\n",
    ],
)
def test_settings_that_may_be_lost_are_fatal(load, text):
    config = load(text)
    assert config.problems
    assert config.fatal


def test_an_unknown_option_comes_with_a_hint(found):
    assert found("bukcet = x\n") == [
        (
            "mapping:photos",
            "bukcet",
            found("bukcet = x\n")[0][2],
        )
    ]
    assert "(did you mean bucket?)" in found("bukcet = x\n")[0][2]


def test_the_file_option_of_a_secret_is_hinted_at(found):
    [(_, option, text)] = found(
        "[credentials:x]\nprovider = s3\nsecret_key = a\npin_fil = /x\n"
    )
    assert option == "pin_fil"
    assert "did you mean pin_file?" in text


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("[mappings:x]", "did you mean mapping?"),
        ("[mapping]", "write [mapping:NAME]"),
        ("[mapping:a b]", "write [mapping:NAME]"),
        ("[shunt]", None),
    ],
)
def test_an_unknown_section_is_a_problem(found, header, hint):
    [(section, option, text)] = found(f"{header}\nbucket = x\n")[:1]
    assert section == header.strip("[]")
    assert option is None
    assert hint is None or hint in text


def test_everything_wrong_is_listed_at_once(load):
    config = load(
        """
        [DEFAULT]
        workers = 0
        wrkers = 1
        [credentials:aws]
        provider = s3
        secret_key = x
        colour = red
        [credentials:none]
        [credentials:strange]
        provider = carrier-pigeon
        [profile:p]
        credentials = asw
        propagate_delete = maybe
        [profile:unused]
        cpy_after = 3
        [mapping:one]
        profile = p
        container = a/b
        mode = migration
        [mapping:two]
        profile = q
        exclude_pattern = (
        [mapping:three]
        credentials = strange
        nonsense
        """
    )
    found = {(each.section, each.option) for each in config.problems}
    assert found == {
        ("DEFAULT", "workers"),
        ("DEFAULT", "wrkers"),
        ("credentials:aws", "colour"),
        ("credentials:strange", "provider"),
        ("profile:p", "credentials"),
        ("profile:p", "propagate_delete"),
        ("profile:unused", "cpy_after"),
        ("mapping:one", "account"),
        ("mapping:one", "bucket"),
        ("mapping:one", "mode"),
        ("mapping:two", "profile"),
        ("mapping:two", "exclude_pattern"),
        ("mapping:two", "account"),
        ("mapping:two", "bucket"),
        ("mapping:two", "container"),
        ("mapping:two", "credentials"),
        ("mapping:three", None),
        ("mapping:three", "account"),
        ("mapping:three", "bucket"),
        ("mapping:three", "container"),
    }
    assert config.mappings == ()


@pytest.mark.parametrize(
    "bad",
    [
        "[mapping:bad]\nprofile = nowhere\ncontainer = c\n",
        "[mapping:bad]\nprofile = archive\ncontainer = c\nx\n",
        "[mapping:bad]\nprofile = archive\ncontainer = c\ncolour = red\n",
        "[mapping:bad]\nprofile = archive\n",
        "[mapping:bad]\nprofile = archive\ncontainer = photos/x\n",
        "[mapping:bad]\nprofile = archive\ncontainer = photos\nmode = index\n",
        "[mapping:bad]\nprofile = archive\ncontainer = *\ncustom_prefix=\n",
        "[mapping:bad]\nprofile = archive\ncontainer = c\nbucket=a\nbucket=b",
        "[mapping:bad\nprofile = archive\ncontainer = c\n",
        (
            "[mapping:bad]\nprofile = archive\ncontainer = c\n"
            "credentials = far\nstorage_class = x\n"
        ),
        "[profile:x]\ncolour = red\n[mapping:bad]\nprofile = x\ncontainer=c\n",
        (
            "[credentials:x]\nprovider = nothing\n"
            "[mapping:bad]\nprofile = archive\ncredentials = x\ncontainer=c\n"
        ),
        (
            "[credentials:x]\nprovider = greedy\n"
            "[mapping:bad]\nprofile = archive\ncredentials = x\ncontainer=c\n"
        ),
        (
            "[mapping:bad]\nprofile = archive\ncontainer = c\n"
            "[mapping:bad]\nprofile = archive\ncontainer = c\n"
        ),
    ],
)
def test_one_bad_mapping_never_stops_a_good_one(load, good, bad):
    config = load(good + bad)
    assert config.problems
    assert not config.fatal
    assert [each.name for each in config.mappings] == ["photos"]


def test_a_problem_of_a_profile_is_told_once_and_stops_its_mappings(
    load, good
):
    config = load(
        good.replace("bucket = media", "bucket = media\nmode = migration"),
        """
        [mapping:docs]
        profile = archive
        container = docs
        """,
    )
    [problem] = config.problems
    assert (problem.section, problem.option) == (
        "profile:archive",
        "mode",
    )
    assert config.mappings == ()


def test_a_mapping_may_override_what_is_wrong_in_its_profile_only_together(
    load, good
):
    """retain_local alone is refused, in the profile where it stands."""
    config = load(
        good.replace("bucket = media", "bucket = media\nretain_local = no")
        + "retain_local = yes\n"
    )
    assert config.problems == ()
    assert [each.name for each in config.mappings] == ["photos"]


def test_an_option_for_another_provider_is_the_mapping_s_problem(load, good):
    config = load(
        good.replace("bucket = media", "bucket = media\nstorage_class = IA"),
        """
        [mapping:far]
        profile = archive
        credentials = far
        container = photos
        """,
    )
    [problem] = config.problems
    assert (problem.section, problem.option) == (
        "mapping:far",
        "storage_class",
    )
    [photos] = config.mappings
    assert photos.settings["storage_class"] == "IA"


def test_two_sections_of_one_name_are_refused(load, good):
    config = load(good + "[mapping:photos]\nprofile=archive\ncontainer=a\n")
    assert config.mappings == ()
    assert "lines 18, 21" in str(config.problems[0])


def test_an_option_given_twice_is_refused_unless_it_may_be(load, good):
    config = load(
        good.replace(
            "access_key = AKIA", "access_key = A\nheader = 1\nheader = 2"
        )
    )
    assert config.problems == ()
    assert config.mappings[0].settings["header"] == ["1", "2"]


def test_empty_sections_that_nobody_names_do_no_harm(load, good):
    config = load(
        good + "[mapping:example]\n[credentials:example]\n[profile:example]\n"
    )
    assert config.problems == ()
    assert [each.name for each in config.mappings] == ["photos"]


def test_an_empty_section_that_is_named_is_a_problem(found):
    problems = found(
        "credentials = empty\n[credentials:empty]\n",
    )
    assert ("credentials:empty", "provider") in [p[:2] for p in problems]


def test_a_comment_behind_a_value_is_not_taken_for_the_value(found):
    [(section, option, text)] = found("bucket = media   # or another\n")
    assert (section, option) == ("mapping:photos", "bucket")
    assert "a line of its own" in text


def test_a_value_in_quotes_may_have_a_hash(load, good):
    config = load(good + 'custom_prefix = "a #1"\n')
    assert config.problems == ()
    assert config.mappings[0].custom_prefix == "a #1"


def test_a_dollar_is_a_dollar(load, good):
    config = load(good + r"exclude_pattern = .*\.$tmp$" + "\n")
    assert config.problems == ()
    assert config.mappings[0].exclude_pattern.pattern == r".*\.$tmp$"


def test_an_empty_pattern_excludes_nothing(load, good):
    """T-08: in 1space it excluded everything."""
    config = load(good + "exclude_pattern =\n")
    assert config.problems == ()
    assert config.mappings[0].exclude_pattern is None


def test_a_pattern_is_for_the_start_of_names(load, good):
    [mapping] = load(good + "exclude_pattern = tmp/|x$\n").mappings
    pattern = mapping.exclude_pattern
    assert pattern.match("tmp/1")
    assert pattern.match("x")
    assert not pattern.match("a/tmp/1")


def test_the_sample_s_word_for_nothing_is_no_value(found):
    [(section, option, _)] = found("custom_prefix = <None>\n")
    assert (section, option) == ("mapping:photos", "custom_prefix")


def test_a_trailing_slash_of_an_endpoint_goes(load, good):
    with_slash = good.replace("/auth/v1.0", "/auth/v1.0//")
    more = """
        [mapping:far]
        profile = archive
        credentials = far
        container = photos
        """
    one = load(good, more).mappings[1]
    two = load(with_slash, more).mappings[1]
    assert two.settings["auth_url"] == "https://far/auth/v1.0"
    assert one.fingerprint == two.fingerprint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("account", ""),
        ("bucket", ""),
        ("container", ""),
        ("bucket", "a\x07b"),
        ("container", "one\n  two"),
    ],
)
def test_a_name_is_one_line(found, name, value):
    text = "[mapping:x]\ncredentials = aws\n" + "".join(
        f"{option} = {value if option == name else 'x'}\n"
        for option in ("account", "bucket", "container")
    )
    assert [each[:2] for each in found(text)] == [("mapping:x", name)]


def test_names_keep_their_unicode(load, good):
    [mapping] = load(
        good.replace("container = photos", "container = 写\u2028真 é")
    ).mappings
    assert mapping.container == "写\u2028真 é"


# -- the file itself -------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"[DEFAULT]\nx = \xff\n", b"\x80", b"\xed\xa0\x80"]
)
def test_a_file_that_is_no_text_cannot_be_loaded(tmp_path, plugins, content):
    path = tmp_path / "x.conf"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        configuration.load(path, plugins)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_missing_file_cannot_be_loaded(tmp_path, plugins):
    with pytest.raises(ConfigError, match="No such file"):
        configuration.load(tmp_path / "x.conf", plugins)


def test_a_folder_cannot_be_loaded(tmp_path, plugins):
    with pytest.raises(ConfigError, match="Is a directory"):
        configuration.load(tmp_path, plugins)


def test_an_endless_file_cannot_be_loaded(plugins):
    with pytest.raises(ConfigError, match="too large"):
        configuration.load("/dev/zero", plugins)


def test_a_byte_order_mark_and_crlf_do_no_harm(tmp_path, plugins, good):
    path = tmp_path / "x.conf"
    path.write_bytes(b"\xef\xbb\xbf" + good.replace("\n", "\r\n").encode())
    os.chmod(path, 0o600)
    config = configuration.load(path, plugins, environ={})
    assert config.problems == ()
    assert config.mappings[0].container == "photos"


_WORDS = st.sampled_from(
    [
        "[DEFAULT]",
        "[mapping:a]",
        "[mapping:",
        "[profile:a]",
        "[credentials:a]",
        "[]",
        "profile = a",
        "credentials = a",
        "provider = s3",
        "provider = swift",
        "provider = greedy",
        "auth_url = http://[::1",
        "endpoint = http://h:99999",
        "endpoint = \x00",
        "secret_key_file = /",
        "secret_key_file = \x00",
        "container = *",
        "account = \x00",
        "bucket = b",
        "exclude_pattern = (?P<",
        "exclude_pattern = " + "(" * 300,
        "selection_criteria = " + "[" * 5000,
        "min_segment_size = " + "9" * 5000,
        "config_source = a, b",
        "driver = castellan",
        "driver = environment",
        " continued",
        "=",
        ":",
        '"',
    ]
)
_LINES = st.lists(
    st.one_of(_WORDS, st.text(st.characters(exclude_categories=["Cs"]))),
    max_size=25,
)


@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(lines=_LINES)
@example(lines=["[DEFAULT]", "poll_interval = " + "9" * 5000])
@example(lines=["[credentials:a]", "provider = s3", "[credentials:a]"])
def test_whatever_the_file_has_only_problems_come_of_it(
    tmp_path, plugins, lines
):
    path = tmp_path / "garbage.conf"
    path.write_bytes("\n".join(lines).encode())
    config = configuration.load(path, plugins, environ={})
    for problem in config.problems:
        assert "\n" not in str(problem)
    for mapping in config.mappings:
        assert len(mapping.fingerprint) == 64


@settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.binary(max_size=200))
def test_whatever_bytes_the_file_has_only_config_errors_come_of_it(
    tmp_path, plugins, data
):
    path = tmp_path / "garbage.conf"
    path.write_bytes(data)
    try:
        configuration.load(path, plugins, environ={})
    except ConfigError as exc:
        assert exc.path == str(path)  # noqa: PT017 - either way is right


def test_credentials_are_read_alone_whatever_else_is_wrong(
    write, plugins, good, secret
):
    path = write(good, "colour = red\n[nonsense]\nx = 1\n")
    found = configuration.load_credentials(path, "aws", plugins, environ={})
    assert found.provider_name == "s3"
    settings = found.settings("bucket")
    assert settings.bucket == "bucket"
    assert settings["secret_key"] == secret
    assert settings["storage_class"] is None
    assert secret not in repr(found)


@pytest.mark.parametrize(
    ("change", "name", "message"),
    [
        (("", ""), "aw", "no section .credentials:aw.*did you mean aws"),
        (("secret_key", "read_timeout = x\nsecret_key"), "aws", "timeout"),
        (("provider = s3", "provider = s4"), "aws", "no provider 's4'"),
        (("provider = s3", ""), "aws", "provider: this is needed"),
        (("secret_key = ", "region = "), "aws", "secret_key: this is needed"),
    ],
)
def test_credentials_that_cannot_be_used_say_why(
    write, plugins, good, change, name, message
):
    path = write(good.replace(*change, 1))
    with pytest.raises(configuration.ConfigError, match=message):
        configuration.load_credentials(path, name, plugins, environ={})


def test_all_names_are_known_whatever_is_wrong(load, good):
    text = good.replace("secret_key", "secret_kee")
    config = load(text, "[mapping:more]\nprofile = nowhere\ncontainer = c\n")
    assert config.mappings == ()
    assert config.names == ("photos", "more")
    assert config.credentials == ("aws", "far")
