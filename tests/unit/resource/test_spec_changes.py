"""The changes that tests/servers/test_operator_mutations.py makes: no field is left out, none hides another."""

from tests.servers.spec_changes import ELSEWHERE, MOST_AT_ONCE, fields, fits, generated, touched
from tests.servers.spec_fields import ALONE, alone, every, groups, stops


def test_every_field_of_the_schema_is_changed() -> None:
    found = set[tuple[str | int, ...]]().union(*(touched(each) for each in every()))
    assert set(fields()) - found == ELSEWHERE


def test_every_value_is_tried_once() -> None:
    values = [value for each in every() for value in each.values]
    assert all(values.count(each.values[0]) == 1 for each in generated())


def test_the_fields_of_a_group_stand_beside_each_other() -> None:
    for each in groups():
        assert len(each.values) <= MOST_AT_ONCE
        assert [one for half in each.halves() for one in half.values] == list(each.values)
        assert each.whole and fits(each.spec), each.names


def test_what_stands_alone_or_stops_fits_the_schema() -> None:
    assert {path for each in alone() for path in each.paths} >= ALONE
    assert all(fits(each.spec) for each in alone())
    assert all(fits(each.change.spec) for each in stops())
