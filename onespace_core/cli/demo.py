# SPDX-License-Identifier: Apache-2.0
"""``onespace demo``: the main job, shown from beginning to end."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import logging
import mimetypes
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import onespace_core
from onespace_core.namespace.keys import KeyLayout, layout_for
from onespace_core.provider import (
    BucketAdmin,
    BytesBody,
    ObjectInfo,
    OnespaceError,
    Provider,
    ProviderSettings,
)
from onespace_core.provider.registry import Registry
from onespace_core.swift.standalone.process import StandaloneProcess
from onespace_core.sync.stamp import user_metadata

_ACCOUNT, _USER, _KEY = "demo", "admin", "demo-key"
_CONTAINER, _BUCKET = "documents", "mirror"
_CONFIG = """\
# Written by `onespace demo`.
[DEFAULT]
swift_dir = {cluster[swift_dir]}
devices = {cluster[devices]}
state_dir = {state}
swift_bind_ip = 127.0.0.1

[credentials:cloud]
provider = s3-compatible
endpoint = {cloud[s3_endpoint]}
region = us-east-1
access_key = {account}:{user}
secret_key = {key}
conditional_writes = create

[mapping:documents]
mode = sync
credentials = cloud
account = AUTH_{account}
container = {container}
bucket = {bucket}
"""


def add_parser(subparsers: Any) -> None:  # argparse hides the type
    """Add the command."""
    parser = subparsers.add_parser(
        "demo",
        help="show the main job on two embedded Swifts",
        description="Start two whole Swifts in processes of their own, one "
        "as the cluster and one as the cloud (over its S3 API), mirror a "
        "container from one to the other, change it, mirror again, and "
        "compare both sides. Needs no root, no network and no other service.",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave both Swifts running until Ctrl-C, and say what to try "
        "next; their data is kept",
    )
    parser.add_argument(
        "--dir",
        metavar="DIR",
        help="folder for the data, new or empty (default: a temporary one)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo; 0 only if both sides were compared and agree."""
    logging.getLogger("onespace").addHandler(logging.NullHandler())
    started = time.monotonic()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Whoever reads through a pipe sees how far it is, too.
        sys.stdout.reconfigure(line_buffering=True)
    # `kill` leaves no more behind than Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = _folder(args.dir)
    with contextlib.ExitStack() as stack:
        if not (args.keep or args.dir):
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        print("Starting two Swifts ...")
        cluster = stack.enter_context(_start(folder / "cluster"))
        cloud = stack.enter_context(_start(folder / "cloud"))
        demo = _prepare(stack, folder, cluster.info, cloud.info)
        agreed = _play(demo)
        print(f"\nTook {time.monotonic() - started:.1f} s.")
        if args.keep:
            _what_next(demo, cluster.info, cloud.info)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    return 0 if agreed else 1


