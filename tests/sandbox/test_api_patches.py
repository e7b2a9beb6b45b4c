"""The pure parts by properties and named situations: patches, merges, ownership, selectors, fields, protobuf."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trireme.sandbox.apiserver.apply.managers import ApplyConflictError, Author, Manager, apply, write_owners
from trireme.sandbox.apiserver.apply.merge import compare, merge, remove
from trireme.sandbox.apiserver.apply.paths import from_fields_v1, paths_of, to_fields_v1
from trireme.sandbox.apiserver.kinds import builtin_registry
from trireme.sandbox.apiserver.patches.merge import merge_patch
from trireme.sandbox.apiserver.patches.strategic import strategic_merge
from trireme.sandbox.apiserver.protobuf import decode_protobuf
from trireme.sandbox.apiserver.schema.catalogue import builtin
from trireme.sandbox.apiserver.schema.language import parse_field
from trireme.sandbox.apiserver.schema.types import Struct
from trireme.sandbox.apiserver.selectors import from_label_selector, parse_labels, selects
from trireme.sandbox.store.interface import Object
from trireme.sandbox.store.tree import copy_tree

POD_SPEC = builtin().struct("pod", "PodSpec")

names = st.sampled_from("abcd")
scalars = st.none() | st.booleans() | st.integers(0, 3) | st.text("xyz", max_size=2)
trees: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(names, trees, max_size=4)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


class TestMergePatch:
    @given(objects, objects)
    def test_applying_twice_is_applying_once(self, target: Object, patch: Object) -> None:
        once = merge_patch(target, patch)
        assert merge_patch(once, patch) == once

    @given(objects)
    def test_nothing_changes_nothing(self, target: Object) -> None:
        assert merge_patch(target, {}) == target

    @given(objects, objects)
    def test_its_arguments_are_left_alone(self, target: Object, patch: Object) -> None:
        before = copy_tree(target), copy_tree(patch)
        merge_patch(target, patch)
        assert (target, patch) == before

    @given(objects)
    def test_onto_nothing_is_the_patch_without_nulls(self, patch: Object) -> None:
        assert merge_patch({}, patch) == without_nulls(patch)


environments = st.lists(names, unique=True, max_size=4).flatmap(
    lambda chosen: st.tuples(*(st.text("xyz", max_size=1) for _ in chosen)).map(
        lambda values: [{"name": n, "value": v} for n, v in zip(chosen, values, strict=True)]
    )
)


def pod_spec(env: list[Object], **more: Any) -> Object:
    return {"containers": [{"name": "main", "image": "i", "env": env}], **more}


def env_of(spec: Object) -> dict[str, str]:
    return {row["name"]: row["value"] for row in spec["containers"][0]["env"]}


class TestStrategicMerge:
    @given(environments, environments)
    def test_items_merge_by_their_key(self, old: list[Object], new: list[Object]) -> None:
        merged = strategic_merge(POD_SPEC, pod_spec(old), {"containers": [{"name": "main", "env": new}]})
        assert env_of(merged) == env_of(pod_spec(old)) | env_of(pod_spec(new))
        assert merged["containers"][0]["image"] == "i"

    @given(environments, environments)
    def test_applying_twice_is_applying_once(self, old: list[Object], new: list[Object]) -> None:
        patch = {"containers": [{"name": "main", "env": new}]}
        once = strategic_merge(POD_SPEC, pod_spec(old), patch)
        assert strategic_merge(POD_SPEC, once, patch) == once

    @given(environments)
    def test_delete_removes_by_key(self, old: list[Object]) -> None:
        gone = [{"name": "a", "$patch": "delete"}, {"name": "b", "$patch": "delete"}]
        merged = strategic_merge(POD_SPEC, pod_spec(old), {"containers": [{"name": "main", "env": gone}]})
        assert env_of(merged) == {k: v for k, v in env_of(pod_spec(old)).items() if k not in "ab"}

    @given(environments, st.permutations(list("abcd")))
    def test_order_is_as_asked(self, old: list[Object], order: list[str]) -> None:
        wanted = [{"name": name} for name in order]
        patch = {"containers": [{"name": "main", "$setElementOrder/env": wanted}]}
        merged = strategic_merge(POD_SPEC, pod_spec(old), patch)
        present = env_of(pod_spec(old))
        assert [row["name"] for row in merged["containers"][0]["env"]] == [n for n in order if n in present]

    @pytest.mark.parametrize(
        ("old", "patch", "expected"),
        [
            (
                {"nodeSelector": {"a": "1"}},
                {"nodeSelector": {"b": "2"}},
                {"nodeSelector": {"a": "1", "b": "2"}},
            ),
            (
                {"nodeSelector": {"a": "1"}},
                {"nodeSelector": {"$patch": "replace", "b": "2"}},
                {"nodeSelector": {"b": "2"}},
            ),
            ({"nodeSelector": {"a": "1"}}, {"nodeSelector": None}, {}),
            (
                {"tolerations": [{"key": "a"}]},
                {"tolerations": [{"key": "b"}]},
                {"tolerations": [{"key": "b"}]},
            ),
            (
                {"volumes": [{"name": "v", "emptyDir": {}}]},
                {
                    "volumes": [
                        {"$retainKeys": ["name", "secret"], "name": "v", "secret": {"secretName": "s"}}
                    ]
                },
                {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
            ),
            (
                {"volumes": [{"name": "v", "emptyDir": {}}]},
                {"volumes": [{"$patch": "replace"}, {"name": "w", "emptyDir": {}}]},
                {"volumes": [{"name": "w", "emptyDir": {}}]},
            ),
            (
                {"imagePullSecrets": [{"name": "a"}]},
                {"imagePullSecrets": [{"name": "b"}]},
                {"imagePullSecrets": [{"name": "b"}, {"name": "a"}]},
            ),
        ],
    )
    def test_directives(self, old: Object, patch: Object, expected: Object) -> None:
        assert strategic_merge(POD_SPEC, old, patch) == expected

    def test_finalizers_are_a_set(self) -> None:
        meta = builtin().struct("meta", "ObjectMeta")
        old = {"finalizers": ["a", "b"]}
        assert set(strategic_merge(meta, old, {"finalizers": ["c"]})["finalizers"]) == {"a", "b", "c"}
        gone = {"$deleteFromPrimitiveList/finalizers": ["a"]}
        assert strategic_merge(meta, old, gone) == {"finalizers": ["b"]}


specs = st.fixed_dictionaries(
    {},
    optional={
        "nodeName": st.sampled_from(["n1", "n2"]),
        "hostname": st.sampled_from(["h1", "h2"]),
        "nodeSelector": st.dictionaries(names, st.sampled_from("12"), min_size=1, max_size=2),
        "tolerations": st.lists(st.builds(dict, key=names), min_size=1, max_size=2),
        "containers": st.lists(names, unique=True, min_size=1, max_size=3).flatmap(
            lambda chosen: st.tuples(*(st.sampled_from(["i1", "i2"]) for _ in chosen)).map(
                lambda images: [{"name": n, "image": i} for n, i in zip(chosen, images, strict=True)]
            )
        ),
    },
)


def author(name: str) -> Author:
    return Author(Manager(name, "Apply"), "v1", "2026-01-01T00:00:00Z")


def applied(live: Object, wanted: Object, name: str, *, force: bool = False) -> Object:
    merged, owners = apply(POD_SPEC, live, wanted, author(name), force=force)
    merged.setdefault("metadata", {})
    write_owners(merged, owners)
    return merged


def content(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key != "metadata"}


class TestServerSideApply:
    @given(specs)
    def test_ownership_survives_being_written(self, spec: Object) -> None:
        paths = paths_of(POD_SPEC, spec)
        assert from_fields_v1(to_fields_v1(paths)) == paths

    @given(specs, specs)
    def test_what_is_merged_says_what_was_applied(self, live: Object, wanted: Object) -> None:
        merged = merge(POD_SPEC, live, wanted)
        assert paths_of(POD_SPEC, wanted) <= paths_of(POD_SPEC, merged)
        assert merge(POD_SPEC, merged, wanted) == merged
        again = compare(POD_SPEC, merged, merge(POD_SPEC, merged, wanted))
        assert not again.set_to_a_value and not again.removed

    @given(specs)
    def test_removing_everything_leaves_nothing(self, spec: Object) -> None:
        assert not remove(POD_SPEC, spec, paths_of(POD_SPEC, spec))

    @given(specs, specs)
    def test_one_manager_alone_gets_exactly_what_it_applied_last(self, first: Object, second: Object) -> None:
        final = content(applied(applied({}, first, "me"), second, "me"))
        assert paths_of(POD_SPEC, final) == paths_of(POD_SPEC, second)
        assert merge(POD_SPEC, final, second) == final

    @given(specs, specs)
    def test_two_managers_agree_or_conflict(self, mine: Object, yours: Object) -> None:
        live = applied({}, mine, "me")
        try:
            both = applied(live, yours, "you")
        except ApplyConflictError as error:
            forced = applied(live, yours, "you", force=True)
            assert merge(POD_SPEC, content(forced), yours) == content(forced)
            assert all(path in paths_of(POD_SPEC, yours) for path in error.conflicts)
        else:
            kept = content(applied(both, {}, "you"))
            assert paths_of(POD_SPEC, kept) == paths_of(POD_SPEC, mine)


class TestSelectors:
    @given(st.dictionaries(names, st.sampled_from("12")), st.dictionaries(names, st.sampled_from("12")))
    def test_text_and_object_mean_the_same(self, wanted: dict[str, str], labels: dict[str, str]) -> None:
        text = ",".join(f"{key}={value}" for key, value in wanted.items())
        obj = {"metadata": {"labels": labels}}
        expected = wanted.items() <= labels.items()
        assert all(term.matches(labels) for term in parse_labels(text)) == expected
        assert selects(from_label_selector({"matchLabels": wanted}), obj) == expected

    def test_no_selector_selects_nothing_and_an_empty_one_everything(self) -> None:
        assert not selects(from_label_selector(None), {"metadata": {}})
        assert selects(from_label_selector({}), {"metadata": {}})


class TestFields:
    @pytest.mark.parametrize("kind", list(builtin_registry()), ids=lambda kind: f"{kind.kind}-{kind.group}")
    def test_every_type_resolves(self, kind: Any) -> None:
        assert kind.struct.fields["metadata"].type is builtin().struct("meta", "ObjectMeta")

    def test_the_notation(self) -> None:
        thing = Struct("Thing")
        field = parse_field("noted list Thing by name,port, required", lambda _: thing)
        assert (field.noted, field.required) == (True, True)
        assert parse_field("int = 3", lambda _: thing).default == 3
        assert parse_field("A|!B = A", lambda _: thing).default == "A"


def test_a_protobuf_body() -> None:
    """What ``kubectl create namespace x`` sends."""
    metadata = b"\x0a\x01x\x12\x00\x1a\x00\x22\x00\x2a\x00\x32\x00\x38\x00\x42\x00"
    raw = b"\x0a" + bytes([len(metadata)]) + metadata + b"\x12\x00\x1a\x02\x0a\x00"
    about = b"\x0a\x02v1\x12\x09Namespace"
    body = b"k8s\x00\x0a" + bytes([len(about)]) + about + b"\x12" + bytes([len(raw)]) + raw
    decoded = decode_protobuf(body, builtin_registry())
    assert decoded == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}
