# SPDX-License-Identifier: Apache-2.0
"""Keys as paths: every key one path, every path one key, all inside."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onespace_file.names import DATA, LONGEST, Kind, Names

MODES = [Names(folded=False), Names(folded=True)]
ODD = st.sampled_from(
    [
        *("/", "//", ".", "..", "%", "%none", "%meta", "%more", "\0", "\n"),
        *("%v0123456789abcdef", "\u00e9", "e\u0301", "A", " "),
        *("a" * 119, "a" * 121),
    ]
)
KEYS = st.one_of(
    st.lists(
        st.one_of(
            ODD, st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
        ),
        min_size=1,
        max_size=12,
    ).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.integers(100, 1024).map(lambda size: "\n" * size),
).filter(bool)


def key_of(names, path):
    """Read a path as a listing does."""
    key = ""
    for folder in path.folders:
        entry = names.read(folder.decode(), is_folder=True)
        key += entry.text + ("/" if entry.kind is Kind.FOLDER else "")
    entry = names.read(path.meta.decode(), is_folder=False)
    assert entry.kind is Kind.OBJECT
    data = names.read(path.data("0123456789abcdef").decode(), is_folder=False)
    assert (data.kind, data.text) == (Kind.BYTES, entry.text)
    return key + entry.text


@pytest.mark.parametrize("names", MODES)
@settings(deadline=None)
@given(key=KEYS)
def test_a_path_is_read_as_the_key_it_was_made_of(names, key):
    assert key_of(names, names.path(key)) == key


@pytest.mark.parametrize("names", MODES)
@settings(deadline=None)
@given(key=KEYS)
def test_no_name_leaves_its_folder_or_is_too_long(names, key):
    path = names.path(key)
    for name in (*path.folders, path.meta, path.data("0" * 16)):
        assert name
        assert b"/" not in name
        assert b"\0" not in name
        assert not name.startswith(b".")
        assert not name.endswith(b".")
        assert len(name) <= LONGEST + len(DATA) + 16 <= 143
        assert name not in {b"%bucket", b"%tmp", b"%lock"}


@settings(deadline=None)
@given(one=KEYS, other=KEYS)
def test_folded_names_of_two_keys_differ_without_case(one, other):
    names = MODES[1]

    def folded(key):
        path = names.path(key)
        parts = [*(name.decode() for name in path.folders), path.stem]
        assert all(part.isascii() for part in parts)
        return [part.lower() for part in parts]

    assert (folded(one) == folded(other)) == (one == other)


@settings(deadline=None)
@given(upper=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_folded_names_of_a_key_in_other_case_differ(upper):
    one, other = MODES[1].path(upper.upper()), MODES[1].path(upper.lower())
    if upper.upper() != upper.lower():
        assert one.meta.lower() != other.meta.lower() or [
            name.lower() for name in one.folders
        ] != [name.lower() for name in other.folders]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a/b.jpg", "a/b.jpg%meta"),
        ("Z\u00fcrich 1.jpg", "Z\u00fcrich%201.jpg%meta"),
        ("a", "a%meta"),
        ("a/", "a/%none%meta"),
        ("/a", "%none/a%meta"),
        ("a//b", "a/%none/b%meta"),
        ("..", "%2E%2E%meta"),
        ("a/../b", "a/%2E%2E/b%meta"),
        (".hidden", "%2Ehidden%meta"),
        ("a\0b\nc", "a%00b%0Ac%meta"),
        ("100%", "100%25%meta"),
        ("%none", "%25none%meta"),
        ("a" * 300, f"{'a' * 120}%more/{'a' * 120}%more/{'a' * 60}%meta"),
        ("\u202etxt.exe", "%E2%80%AEtxt.exe%meta"),
    ],
)
def test_paths_can_be_read_by_people(key, path):
    made = MODES[0].path(key)
    assert b"/".join((*made.folders, made.meta)).decode() == path


@pytest.mark.parametrize(
    "name",
    [
        *("photo.jpg", ".DS_Store", "a b%meta", "%meta", "a%61%meta"),
        *("a%v12", "a%v0123456789ABCDEF", "A%zz%meta", "%C3%28%meta"),
        *("%%meta", ".%meta"),
    ],
)
def test_a_file_that_onespace_would_not_write_is_not_read(name):
    assert MODES[0].read(name, is_folder=False) is None


@pytest.mark.parametrize(
    "name", ["%tmp", "%lock", ".snapshot", "My Photos", "a%more%more", ".."]
)
def test_a_folder_that_onespace_would_not_make_is_not_read(name):
    assert MODES[0].read(name, is_folder=True) is None
