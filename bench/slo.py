# SPDX-License-Identifier: Apache-2.0
"""Benchmark one large object of 1 GiB, from Swift to S3.

onespace-sync copies a static large object of 16 segments; ``rclone copyto``
copies the same bytes, kept as one plain object. Both go to MinIO and take
turns; see bench/sync.py for the rest, and for what is needed (MinIO too).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys

import contenders
import measure
import world

from onespace_core.provider import ObjectInfo

_SEGMENT = 64 << 20
_SEGMENTS = 16
_MIB = _SEGMENT * _SEGMENTS >> 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    from servers.rig import make_provider
    from servers.s3 import running_minio

    with world.running_world(world.default_folder()) as running:
        _fill(running)
        base = running.folder()
        with running_minio(base) as server:
            remote = make_provider(
                "s3-compatible", "bucket", **server.options(preset="minio")
            )
            remote.create_bucket()
            costs: dict[str, list[measure.Cost]] = {}
            for _ in range(rounds):
                for name, job in (
                    ("onespace, SLO", _onespace(running, server)),
                    ("rclone copyto, plain", _rclone(running, server)),
                ):
                    costs.setdefault(name, []).append(measure.run(job))
                    sizes = [_check(remote, each) for each in _listed(remote)]
                    if not any(sizes):
                        raise RuntimeError(f"{name} copied nothing")
            remote.close()
    _print(costs)
    return 0


def _fill(running: world.World) -> None:
    data = (b"0123456789abcdef" * 4096) * (_SEGMENT >> 16)
    for container in ("slo", "slo_segments", "plain"):
        running.ask("PUT", container)
    manifest = []
    for number in range(_SEGMENTS):
        running.ask("PUT", f"slo_segments/{number:02}", data)
        manifest.append({"path": f"/slo_segments/{number:02}"})
    text = json.dumps(manifest).encode()
    running.ask("PUT", "slo/film?multipart-manifest=put", text)
    running.ask("PUT", "plain/film", data * _SEGMENTS)


def _onespace(running: world.World, server: object) -> measure.Job:
    folder = running.folder()
    job = contenders.onespace(running, "slo", "bucket", folder, "--once")
    config = folder / "onespace.conf"
    text = config.read_text().replace(running.sink_url, server.endpoint)
    for old, new in zip(
        contenders.KEYS, (server.access_key, server.secret_key), strict=True
    ):
        text = text.replace(old, new)
    config.write_text(text)
    return job


def _rclone(running: world.World, server: object) -> measure.Job:
    folder = running.folder()
    config = folder / "rclone.conf"
    config.touch(mode=0o600)
    config.write_text(
        "[swift]\ntype = swift\n"
        f"user = {running.account.user}\nkey = {running.account.key}\n"
        f"auth = {running.info['auth_url']}\n"
        "[sink]\ntype = s3\nprovider = Minio\n"
        f"endpoint = {server.endpoint}\nregion = us-east-1\n"
        f"access_key_id = {server.access_key}\n"
        f"secret_access_key = {server.secret_key}\n"
    )
    program = contenders.find("rclone")
    if program is None:
        raise RuntimeError("rclone is not installed")
    return measure.Job(
        [
            *(program, "--config", str(config), "--s3-no-check-bucket"),
            *("copyto", "swift:plain/film", "sink:bucket/film"),
        ],
        contenders.environment(folder),
        folder / "output.log",
    )


def _listed(remote: object) -> list[ObjectInfo]:
    return list(remote.list_objects().objects)


def _check(remote: object, info: ObjectInfo) -> bool:
    """Return whether it is the large one; delete it for the next run."""
    remote.delete_object(info.key)
    return info.size == _SEGMENT * _SEGMENTS


def _print(costs: dict[str, list[measure.Cost]]) -> None:
    base = [cost.wall for cost in costs["rclone copyto, plain"]]
    print(f"{'contender':22} {'MiB/s':>6} {'ratio':>6} {'CPU s':>6} RSS MiB")
    for name, runs in costs.items():
        ratios = [b / run.wall for b, run in zip(base, runs, strict=True)]
        print(
            f"{name:22} {_MIB / _median(run.wall for run in runs):6.0f}"
            f" {_median(ratios):6.2f} {_median(r.cpu for r in runs):6.1f}"
            f" {max(run.rss for run in runs):7.0f}"
        )


def _median(values: object) -> float:
    return statistics.median(list(values))


if __name__ == "__main__":
    sys.exit(main())
