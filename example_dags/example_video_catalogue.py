# SPDX-License-Identifier: Apache-2.0
"""Makes a video of each row of a CSV file, keeps the files, and writes what came of each row into another CSV file.

The columns are the fields of the vendor's request, such as ``replica_id`` and ``script`` for Tavus. It costs money: try
it with the first rows, ``--conf '{"scripts": "/data/scripts.csv", "folder": "/data/videos/", "first_rows": 2}'``. The
other rows are ordered, and the first ones are not ordered again, if you set ``first_rows`` to 0 and clear the run's
tasks; in a new run, all are ordered.
"""

from __future__ import annotations

import csv
from typing import Any

from airflow.sdk import ObjectStoragePath, Param, dag, task

from airflow_provider_videos.operators.download import DownloadVideoBatchOperator
from airflow_provider_videos.operators.generate_batch import GenerateVideoBatchOperator


@dag(
    schedule=None,
    params={
        "conn_id": Param("tavus_default", type="string", description="The connection of the vendor."),
        "scripts": Param("", type="string", description="The CSV file; a row is a video."),
        "folder": Param("", type="string", description="Where the files and results.csv go; ends with a slash."),
        "first_rows": Param(2, type="integer", minimum=0, description="Only the first rows; 0 means all."),
    },
    doc_md=__doc__,
    tags=["example", "video"],
)
def example_video_catalogue() -> None:
    @task
    def read_rows(params: dict[str, Any]) -> list[dict[str, str]]:
        with ObjectStoragePath(params["scripts"]).open("r") as file:
            rows = [{field: value for field, value in row.items() if value} for row in csv.DictReader(file)]
        return rows[: params["first_rows"] or None]

    rows = read_rows()
    order = GenerateVideoBatchOperator(
        task_id="order",
        conn_id="{{ params.conn_id }}",
        requests=rows,
        max_active=10,
        on_failure="return",
        deferrable=True,
        poke_interval=10,
    )
    keep = DownloadVideoBatchOperator(
        task_id="keep",
        conn_id="{{ params.conn_id }}",
        video_ids=order.output,
        path="{{ params.folder }}",
        on_failure="return",
    )

    @task
    def write_results(
        rows: list[dict[str, str]], videos: list[dict[str, Any]], kept: list[dict[str, Any]], params: dict[str, Any]
    ) -> str:
        results = [
            {
                **row,
                "video_id": video["video_id"] or "",
                "state": video["state"],
                "path": file["path"] or "",
                "problem": video["error_message"] or file["error_message"] or "",
            }
            for row, video, file in zip(rows, videos, kept, strict=True)
        ]
        fields = list(dict.fromkeys(field for result in results for field in result))
        path = ObjectStoragePath(params["folder"]) / "results.csv"
        with path.open("w") as file:
            writer = csv.DictWriter(file, fields)
            writer.writeheader()
            writer.writerows(results)
        return str(path)

    write_results(rows, order.output, keep.output)


example_video_catalogue()
