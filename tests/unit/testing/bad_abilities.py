# SPDX-License-Identifier: Apache-2.0
"""Providers that break a promise of an optional protocol each.

And what a class may not do with its known failures. Not collected, as
``bad_providers.py`` beside it.
"""

import contextlib
import dataclasses
import types
import urllib.parse

from unit.testing.bad_providers import Honest, SecretInLog, contract_of

from onespace_core.layers import Layer
from onespace_core.provider import EXPIRY, BytesBody, NotFound
from onespace_core.testing import memory


class VisiblePart(Layer):
    """Keeps parts beside the object, where a listing finds them."""

    def upload_part(self, key, upload_id, number, body, *, bucket=None):
        part = self.inner.upload_part(
            key, upload_id, number, body, bucket=bucket
        )
        self.inner.put_object(f"{key}.parts/{number}", BytesBody(b"part"))
        return part


class OldObjectGone(Layer):
    def start_upload(self, key, **options):
        self.inner.delete_object(key)
        return self.inner.start_upload(key, **options)


class WrongEtagIgnored(Layer):
    def complete_upload(self, key, upload_id, parts, **options):
        there = {
            part.number: part for part in self.inner.list_parts(key, upload_id)
        }
        wanted = [there.get(part.number, part) for part in parts]
        return self.inner.complete_upload(key, upload_id, wanted, **options)


class RefusalThatAborts(Layer):
    def complete_upload(self, key, upload_id, parts, **options):
        try:
            return self.inner.complete_upload(key, upload_id, parts, **options)
        except Exception:
            self.inner.abort_upload(key, upload_id)
            raise


class AbortThatStays(Layer):
    def abort_upload(self, key, upload_id, *, bucket=None):
        pass


class LyingPartAccepted(Layer):
    def upload_part(self, key, upload_id, number, body, *, bucket=None):
        stream = body.open()
        data = stream.read()
        stream.close()
        return self.inner.upload_part(
            key, upload_id, number, BytesBody(data[: body.size]), bucket=bucket
        )


class UploadPrefixIgnored(Layer):
    def list_uploads(self, *, prefix="", bucket=None):
        return self.inner.list_uploads(bucket=bucket)


class UploadWithoutMetadata(Layer):
    def start_upload(
        self,
        key,
        *,
        metadata=None,
        content_type=None,
        system=None,
        bucket=None,
    ):
        return self.inner.start_upload(
            key, content_type=content_type, bucket=bucket
        )


class ExclusivePartRange(Layer):
    def copy_part(
        self, key, upload_id, number, source, *, byte_range=None, **options
    ):
        if byte_range is not None:
            byte_range = dataclasses.replace(
                byte_range, last=byte_range.last - 1
            )
        return self.inner.copy_part(
            key, upload_id, number, source, byte_range=byte_range, **options
        )


class CopyWithoutMetadata(Layer):
    def copy_object(self, source, key, *, metadata=None, **options):
        return self.inner.copy_object(
            source, key, metadata=metadata or {}, **options
        )


class CopyOfAnyVersion(Layer):
    def copy_object(self, source, key, *, if_match=None, **options):
        return self.inner.copy_object(source, key, **options)


class UnquotedCopySource(Layer):
    def copy_object(self, source, key, **options):
        source = urllib.parse.unquote(source)
        return self.inner.copy_object(source, key, **options)


class MissingSegmentAccepted(Layer):
    def put_manifest(self, key, segments, **options):
        return self.inner.put_manifest(
            key, [each for each in segments if self._has(each)], **options
        )

    def _has(self, segment):
        try:
            self.inner.head_object(segment.key, bucket=segment.bucket)
        except NotFound:
            return False
        return True


class SegmentsUnchecked(Layer):
    def put_manifest(self, key, segments, **options):
        bare = [
            dataclasses.replace(each, size=None, etag=None)
            for each in segments
        ]
        return self.inner.put_manifest(key, bare, **options)


class DeletedSegments(Layer):
    def delete_object(self, key, *, bucket=None):
        manifest = None
        with contextlib.suppress(NotFound):
            manifest = self.inner.get_manifest(key, bucket=bucket)
        for each in manifest.segments if manifest else ():
            self.inner.delete_object(each.key, bucket=each.bucket)
        return self.inner.delete_object(key, bucket=bucket)


class PrefixDecodedTwice(Layer):
    def put_dynamic_manifest(self, key, prefix, **options):
        prefix = urllib.parse.unquote(prefix)
        return self.inner.put_dynamic_manifest(key, prefix, **options)


class PrefixOnlySaid(PrefixDecodedTwice):
    """Says the right prefix, and reads by the wrong one."""

    def __init__(self, provider):
        super().__init__(provider)
        self._said = {}

    def put_dynamic_manifest(self, key, prefix, **options):
        self._said[key] = prefix
        return super().put_dynamic_manifest(key, prefix, **options)

    def get_manifest(self, key, *, bucket=None):
        found = self.inner.get_manifest(key, bucket=bucket)
        if found is None or found.dynamic is None:
            return found
        where, _prefix = found.dynamic
        return dataclasses.replace(found, dynamic=(where, self._said[key]))


