# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from airflow_provider_videos.request import texts_of
from airflow_provider_videos.vendors.answer import Answer, Purpose
from airflow_provider_videos.vendors.base import Credentials
from airflow_provider_videos.vendors.errors import MalformedIdError, RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import RefusalKind
from airflow_provider_videos.vendors.kling import Kling
from airflow_provider_videos.video import Video, VideoState
from tests.vendors.canned import run

ID, OWN_ID = "893605946402811985", "my-job-1"
OK = {"code": 0, "message": "SUCCEED", "request_id": "r"}
SUBMITTED = {"id": ID, "status": "submitted", "create_time": 1783065388949, "update_time": 1783065388949}
OUTPUT = {"type": "video", "id": "v1", "url": "https://a.test/v.mp4", "watermark_url": "", "duration": "5"}
SUCCEEDED = {
    "id": ID,
    "status": "succeeded",
    "message": "",
    "create_time": 1783065388949,
    "update_time": 1783065475000,
    "external_id": OWN_ID,
    "outputs": [OUTPUT],
    "billing": [{"charge_type": "unit", "package_type": "video", "amount": "4"}],
}
FAILED = {**SUBMITTED, "status": "failed", "message": "content risk control"}
V1_CREATED = {
    "task_id": "string",
    "task_info": {"external_task_id": "string"},
    "task_status": "submitted",
    "created_at": 1722769557708,
    "updated_at": 1722769557708,
}
V1_SUCCEED = {
    "task_id": "string",
    "task_status": "succeed",
    "task_status_msg": "",
    "task_info": {"external_task_id": "string"},
    "task_result": {
        "videos": [{"id": "string", "url": "https://a.test/v.mp4", "watermark_url": "string", "duration": "5"}]
    },
    "watermark_info": {"enabled": False},
    "final_unit_deduction": "3.5",
    "final_balance_deduction": {"quota": "0.49", "list_price": "0.49"},
    "created_at": 1722769557708,
    "updated_at": 1722769557708,
}
V1_FAILED = {**V1_CREATED, "task_status": "failed", "task_status_msg": "content risk control"}
TOO_MANY = {
    "code": 1303,
    "message": "parallel task over resource pack limit",
    "request_id": "9984d27b-a408-4073-ae28-17ca6a13622d",
}
ORDER: dict[str, Any] = {"kind": "text-to-video", "model": "kling-3.0-turbo", "prompt": "A cat."}
V1_ORDER: dict[str, Any] = {"kind": "text2video", "model_name": "kling-v2-6", "prompt": "A cat.", "duration": "5"}
PROMPT = {"type": "prompt", "text": "A cat."}
FIRST, LAST = ({"type": f"{which}_frame", "url": "https://a.test/1.png"} for which in ("first", "last"))
IMAGES: dict[str, Any] = {"kind": "image-to-video", "model": "kling-3.0", "contents": [PROMPT, FIRST]}
MOTION: dict[str, Any] = {
    "kind": "motion-control",
    "model": "kling-3.0",
    "contents": [{"type": "image", "url": "https://a.test/1.png"}, {"type": "video", "url": "https://a.test/1.mp4"}],
    "settings": {"character_orientation": "image"},
}
V1_MOTION: dict[str, Any] = {
    "kind": "motion-control",
    "image_url": "https://a.test/1.png",
    "video_url": "https://a.test/1.mp4",
    "character_orientation": "image",
    "mode": "std",
}
KEYS = Credentials(login="test-ak", password="test-sk", now=1800000300)


def said(data: Any) -> dict[str, Any]:
    return {**OK, "data": data}


def read(task: dict[str, Any], **changes: Any) -> Video:
    video, _ = run(Kling().fetch(ID), said([{**task, **changes}]))
    return video


def read_v1(task: dict[str, Any], **changes: Any) -> Video:
    video, _ = run(Kling().fetch(f"text2video/{ID}"), said({**task, **changes}))
    return video


def kind_of(body: Any, purpose: Purpose = "get", status_code: int = 200) -> RefusalKind | None:
    refusal = Kling().refusal(Answer(body, status_code=status_code, purpose=purpose))
    return refusal.kind if refusal else None


