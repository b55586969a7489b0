# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from airflow_provider_videos.simulator.path_template import PathTemplate


@pytest.mark.parametrize(
    ("template", "path", "query", "parts"),
    [
        ("/v2/videos", "/v2/videos", {}, {}),
        ("/v2/videos", "/v2/videos/", {}, None),
        ("/v2/videos/{id}", "/v2/videos/a%2Fb", {}, {"id": "a/b"}),
        ("/v2/videos/{id}", "/v2/videos/a/b", {}, None),
        ("/v2.videos/{id}", "/v2xvideos/a", {}, None),
        ("/{kind:text|image}/{id}", "/image/7", {}, {"kind": "image", "id": "7"}),
        ("/{kind:text|image}/{id}", "/sound/7", {}, None),
        ("/{id:.+}/status", "/a/b/c/status", {}, {"id": "a/b/c"}),
        ("/{id:[0-9]{3}}", "/123", {}, {"id": "123"}),
        ("/{id:[0-9]{3}}", "/12", {}, None),
        ("/{id:v?[0-9]+}", "/v1", {}, {"id": "v1"}),
        ("/files/{id}:download", "/files/a:download", {}, {"id": "a"}),
        ("/tasks?task_ids={id}", "/tasks", {"task_ids": "a/b", "more": "x"}, {"id": "a/b"}),
        ("/tasks?task_ids={id}", "/tasks", {}, None),
    ],
)
def test_a_path_fits_a_template_or_not(
    template: str, path: str, query: dict[str, str], parts: dict[str, str] | None
) -> None:
    assert PathTemplate(template).match(path, query) == parts


@pytest.mark.parametrize(
    ("template", "parts", "path"),
    [
        ("/v2/videos/{id}/name", {"id": "a/b?c"}, "/v2/videos/a%2Fb%3Fc/name"),
        ("/{id:.+}/status", {"id": "a/b c"}, "/a/b%20c/status"),
        ("/files?of={id}", {"id": "a/b"}, "/files?of=a%2Fb"),
    ],
)
def test_a_template_is_filled(template: str, parts: dict[str, str], path: str) -> None:
    assert PathTemplate(template).fill(parts) == path


def test_a_query_parameter_must_be_a_part() -> None:
    with pytest.raises(ValueError, match="in braces"):
        PathTemplate("/tasks?page=1")
