# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from airflow_provider_videos import exceptions

#: What a Dag, or a vendor in a package of its own, may import, by module.
EXPORTED: dict[str, list[str]] = {
    "airflow_provider_videos.decorators.generate": ["generate_video_batch_task", "generate_video_task"],
    "airflow_provider_videos.hooks.d_id": ["DIdHook", "DIdVideoRequest"],
    "airflow_provider_videos.hooks.fal": ["FalHook", "FalVideoRequest"],
    "airflow_provider_videos.hooks.heygen": ["HeyGenHook", "HeyGenVideoRequest"],
    "airflow_provider_videos.hooks.kling": ["KlingHook", "KlingVideoRequest"],
    "airflow_provider_videos.hooks.luma": ["LumaHook", "LumaVideoRequest"],
    "airflow_provider_videos.hooks.minimax": ["MiniMaxHook", "MiniMaxVideoRequest"],
    "airflow_provider_videos.hooks.replicate": ["ReplicateHook", "ReplicateVideoRequest"],
    "airflow_provider_videos.hooks.runway": ["RunwayHook", "RunwayVideoRequest"],
    "airflow_provider_videos.hooks.tavus": ["TavusHook", "TavusVideoRequest"],
    "airflow_provider_videos.hooks.together": ["TogetherHook", "TogetherVideoRequest"],
    "airflow_provider_videos.hooks.video": ["VideoHook"],
    "airflow_provider_videos.links.video": ["OpenAtVendorLink", "WatchVideoLink"],
    "airflow_provider_videos.operators.approve": ["ApproveVideoOperator"],
    "airflow_provider_videos.operators.download": ["DownloadVideoBatchOperator", "DownloadVideoOperator"],
    "airflow_provider_videos.operators.generate": ["GenerateVideoOperator"],
    "airflow_provider_videos.operators.generate_batch": ["GenerateVideoBatchOperator"],
    "airflow_provider_videos.operators.video": ["DeleteVideoOperator", "GetVideoOperator"],
    "airflow_provider_videos.sensors.video": ["VideoSensor"],
    "airflow_provider_videos.sensors.video_batch": ["VideoBatchSensor"],
    "airflow_provider_videos.triggers.account_videos": ["AccountVideosTrigger"],
    "airflow_provider_videos.triggers.video": ["VideoTrigger"],
    "airflow_provider_videos.triggers.video_batch": ["VideoBatchTrigger"],
    "airflow_provider_videos.vendors.answer": ["Answer", "Purpose"],
    "airflow_provider_videos.vendors.base": [
        "Cancels",
        "Credentials",
        "Deletes",
        "FindsByOwnId",
        "Lists",
        "Orders",
        "OrdersInSeveralWays",
        "Renames",
        "Vendor",
        "path_of",
        "recovery_of",
    ],
    "airflow_provider_videos.vendors.checks": [
        "check_choice",
        "check_fields",
        "check_number",
        "check_required",
        "check_texts",
    ],
    "airflow_provider_videos.vendors.errors": ["MalformedIdError", "RequestFieldError", "UnreadableAnswerError"],
    "airflow_provider_videos.vendors.exchange": ["Call", "Exchange", "Refusal", "RefusalKind"],
    "airflow_provider_videos.vendors.heygen": ["HeyGen", "HeyGenVideoRequest"],
    "airflow_provider_videos.vendors.heygen_request": [
        "VIDEO_AGENT",
        "HeyGenVideoRequest",
        "check_order",
        "kind_of",
        "template_of",
    ],
    "airflow_provider_videos.vendors.listing": ["Page", "numbered_page"],
    "airflow_provider_videos.vendors.luma": ["Luma", "LumaVideoRequest"],
    "airflow_provider_videos.vendors.recovery": [
        "AskAHuman",
        "Recovery",
        "ResendSameKey",
        "SearchByEcho",
        "SearchByName",
        "SearchByOwnId",
    ],
    "airflow_provider_videos.vendors.d_id": ["DId", "DIdVideoRequest"],
    "airflow_provider_videos.vendors.fal": ["Fal", "FalVideoRequest"],
    "airflow_provider_videos.vendors.kling": ["Kling", "KlingVideoRequest"],
    "airflow_provider_videos.vendors.kling_orders": [
        "KlingVideoRequest",
        "body_of",
        "check_order",
        "is_own_id",
        "is_v1",
        "path_of_order",
    ],
    "airflow_provider_videos.vendors.minimax": ["MiniMax", "MiniMaxVideoRequest"],
    "airflow_provider_videos.vendors.replicate": ["Replicate", "ReplicateVideoRequest"],
    "airflow_provider_videos.vendors.runway": ["Runway", "RunwayVideoRequest"],
    "airflow_provider_videos.vendors.tavus": ["Tavus", "TavusVideoRequest"],
    "airflow_provider_videos.vendors.together": ["Together", "TogetherVideoRequest"],
    "airflow_provider_videos.video": ["Video", "VideoState"],
}


@pytest.mark.parametrize("module", sorted(EXPORTED))
def test_a_public_module_exports_these_names_and_explains_each(module: str) -> None:
    exported = importlib.import_module(module)
    assert list(exported.__all__) == EXPORTED[module]
    for name in exported.__all__:
        value: Any = getattr(exported, name)
        assert not inspect.isclass(value) or inspect.getdoc(value)


@pytest.mark.parametrize("module", sorted(EXPORTED))
def test_whatever_class_a_public_module_defines_is_exported_or_has_an_underscore(module: str) -> None:
    exported = importlib.import_module(module)
    classes = [
        name
        for name, value in vars(exported).items()
        if inspect.isclass(value) and value.__module__ == module and not name.startswith("_")
    ]
    assert {*classes} <= {*exported.__all__}


def test_every_exception_is_exported() -> None:
    raised = [name for name, value in vars(exceptions).items() if inspect.isclass(value) and name.startswith("Video")]
    assert sorted(exceptions.__all__) == sorted(raised)