def test_every_field_of_a_task_is_read() -> None:
    assert read(SUCCEEDED) == Video(
        vendor="kling",
        video_id=ID,
        state=VideoState.READY,
        status="succeeded",
        download_url="https://a.test/v.mp4",
        file_urls=("https://a.test/v.mp4",),
        expires_at="2026-08-02T07:57:55+00:00",
        duration=5,
        credits=4,
        created_at="2026-07-03T07:56:28.949000+00:00",
        finished_at="2026-07-03T07:57:55+00:00",
    )


def test_every_field_of_a_task_of_v1_is_read() -> None:
    assert read_v1(V1_SUCCEED) == Video(
        vendor="kling",
        video_id="text2video/string",
        state=VideoState.READY,
        status="succeed",
        download_url="https://a.test/v.mp4",
        file_urls=("https://a.test/v.mp4",),
        expires_at="2024-09-03T11:05:57.708000+00:00",
        duration=5,
        credits=3.5,
        created_at="2024-08-04T11:05:57.708000+00:00",
        finished_at="2024-08-04T11:05:57.708000+00:00",
    )


@pytest.mark.parametrize("more", [{}, {"outputs": None, "billing": None}, {"outputs": [], "billing": []}], ids=str)
def test_a_pending_task_has_neither_files_nor_an_end(more: dict[str, Any]) -> None:
    video = read(SUBMITTED, **more)
    assert (video.state, video.download_url, video.credits, video.finished_at, video.error_message) == (
        VideoState.QUEUED,
        *(None,) * 4,
    )


def test_a_failure_says_why() -> None:
    for video in (read(FAILED), read_v1(V1_FAILED)):
        assert (video.state, video.error_message) == (VideoState.FAILED, "content risk control")


@pytest.mark.parametrize("word", Kling.states)
def test_each_status_has_a_meaning_in_both_apis(word: str) -> None:
    assert read(SUCCEEDED, status=word).state is Kling.states[word] is not VideoState.UNKNOWN
    assert read_v1(V1_SUCCEED, task_status=word).state is Kling.states[word]


@pytest.mark.parametrize("outputs", [None, [], [{"type": "image", "url": "https://a.test/1.png"}], [7]], ids=str)
def test_success_without_a_video_is_not_usable_and_says_why(outputs: Any) -> None:
    for video in (read(SUCCEEDED, outputs=outputs), read_v1(V1_SUCCEED, task_result={"videos": outputs})):
        if outputs and isinstance(outputs[0], dict):
            continue
        assert (video.is_usable, video.error_message) == (
            False,
            "Kling calls the task a success, and gives no URL of a video",
        )


def test_only_the_files_of_videos_are_taken() -> None:
    outputs = [
        {"type": "audio", "url": "https://a.test/1.mp3"},
        {**OUTPUT, "url": None, "watermark_url": "https://a.test/w.mp4"},
    ]
    assert read(SUCCEEDED, outputs=outputs).file_urls == ("https://a.test/w.mp4",)


def test_cash_is_a_cost_only_in_dollars() -> None:
    bills = [{"charge_type": "cash", "currency": currency, "amount": "0.49"} for currency in ("USD", "CNY")]
    video = read(SUCCEEDED, billing=bills)
    assert (video.cost, video.credits) == (0.49, None)


def test_an_order_has_its_model_in_the_path_and_its_own_id_in_the_options() -> None:
    request = {**ORDER, "external_task_id": OWN_ID, "callback_url": "https://a.test", "options": {"watermark_info": {}}}
    video, [call] = run(Kling().submit(request, key=None), said({**SUBMITTED, "external_id": OWN_ID}))
    assert (call.method, call.path) == ("POST", "/text-to-video/kling-3.0-turbo")
    assert call.body == {
        "prompt": "A cat.",
        "options": {"external_task_id": OWN_ID, "callback_url": "https://a.test", "watermark_info": {}},
    }
    assert (video.video_id, video.state) == (ID, VideoState.QUEUED)
    assert request["options"] == {"watermark_info": {}}


