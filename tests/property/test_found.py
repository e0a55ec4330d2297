# SPDX-License-Identifier: Apache-2.0
"""What the machines have found, each as short as it can be."""

import pytest
from servers.engine_world import T0
from servers.large_world import EndedError, LargeWorld


@pytest.mark.xfail(
    strict=True,
    reason="garbage is left: nobody looks for the manifest of a plain copy",
)
def test_manifest_of_replaced_copy_goes_though_the_process_was_ended(
    tmp_path,
):
    world = LargeWorld(tmp_path)
    world.put_segments(a=b"a" * 16, b=b"b" * 16, c=b"c" * 16)
    world.put_slo()
    world.handle()
    assert world.manifest() is not None
    world.source.put("o", T0 + 1, b"plain")

    def end(op, _args):
        if op == "delete_object":
            raise EndedError

    world.wire.before = end
    with world.ended():
        world.handle()
    assert world.at_remote() == b"plain"
    world.handle(again=True)
    assert world.manifest() is None
