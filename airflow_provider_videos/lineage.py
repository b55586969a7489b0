# SPDX-License-Identifier: Apache-2.0
"""What tasks report to OpenLineage: ids, places and digests, never a URL of a vendor's.

The openlineage provider asks for it. No dependency brings that, so its names are imported where they are used.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import DatasetFacet, OutputDataset
    from airflow.providers.openlineage.extractors import OperatorLineage

#: OpenLineage's namespace of files on a disk.
_DISK = "file"


def lineage_of_orders(
    vendor: str | None, video_ids: Iterable[str], *, ordered: str | None = None
) -> OperatorLineage[Any, Any]:
    """Return the lineage of a task that orders videos: each is an output, a dataset named by its vendor and id.

    :param vendor: connection type of the vendor; ``None`` if nothing was ordered.
    :param video_ids: those of the videos that are the task's outcome.
    :param ordered: that of the video, ready or not, of a task that orders one.
    """
    from airflow.providers.common.compat.openlineage.facet import ExternalQueryRunFacet, OutputDataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    if vendor is None:
        return OperatorLineage()
    facets = {} if ordered is None else {"externalQuery": ExternalQueryRunFacet(ordered, vendor)}
    outputs = [OutputDataset(namespace=vendor, name=video_id) for video_id in dict.fromkeys(video_ids)]
    return OperatorLineage(outputs=outputs, run_facets=facets)


def lineage_of_files(files: Iterable[Mapping[str, Any]]) -> OperatorLineage[Any, Any]:
    """Return the lineage of a task that keeps videos: the vendor's videos are its inputs, the files its outputs.

    :param files: what a download returns of each; one without a ``path`` was not kept.
    """
    from airflow.providers.common.compat.openlineage.facet import InputDataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    kept = {file["path"]: file for file in files if file["path"] is not None}
    inputs = [InputDataset(namespace=file["vendor"], name=file["video_id"]) for file in kept.values()]
    return OperatorLineage(inputs=inputs, outputs=[_file(file) for file in kept.values()])


def dataset_name(path: str) -> tuple[str, str]:
    """Return the namespace and the name that OpenLineage has for a file, by a path that ObjectStoragePath takes."""
    scheme, has_scheme, rest = path.partition("://")
    if not has_scheme or scheme in {"file", "local"}:
        return _DISK, os.path.abspath(rest if has_scheme else path)
    authority, _, key = rest.partition("/")
    # Before the @ is the id of an Airflow connection.
    return f"{scheme}://{authority.rpartition('@')[2]}", key


def _file(file: Mapping[str, Any]) -> OutputDataset:
    from airflow.providers.common.compat.openlineage.facet import OutputDataset, OutputStatisticsOutputDatasetFacet
    from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet

    namespace, name = dataset_name(file["path"])
    facets: dict[str, DatasetFacet] = {}
    # Of a file that was there already only the record beside it says the digest.
    if file["sha256"] is not None:
        facets["version"] = DatasetVersionDatasetFacet(file["sha256"])
    statistics = OutputStatisticsOutputDatasetFacet(size=file["bytes"], fileCount=1)
    return OutputDataset(namespace=namespace, name=name, facets=facets, outputFacets={"outputStatistics": statistics})
