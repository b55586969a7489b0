# SPDX-License-Identifier: Apache-2.0
"""What is true of Together AI only.

https://docs.together.ai/reference/get-videos-id
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from airflow_provider_videos.hooks.answer import Answer
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.video import VideoState


class TogetherHook(VideoHook):
    """Calls the video API of Together AI (generated clips).

    :param conn_id: id of an Airflow connection of type ``together``.
    """

    conn_type = "together"
    default_conn_name = "together_default"
    hook_name = "Together AI"
    base_url = "https://api.together.ai"
    # The page's general server says /v1; the operation's own says /v2.
    videos_path = "/v2/videos"
    states = {
        "queued": VideoState.QUEUED,
        "in_progress": VideoState.GENERATING,
        "completed": VideoState.READY,
        "failed": VideoState.FAILED,
        "cancelled": VideoState.CANCELLED,
    }
    # There is no harmless list to ask for. An id that can't exist answers 404 to a good key, and 401 to a bad one.
    test_path = "/00000000-0000-0000-0000-000000000000"
    test_status_codes = (HTTPStatus.OK, HTTPStatus.NOT_FOUND)

    @staticmethod
    def auth_headers(api_key: str) -> dict[str, str]:
        """Give the header that carries the key."""
        return {"Authorization": f"Bearer {api_key}"}

    def read_video(self, answer: Answer) -> dict[str, Any]:
        """Read the fields of a video. ``outputs`` and ``error`` are no sign of an end: the status is."""
        return {
            "video_id": answer.text("id"),
            "status": answer.text("status"),
            "download_url": answer.url("outputs", "video_url"),
            "model": answer.text("model"),
            "prompt": answer.text("prompt") or answer.text("inputs", "prompt"),
            "duration": answer.number("seconds"),
            "size": answer.text("size"),
            "cost": answer.number("outputs", "cost"),
            "error_message": answer.text("error", "message") or answer.text("error") or answer.text("info", "errors"),
            "error_code": answer.text("error", "code"),
            "created_at": answer.time("created_at"),
            "finished_at": answer.time("completed_at") or answer.time("done_at"),
        }