def test_an_order_of_v1_has_its_kind_in_the_path_and_in_the_id() -> None:
    request = {**V1_ORDER, "external_task_id": OWN_ID}
    answer = said({**V1_CREATED, "task_info": {"external_task_id": OWN_ID}})
    video, [call] = run(Kling().submit(request, key=None), answer)
    assert (call.method, call.path) == ("POST", "/v1/videos/text2video")
    assert call.body == {field: value for field, value in request.items() if field != "kind"}
    assert (video.video_id, video.state) == ("text2video/string", VideoState.QUEUED)


def test_an_order_that_is_answered_as_ended_is_polled_all_the_same() -> None:
    for request, task in ((ORDER, SUCCEEDED), (V1_ORDER, V1_FAILED)):
        video, _ = run(Kling().submit(request, key=None), said(task))
        assert video.state is VideoState.QUEUED


@pytest.mark.parametrize(
    "body", [OK, said(None), said({}), said({"status": "submitted"}), {"data": {"id": ""}}], ids=str
)
@pytest.mark.parametrize("order", [ORDER, V1_ORDER], ids=["new", "v1"])
def test_an_answer_without_a_task_id_is_no_order(order: dict[str, Any], body: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswerError):
        run(Kling().submit(order, key=None), body)


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({}, "kind"),
        ({"kind": "text_to_video", "model": "kling-3.0"}, "kind"),
        ({"kind": "text-to-video"}, "model"),
        ({"kind": "text2video", "model": "kling-3.0"}, "model"),
        ({"kind": "text-to-video", "model": ".."}, "model"),
        ({"kind": "text-to-video", "model": 7}, "model"),
        ({**ORDER, "options": "x"}, "options"),
        ({**ORDER, "options": {"external_task_id": "x"}}, "options.external_task_id"),
        ({**ORDER, "external_task_id": "x", "options": {"external_task_id": "y"}}, "options.external_task_id"),
    ],
    ids=str,
)
def test_no_call_is_made_of_an_order_that_has_no_path_or_two_own_ids(order: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestFieldError) as refused:
        next(Kling().submit(order, key=None))
    assert refused.value.field == field
    with pytest.raises(RequestFieldError):
        Kling().check({"prompt": "A cat."} | order)


@pytest.mark.parametrize(
    ("code", "status", "order", "poll"),
    [
        (1000, 401, RefusalKind.KEY, RefusalKind.KEY),
        (1001, 401, RefusalKind.KEY, RefusalKind.KEY),
        (1002, 401, RefusalKind.KEY, RefusalKind.KEY),
        (1003, 401, RefusalKind.KEY, RefusalKind.KEY),
        (1004, 401, RefusalKind.KEY, RefusalKind.KEY),
        (1100, 429, RefusalKind.FINAL, RefusalKind.UNCLEAR),
        (1101, 429, RefusalKind.FINAL, RefusalKind.UNCLEAR),
        (1102, 429, RefusalKind.FINAL, RefusalKind.UNCLEAR),
        (1103, 403, RefusalKind.KEY, RefusalKind.KEY),
        (1200, 400, RefusalKind.FINAL, RefusalKind.UNCLEAR),
        (1201, 400, RefusalKind.FINAL, RefusalKind.UNCLEAR),
        (1202, 404, RefusalKind.FINAL, RefusalKind.UNCLEAR),
        (1203, 404, RefusalKind.FINAL, RefusalKind.UNKNOWN_VIDEO),
        (1300, 400, RefusalKind.FINAL, RefusalKind.UNCLEAR),
        (1301, 400, RefusalKind.FINAL, RefusalKind.UNCLEAR),
        (1302, 429, RefusalKind.LIMIT, RefusalKind.LIMIT),
        (1303, 429, RefusalKind.LIMIT, RefusalKind.LIMIT),
        (1304, 429, RefusalKind.KEY, RefusalKind.KEY),
        (5000, 500, RefusalKind.UNCLEAR, RefusalKind.UNCLEAR),
        (5001, 503, RefusalKind.UNCLEAR, RefusalKind.UNCLEAR),
        (5002, 504, RefusalKind.UNCLEAR, RefusalKind.UNCLEAR),
        (9999, 400, RefusalKind.UNCLEAR, RefusalKind.UNCLEAR),
    ],
)
def test_the_code_tells_what_an_error_means(code: int, status: int, order: RefusalKind, poll: RefusalKind) -> None:
    body = {"code": code, "message": "no", "request_id": "r"}
    # The code holds whatever the HTTP status is.
    for status_code in (status, 200):
        assert kind_of(body, "order", status_code) is order
        assert kind_of(body, "get", status_code) is poll
    # An error with a task is no refusal.
    for task in ({"id": ID}, {"task_id": ID}):
        assert kind_of({**body, "data": task}, "order", status) is RefusalKind.UNCLEAR


