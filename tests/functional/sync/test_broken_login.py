# SPDX-License-Identifier: Apache-2.0
"""A login that cannot be used, beside one that can."""

LOGIN = """
[credentials:other]
provider = {rig.provider}
{options}

[mapping:other]
credentials = other
account = {rig.account}
container = {rig.container}
bucket = {rig.bucket}
custom_prefix = other
"""


def progress(rig):
    with rig.state() as store:
        return {each.key.mapping: each.cursor for each in store.summaries()}


def test_a_login_that_cannot_be_used_costs_no_mapping_its_progress(rig):
    options = "\n".join(f"{k} = {v}" for k, v in rig.options.items())
    other = LOGIN.format(rig=rig, options=options)
    rig.write_config(other)
    rig.put("o", b"data")
    rig.once()
    before = progress(rig)
    assert before.keys() == {"main", "other"}

    rig.write_config(other.replace("provider =", "colour = red\nprovider ="))
    rig.once(code=2)
    assert progress(rig) == before
