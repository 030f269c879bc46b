"""The generated schema and manual of stack files are the current ones."""

from __future__ import annotations

import pytest

from tools import schema


@pytest.mark.parametrize(
    ("name", "text"), [("schema.json", schema.schema()), ("README.md", schema.manual())]
)
def test_generated_file_is_current(name: str, text: str) -> None:
    assert (schema.STACKS / name).read_text() == text, "run scripts/schema"


def test_schema_of_the_outputs_is_current() -> None:
    assert schema.OUTPUTS.read_text() == schema.outputs_schema(), "run scripts/schema"
