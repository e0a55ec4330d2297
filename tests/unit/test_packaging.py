# SPDX-License-Identifier: Apache-2.0
"""What is installed is what is in the repository, and nothing else."""

import configparser
import importlib.metadata
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: Folders of packages; what is called onespace_ there is ours.
ROOMS = (".", "plugins", "middleware", "connector")
#: What a checkout has that is no source.
NO_SOURCE = shutil.ignore_patterns(
    *(".git", ".tox", ".venv", "venv", "build", "dist", "*.egg-info"),
    *("__pycache__", ".*_cache", ".hypothesis"),
)
CALL_BACKEND = """
import sys
from setuptools import build_meta
print(getattr(build_meta, sys.argv[1])(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def configuration():
    """setup.cfg."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


@pytest.fixture(scope="module")
def packages(configuration):
    """Every package that setup.cfg lists."""
    return set(configuration["options"]["packages"].split())


@pytest.fixture(scope="module")
def package_dir(configuration):
    """Where setup.cfg says that top-level packages are."""
    return assignments(configuration["options"]["package_dir"])


def assignments(text):
    """Return ``name = value`` lines as a dictionary."""
    pairs = (line.partition("=") for line in text.strip().splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The source distribution, unpacked; built from a copy of the tree."""
    # Older ones need a second distribution, wheel, to build one.
    pytest.importorskip(
        "setuptools", "70.1", reason="building needs setuptools 70.1"
    )
    folder = tmp_path_factory.mktemp("packaging")
    copy = folder / "copy"
    shutil.copytree(ROOT, copy, ignore=NO_SOURCE)
    built = build(copy, folder / "dist", "build_sdist")
    with tarfile.open(built) as archive:
        archive.extractall(folder, filter="data")
    return folder / built.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def wheel(sdist):
    """Names of all files in the wheel that is built from the sdist."""
    with zipfile.ZipFile(build(sdist, sdist.parent, "build_wheel")) as file:
        return frozenset(file.namelist())


def build(source, target, what):
    """Call a hook of setuptools' backend, as pip does; nothing is loaded."""
    target.mkdir(exist_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-c", CALL_BACKEND, what, str(target)),
        ],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target / done.stdout.splitlines()[-1]


def modules(packages):
    """Return all modules on disk as paths below an installation."""
    found = set()
    for package in packages:
        for room in ROOMS:
            folder = ROOT / room / package.replace(".", "/")
            found |= {
                f"{package.replace('.', '/')}/{path.name}"
                for path in folder.glob("*.py")
            }
    return found


def test_setup_cfg_lists_every_package_on_disk(packages):
    on_disk = {
        ".".join(path.parent.relative_to(ROOT / room).parts)
        for room in ROOMS
        for path in (ROOT / room).glob("onespace_*/**/__init__.py")
    }
    assert packages == on_disk


def test_package_dir_says_where_every_top_level_package_is(
    package_dir, packages
):
    tops = {package.partition(".")[0] for package in packages}
    assert package_dir.keys() == tops
    for top, place in package_dir.items():
        assert (ROOT / place / "__init__.py").is_file(), top


def test_every_folder_of_modules_is_a_package(packages):
    for room in ROOMS:
        for path in (ROOT / room).glob("onespace_*/**/*.py"):
            assert (path.parent / "__init__.py").is_file(), path


def test_every_top_level_package_tells_type_checkers_that_it_has_types(
    package_dir,
):
    for place in package_dir.values():
        assert (ROOT / place / "py.typed").is_file(), place


def test_import_linter_watches_every_top_level_package(package_dir):
    text = (ROOT / ".importlinter").read_text()
    roots = text.partition("root_packages =")[2].partition("include_")[0]
    assert set(roots.split()) == set(package_dir)


def test_wheel_has_every_module_and_no_name_but_ours(
    wheel, packages, package_dir
):
    ours = {name for name in wheel if ".dist-info/" not in name}
    typed = {f"{top}/py.typed" for top in package_dir}
    assert ours == modules(packages) | typed


def test_wheel_has_the_licence_and_the_entry_points(wheel):
    (info,) = {
        name.partition("/")[0] for name in wheel if ".dist-info/" in name
    }
    assert f"{info}/entry_points.txt" in wheel
    assert any(
        name.startswith(f"{info}/") and name.endswith("LICENSE")
        for name in wheel
    )


def test_sdist_can_be_tested_and_read(sdist):
    for folder in ("tests", "docs", "etc"):
        here = {
            str(path.relative_to(ROOT))
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        there = {
            str(path.relative_to(sdist))
            for path in (sdist / folder).rglob("*")
            if path.is_file()
        }
        assert there == here
    for name in ("README.rst", "CHANGES.rst", "LICENSE", "tox.ini"):
        assert (sdist / name).is_file(), name


def entry_points():
    return sorted(
        importlib.metadata.distribution("onespace").entry_points,
        key=lambda point: (point.group, point.name),
    )


@pytest.mark.parametrize(
    "point", entry_points(), ids=lambda p: f"{p.group}-{p.name}"
)
def test_every_entry_point_that_is_installed_loads(point):
    assert callable(point.load())


def test_installed_entry_points_are_those_of_setup_cfg(configuration):
    declared = {
        (group, name, value)
        for group, text in configuration["options.entry_points"].items()
        for name, value in assignments(text).items()
    }
    installed = {(p.group, p.name, p.value) for p in entry_points()}
    # Or the environment is older than the checkout: install it again.
    assert installed == declared


def test_console_scripts_are_where_this_python_is():
    folder = pathlib.Path(sys.executable).parent
    for point in entry_points():
        if point.group == "console_scripts":
            assert (folder / point.name).is_file(), point.name
