# SPDX-License-Identifier: Apache-2.0
"""The options of the S3 providers."""

from __future__ import annotations

from oslo_config import cfg

from onespace_s3.presets import PRESETS

_WRITES = {
    "yes": "the store keeps If-None-Match and If-Match on PUT",
    "create": "it keeps If-None-Match: * alone",
    "no": "it may ignore both",
}


def _conditional_writes(default: str | None) -> cfg.StrOpt:
    return cfg.StrOpt(
        "conditional_writes",
        default=default,
        choices=list(_WRITES.items()),
        help="Which conditions on writes the store honours. A store that"
        " ignores one overwrites silently, so claim only what is known."
        " Known: 'yes' for Amazon, radosgw from 16 on and MinIO; 'create'"
        " for Swift's s3api."
        + ("" if default else " Default: the preset's, else 'no'."),
    )


_COMPLETE = cfg.StrOpt(
    "conditional_complete",
    choices=[
        ("yes", "the store keeps If-None-Match and If-Match there"),
        ("create", "it keeps If-None-Match: * alone"),
        ("no", "it may ignore both"),
    ],
    help="Which conditions the store honours when the parts of a large object"
    " are put together. Some that keep conditions on PUT ignore them there:"
    " radosgw 16 does. Known: 'yes' for Amazon and MinIO, 'create' for"
    " Swift's s3api. Default: 'yes' at Amazon, the preset's elsewhere, else"
    " 'no'.",
)


def _credentials(endpoint: cfg.StrOpt) -> list[cfg.Opt]:
    return [
        endpoint,
        cfg.StrOpt(
            "region",
            help="Region of the buckets. Default: what the environment or"
            " the AWS profile says, else us-east-1.",
        ),
        cfg.StrOpt(
            "access_key",
            help="Access key. Default: the AWS SDK's own chain (environment,"
            " profile, role of the instance).",
        ),
        cfg.StrOpt(
            "secret_key",
            secret=True,
            help="Secret that belongs to access_key.",
        ),
        cfg.StrOpt(
            "session_token",
            secret=True,
            help="Session token, where access_key is a temporary one.",
        ),
        cfg.StrOpt(
            "profile",
            help="Profile in the AWS configuration files, instead of"
            " access_key.",
        ),
        cfg.StrOpt(
            "addressing_style",
            choices=["auto", "path", "virtual"],
            help="Whether the bucket is in the path or in the host's name."
            " Default: path at an endpoint that is not Amazon's, else auto.",
        ),
        cfg.StrOpt(
            "signature_version",
            default="s3v4",
            choices=[
                ("s3v4", "AWS Signature Version 4"),
                ("s3", "Version 2, for stores that know no other"),
            ],
            help="How requests are signed.",
        ),
        cfg.BoolOpt(
            "payload_signing",
            default=False,
            help="Sign the bytes as well as the headers. Each body is read"
            " twice, so that one that can be read only once is refused."
            " Content-MD5 protects the bytes without it.",
        ),
        cfg.BoolOpt(
            "verify_tls",
            default=True,
            help="Check the store's certificate.",
        ),
        cfg.StrOpt(
            "ca_bundle",
            help="File with the certificates to trust. Default: the"
            " AWS SDK's.",
        ),
        cfg.StrOpt(
            "proxy",
            secret=True,
            help="HTTP proxy, http://host:port. Default: what the environment"
            " says (https_proxy, http_proxy, no_proxy).",
        ),
        cfg.FloatOpt(
            "connect_timeout",
            default=10.0,
            min=0.1,
            help="Seconds to wait for a connection.",
        ),
        cfg.FloatOpt(
            "read_timeout",
            default=60.0,
            min=0.1,
            help="Seconds to wait for the next bytes of an answer.",
        ),
    ]


#: Options of a ``[credentials:...]`` section with ``provider = s3``.
S3_OPTS = [
    *_credentials(
        cfg.StrOpt(
            "endpoint",
            help="Address of the store, https://host or http://host:port."
            " Default: Amazon's, by region.",
        )
    ),
    _conditional_writes("yes"),
    _COMPLETE,
]

#: The same for ``provider = s3-compatible``.
COMPATIBLE_OPTS = [
    *_credentials(
        cfg.StrOpt(
            "endpoint",
            required=True,
            help="Address of the store, https://host or http://host:port.",
        )
    ),
    cfg.StrOpt(
        "preset",
        choices=list(PRESETS),
        help="What kind of store it is: sets the defaults of"
        " conditional_writes and region, and limits. Check with 'onespace"
        " providers verify' that the store does what the preset claims.",
    ),
    _conditional_writes(None),
    _COMPLETE,
]

#: The same for ``provider = gcs-interop``.
GOOGLE_OPTS = _credentials(
    cfg.StrOpt(
        "endpoint",
        default="https://storage.googleapis.com",
        help="Address of Google's XML API.",
    )
)

#: Options of a profile or mapping.
TARGET_OPTS = [
    cfg.StrOpt(
        "encryption",
        choices=[
            ("none", "send no encryption header"),
            ("AES256", "keys of the store"),
            ("aws:kms", "keys of the key management service"),
        ],
        help="Server-side encryption to ask for. Default: AES256 at Amazon,"
        " none elsewhere.",
    ),
    cfg.StrOpt(
        "kms_key_id",
        help="Key of the key management service, with encryption = aws:kms."
        " Default: the account's.",
    ),
    cfg.StrOpt(
        "storage_class",
        help="Storage class of new objects, such as STANDARD_IA. Default:"
        " the store's.",
    ),
    cfg.BoolOpt(
        "etag_is_md5",
        default=True,
        help="Whether the ETag of an object is the MD5 of its bytes. Say"
        " false for a bucket whose own default is aws:kms; with encryption ="
        " aws:kms it is known to be false.",
    ),
]

#: The same for ``provider = gcs-interop``, which always encrypts.
GOOGLE_TARGET_OPTS = [
    opt for opt in TARGET_OPTS if opt.dest not in ("encryption", "kms_key_id")
]