def test_the_pack_that_is_used_up_is_told_from_a_limit_that_passes() -> None:
    refusal = Kling().refusal(
        Answer({"code": 1102, "message": "Resource pack exhausted"}, status_code=429, purpose="order")
    )
    assert refusal is not None
    assert (refusal.kind, refusal.message) == (
        RefusalKind.FINAL,
        "Resource pack exhausted (1102) No resource pack has units left.",
    )
    assert kind_of(TOO_MANY, "order", 429) is RefusalKind.LIMIT


@pytest.mark.parametrize(
    "message", ["Duplicate task", "external_task_id already exists", "externalTaskId is not unique"]
)
def test_an_own_id_that_kling_has_already_may_be_that_of_this_order(message: str) -> None:
    assert kind_of({"code": 1201, "message": message}, "order", 400) is RefusalKind.UNCLEAR


def test_a_refusal_of_another_field_is_final() -> None:
    assert kind_of({"code": 1201, "message": "external image can't be read"}, "order", 400) is RefusalKind.FINAL


def test_a_refusal_below_a_5xx_is_none() -> None:
    assert kind_of({"code": 1201, "message": "no"}, "order", 502) is RefusalKind.UNCLEAR


def test_an_answer_of_a_gateway_is_left_to_its_status() -> None:
    assert kind_of({"message": "no"}, "order", 429) is None
    assert kind_of(None, "get", 404) is RefusalKind.UNCLEAR
    assert kind_of({"error": "no route"}, "get", 404) is RefusalKind.UNCLEAR
    assert kind_of(said({"id": ID}), "order", 500) is RefusalKind.UNCLEAR


def test_a_list_without_the_task_says_that_there_is_none() -> None:
    assert kind_of(said([])) is RefusalKind.UNKNOWN_VIDEO
    bodies: list[Any] = [said([SUBMITTED]), said({}), said(None), {"data": []}]
    for body in bodies:
        assert kind_of(body) is None


@pytest.mark.parametrize("data", [None, {}, [{**SUBMITTED, "id": "7"}], [7], [{"id": ID}]], ids=str)
def test_an_answer_that_is_about_no_such_task_can_not_be_read(data: Any) -> None:
    with pytest.raises(UnreadableAnswerError):
        run(Kling().fetch(ID), said(data))


def test_each_id_is_asked_for_where_its_task_is() -> None:
    for video_id, path, query in (
        (ID, "/tasks", {"task_ids": ID}),
        (f"text2video/{ID}", f"/v1/videos/text2video/{ID}", {}),
        (f"avatar/image2video/{ID}", f"/v1/videos/avatar/image2video/{ID}", {}),
    ):
        call = next(Kling().fetch(video_id))
        assert (call.method, call.path, call.query) == ("GET", path, query)


@pytest.mark.parametrize("video_id", ["", "..", "1,2", "text2video/", "../7", "a/b/c/d"])
def test_what_is_no_id_is_not_asked_for(video_id: str) -> None:
    with pytest.raises(MalformedIdError):
        next(Kling().fetch(video_id))


def test_an_own_id_is_asked_for_where_its_order_went() -> None:
    video, [call] = run(Kling().find(OWN_ID, ORDER), said([SUCCEEDED]))
    assert video is not None
    assert (call.path, call.query, video.video_id) == ("/tasks", {"external_task_ids": OWN_ID}, ID)
    assert run(Kling().find(OWN_ID, {}), said([SUCCEEDED]))[0] == video
    video, [call] = run(Kling().find("string", V1_ORDER), said(V1_SUCCEED))
    assert video is not None
    assert (call.path, call.query, video.video_id) == ("/v1/videos/text2video/string", {}, "text2video/string")


