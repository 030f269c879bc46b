"""Expressions of Prometheus that see one stack alone."""

from __future__ import annotations

import re

# Every metric that MX has rules or panels for, with the matchers behind its name if it has some; or
# a string, in which no metric is looked for.
_METRIC = re.compile(
    r'"[^"]*"|(?<![\w:])(?P<name>up|probe_success|ALERTS|(?:mx|node)[_:][A-Za-z0-9_:]+)(?![\w:])'
    r"(?P<open>\{)?"
)


def narrowed(expression: str, matchers: str) -> str:
    """The expression with `matchers`, such as `stack="production"`, at each of its metrics."""

    def put(found: re.Match[str]) -> str:
        if found["name"] is None:
            return found[0]
        return f"{found['name']}{{{matchers}{',' if found['open'] else '}'}"

    return _METRIC.sub(put, expression)
