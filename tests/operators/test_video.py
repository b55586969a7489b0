# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoAuthError,
    VideoConnectionError,
    VideoIdError,
    VideoUnsupportedError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.operators.video import DeleteVideoOperator, GetVideoOperator
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.videos import Outcome, VendorName
from tests.vendor_kit import Connect
from tests.waiting_kit import TaskInstance

PUSHED = ("vendor", "video_id", "state", "download_url", "stream_url", "hosted_url")


def get(video_id: Any, conn_id: str, **arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the operator; give what it returns and what it pushes."""
    ti = TaskInstance()
    context: Any = {"ti": ti}
    return GetVideoOperator(task_id="get", video_id=video_id, conn_id=conn_id, **arguments).execute(context), ti.xcoms


@pytest.mark.parametrize(
    ("vendor", "outcome", "state"),
    [
        ("tavus", "ready", "ready"),
        ("tavus", "ready_without_urls", "ready"),
        ("tavus", "stuck", "generating"),
        ("tavus", "failed", "failed"),
        ("tavus", "deleted", "deleted"),
        ("together", "ready", "ready"),
        ("together", "stuck", "generating"),
        ("together", "failed", "failed"),
        ("together", "cancelled", "cancelled"),
    ],
)
def test_the_record_is_returned_and_its_keys_pushed_whatever_the_state(
    vendor: VendorName, outcome: Outcome, state: str, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video(vendor, outcome=outcome)
    record, pushed = get(video_id, connect(vendor))
    assert (record["video_id"], record["state"]) == (video_id, state)
    assert record == VideoHook.get_hook(f"{vendor}_default").get_video(video_id).to_dict()
    assert pushed == {key: record[key] for key in PUSHED}


def test_it_asks_once(simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", outcome="stuck")
    get(video_id, connect("tavus"))
    assert simulator.record.requests == {"tavus get": 1}


def test_nothing_is_pushed_if_the_task_pushes_no_xcom(simulator: Simulator, connect: Connect) -> None:
    record, pushed = get(simulator.add_video("tavus"), connect("tavus"), do_xcom_push=False)
    assert record["state"] == "ready"
    assert pushed == {}


def test_the_record_of_an_earlier_task_stands_for_its_video(simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus")
    earlier, _ = get(video_id, connect("tavus"))
    assert get(earlier, "tavus_default")[0] == earlier


@pytest.mark.parametrize(
    ("video_id", "conn_id", "kind"),
    [
        ("", "tavus_default", VideoIdError),
        ({"video_id": "v1", "vendor": "together"}, "tavus_default", VideoIdError),
        ("nobody", "tavus_default", VideoApiError),
        ("v1", "undefined", VideoConnectionError),
    ],
    ids=["empty id", "another vendor", "unknown id", "no connection"],
)
def test_what_can_not_be_asked_for_fails(
    video_id: Any, conn_id: str, kind: type[Exception], simulator: Simulator, connect: Connect
) -> None:
    connect("tavus")
    with pytest.raises(kind):
        get(video_id, conn_id)


def test_id_and_connection_are_templated() -> None:
    assert GetVideoOperator.template_fields == ("video_id", "conn_id")


def delete(**arguments: Any) -> dict[str, Any]:
    return DeleteVideoOperator(task_id="delete", **arguments).execute({})


@pytest.mark.parametrize("hard", [False, True])
def test_a_video_is_deleted_and_may_be_gone_already(hard: bool, simulator: Simulator, connect: Connect) -> None:
    video_id, conn_id = simulator.add_video("tavus"), connect("tavus")
    assert delete(video_id=video_id, conn_id=conn_id, hard=hard) == {"video_id": video_id, "deleted": True}
    again = delete(video_id={"video_id": video_id, "vendor": "tavus"}, conn_id=conn_id, hard=True)
    assert again["deleted"] is not hard
    assert delete(video_id=video_id, conn_id=conn_id) == {"video_id": video_id, "deleted": False}


def test_a_vendor_that_cant_delete_is_named_before_anything_is_sent(simulator: Simulator, connect: Connect) -> None:
    with pytest.raises(VideoUnsupportedError, match="Together AI") as refused:
        delete(video_id="v1", conn_id=connect("together"))
    assert isinstance(refused.value, AirflowFailException)
    assert simulator.record.requests == {}


def test_a_refused_key_deletes_nothing(simulator: Simulator, connect: Connect) -> None:
    with pytest.raises(VideoAuthError):
        delete(video_id=simulator.add_video("tavus"), conn_id=connect("tavus", key="wrong"))


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_video_that_cant_be_deleted_just_now_fails_and_says_what_to_do(
    status: int, simulator: Simulator, connect: Connect
) -> None:
    video_id, words = simulator.add_video("tavus", outcome="stuck"), "Cannot delete video while it is generating"
    simulator.add_fault(Fault("status", status=status, body=json.dumps({"error": words}), method="DELETE"))
    with pytest.raises(VideoApiError, match="If it is still being made, wait until it has ended") as refused:
        delete(video_id=video_id, conn_id=connect("tavus"))
    assert f"for deleting video '{video_id}'" in str(refused.value)
    assert words in str(refused.value)


@pytest.mark.parametrize("body", ['{"error": "Invalid video_id"}', '{"error": "Video not found"}'])
def test_a_video_that_the_vendor_says_it_does_not_have_is_gone(
    body: str, simulator: Simulator, connect: Connect
) -> None:
    simulator.add_fault(Fault("status", status=400, body=body, method="DELETE"))
    assert delete(video_id="v1", conn_id=connect("tavus")) == {"video_id": "v1", "deleted": False}