def test_an_answer_to_an_order_that_shows_another_own_id_is_none() -> None:
    for order, body in ((ORDER, {**SUBMITTED, "external_id": "another"}), (V1_ORDER, V1_CREATED)):
        with pytest.raises(UnreadableAnswerError, match="another own id"):
            run(Kling().submit({**order, "external_task_id": OWN_ID}, key=None), said(body))


def test_the_answer_to_an_own_id_may_not_show_it() -> None:
    assert run(Kling().find(OWN_ID, ORDER), said([SUBMITTED]))[0] is not None
    assert run(Kling().find(OWN_ID, V1_ORDER), said({**V1_CREATED, "task_info": None}))[0] is not None


@pytest.mark.parametrize("own_id", ["a,b", "a/b", " a", "a b", "a%2Cb", "", "893605946402811985", "ä", "a\n"])
@pytest.mark.parametrize("order", [ORDER, V1_ORDER], ids=["new", "v1"])
def test_an_own_id_that_might_not_be_found_is_neither_sent_nor_asked_for(order: dict[str, Any], own_id: str) -> None:
    with pytest.raises(RequestFieldError, match="external_task_id may have letters"):
        next(Kling().submit({**order, "external_task_id": own_id}, key=None))
    with pytest.raises(RequestFieldError):
        Kling().check({**order, "external_task_id": own_id})
    with pytest.raises(MalformedIdError):
        next(Kling().find(own_id, order))


def test_of_several_tasks_of_an_own_id_the_one_that_is_worth_most_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    tasks = [{**FAILED, "id": "1"}, {**SUCCEEDED, "id": "2"}, {**SUBMITTED, "id": "3"}]
    tasks = [{**task, "external_id": OWN_ID} for task in tasks]
    for chosen, among in (("2", tasks), ("3", [tasks[0], tasks[2]]), ("1", tasks[:1])):
        video, _ = run(Kling().find(OWN_ID, ORDER), said(among))
        assert video is not None
        assert video.video_id == chosen
    # An order that was made twice is billed twice.
    assert "3 tasks of the own id 'my-job-1', and may bill each of them: 1, 2, 3" in caplog.text
    assert len(caplog.records) == 2


def test_of_several_tasks_that_are_worth_the_same_the_newest_is_taken() -> None:
    tasks = [{**SUBMITTED, "id": str(number), "create_time": number, "external_id": OWN_ID} for number in (7, 9, 8)]
    video, _ = run(Kling().find(OWN_ID, ORDER), said(tasks))
    assert video is not None
    assert video.video_id == "9"


def test_that_there_is_no_task_of_an_own_id_is_said_in_two_ways() -> None:
    none = Answer({"code": 1203, "message": "no"}, status_code=404, purpose="list")
    for order in (ORDER, V1_ORDER):
        assert Kling().refusal(none) is None
        assert run(Kling().find(OWN_ID, order), none)[0] is None
    assert run(Kling().find(OWN_ID, ORDER), said([]))[0] is None


@pytest.mark.parametrize(
    "answer",
    [
        Answer(None, status_code=404),
        Answer({"error": "no route"}, status_code=404),
        Answer({"code": 1203, "data": [SUCCEEDED]}, status_code=404),
        Answer({"data": []}),
        Answer(said(None)),
        Answer(said({})),
        Answer(said([7])),
        Answer(said([{**SUCCEEDED, "external_id": "another"}])),
        Answer(said([SUCCEEDED, SUBMITTED])),
        Answer(said([{"external_id": OWN_ID}])),
        Answer(said({**V1_CREATED, "task_info": {"external_task_id": "another"}})),
    ],
    ids=lambda answer: str(answer.body)[:60],
)
@pytest.mark.parametrize("order", [ORDER, V1_ORDER], ids=["new", "v1"])
def test_what_says_neither_proves_nothing(order: dict[str, Any], answer: Answer) -> None:
    with pytest.raises(UnreadableAnswerError):
        run(Kling().find(OWN_ID, order), answer)


