# SPDX-License-Identifier: Apache-2.0
"""The operator that asks a person to approve a video."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_videos.airflow_compat.tasks import is_in_mapped_group, is_mapped_over, waits_for_input
from airflow_provider_videos.approval import (
    ANSWER_KEY,
    COMMENT_FIELD,
    VIDEO_ID_FIELD,
    answer_of,
    body_of,
    subject_of,
)
from airflow_provider_videos.exceptions import VideoApprovalError, VideoParameterError
from airflow_provider_videos.parameters import check_parameters
from airflow_provider_videos.ui.addresses import video_page_url
from airflow_provider_videos.video import VideoState
from airflow_provider_videos.video_id import read_video_id
from airflow_provider_videos.xcom import PUSHED_FIELDS, WAITING_KEY, push

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["ApproveVideoOperator"]


class ApproveVideoOperator(ApprovalOperator):
    """Asks a person to approve a ready video, and waits for the answer without a worker.

    It asks as the standard provider's ``ApprovalOperator`` does, so that the request stands in Airflow's *Required
    Actions*, and besides on the page *Watch video*. From Airflow 3.3 on no triggerer takes part either.

    - **Approve** returns the video's record, the dict of :meth:`~airflow_provider_videos.video.Video.to_dict`, so that
      ``approve.output`` stands for the video in other tasks. ``.expand(video_id=approve.output)`` gets only the videos
      that were approved.
    - **Reject** returns nothing, and skips the tasks that follow. A mapped task skips those of its map index. In a
      mapped task group this task is skipped itself, and so are the tasks that follow it there.
    - **Time never approves**: without an answer within ``response_timeout`` the task fails, or rejects if
      ``defaults`` is ``"Reject"``.

    An answer must name the video that it approves: Airflow's form and the page do, by a field ``video_id``.

    The XCom ``answer`` holds ``option``, ``comment``, ``params``, ``user`` and ``answered_at`` of each answer.

    :param video_id: the dict that an earlier task of this package returned, or an id, for which the vendor is asked
        once. (templated)
    :param conn_id: id of an Airflow connection of a video vendor's type; needed for an id only. (templated)
    :param subject: headline of the request; default: what the video is called. (templated)
    :param body: text of the request, in Markdown; default: a preview, a link to the page that plays the video, its
        name, vendor, model, duration, cost, script and prompt. (templated)
    :param defaults: ``"Reject"``, the answer when ``response_timeout`` is over; default: none, the task fails then.
    :param kwargs: what ``ApprovalOperator`` takes, such as ``params`` (further fields of the form, besides its own
        ``video_id`` and ``comment``), ``assigned_users``, ``notifiers``, ``response_timeout`` and ``fail_on_reject``,
        and what every operator takes.
    :raises ValueError: when it is defined, naming the parameter that can't be used: also if ``defaults`` has "Approve".
    :raises VideoError: if the video can't be asked for; see :mod:`airflow_provider_videos.exceptions`.
    :raises VideoApprovalError: if an answer approves another video, or no person gave it. A retry asks again.
    """

    template_fields: Sequence[str] = ("video_id", "conn_id", "subject", "body")
    ui_color = "#e0e7ff"

    def __init__(
        self,
        *,
        video_id: str | Mapping[str, Any],
        conn_id: str | None = None,
        subject: str | None = None,
        body: str | None = None,
        defaults: str | list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        check_parameters(self, {"video_id": video_id} | ({} if conn_id is None else {"conn_id": conn_id}))
        super().__init__(subject=subject or "", body=body, defaults=defaults, **kwargs)
        self.video_id = video_id
        self.conn_id = conn_id

    def validate_defaults(self) -> None:
        """Refuse defaults by which time would approve a video, besides what ``ApprovalOperator`` refuses."""
        if self.APPROVE in (self.defaults or ()):
            problem = f"must not have {self.APPROVE!r}: time never approves a video"
            raise VideoParameterError(parameter="defaults", problem=problem)
        super().validate_defaults()

    def execute(self, context: Context) -> None:
        """Ask, and give the worker back until there is an answer."""
        record = self._record()
        self.validate_defaults()
        self._fill_in(record, context)
        # Before the request is there: the page goes by it. Keys that other tasks read are for what is approved.
        asked_about = {name: record.get(name) for name in ("vendor", "video_id", "state", "status")}
        push(self, context, {WAITING_KEY: asked_about})
        try:
            super().execute(context)
        except waits_for_input() as wait:
            # Meanwhile other tasks may be cleared: what was asked about is what is returned.
            wait.kwargs = {**(wait.kwargs or {}), "video": record}  # type: ignore[attr-defined]
            raise

    def execute_complete(
        self, context: Context, event: dict[str, Any], video: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Accept the answer: return the video's record if a person approves it."""
        record = dict(video) if video is not None else self._record()
        self._fill_in(record, context)
        if "error" not in event:
            self._check_answer(event, record["video_id"])
            push(self, context, {ANSWER_KEY: answer_of(event)})
        super().execute_complete(context, event)
        if event["chosen_options"] == [self.REJECT]:
            if is_in_mapped_group(self):
                raise AirflowSkipException(f"Video {record['video_id']!r} was rejected.")
            return None
        push(self, context, {name: record[name] for name in PUSHED_FIELDS if name in record})
        return record

    def skip(self, ti: Any, tasks: Iterable[Any]) -> None:
        """Skip tasks of this map index, but those that are mapped over what was approved: theirs is another index."""
        if ti.map_index >= 0:
            tasks = [task for task in tasks if not is_mapped_over(task, self)]
        super().skip(ti, tasks)

    def _record(self) -> dict[str, Any]:
        video = self.video_id
        video_id = read_video_id(video)
        if isinstance(video, Mapping) and isinstance(video.get("vendor"), str):
            record = dict(video)
        elif self.conn_id is None:
            problem = "must be the dict that an earlier task returned, or needs a conn_id to ask the vendor with"
            raise VideoParameterError(parameter="video_id", problem=problem)
        else:
            from airflow_provider_videos.hooks.video import VideoHook

            record = VideoHook.get_hook(self.conn_id).get_video(video_id).to_dict()
        state = record.get("state", VideoState.READY)
        if state != VideoState.READY:
            problem = f"is of a video that is {state!r}, {video_id!r}: only a ready one can be approved"
            raise VideoParameterError(parameter="video_id", problem=problem)
        return {**record, "video_id": video_id}

    def _fill_in(self, record: Mapping[str, Any], context: Context) -> None:
        """Add what the request says of the video, unless the Dag does."""
        self.subject = self.subject or subject_of(record)
        self.body = self.body or body_of(record, video_page_url(context["ti"]))
        # Not before: a template of this task would read them as the run's parameters.
        video_id = record["video_id"]
        self.params[VIDEO_ID_FIELD] = Param(video_id, type="string", const=video_id, title="Video")
        if COMMENT_FIELD not in self.params:
            self.params[COMMENT_FIELD] = Param("", type=["string", "null"], format="multiline", title="Comment")

    def _check_answer(self, event: Mapping[str, Any], video_id: str) -> None:
        options = event["chosen_options"]
        if options == [self.REJECT]:
            return
        if options != [self.APPROVE]:
            raise VideoApprovalError(video_id=video_id, problem=f"the answer is {options!r:.100}")
        answered = (event.get("params_input") or {}).get(VIDEO_ID_FIELD)
        if answered != video_id:
            named = f"approves video {answered!r}" if answered is not None else f"has no field {VIDEO_ID_FIELD!r}"
            raise VideoApprovalError(video_id=video_id, problem=f"the answer {named}")
        if not event.get("responded_by_user") or event.get("timedout"):
            raise VideoApprovalError(video_id=video_id, problem="no person answered")