class ManifestsUnclaimed(Layer):
    @property
    def capabilities(self):
        return dataclasses.replace(
            self.inner.capabilities, large_objects=False
        )


class BucketMetadataReplaced(Layer):
    def post_bucket(self, metadata, *, acl=None, bucket=None):
        old = self.inner.head_bucket(bucket).metadata
        self.inner.post_bucket(
            {**dict.fromkeys(old, ""), **metadata}, acl=acl, bucket=bucket
        )


class ExpiryIgnored(Layer):
    def put_object(self, key, body, *, system=None, **options):
        system = {n: v for n, v in (system or {}).items() if n != EXPIRY}
        return super().put_object(key, body, system=system, **options)


class ExpirySwallowed(ExpiryIgnored):
    """Does not claim it, and drops it instead of refusing."""

    def post_object(self, key, metadata, *, system=None, **options):
        return super().post_object(key, metadata, **options)


class OthersRuleReplaced(Layer):
    def put_age_rule(self, rule, *, bucket=None):
        self.inner.drop_age_rule("somebody-else", bucket=bucket)
        return self.inner.put_age_rule(rule, bucket=bucket)


class MissingParameterOfAProtocol(Layer):
    def copy_object(self, source, key, *, metadata=None, bucket=None):
        return self.inner.copy_object(source, key, metadata=metadata)


class DecodedListing(Layer):
    def around(self, method, /, *args, **kwargs):
        result = method(*args, **kwargs)
        if method.__name__ != "list_objects":
            return result
        decoded = [
            dataclasses.replace(info, key=info.key.replace("+", " "))
            for info in result.objects
        ]
        return dataclasses.replace(result, objects=decoded)


class TestVisiblePart(contract_of(VisiblePart)):
    pass


class TestOldObjectGone(contract_of(OldObjectGone)):
    pass


class TestWrongEtagIgnored(contract_of(WrongEtagIgnored)):
    pass


class TestRefusalThatAborts(contract_of(RefusalThatAborts)):
    pass


class TestAbortThatStays(contract_of(AbortThatStays)):
    pass


class TestLyingPartAccepted(contract_of(LyingPartAccepted)):
    pass


class TestUploadPrefixIgnored(contract_of(UploadPrefixIgnored)):
    pass


class TestUploadWithoutMetadata(contract_of(UploadWithoutMetadata)):
    pass


class TestExclusivePartRange(contract_of(ExclusivePartRange)):
    pass


class TestCopyWithoutMetadata(contract_of(CopyWithoutMetadata)):
    pass


class TestCopyOfAnyVersion(contract_of(CopyOfAnyVersion)):
    pass


class TestUnquotedCopySource(contract_of(UnquotedCopySource)):
    pass


class TestMissingSegmentAccepted(contract_of(MissingSegmentAccepted)):
    pass


class TestSegmentsUnchecked(contract_of(SegmentsUnchecked)):
    pass


class TestDeletedSegments(contract_of(DeletedSegments)):
    pass


class TestPrefixDecodedTwice(contract_of(PrefixDecodedTwice)):
    pass


class TestPrefixOnlySaid(contract_of(PrefixOnlySaid)):
    pass


class TestManifestsUnclaimed(contract_of(ManifestsUnclaimed)):
    pass


class TestBucketMetadataReplaced(contract_of(BucketMetadataReplaced)):
    pass


class TestExpiryIgnored(contract_of(ExpiryIgnored)):
    pass


class TestExpirySwallowed(
    contract_of(
        ExpirySwallowed,
        capabilities=dataclasses.replace(
            memory.EVERYTHING, object_expiry=False
        ),
    )
):
    pass


class TestOthersRuleReplaced(contract_of(OthersRuleReplaced)):
    pass


class TestMissingParameterOfAProtocol(
    contract_of(MissingParameterOfAProtocol)
):
    pass


class TestKnownFailures(contract_of(DecodedListing)):
    known_failures = dict.fromkeys(
        [
            "test_an_awkward_key_is_kept[plus]",
            "test_keys_are_in_byte_order",
            "test_every_awkward_key_is_a_marker",
        ],
        "the listing says + for a space; mended in release 5",
    )


class TestKnownFailureThatPasses(contract_of(Honest)):
    known_failures = types.MappingProxyType(
        {"test_an_awkward_key_is_kept[plus]": "was mended"}
    )


class TestKnownFailureWithoutReason(contract_of(SecretInLog)):
    known_failures = types.MappingProxyType({"test_no_secret_is_told": " "})


class TestKnownFailureOfNoTest(contract_of(Honest)):
    known_failures = types.MappingProxyType(
        {"test_that_is_not_there[plus]": "who knows"}
    )


class TestKnownFailureOfTheWatch(contract_of(Honest)):
    known_failures = types.MappingProxyType(
        {"test_the_suite_is_not_weakened": "it gets in the way"}
    )
    test_marker_is_exclusive = None