def test_the_list_is_asked_for_by_cursors() -> None:
    body = {"result": [SUCCEEDED, FAILED], "count": 2, "next_cursor": "c2", "has_more": True}
    page, [call] = run(Kling().list_page(None, 1000), said(body))
    assert (call.method, call.path, call.body) == ("POST", "/tasks", {"limit": 500})
    assert [Kling().read_listed(entry).state for entry in page.entries if entry] == [
        VideoState.READY,
        VideoState.FAILED,
    ]
    last, [call] = run(Kling().list_page(page.cursor, 100), said({**body, "next_cursor": None, "has_more": False}))
    assert (call.body, last.cursor) == ({"limit": 100, "cursor": "c2"}, None)
    several: list[Any] = [{"result": []}, {"result": [], "has_more": True}, {"has_more": False}]
    for unsure in several:
        with pytest.raises(UnreadableAnswerError):
            run(Kling().list_page(None, 100), said(unsure))


def test_the_key_is_tried_with_a_list_that_both_kinds_of_keys_open() -> None:
    _, [probe] = run(Kling().probe(), said([]))
    assert (probe.method, probe.path, probe.query["pageSize"]) == ("GET", "/v1/videos/text2video", 1)


def test_an_api_key_is_sent_as_it_is() -> None:
    credentials = Credentials(password="api-key", now=1)
    assert Kling().headers(credentials) == {"Authorization": "Bearer api-key"}
    assert Kling().secrets(credentials) == ("api-key",)


def test_a_pair_of_keys_makes_the_token_of_the_vendors_page() -> None:
    scheme, _, token = Kling().headers(KEYS)["Authorization"].partition(" ")
    header, claims, signature = token.split(".")
    assert scheme == "Bearer"
    assert decoded(header) == {"alg": "HS256", "typ": "JWT"}
    assert decoded(claims) == {"iss": "test-ak", "exp": 1800001800, "nbf": 1799999995}
    assert (signature[:16], signature[-15:]) == ("-ysO57l1tH_VVSxK", "uYY782OI95Gfd4c")
    assert Kling().secrets(KEYS) == (token, "test-sk", "test-ak")