def _folder(wanted: str | None) -> pathlib.Path:
    if wanted is None:
        return pathlib.Path(tempfile.mkdtemp(prefix="onespace-demo-"))
    folder = pathlib.Path(wanted).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder} is not an empty folder; give a new one"
        raise OnespaceError(message)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _start(folder: pathlib.Path) -> StandaloneProcess:
    return StandaloneProcess.start(
        folder, users=(f"{_ACCOUNT}:{_USER}:{_KEY}",)
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Demo:
    """What the acts of the demo work with."""

    config: pathlib.Path
    local: Provider
    remote: Provider
    layout: KeyLayout


def _prepare(
    stack: contextlib.ExitStack,
    folder: pathlib.Path,
    cluster: dict[str, Any],
    cloud: dict[str, Any],
) -> _Demo:
    state = folder / "state"
    state.mkdir()
    config = folder / "onespace.conf"
    config.touch(mode=0o600)
    config.write_text(
        _CONFIG.format(
            cluster=cluster,
            cloud=cloud,
            state=state,
            account=_ACCOUNT,
            user=_USER,
            key=_KEY,
            container=_CONTAINER,
            bucket=_BUCKET,
        )
    )
    local = _provider(
        "swift",
        _CONTAINER,
        auth_url=cluster["auth_url"],
        user=f"{_ACCOUNT}:{_USER}",
        key=_KEY,
    )
    remote = _provider(
        "s3-compatible",
        _BUCKET,
        endpoint=cloud["s3_endpoint"],
        region="us-east-1",
        access_key=f"{_ACCOUNT}:{_USER}",
        secret_key=_KEY,
    )
    stack.callback(local.close)
    stack.callback(remote.close)
    layout = layout_for(
        remote.KEY_SCHEME,
        account=f"AUTH_{_ACCOUNT}",
        container=_CONTAINER,
        bucket=_BUCKET,
    )
    print("Two Swifts are running, each in one process:")
    print(f"  the cluster   {cluster['url']}   (Swift API)")
    print(f"  the cloud     {cloud['s3_endpoint']}   (S3 API)")
    return _Demo(config, local, remote, layout)


def _provider(name: str, bucket: str, **values: str) -> Provider:
    registry = Registry()
    kind = registry.load(name)
    settings = ProviderSettings.from_options(
        [*kind.OPTS, *kind.TARGET_OPTS], values, bucket=bucket
    )
    return registry.create(
        name, settings, logger=logging.getLogger("onespace")
    )


def _play(demo: _Demo) -> bool:
    """Play all acts; return whether both sides agreed after each."""
    for side in (demo.local, demo.remote):
        if isinstance(side, BucketAdmin):
            side.create_bucket()
    names = _upload_files(demo)
    first = _sync_and_compare(demo)
    _change(demo, names)
    second = _sync_and_compare(demo)
    _print_layout(demo)
    return first and second


def _upload_files(demo: _Demo) -> list[str]:
    root = pathlib.Path(onespace_core.__file__).parent / "provider"
    files = sorted(root.glob("*.py"))
    for path in files:
        demo.local.put_object(
            f"sources/{path.name}",
            BytesBody(path.read_bytes()),
            content_type=mimetypes.guess_type(path.name)[0],
            metadata={"origin": path.name, "mood": "fröhlich"},
        )
    demo.local.put_object(
        "notes/50% of ünïcode?.txt", BytesBody("Grüße aus dem Cluster\n")
    )
    demo.local.put_object("empty", BytesBody(b""))
    print(
        f"\nUploaded {len(files)} files of onespace's own source and two "
        f"small ones to the container {_CONTAINER!r}."
    )
    return [f"sources/{path.name}" for path in files]


def _change(demo: _Demo, names: list[str]) -> None:
    overwritten, described, deleted = names[:3]
    demo.local.put_object(overwritten, BytesBody("rewritten\n"))
    demo.local.post_object(
        described, {"mood": "neugierig", "reviewed": "yes: twice, 100%"}
    )
    demo.local.delete_object(deleted)
    print(
        f"\nThen overwrote {overwritten}, changed the metadata of "
        f"{described}, and deleted {deleted}."
    )


def _sync_and_compare(demo: _Demo) -> bool:
    started = time.monotonic()
    result = subprocess.run(  # noqa: S603 - our own program
        [
            sys.executable,
            "-m",
            "onespace_core.cli.sync",
            "--config",
            str(demo.config),
            "--once",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        print(result.stderr, file=sys.stderr)
        message = f"onespace-sync ended with {result.returncode} (see above)"
        raise OnespaceError(message)
    summary = result.stderr.strip().splitlines()[-1:]
    print(
        f"\nonespace-sync --once ({time.monotonic() - started:.1f} s): "
        + "".join(summary).partition("INFO: ")[2]
    )
    return _compare(demo)


def _compare(demo: _Demo) -> bool:
    """Compare both sides by reading both; print a line each object."""
    here = {info.key: info for info in _objects(demo.local, "")}
    there = {
        info.key[len(demo.layout.root) :]: info
        for info in _objects(demo.remote, demo.layout.root)
    }
    print(f"  {'object':34} {'bytes':>6}  {'MD5':8}  cluster  cloud")
    for name in sorted(here.keys() | there.keys()):
        info = here.get(name) or there[name]
        print(
            f"  {name:34} {info.size:>6}  {(info.etag or '')[:8]:8}  "
            f"{'yes' if name in here else 'no':7}  "
            f"{'yes' if name in there else 'no'}"
        )
    wrong = [
        name
        for name in sorted(here.keys() | there.keys())
        if name not in here or name not in there or not _equal(demo, name)
    ]
    if wrong:
        print(f"  DIFFERENT: {', '.join(wrong)}")
        return False
    print(
        f"  Both sides hold the same {len(here)} objects: bytes, content "
        "types and metadata were read from both and agree."
    )
    return True


def _objects(provider: Provider, prefix: str) -> Iterator[ObjectInfo]:
    marker: str | None = ""
    while marker is not None:
        page = provider.list_objects(prefix=prefix, marker=marker)
        yield from page.objects
        marker = page.next_marker


def _equal(demo: _Demo, name: str) -> bool:
    with (
        demo.local.get_object(name) as here,
        demo.remote.get_object(demo.layout.key(name)) as there,
    ):
        return (
            here.read() == there.read()
            and here.info.content_type == there.info.content_type
            and dict(here.info.metadata) == user_metadata(there.info.metadata)
        )


def _print_layout(demo: _Demo) -> None:
    print(
        f"\nIn the bucket {_BUCKET!r} every key starts with "
        f"{demo.layout.root!r}: a hash that spreads containers, then "
        "account and container."
    )


def _what_next(
    demo: _Demo, cluster: dict[str, Any], cloud: dict[str, Any]
) -> None:
    folder = demo.config.parent
    print(
        f"""
Both keep running; their data is in {folder}. Try, in other terminals:

  # follow the container until Ctrl-C, copying changes as they come
  onespace-sync --config {demo.config}

  # talk to the cluster, then look at the cloud
  swift -A {cluster["auth_url"]} -U {_ACCOUNT}:{_USER} -K {_KEY} \\
      upload {_CONTAINER} /etc/hosts
  AWS_ACCESS_KEY_ID={_ACCOUNT}:{_USER} AWS_SECRET_ACCESS_KEY={_KEY} \\
      aws --endpoint-url {cloud["s3_endpoint"]} --region us-east-1 \\
      s3 ls --recursive s3://{_BUCKET}

  onespace status --config {demo.config}

  # when done
  rm -r {folder}

Ctrl-C here stops both."""
    )
