# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.request import texts_of
from airflow_provider_videos.vendors.answer import Answer, Purpose
from airflow_provider_videos.vendors.errors import MalformedIdError, RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import RefusalKind
from airflow_provider_videos.vendors.minimax import MiniMax
from airflow_provider_videos.video import Video, VideoState
from tests.vendors.canned import run

ID, V1_ID, FILE_ID = "424010985738629", "176843862716480", "176844028768320"
URL = "https://video-product.cdn.minimax.io/inference_output/rollout/2026-07-27/6c68f487-4b33-48cb-8c92-1631f63f6682/output.mp4"
RUNNING = {
    "id": ID,
    "model": "MiniMax-H3",
    "status": "running",
    "created_at": 1785225940,
    "updated_at": 1785226100,
    "resolution": "2K",
    "duration": 10,
    "usage": {},
    "ratio": "9:16",
    "task_type": "generation",
}
SUCCEEDED = {
    "id": ID,
    "model": "MiniMax-H3",
    "status": "succeeded",
    "created_at": 1785125529,
    "updated_at": 1785125946,
    "content": {"url": URL},
    "resolution": "2K",
    "duration": 5,
    "usage": {"total_seconds": 5, "input_seconds": 0, "output_seconds": 5, "input_image_count": 0},
    "ratio": "16:9",
    "task_type": "generation",
    "modality": "video",
}
FAILED = {
    "id": "424010985738630",
    "model": "MiniMax-H3",
    "status": "failed",
    "error": {"code": "1026", "message": "video description contains sensitive content"},
    "created_at": 1785125529,
    "updated_at": 1785125700,
    "resolution": "2K",
    "duration": 5,
    "usage": {},
    "ratio": "16:9",
    "task_type": "generation",
    "modality": "video",
}
REFUSED = {
    "type": "error",
    "error": {
        "type": "bad_request_error",
        "message": "invalid params, content must include a non-empty text item (prompt is required) (2013)",
        "http_code": "400",
    },
    "request_id": "021785229015510a2c883cf675b9804d",
}
OK = {"status_code": 0, "status_msg": "success"}
V1_SUCCESS = {
    "task_id": V1_ID,
    "status": "Success",
    "file_id": FILE_ID,
    "video_width": 1920,
    "video_height": 1080,
    "base_resp": OK,
}
FILE = {
    "file_id": int(FILE_ID),
    "bytes": 5896337,
    "created_at": 1700469398,
    "filename": "output_aigc.mp4",
    "purpose": "video_generation",
    "download_url": "https://a.test/v.mp4",
}
TEXT = {"type": "text", "text": "A cat."}
ORDER = {"model": "MiniMax-H3", "content": [TEXT], "resolution": "768P", "duration": 5, "ratio": "16:9"}
V1_ORDER = {"model": "MiniMax-Hailuo-2.3", "prompt": "A cat.", "duration": 6, "resolution": "768P"}


def file(kind: str, role: str | None) -> dict[str, Any]:
    item = {"type": f"{kind}_url", f"{kind}_url": {"url": "https://a.test/1"}}
    return item if role is None else {**item, "role": role}


def read(task: dict[str, Any], **changes: Any) -> Video:
    video, _ = run(MiniMax().fetch(task["id"]), {"task": {**task, **changes}})
    return video


def read_v1(*answers: Any) -> Video:
    video, _ = run(MiniMax().fetch(f"v1/{V1_ID}"), *answers)
    return video


def error(code: int, message: str = "no") -> dict[str, Any]:
    return {"base_resp": {"status_code": code, "status_msg": message}}


def kind_of(body: Any, purpose: Purpose = "get", status_code: int = 200) -> RefusalKind | None:
    refusal = MiniMax().refusal(Answer(body, status_code=status_code, purpose=purpose))
    return refusal.kind if refusal else None


def test_every_field_of_a_task_is_read() -> None:
    assert read(SUCCEEDED) == Video(
        vendor="minimax",
        video_id=ID,
        state=VideoState.READY,
        status="succeeded",
        download_url=URL,
        file_urls=(URL,),
        model="MiniMax-H3",
        duration=5,
        credits=5,
        created_at="2026-07-27T04:12:09+00:00",
        finished_at="2026-07-27T04:19:06+00:00",
    )


def test_a_task_that_is_running_has_neither_files_nor_an_end() -> None:
    video = read(RUNNING)
    assert (video.state, video.download_url, video.finished_at) == (VideoState.GENERATING, None, None)