def test_a_token_is_renewed_long_before_it_expires_and_forgives_a_wrong_clock() -> None:
    tokens = set()
    for now in range(1800000000, 1800003600, 7):
        token = Kling().headers(Credentials(login="test-ak", password="test-sk", now=now))["Authorization"]
        claims = decoded(token.split(".")[1])
        assert claims["nbf"] + 300 <= now <= claims["exp"] - 900
        tokens.add(token)
    assert len(tokens) == 7


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.mark.parametrize(
    "order",
    [
        ORDER,
        {**ORDER, "settings": {"resolution": "1080p", "aspect_ratio": "9:16", "duration": 15}},
        {**ORDER, "model": "kling-2.6", "settings": {"duration": 10, "audio": "native", "resolution": "1080p"}},
        {**ORDER, "model": "kling-4", "settings": {"resolution": "8k"}},
        {**ORDER, "model": "kling-3.0", "settings": {"resolution": "4k", "multi_shot": False}},
        {**ORDER, "options": {"watermark_info": {"enabled": True}}, "external_task_id": "x", "callback_url": "u"},
        IMAGES,
        {**IMAGES, "contents": [FIRST, LAST]},
        {**IMAGES, "model": "kling-2.6", "contents": [FIRST, LAST], "settings": {"resolution": "1080p"}},
        {**IMAGES, "contents": [FIRST, {"type": "element", "element_id": "1", "id": "e"}]},
        {"kind": "omni-video", "model": "kling-o1", "contents": [PROMPT, {"type": "refer_image", "url": "u"}]},
        MOTION,
        V1_ORDER,
        {"kind": "text2video", "multi_prompt": [{"index": 1, "prompt": "A cat.", "duration": "5"}]},
        {"kind": "image2video", "image": "https://a.test/1.png", "cfg_scale": 0.5},
        {"kind": "image2video", "image_tail": "iVBORw0"},
        {"kind": "omni-video", "prompt": "<<<image_1>>>", "image_list": [{"image_url": "u"}]},
        V1_MOTION,
        {"kind": "effects", "effect_scene": "hug", "input": {}},
        {"kind": "avatar/image2video", "image": "u", "sound_file": "u"},
    ],
    ids=str,
)
def test_what_the_page_allows_passes(order: dict[str, Any]) -> None:
    Kling().check(order)
    next(Kling().submit(order, key=None))


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({**ORDER, "prompt": ""}, "prompt"),
        ({**ORDER, "prompt": "x" * 3073}, "prompt"),
        ({**ORDER, "model": "kling-2.6", "prompt": "x" * 2501}, "prompt"),
        ({**ORDER, "promt": "A cat."}, "promt"),
        ({**ORDER, "external_task_id": 7}, "external_task_id"),
        ({**ORDER, "settings": {"duration": "5"}}, "settings.duration"),
        ({**ORDER, "settings": {"duration": 16}}, "settings.duration"),
        ({**ORDER, "settings": {"durations": 5}}, "durations"),
        ({**ORDER, "settings": {"resolution": "4k"}}, "settings.resolution"),
        ({**ORDER, "settings": {"audio": "native"}}, "settings.audio"),
        ({**ORDER, "settings": []}, "settings"),
        ({**ORDER, "model": "kling-2.6", "settings": {"duration": 7}}, "settings.duration"),
        ({**ORDER, "model": "kling-2.6", "settings": {"audio": "native"}}, "settings.resolution"),
        ({**ORDER, "options": {"watermark_infos": {}}}, "watermark_infos"),
        ({**IMAGES, "contents": []}, "contents"),
        ({**IMAGES, "contents": ["x"]}, "contents"),
        ({**IMAGES, "contents": [{"type": "first_image", "url": "u"}]}, "contents.type"),
        ({**IMAGES, "contents": [{"type": "first_frame"}]}, "contents.url"),
        ({**IMAGES, "contents": [{"type": "prompt", "text": "x" * 3073}, FIRST]}, "prompt"),
        ({**IMAGES, "contents": [LAST]}, "contents"),
        ({**IMAGES, "model": "kling-3.0-turbo", "contents": [FIRST, LAST]}, "contents"),
        ({**IMAGES, "model": "kling-2.5-turbo", "contents": [FIRST, LAST]}, "settings.resolution"),
        (
            {"kind": "omni-video", "model": "kling-o1", "contents": [PROMPT], "settings": {"duration": 11}},
            "settings.duration",
        ),
        ({**MOTION, "settings": {}}, "settings.character_orientation"),
        ({**MOTION, "contents": MOTION["contents"][:1]}, "contents"),
        ({"kind": "text2video"}, "prompt"),
        ({**V1_ORDER, "prompt": "x" * 2501}, "prompt"),
        ({**V1_ORDER, "duration": 5}, "duration"),
        ({**V1_ORDER, "duration": "99"}, "duration"),
        ({**V1_ORDER, "mode": "fast"}, "mode"),
        ({**V1_ORDER, "sound": True}, "sound"),
        ({**V1_ORDER, "elements": []}, "elements"),
        ({"kind": "image2video"}, "image"),
        ({"kind": "image2video", "image": "data:image/png;base64,iVBORw0"}, "image"),
        ({"kind": "omni-video", "prompt": "x", "image_urls": ["u"]}, "image_urls"),
        ({"kind": "omni-video", "prompt": "@Element1 walks"}, "prompt"),
        ({**V1_MOTION, "mode": ""}, "mode"),
        ({**V1_MOTION, "character_orientation": "left"}, "character_orientation"),
        ({**V1_MOTION, "video_url": None}, "video_url"),
        ({"kind": "advanced-lip-sync", "task_id": "1"}, "kind"),
    ],
    ids=lambda value: str(value)[:80],
)
def test_what_the_page_forbids_is_refused(order: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestFieldError) as refused:
        Kling().check(order)
    assert refused.value.field == field


def test_the_prompt_of_a_list_reaches_the_record() -> None:
    assert texts_of(IMAGES) == texts_of(ORDER) == {"prompt": "A cat."}
