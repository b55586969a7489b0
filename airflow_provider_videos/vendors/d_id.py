# SPDX-License-Identifier: Apache-2.0
"""D-ID (talking avatars: Talks, Clips, Scenes and Expressives).

https://docs.d-id.com/reference/talks-overview
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, Required, TypedDict

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.checks import (
    check_choice,
    check_fields,
    check_number,
    check_required,
    check_texts,
)
from airflow_provider_videos.vendors.errors import MalformedIdError, RequestFieldError, UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import Call, Exchange, Refusal, RefusalKind
from airflow_provider_videos.vendors.listing import Page
from airflow_provider_videos.vendors.recovery import AskAHuman
from airflow_provider_videos.video import Video, VideoState

__all__ = ["DId", "DIdVideoRequest"]

MIN_INPUT_CHARACTERS, MAX_INPUT_CHARACTERS = 3, 40_000
MAX_USER_DATA_CHARACTERS = 1000
MAX_PAD_SECONDS = 60


class DIdVideoRequest(TypedDict, total=False):
    """What D-ID makes a video from. A field that is not here is sent with a warning, unless it looks misspelled.

    https://docs.d-id.com/reference/talks-overview

    :param kind: ``talk`` (of a photo), ``clip`` (of a presenter), ``scene`` or ``expressive`` (of an avatar). It is no
        field of D-ID's, but chooses its endpoint.
    :param script: ``{"type": "text", "input": …, "provider": …}`` or ``{"type": "audio", "audio_url": …}``.
    :param source_url: photo of a talk, an ``https`` or ``s3`` URL.
    :param presenter_id: presenter of a clip.
    :param avatar_id: avatar of a scene or an expressive.
    :param driver_id: driver of a clip's presenter.
    :param driver_url: driver of a talk.
    :param presenter_config: of a clip, such as ``{"crop": …}``.
    :param sentiment_id: mood of an expressive.
    :param config: how the video is made, such as ``{"result_format": "mp4"}``.
    :param background: what is behind the presenter or avatar; not for a talk.
    :param name: name of the video.
    :param user_data: a text of your own, up to 1,000 characters, which D-ID returns.
    :param webhook: ``https`` URL that D-ID calls when the video has ended.
    :param result_url: where D-ID writes the video to, an ``https`` or ``s3`` URL.
    :param persist: keep an expressive.
    """

    kind: Required[str]
    script: Required[dict[str, Any]]
    source_url: str
    presenter_id: str
    avatar_id: str
    driver_id: str
    driver_url: str
    presenter_config: dict[str, Any]
    sentiment_id: str
    config: dict[str, Any]
    background: dict[str, Any]
    name: str
    user_data: str
    webhook: str
    result_url: str
    persist: bool


class _Kind(NamedTuple):
    """A kind of video: where it is ordered, and its fields besides the common ones.

    :param source: field that says who speaks. D-ID would take one of its own where it is missing, and bill it.
    """

    path: str
    source: str
    optional: tuple[str, ...]
    config: tuple[str, ...]


_COMMON = ("kind", "script", "config", "name", "user_data", "webhook", "result_url")
_OF_TALKS = ("stitch", "result_format", "fluent", "pad_audio", "driver_expressions", "logo")
_OF_OTHERS = ("result_format", "output_resolution", "logo")
KINDS: Mapping[str, _Kind] = {
    "talk": _Kind("talks", "source_url", ("driver_url",), _OF_TALKS),
    "clip": _Kind("clips", "presenter_id", ("driver_id", "presenter_config", "background"), _OF_OTHERS),
    "scene": _Kind("scenes", "avatar_id", ("background",), ("logo",)),
    "expressive": _Kind("expressives", "avatar_id", ("sentiment_id", "background", "persist"), _OF_OTHERS),
}
_PATHS = tuple(kind.path for kind in KINDS.values())
#: What a script must have, by its type, and what it may have.
_SCRIPTS = {"text": ("input", ("provider", "ssml", "subtitles")), "audio": ("audio_url", ("subtitles",))}


class DId(Vendor):
    """The video API of D-ID."""

    conn_type = "d_id"
    name = "D-ID"
    base_url = "https://api.d-id.com"
    states = {
        "created": VideoState.QUEUED,
        "started": VideoState.GENERATING,
        "done": VideoState.READY,
        "error": VideoState.FAILED,
        "rejected": VideoState.FAILED,
    }
    # Its lists show name and user_data. That they have a video which is not finished yet, no page says.
    recovery = AskAHuman(where="at https://studio.d-id.com, or at what DIdHook.list_videos() returns, for a new video")
    free_fields = frozenset({"name", "user_data", "webhook"})

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        """Return the header that carries the key, as D-ID shows it or in base64: D-ID takes both."""
        key = credentials.password.strip()
        if credentials.login:
            key = f"{credentials.login}:{key}"
        return {"Authorization": key if key.startswith("Basic ") else f"Basic {key}"}

    def check(self, request: Mapping[str, Any]) -> None:
        """Check an order against https://docs.d-id.com. What is missing, D-ID fills in, and bills the video."""
        kind = _kind_of(request)
        check_fields(request, (*_COMMON, kind.source, *kind.optional))
        check_required(request, kind.source, "script")
        check_texts(request, kind.source, "name", "driver_id", "driver_url", "sentiment_id", "webhook", "result_url")
        check_texts(request, "user_data", longest=MAX_USER_DATA_CHARACTERS)
        _check_script(request["script"])
        config = request.get("config", {})
        for field in ("config", "background", "presenter_config"):
            if not isinstance(request.get(field, {}), Mapping):
                raise RequestFieldError(field, "must be a dict")
        check_fields(config, kind.config)
        check_number(config, "pad_audio", 0, MAX_PAD_SECONDS)
        if request["kind"] == "expressive" and request.get("result_url") and config.get("result_format"):
            raise RequestFieldError("result_url", "can't be combined with config.result_format")

    def submit(self, request: Mapping[str, Any], *, key: str | None) -> Exchange[Video]:
        """Order a video; its id is enough of an answer."""
        path = _kind_of(request).path
        body = {field: value for field, value in request.items() if field != "kind"}
        answer = yield Call(method="POST", path=f"/{path}", body=body)
        return self._read(answer, path, answer.text("id"), answer.word("status") or VideoState.UNKNOWN)

    def fetch(self, video_id: str) -> Exchange[Video]:
        """Ask for a video."""
        path, number = _parts_of(video_id)
        answer = yield Call(path=f"/{path_of(video_id, parts=2)}")
        return self._read(answer, path, answer.text("id") or number, answer.word("status"))

    def list_page(self, cursor: str | None, limit: int) -> Exchange[Page]:
        """Ask for a page of one kind after the other; it has 100 videos, whatever ``limit`` says."""
        path, _, token = (cursor or f"{_PATHS[0]}/").partition("/")
        answer = yield Call(path=f"/{path}", query={"token": token} if token else {})
        entries = answer.entries(path)
        if entries is None:
            raise UnreadableAnswerError(f"it has no list of {path}")
        for entry in entries:
            if entry is not None:
                # An entry does not say for certain of which kind it is.
                entry.body["list"] = path
        following = answer.text("token")
        later = _PATHS[_PATHS.index(path) + 1 :]
        after = f"{later[0]}/" if later else None
        return Page(entries=tuple(entries), cursor=f"{path}/{following}" if following else after)

    def read_listed(self, entry: Answer) -> Video:
        """Read an entry of a list, whose id is enough."""
        return self._read(entry, str(entry.text("list")), entry.text("id"), entry.word("status") or VideoState.UNKNOWN)

    def delete(self, video_id: str, *, hard: bool) -> Exchange[None]:
        """Delete a video. One that is not finished, D-ID refuses to delete (409)."""
        _parts_of(video_id)
        yield Call(method="DELETE", path=f"/{path_of(video_id, parts=2)}", accepts=range(200, 300))

    def probe(self) -> Exchange[None]:
        """Ask for the credits: a good key without any gets a 404, a bad one a 401."""
        yield Call(path="/credits", accepts=(404,))

    def refusal(self, answer: Answer) -> Refusal | None:
        """Read a refusal of an order by moderation (451), or for what the plan does not allow (403)."""
        status, kind = answer.status_code, answer.word("kind")
        is_final = status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS or (
            status == HTTPStatus.FORBIDDEN and kind == "PermissionError"
        )
        if answer.purpose != "order" or not is_final:
            return None
        return Refusal(RefusalKind.FINAL, f"{kind or 'moderation'}: {answer.message}")

    def _read(self, answer: Answer, path: str, number: str | None, status: str | None) -> Video:
        state = self.state_of(status)
        error = answer.text("error", "description") or answer.text("error", "kind") or answer.text("error")
        if state is VideoState.FAILED:
            error = "; ".join(filter(None, (error, answer.text("error", "details")))) or "D-ID gives no reason"
        url = answer.url("result_url") if state is VideoState.READY else None
        if state is VideoState.READY and url is None:
            error = "it has no result_url"
        is_over = state.is_terminal
        return self.video(
            f"{path}/{number}" if number else None,
            status,
            download_url=url,
            thumbnail_url=answer.url("thumbnail_url"),
            subtitle_url=answer.url("subtitles_url"),
            name=answer.text("name"),
            model=answer.text("presenter_id") or answer.text("avatar_id"),
            duration=answer.number("duration"),
            error_message=error if is_over else None,
            error_code=answer.text("error", "kind") if is_over else None,
            created_at=answer.time("created_at"),
            finished_at=(answer.time("completed_at") or answer.time("modified_at")) if is_over else None,
        )