def test_a_failure_says_why() -> None:
    video = read(FAILED)
    assert (video.state, video.error_code) == (VideoState.FAILED, "1026")
    assert video.error_message == "video description contains sensitive content"


@pytest.mark.parametrize("word", MiniMax.states)
def test_each_status_has_a_meaning(word: str) -> None:
    assert read(SUCCEEDED, status=word).state is MiniMax.states[word] is not VideoState.UNKNOWN


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "it has no URL"),
        (None, "it has no URL"),
        ({"url": ""}, "it has no URL"),
        ({"prompt": "[Shot 1] …"}, "it made a prompt and no video"),
    ],
)
def test_success_without_a_file_is_not_usable_and_says_why(content: Any, reason: str) -> None:
    video = read(SUCCEEDED, content=content)
    assert (video.is_usable, video.error_message) == (False, reason)


def test_an_order_of_v2_is_enough_with_a_task_id() -> None:
    video, [call] = run(MiniMax().submit(ORDER, key=None), {"task_id": ID})
    assert (call.method, call.path, call.body) == ("POST", "/v2/video_generation", ORDER)
    assert (video.video_id, video.state, video.model) == (ID, VideoState.UNKNOWN, "MiniMax-H3")
    assert texts_of(ORDER) == {"prompt": "A cat."}


def test_the_id_of_an_order_of_v1_tells_that_it_is_of_v1() -> None:
    video, [call] = run(MiniMax().submit(V1_ORDER, key=None), {"task_id": "106916112212032", "base_resp": OK})
    assert (call.method, call.path, call.body) == ("POST", "/v1/video_generation", V1_ORDER)
    assert (video.video_id, video.state) == ("v1/106916112212032", VideoState.UNKNOWN)


@pytest.mark.parametrize(
    ("order", "path"),
    [
        ({**ORDER, "model": "MiniMax-H3-Max"}, "/v2/video_generation"),
        ({"model": "MiniMax-H4", "content": []}, "/v2/video_generation"),
        ({"model": "MiniMax-H3", "prompt": "A cat."}, "/v2/video_generation"),
        ({"model": "MiniMax-H3", "source_task_id": ID, "resolution": "2K"}, "/v2/video_regeneration"),
        ({**ORDER, "content": [TEXT, file("video", "base_video")]}, "/v2/video_regeneration"),
        ({"model": "S2V-01"}, "/v1/video_generation"),
        ({}, "/v1/video_generation"),
        ({"content": 7}, "/v2/video_generation"),
    ],
    ids=str,
)
def test_the_model_and_the_content_choose_the_call(order: dict[str, Any], path: str) -> None:
    assert next(MiniMax().submit(order, key=None)).path == path


@pytest.mark.parametrize("body", [{}, {"task_id": ""}, {"task_id": None, "base_resp": OK}, {"id": ID}], ids=str)
@pytest.mark.parametrize("order", [ORDER, V1_ORDER], ids=["v2", "v1"])
def test_an_answer_without_a_task_id_is_no_order(order: dict[str, Any], body: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswerError):
        run(MiniMax().submit(order, key=None), body)


@pytest.mark.parametrize(
    ("code", "order", "poll"),
    [
        (0, None, None),
        (1000, RefusalKind.UNCLEAR, RefusalKind.UNCLEAR),
        (1001, RefusalKind.UNCLEAR, RefusalKind.UNCLEAR),
        (1002, RefusalKind.LIMIT, RefusalKind.LIMIT),
        (1004, RefusalKind.KEY, RefusalKind.KEY),
        (1008, RefusalKind.FINAL, RefusalKind.UNCLEAR),
        (1013, RefusalKind.UNCLEAR, RefusalKind.UNCLEAR),
        (1024, RefusalKind.UNCLEAR, RefusalKind.UNCLEAR),
        (1026, RefusalKind.FINAL, None),
        (1027, RefusalKind.UNCLEAR, None),
        (1033, RefusalKind.UNCLEAR, RefusalKind.UNCLEAR),
        (1039, RefusalKind.LIMIT, RefusalKind.LIMIT),
        (1041, RefusalKind.LIMIT, RefusalKind.LIMIT),
        (2013, RefusalKind.FINAL, RefusalKind.UNKNOWN_VIDEO),
        (2038, RefusalKind.FINAL, RefusalKind.UNCLEAR),
        (2045, RefusalKind.LIMIT, RefusalKind.LIMIT),
        (2049, RefusalKind.KEY, RefusalKind.KEY),
        (2056, RefusalKind.FINAL, RefusalKind.UNCLEAR),
        (9999, RefusalKind.UNCLEAR, RefusalKind.UNCLEAR),
    ],
)
def test_an_error_inside_a_200_is_read(code: int, order: RefusalKind | None, poll: RefusalKind | None) -> None:
    assert kind_of(error(code), "order") is order
    assert kind_of(error(code)) is poll
    if code:
        assert kind_of({"task_id": ID, **error(code)}, "order") is RefusalKind.UNCLEAR


