# SPDX-License-Identifier: Apache-2.0
"""Sending the parts of an upload side by side."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from onespace_core.concurrency import GreenPool, kill
from onespace_core.provider import (
    ByteRange,
    IntegrityError,
    MultipartUpload,
    Part,
)
from onespace_core.state import Upload
from onespace_core.sync.body import source_first
from onespace_core.sync.parts import PlannedPart
from onespace_core.sync.pieces import OpenPiece, PiecesBody


def side_by_side(jobs: Iterable[Callable[[], None]], workers: int) -> None:
    """Run jobs, up to ``workers`` at a time, each in a greenthread.

    After the first error no further job is begun; those that run end by
    themselves, then it is raised. If the caller itself is ended meanwhile,
    they are ended too.
    """
    failures: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        if failures:
            return
        try:
            job()
        except BaseException as exc:  # noqa: BLE001 - raised below
            failures.append(exc)

    pool = GreenPool(max(1, workers))
    try:
        for job in jobs:
            pool.spawn_n(run, job)
            if failures:
                break
        pool.waitall()
    except BaseException:
        for thread in list(pool.coroutines_running):
            kill(thread)
        raise
    if failures:
        raise failures[0]


def send_part(
    provider: MultipartUpload,
    upload: Upload,
    number: int,
    planned: PlannedPart,
    open_piece: OpenPiece,
    *,
    etag_is_md5: bool,
    count: Callable[[int], None],
) -> Part:
    """Send one part, and compare what the store has with what was read.

    :param etag_is_md5: whether the store's ETag of a part says that.
    :param count: told of the bytes read here, also those of a failure.
    :raises SourceError: it could not be read, or is another version by now.
    :raises IntegrityError: the store has something else.
    """
    body = PiecesBody(planned.pieces, open_piece, md5=planned.md5)
    try:
        with source_first(body):
            part = provider.upload_part(
                upload.key,
                upload.upload_id,
                number,
                body,
                bucket=upload.bucket or None,
            )
    finally:
        count(body.bytes_read)
    check_part(
        part, planned, body.sent_md5 if etag_is_md5 else None, key=upload.key
    )
    return part


def copy_parts(
    provider: MultipartUpload,
    upload: Upload,
    plan: Sequence[PlannedPart],
    etag: str | None,
    *,
    etag_is_md5: bool,
    workers: int,
) -> dict[int, Part]:
    """Make all parts of an upload of the object that is at its key.

    :param etag: of that object; another one is not copied.
    :param etag_is_md5: see :func:`send_part`.
    :returns: the parts by number.
    :raises PreconditionFailed: it is another object by now.
    :raises IntegrityError: it has not the bytes that it should.
    """
    parts: dict[int, Part] = {}
    starts = itertools.accumulate((each.length for each in plan), initial=0)
    bucket = upload.bucket or None

    def copy(number: int, planned: PlannedPart, start: int) -> None:
        # S3 takes no range of an object that is small.
        some = ByteRange(first=start, last=start + planned.length - 1)
        part = provider.copy_part(
            upload.key,
            upload.upload_id,
            number,
            upload.key,
            byte_range=some if len(plan) > 1 else None,
            if_match=etag,
            source_bucket=bucket,
            bucket=bucket,
        )
        md5 = planned.md5 if etag_is_md5 else None
        check_part(part, planned, md5, key=upload.key)
        parts[number] = part

    side_by_side(
        (
            partial(copy, number, planned, start)
            for number, (planned, start) in enumerate(
                zip(plan, starts, strict=False), 1
            )
        ),
        workers,
    )
    return parts


def check_part(
    part: Part, planned: PlannedPart, md5: str | None, *, key: str
) -> None:
    """Compare a part at the store with what it has to be.

    :param md5: what its ETag has to be; None if that is not known.
    :raises IntegrityError: it is something else.
    """
    if part.size not in (None, planned.length):
        reason = f"part {part.number} has {part.size} bytes at the store"
    elif md5 not in (None, part.etag):
        reason = f"part {part.number} has another MD5 at the store"
    else:
        return
    raise IntegrityError(reason, key=key)
