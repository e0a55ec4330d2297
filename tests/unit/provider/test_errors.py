# SPDX-License-Identifier: Apache-2.0
"""The error tree: what each says, and what a client is told."""

import pytest

from onespace_core import provider
from onespace_core.provider import errors


def tree(kind):
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from tree(child)


PROVIDER_ERRORS = sorted(tree(errors.ProviderError), key=lambda k: k.__name__)


def test_every_error_is_exported():
    kinds = [*tree(errors.OnespaceError), *tree(errors.StreamError)]
    assert {k.__name__ for k in kinds} <= set(provider.__all__)


def test_exactly_the_transient_ones_are_retryable():
    for kind in PROVIDER_ERRORS:
        transient = issubclass(kind, errors.TransientError)
        assert kind("x").retryable is transient
        assert kind("x").retries_exhausted is False


def test_our_credentials_are_never_the_clients_fault():
    for kind in (errors.Unauthenticated, errors.PermissionDenied):
        assert kind.http_status == 503


def test_an_exhausted_error_does_not_mark_its_class():
    error = errors.RateLimited("x")
    error.retries_exhausted = True
    assert errors.RateLimited("x").retries_exhausted is False


@pytest.mark.parametrize("kind", PROVIDER_ERRORS)
def test_every_provider_error_says_where_it_happened(kind):
    error = kind(
        "slow down",
        op="put_object",
        provider="s3",
        bucket="b",
        key="k",
        status=503,
        code="SlowDown",
        request_id="4F",
        hint="wait",
    )
    text = str(error)
    assert text.startswith("put_object s3://b/k: slow down")
    for part in ("SlowDown", "503", "4F"):
        assert part in text
    assert len(text.splitlines()) == 1


def test_an_error_that_knows_nothing_says_its_reason():
    assert str(errors.ConnectionFailed("no route")) == "no route"


def test_a_config_error_says_what_to_change():
    error = errors.ConfigError(
        "cannot be negative",
        path="/etc/x.conf",
        section="mapping:photos",
        option="copy_after",
        hint="write 0",
    )
    text = str(error)
    for part in ("/etc/x.conf", "[mapping:photos]", "copy_after", "write 0"):
        assert part in text
    assert isinstance(error, ValueError)
