# SPDX-License-Identifier: Apache-2.0
"""Container metadata, access lists and rules by age."""

import json
import logging

import pytest

from onespace_core.namespace.keys import layout_for
from onespace_core.provider import (
    AgeRule,
    AlreadyExists,
    KeyScheme,
    NotSupported,
    OnespaceError,
    ServiceUnavailable,
)
from onespace_core.sync.containers import (
    Ageing,
    AgeRuleKeeper,
    ContainerTasks,
    MetadataMirror,
)
from onespace_core.sync.task_failures import TaskFailures

LAYOUT = layout_for(
    KeyScheme.HASHED, account="AUTH_t", container="c", bucket="b"
)
DAY = 86400


class Notes(dict):
    def load(self, name):
        return self.get(name)

    def save(self, name, value):
        if value is None:
            self.pop(name, None)
        else:
            self[name] = value


class Store:
    """Has both abilities; fails with what is in ``errors``."""

    def __init__(self):
        self.posts = []
        self.rules = {}
        self.errors = []

    def _do(self):
        if self.errors:
            raise self.errors.pop(0)

    def post_bucket(self, metadata, *, acl=None, bucket=None):
        self._do()
        self.posts.append((dict(metadata), dict(acl or {}), bucket))

    def put_age_rule(self, rule, *, bucket=None):
        self._do()
        self.rules[rule.rule_id] = rule
        return True

    def drop_age_rule(self, rule_id, *, bucket=None):
        self._do()
        return self.rules.pop(rule_id, None) is not None


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def notes():
    return Notes()


HEADERS = {
    "x-container-meta-color": "Blü",
    "x-container-meta-temp-url-key": "secret",
    "x-container-read": ".r:*",
    "x-container-object-count": "3",
}


def test_case_73_metadata_goes_once_and_then_what_changes(store, notes):
    mirror = MetadataMirror(store, "b", notes, acl=False)
    mirror(HEADERS)
    mirror(HEADERS)
    assert store.posts == [({"color": "Blü"}, {}, "b")]
    mirror({"x-container-meta-size": "1"})
    assert store.posts[1][0] == {"color": "", "size": "1"}
    mirror({"x-container-meta-size": "1"})
    assert len(store.posts) == 2


def test_case_73_access_lists_go_where_they_are_asked_for(store, notes):
    MetadataMirror(store, "b", notes, acl=True)(HEADERS)
    assert store.posts[0][1] == {"read": ".r:*"}
    MetadataMirror(store, "b", notes, acl=True)({})
    assert store.posts[1][1] == {"read": ""}


def test_name_that_breaks_listings_of_swift_stays_here(store, notes):
    headers = {"x-container-meta-ü": "1", "x-container-meta-a": "2"}
    MetadataMirror(store, "b", notes, acl=False)(headers)
    assert store.posts[0][0] == {"a": "2"}


def test_failed_post_is_made_again(store, notes):
    mirror = MetadataMirror(store, "b", notes, acl=False)
    store.errors = [ServiceUnavailable("down")]
    with pytest.raises(ServiceUnavailable):
        mirror(HEADERS)
    mirror(HEADERS)
    assert len(store.posts) == 1


def test_container_without_metadata_costs_no_request(store, notes):
    MetadataMirror(store, "b", notes, acl=True)({"x-timestamp": "1"})
    assert store.posts == []


def test_store_without_container_metadata_is_named(notes):
    with pytest.raises(NotSupported):
        MetadataMirror(object(), "b", notes, acl=False)(HEADERS)


def keeper(store, notes, **ageing):
    return AgeRuleKeeper(store, LAYOUT, notes, Ageing(**ageing), "main")


def test_case_72_one_rule_for_objects_and_one_for_manifests(store, notes):
    keep = keeper(store, notes, delete_after=33 * DAY)
    keep({})
    objects, manifests = store.rules.values()
    assert objects == AgeRule(
        rule_id="onespace main", prefix=LAYOUT.root, delete_after=33
    )
    assert manifests.prefix == LAYOUT.manifest_root
    store.errors = [AssertionError("no request for what was done")]
    keep({})


def test_t_33_rules_go_when_the_option_goes(store, notes):
    keeper(store, notes, delete_after=33 * DAY)({})
    keeper(store, notes)({})
    assert store.rules == {}
    assert notes == {}


def test_changed_age_replaces_our_rules(store, notes):
    keeper(store, notes, delete_after=33 * DAY)({})
    keeper(store, notes, delete_after=2 * DAY)({})
    assert {rule.delete_after for rule in store.rules.values()} == {2}


def test_storage_class_by_age(store, notes):
    keeper(store, notes, move_after=(30 * DAY, "GLACIER"))({})
    (rule,) = store.rules.values()
    assert rule.move_after == (30, "GLACIER")
    assert rule.delete_after is None


def test_store_without_rules_is_named_only_if_there_is_one(notes):
    keeper(object(), notes)({})
    with pytest.raises(NotSupported):
        keeper(object(), notes, delete_after=DAY)({})


@pytest.mark.parametrize("only", [False, True])
def test_somebodys_rule_is_said_loudly_where_copies_are_all_there_is(
    store, notes, only
):
    keep = AgeRuleKeeper(
        store, LAYOUT, notes, Ageing(delete_after=DAY), "main", only=only
    )
    store.errors = [AlreadyExists("the rule 'x' is for the same objects")]
    with pytest.raises(OnespaceError, match="the rule 'x'") as caught:
        keep({})
    assert ("the only copies there are" in str(caught.value)) is only


def test_task_that_fails_is_said_once_and_stops_no_other(caplog, store, notes):
    rules = keeper(store, notes, delete_after=DAY)
    mirror = MetadataMirror(store, "b", notes, acl=False)
    tasks = ContainerTasks(
        [rules, mirror],
        "main: A/c",
        TaskFailures(notes, clock=lambda: 5.0),
        logging.getLogger("test"),
    )
    foreign = AlreadyExists("somebody's rule expires all of it")
    store.errors = [foreign]
    assert not tasks(HEADERS)
    assert len(store.posts) == 1
    store.errors = [foreign]
    assert not tasks(HEADERS)
    (record,) = caplog.records
    assert record.message.startswith("main: A/c: somebody's rule expires all")
    assert json.loads(notes["failed age-rules"]) == {
        "reason": str(foreign),
        "since": 5.0,
    }
    assert tasks(HEADERS)
    assert not [name for name in notes if name.startswith("failed")]
