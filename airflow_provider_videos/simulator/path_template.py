# SPDX-License-Identifier: Apache-2.0
"""Path templates, such as ``/v2/videos/{id}/name``."""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Mapping

_PART = re.compile(r"\{([a-z_]+)(?::((?:[^{}]|\{[^{}]*\})+))?\}")
_SEGMENT = "[^/]+"


class PathTemplate:
    """A template that paths are matched with and made from.

    ``{id}`` stands for one segment of a path, ``{id:PATTERN}`` for what the regular expression matches before it is
    unquoted: ``{id:.+}`` may hold slashes. ``/tasks?task_ids={id}`` fits only requests that have this query parameter.

    :param text: the template.
    :raises ValueError: it can't be read.
    """

    def __init__(self, text: str) -> None:
        path, query = _split(text)
        self._path = path
        self._parameters: dict[str, str] = {}
        for name, value in urllib.parse.parse_qsl(query):
            part = _PART.fullmatch(value)
            if part is None:
                raise ValueError(f"{text!r}: a query parameter must be a part in braces")
            self._parameters[name] = part[1]
        pattern, end = "", 0
        for part in _PART.finditer(path):
            pattern += f"{re.escape(path[end : part.start()])}(?P<{part[1]}>{part[2] or _SEGMENT})"
            end = part.end()
        self._pattern = re.compile(pattern + re.escape(path[end:]))

    def match(self, raw_path: str, query: Mapping[str, str]) -> dict[str, str] | None:
        """The parts of a path and query that fit, None if they don't.

        :param raw_path: the path as it came, still quoted.
        :param query: the query's parameters.
        """
        match = self._pattern.fullmatch(raw_path)
        if match is None or not self._parameters.keys() <= query.keys():
            return None
        parts = {name: urllib.parse.unquote(value) for name, value in match.groupdict().items()}
        return parts | {part: query[name] for name, part in self._parameters.items()}

    def fill(self, parts: Mapping[str, str]) -> str:
        """The path, quoted, with its query if the template has one, that these parts make.

        :raises KeyError: a part is missing.
        """
        path = _PART.sub(lambda part: urllib.parse.quote(parts[part[1]], safe="/:" if part[2] else ""), self._path)
        query = urllib.parse.urlencode({name: parts[part] for name, part in self._parameters.items()})
        return f"{path}?{query}" if query else path


def _split(text: str) -> tuple[str, str]:
    # A part's pattern may hold a question mark of its own.
    parts = [(part.start(), part.end()) for part in _PART.finditer(text)]
    for mark in re.finditer(r"\?", text):
        if not any(start <= mark.start() < end for start, end in parts):
            return text[: mark.start()], text[mark.end() :]
    return text, ""


@functools.cache
def path_template(text: str) -> PathTemplate:
    """The template, read once."""
    return PathTemplate(text)
