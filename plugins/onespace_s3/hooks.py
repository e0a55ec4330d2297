# SPDX-License-Identifier: Apache-2.0
"""What is mended between the SDK and the wire.

The SDK calls these functions by name of event and operation.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from onespace_core.provider import NotSupported, ServiceUnavailable

#: Characters that XML 1.0 cannot hold at all, as UTF-8 or as a reference.
_NOT_XML = (
    rb"(?:[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]"
    rb"|&#(?:x0*1?[0-9a-fA-F]|0*[12]?[0-9]|0*3[01]);)"
)
_ILLEGAL = re.compile(_NOT_XML)
_ILLEGAL_TOKEN = re.compile(
    rb"<NextContinuationToken>[^<]*?" + _NOT_XML + rb".*?</Next\w+>", re.S
)
#: What a listing of uploads repeats of the request, or says of the next.
_REPEATED = re.compile(rb"<(NextKeyMarker|KeyMarker|Prefix)>[^<]*</\1>", re.S)

#: Where the document of a lifecycle configuration is, as it came.
DOCUMENT = "OnespaceDocument"


def register(client: Any) -> None:
    """Make the client call all that is here."""
    events = client.meta.events
    for operation, hook in {
        "ListBuckets": _buckets,
        "ListObjectsV2": _objects,
        "ListMultipartUploads": _uploads,
        "GetBucketLifecycleConfiguration": _keep_document,
    }.items():
        events.register_first(f"before-parse.s3.{operation}", hook)
    events.register_first("needs-retry.s3.HeadBucket", _not_asked_again)
    put = "s3.PutBucketLifecycleConfiguration"
    events.register(f"before-parameter-build.{put}", _take_document)
    events.register(f"before-call.{put}", _send_document)


def _not_asked_again(
    request_dict: dict[str, Any],
    response: tuple[Any, Mapping[str, Any]] | None,
    **_: Any,
) -> None:
    """End a redirect where nobody says where to.

    The SDK asks the bucket for its region when it is sent elsewhere, and
    that request is redirected in the same way: a store that names none
    would be asked until Python's stack is full.
    """
    if response is None:
        return
    about = response[1].get("ResponseMetadata", {}).get("HTTPHeaders", {})
    if "x-amz-bucket-region" in about or response[1].get("Error", {}).get(
        "Region"
    ):
        return
    redirect = request_dict["context"].setdefault("s3_redirect", {})
    redirect["redirected"] = True


def _check_root(response_dict: dict[str, Any], root: bytes) -> None:
    """Refuse a page of something else, such as a proxy's login page.

    To the SDK it would be an empty listing.

    :raises ServiceUnavailable: it is something else.
    """
    if (
        response_dict["status_code"] == 200
        and root not in response_dict["body"]
    ):
        raise ServiceUnavailable(
            "the answer is no listing",
            status=200,
            hint="check that endpoint is an S3 endpoint",
        )


def _objects(response_dict: dict[str, Any], **_: Any) -> None:
    """Mend a listing that repeats a control character of the request.

    Keys are encoded, but radosgw and others repeat prefix and marker as
    they are, which makes the whole answer unreadable. Nothing that we read
    is changed: a continuation token of that kind is removed as a whole.
    """
    _check_root(response_dict, b"<ListBucketResult")
    body = response_dict["body"]
    if b"<EncodingType>url<" in body and _ILLEGAL.search(body):
        body = _ILLEGAL_TOKEN.sub(b"", body)
        response_dict["body"] = _ILLEGAL.sub(b"?", body)
        # The SDK has taken what it could not read for an error.
        response_dict["status_code"] = 200


def _buckets(response_dict: dict[str, Any], **_: Any) -> None:
    _check_root(response_dict, b"<ListAllMyBucketsResult")


def _uploads(response_dict: dict[str, Any], **_: Any) -> None:
    """Drop markers, which radosgw does not encode though it does keys.

    A control character in one makes the answer unreadable.
    """
    body = response_dict["body"]
    if b"<ListMultipartUploadsResult" in body and _ILLEGAL.search(body):
        response_dict["body"] = mended = _REPEATED.sub(b"", body)
        if not _ILLEGAL.search(mended):
            # The SDK has taken what it could not read for an error.
            response_dict["status_code"] = 200


def _keep_document(
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_: Any,
) -> None:
    """Keep the document as it is: the SDK drops what it does not know.

    :raises NotSupported: it is a listing of the bucket: the store takes no
        notice of what the query says, and would take none in a DELETE.
    """
    if response_dict["status_code"] != 200:
        return
    if b"<ListBucketResult" in response_dict["body"]:
        raise NotSupported("the store has no lifecycle rules", status=200)
    _check_root(response_dict, b"<LifecycleConfiguration")
    customized_response_dict[DOCUMENT] = response_dict["body"]


def _take_document(
    params: dict[str, Any], context: dict[str, Any], **_: Any
) -> None:
    """Put the caller's own document aside: the SDK would build one."""
    context[DOCUMENT] = params.pop(DOCUMENT)
    params["LifecycleConfiguration"] = {"Rules": []}


def _send_document(
    params: dict[str, Any], context: dict[str, Any], **_: Any
) -> None:
    """Send the caller's document, with the checksum that all stores know."""
    params["body"] = context[DOCUMENT]
    digest = hashlib.md5(context[DOCUMENT], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()
    context.get("checksum", {}).pop("request_algorithm", None)
