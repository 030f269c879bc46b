"""The engine's reading of YAML against that of the programs without it, value by value."""

from __future__ import annotations

import json

import pytest
import yaml

from components.settings import engine_yaml

from .conftest import Project

VALUES = """
words: [no, on, yes, off, y, n, No, ON, True, TRUE, tRue, false, FALSE, ~, null, NULL, nULL,
  '', '~']
numbers: [007, 0o17, 0x1F, 0b11, 0777, 1_000, +5, -5, 08, 1e3, 1.5, .5, 5., 1E3, 1_0.5, 0.1, 1.0,
  -0, +.5, -.5e-3, 1e+3, 0x_1F, 0_7, -0x1F, +0o7, 0O7, 0X1f, _1, 1_, 0x1G, 1e400, 1e21, 1e-7,
  9223372036854775807, 9223372036854775808, 18446744073709551616, 123456789.123, 1234567e10,
  100000000000000000000.0, 12345678901234567890123, 00000000000000000000000000000008,
  00000000000000000000000000000001, 023e105f4ecef8ad9ca31a8372d0c353]
base_sixty: [12:30:45, 1:30, 190:20:30]
signs: [=, "<<", "no", !!str 5, '5', "\\u263a\\x41", a:b, -x, .x, +, "-", 1.2.3, 1-2]
keys: {no: 1, on: 2, true: 3, 123: x, 1.5: z, 1e3: v, 007: u, 0x10: t}
merged: {<<: [{x: 1}, {x: 2, z: 3}], x: 9}
again: {a: &a {p: 1}, b: *a}
text: |
  one
  two
folded: >-
  one
  two
"""
REFUSED = {
    "a_key_twice": "{a: 1, a: 2}",
    "a_key_twice_by_its_text": '{1: a, "1": b}',
    "infinite": "{a: .inf}",
    "no_number": "{a: .nan}",
    "a_list_as_a_key": "{? [1, 2] : b}",
    "not_what_the_tag_says": '{a: !!int "x"}',
    "a_tab": "\n\ta: 1",
    "an_alias_of_nothing": "{a: *b}",
}


def read(project: Project, text: str) -> tuple[str, object]:
    """The engine's complaint, empty for none, and what it makes of a mapping."""
    file = project.folder / "stacks" / "Pulumi.yaml-test.yaml"
    file.write_text("config:\n  mx:mail: " + text.replace("\n", "\n    ") + "\n")
    done = project.run("config", "get", "mx:mail", "--json", "--stack", "yaml-test")
    found = json.loads(json.loads(done.stdout)["value"]) if done.returncode == 0 else None
    return done.stderr, found


def test_two_readings_of_yaml(project: Project) -> None:
    project.init("yaml-test")
    complaint, found = read(project, VALUES)
    assert not complaint
    assert engine_yaml.load(VALUES) == found
    # 1 == 1.0 == True in Python.
    assert types(engine_yaml.load(VALUES)) == types(found)
    for name, text in REFUSED.items():
        assert read(project, text)[0], name
        with pytest.raises(yaml.YAMLError):
            engine_yaml.load(text)


def types(value: object) -> object:
    """The types of all values in a document."""
    if isinstance(value, dict):
        return {key: types(each) for key, each in value.items()}
    if isinstance(value, list):
        return [types(each) for each in value]
    return type(value)