def test_an_error_of_the_form_of_v2_is_read_inside_a_200_too() -> None:
    assert kind_of(REFUSED, "order") is RefusalKind.FINAL
    assert kind_of({"type": "error", "error": {"message": "no"}}, "order") is RefusalKind.UNCLEAR
    assert kind_of({"type": "error"}) is RefusalKind.UNCLEAR


@pytest.mark.parametrize(
    ("status_code", "purpose", "kind"),
    [
        (400, "order", None),
        (400, "get", RefusalKind.UNKNOWN_VIDEO),
        (400, "list", None),
        (400, "delete", None),
        (401, "test", RefusalKind.KEY),
        (402, "order", None),
        (422, "order", None),
        (429, "order", None),
        (500, "order", None),
        (529, "order", None),
    ],
)
def test_the_http_status_of_v2_tells_the_rest(status_code: int, purpose: Purpose, kind: RefusalKind | None) -> None:
    assert kind_of(REFUSED, purpose, status_code) is kind


def test_a_key_of_the_other_platform_is_told_its_host() -> None:
    for answer in (Answer(error(1004)), Answer({}, status_code=401)):
        refusal = MiniMax().refusal(answer)
        assert refusal is not None
        assert "https://api.minimaxi.com" in (refusal.message or "")


def test_an_unknown_task_is_known_by_its_message_where_another_error_is_possible() -> None:
    body = {"type": "error", "error": {"message": "invalid task_id (2013)"}}
    assert kind_of(body, "delete", 400) is kind_of(body, "cancel", 400) is RefusalKind.UNKNOWN_VIDEO


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Preparing", VideoState.QUEUED),
        ("Queueing", VideoState.QUEUED),
        ("Processing", VideoState.GENERATING),
        ("Fail", VideoState.FAILED),
    ],
)
@pytest.mark.parametrize("more", [{}, {"file_id": ""}], ids=str)
def test_a_pending_video_of_v1_has_no_file(word: str, state: VideoState, more: dict[str, str]) -> None:
    video = read_v1({"task_id": V1_ID, "status": word, "base_resp": OK, **more})
    assert (video.video_id, video.state, video.download_url) == (f"v1/{V1_ID}", state, None)
    assert video.error_message == ("MiniMax gives no reason" if word == "Fail" else None)


def test_the_file_of_a_video_of_v1_is_asked_for_by_its_id() -> None:
    headers = {"date": "Sat, 28 Nov 2026 12:00:00 GMT"}
    answered = Answer({"file": FILE, "base_resp": OK}, headers=headers)
    video, [task, retrieve] = run(MiniMax().fetch(f"v1/{V1_ID}"), V1_SUCCESS, answered)
    assert (task.path, task.query) == ("/v1/query/video_generation", {"task_id": V1_ID})
    assert (retrieve.path, retrieve.query) == ("/v1/files/retrieve", {"file_id": FILE_ID})
    assert video == Video(
        vendor="minimax",
        video_id=f"v1/{V1_ID}",
        state=VideoState.READY,
        status="Success",
        download_url="https://a.test/v.mp4",
        file_urls=("https://a.test/v.mp4",),
        expires_at="2026-11-28T13:00:00+00:00",
        size="1920x1080",
    )


def test_a_success_of_v1_without_a_file_says_so() -> None:
    assert read_v1({**V1_SUCCESS, "file_id": ""}).error_message == "it has no file"
    without = {"file": {**FILE, "download_url": None}, "base_resp": OK}
    assert read_v1(V1_SUCCESS, without).error_message == "it has no URL of its file"
    assert read_v1(V1_SUCCESS, {"base_resp": OK}).is_usable is False