def _kind_of(request: Mapping[str, Any]) -> _Kind:
    check_required(request, "kind")
    kind = request["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise RequestFieldError("kind", f"must be one of {', '.join(map(repr, KINDS))}")
    return KINDS[kind]


def _parts_of(video_id: str) -> tuple[str, str]:
    path, _, number = video_id.partition("/")
    if path not in _PATHS or not number:
        raise MalformedIdError(f"{video_id!r:.200} is no id of D-ID's with its kind, such as 'talks/tlk_…'")
    return path, number


def _check_script(script: Any) -> None:
    if not isinstance(script, Mapping):
        raise RequestFieldError("script", "must be a dict")
    check_required(script, "type")
    check_choice(script, "type", tuple(_SCRIPTS))
    required, optional = _SCRIPTS[script["type"]]
    check_fields(script, ("type", required, *optional))
    check_required(script, required)
    provider = script.get("provider", {})
    if not isinstance(provider, Mapping):
        raise RequestFieldError("provider", "must be a dict")
    check_fields(provider, ("type", "voice_id", "voice_config"))
    check_texts(script, "audio_url")
    check_texts(script, "input", longest=MAX_INPUT_CHARACTERS)
    if len(script.get("input", "Hello")) < MIN_INPUT_CHARACTERS:
        raise RequestFieldError("input", f"must have {MIN_INPUT_CHARACTERS} characters or more")
