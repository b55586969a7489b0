# SPDX-License-Identifier: Apache-2.0
"""The video API of Acme: https://docs.acme.example/api."""

from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.checks import check_choice, check_fields, check_required, check_texts
from airflow_provider_videos.vendors.exchange import Call, Exchange, Refusal, RefusalKind
from airflow_provider_videos.vendors.recovery import AskAHuman, ResendSameKey
from airflow_provider_videos.video import Video, VideoState


class Acme(Vendor):
    """Makes clips of a text."""

    conn_type = "acme"
    name = "Acme"
    base_url = "https://api.acme.example"
    states = {
        "queued": VideoState.QUEUED,
        "rendering": VideoState.GENERATING,
        "done": VideoState.READY,
        "failed": VideoState.FAILED,
        "cancelled": VideoState.CANCELLED,
    }
    recovery = ResendSameKey(lifetime=24 * 3600, afterwards=AskAHuman(where="at https://app.acme.example/clips"))
    free_fields = frozenset({"webhook_url"})

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {credentials.password}"}

    def check(self, request: Mapping[str, Any]) -> None:
        check_fields(request, ("prompt", "seconds", "webhook_url"))
        check_required(request, "prompt")
        check_texts(request, "prompt")
        check_choice(request, "seconds", (5, 10))

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = yield Call(method="POST", path="/v1/clips", body=request, headers=headers)
        return self.video(answer.text("data", "id"), "queued")

    def fetch(self, video_id: str) -> Exchange[Video]:
        answer = yield Call(path=f"/v1/clips/{path_of(video_id)}")
        return self.video(
            answer.text("data", "id"),
            answer.word("data", "status"),
            file_urls=answer.urls("data", "files"),
            progress=answer.fraction("data", "progress"),
            error_message=answer.text("data", "failure"),
            credits=answer.number("data", "credits"),
        )

    def delete(self, video_id: str, *, hard: bool) -> Exchange[None]:
        yield Call(method="DELETE", path=f"/v1/clips/{path_of(video_id)}", accepts=(204,))

    def probe(self) -> Exchange[None]:
        yield Call(path="/v1/account")

    def refusal(self, answer: Answer) -> Refusal | None:
        # "Moderated" is a 200; "busy" is a 400 that passes.
        kinds = {"moderated": RefusalKind.FINAL, "busy": RefusalKind.LIMIT}
        kind = kinds.get(answer.word("error", "code") or "")
        return None if kind is None else Refusal(kind)