def test_the_file_of_another_video_is_not_taken() -> None:
    with pytest.raises(UnreadableAnswerError, match="another file"):
        read_v1(V1_SUCCESS, {"file": {**FILE, "file_id": 7}, "base_resp": OK})


@pytest.mark.parametrize("more", [{}, {"status": "Fail", "task_id": V1_ID}, {"status": "", "task_id": ""}], ids=str)
def test_a_video_of_v1_that_was_stopped_for_its_content_has_failed(more: dict[str, str]) -> None:
    body = {**more, **error(1027, "output sensitive")}
    assert kind_of(body) is None
    video = read_v1(body)
    assert (video.state, video.error_message, video.error_code) == (VideoState.FAILED, "output sensitive", "1027")


def test_an_answer_without_a_status_is_no_video() -> None:
    for body in ({}, {"task_id": V1_ID, "base_resp": OK}):
        with pytest.raises(UnreadableAnswerError):
            read_v1(body)
        with pytest.raises(UnreadableAnswerError):
            run(MiniMax().fetch(ID), body)


def test_the_first_page_of_the_list_is_asked_for_by_its_number() -> None:
    page, [call] = run(MiniMax().list_page(None, 100), {"items": [RUNNING, FAILED], "total": 476})
    assert (call.path, call.query) == ("/v2/query/video_generation", {"page_num": 1, "page_size": 100})
    assert (page.total, page.cursor) == (476, "2/100")
    videos = [MiniMax().read_listed(entry) for entry in page.entries if entry is not None]
    assert [video.state for video in videos] == [VideoState.GENERATING, VideoState.FAILED]
    last, [call] = run(MiniMax().list_page(page.cursor, 100), {"items": [], "total": 476})
    assert (call.query, last.cursor) == ({"page_num": 2, "page_size": 100}, None)


def test_fewer_are_asked_for_where_so_many_are_refused() -> None:
    refused = Answer(REFUSED, status_code=400, purpose="list")
    page, calls = run(MiniMax().list_page(None, 100), refused, refused, {"items": [RUNNING], "total": 1})
    assert [call.query["page_size"] for call in calls] == [100, 50, 20]
    assert page.cursor == "2/20"


def test_only_what_is_queued_is_cancelled() -> None:
    answer = {"task_id": ID, "action": "cancelled", "status": "cancelled"}
    _, [get, delete] = run(MiniMax().cancel(ID), {"task": {**RUNNING, "status": "queued"}}, answer)
    assert (get.method, delete.method, delete.path) == ("GET", "DELETE", f"/v2/video_generation/{ID}")
    assert kind_of({"task": {**RUNNING, "status": "queued"}}, "cancel") is None
    for status in ("running", "succeeded", "cancelled"):
        assert kind_of({"task": {**RUNNING, "status": status}}, "cancel") is RefusalKind.FINAL


def test_a_video_of_v1_is_neither_cancelled_nor_deleted() -> None:
    for exchange in (MiniMax().cancel("v1/7"), MiniMax().delete("v1/7", hard=True)):
        with pytest.raises(MalformedIdError, match="neither cancels nor deletes"):
            next(exchange)


@pytest.mark.parametrize("video_id", ["", "..", "v1/", "v1/.."])
def test_what_is_no_id_is_not_asked_for(video_id: str) -> None:
    with pytest.raises(MalformedIdError):
        next(MiniMax().fetch(video_id))


def test_the_key_is_tried_with_a_list() -> None:
    _, [probe] = run(MiniMax().probe(), {"items": [], "total": 0})
    assert (probe.method, probe.path) == ("GET", "/v2/query/video_generation")


FRAMES = [file("image", "first_frame"), file("image", "last_frame")]

REFERENCES = [file(kind, f"reference_{kind}") for kind in ("image", "video", "audio")]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": "MiniMax-H3-Max", "resolution": "480P", "extra": {"prompt_expansion_mode": "quality"}},
        {"model": "MiniMax-H9", "resolution": "9K", "duration": 60},
        {"content": [TEXT, *FRAMES], "ratio": "adaptive"},
        {"content": [TEXT, file("image", None)], "ratio": None},
        {"content": [TEXT, file("video", "reference_video"), file("audio", "reference_audio")], "ratio": "21:9"},
        {"content": [TEXT, *[file("image", "reference_image")] * 9]},
        {"callback_url": "https://a.test", "aigc_watermark": False, "a_newer_field": 7},
    ],
    ids=str,
)
def test_what_the_page_of_v2_allows_passes(changes: dict[str, Any]) -> None:
    MiniMax().check({field: value for field, value in {**ORDER, **changes}.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"model": None}, "model"),
        ({"resolution": None}, "resolution"),
        ({"resolution": "1080P"}, "resolution"),
        ({"duration": None}, "duration"),
        ({"duration": 5.5}, "duration"),
        ({"duration": "5"}, "duration"),
        ({"duration": 16}, "duration"),
        ({"model": "MiniMax-H3-Max", "duration": 4}, "duration"),
        ({"ratio": None}, "ratio"),
        ({"ratio": "adaptive"}, "ratio"),
        ({"ratios": "16:9"}, "ratios"),
        ({"contents": []}, "contents"),
        ({"content": None}, "content"),
        ({"content": "A cat."}, "content"),
        ({"content": ["A cat."]}, "content"),
        ({"content": [TEXT, TEXT]}, "content"),
        ({"content": [{"text": "A cat."}]}, "type"),
        ({"content": [{"type": "prompt", "text": "A cat."}]}, "type"),
        ({"content": [{"type": "text", "text": ""}]}, "text"),
        ({"content": [{"type": "text", "text": "x" * 7001}]}, "text"),
        ({"content": [TEXT, {"type": "image_url", "url": "https://a.test"}]}, "content.image_url"),
        ({"content": [TEXT, {**FRAMES[0], "roles": "last_frame"}]}, "roles"),
        ({"content": [TEXT, file("image", "reference_video")]}, "role"),
        ({"content": [TEXT, file("video", None)]}, "role"),
        ({"content": [TEXT, file("image", None), file("image", None)]}, "content"),
        ({"content": [TEXT, *[file("image", "reference_image")] * 10]}, "content"),
        ({"content": [TEXT, *REFERENCES * 3, *REFERENCES[:1] * 4]}, "content"),
        ({"content": [TEXT, FRAMES[0], file("image", "reference_image")]}, "content"),
        ({"content": [TEXT, file("audio", "reference_audio")]}, "content"),
        ({"extra": "quality"}, "extra"),
        ({"extra": {"prompt_expansion_modes": "quality"}}, "prompt_expansion_modes"),
    ],
    ids=str,
)  # fmt: skip
def test_what_the_page_of_v2_forbids_is_refused(changes: dict[str, Any], field: str) -> None:
    order = {name: value for name, value in {**ORDER, **changes}.items() if value is not None}
    with pytest.raises(RequestFieldError) as refused:
        MiniMax().check(order)
    assert refused.value.field == field


def test_a_video_is_made_again_from_its_id_or_from_its_file() -> None:
    again = {"model": "MiniMax-H3", "resolution": "2K"}
    MiniMax().check({**again, "source_task_id": ID})
    MiniMax().check({**again, "content": [TEXT, file("video", "base_video")]})
    MiniMax().check({**again, "content": [TEXT, FRAMES[0], file("video", "base_video")]})
    for wrong in ({"source_task_id": ID, "content": [TEXT]}, {"source_task_id": ID, "resolution": "768P"}):
        with pytest.raises(RequestFieldError):
            MiniMax().check({**again, **wrong})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"prompt": None, "first_frame_image": "https://a.test/1.png", "last_frame_image": "https://a.test/2.png"},
        {"model": "S2V-01", "subject_reference": [{"type": "character", "image": ["https://a.test/1.png"]}]},
        {"duration": 10, "prompt_optimizer": False, "fast_pretreatment": True},
    ],
    ids=str,
)
def test_what_the_page_of_v1_allows_passes(changes: dict[str, Any]) -> None:
    MiniMax().check({field: value for field, value in {**V1_ORDER, **changes}.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": "x" * 2001}, "prompt"),
        ({"prompts": "A cat."}, "prompts"),
        ({"duration": 5}, "duration"),
        ({"resolution": "2K"}, "resolution"),
        ({"first_frame_image": ["https://a.test/1.png"]}, "first_frame_image"),
        ({"model": 7}, "model"),
    ],
    ids=str,
)
def test_what_the_page_of_v1_forbids_is_refused(changes: dict[str, Any], field: str) -> None:
    order = {name: value for name, value in {**V1_ORDER, **changes}.items() if value is not None}
    with pytest.raises(RequestFieldError) as refused:
        MiniMax().check(order)
    assert refused.value.field == field
