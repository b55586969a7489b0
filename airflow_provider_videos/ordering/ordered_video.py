# SPDX-License-Identifier: Apache-2.0
"""The video that a task has ordered, from its order to the end of the task."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_videos.exceptions import VideoFailedError
from airflow_provider_videos.ordering.store import OrderStore
from airflow_provider_videos.waiting.polling import PollOutcome, Wait
from airflow_provider_videos.waiting.worker import defer_wait, wait_for_video
from airflow_provider_videos.xcom import failed_video_xcoms, push, push_progress

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_videos.video import Video


def may_be_billed(video_id: str) -> str:
    """Return what becomes of the money when a task fails that has ordered a video."""
    return (
        f"Video {video_id!r} was ordered: it may still finish, and is billed then. A retry or a clear continues with "
        "it and orders nothing."
    )


class OrderedVideo:
    """Waits for the video that a task has ordered, and fails the task if it has to.

    :param operator: the task.
    :param context: its context.
    :param video_id: id of the video.
    :param vendor: connection type of the vendor, where it is known.
    """

    def __init__(self, operator: BaseOperator, context: Context, video_id: str, vendor: str | None = None) -> None:
        self._operator = operator
        self.context = context
        #: Its id; if that is provisional, until the vendor has given the video one of its own.
        self.video_id = video_id
        #: Connection type of the vendor.
        self.vendor = vendor

    def push_id(self) -> None:
        """Push the id while the task runs."""
        known = {"video_id": self.video_id, "vendor": self.vendor}
        push_progress(self._operator, self.context, {name: value for name, value in known.items() if value is not None})

    def wait(
        self, wait: Wait, *, conn_id: str, described: Video | None, deferrable: bool, delete_on_kill: bool
    ) -> dict[str, Any]:
        """Poll until the video is ready, here or in the triggerer, and return its record.

        :param wait: decides what to do after each poll.
        :param conn_id: id of the vendor's connection.
        :param described: the video, if the vendor has just described it: that is the first poll then.
        :param deferrable: wait in the triggerer from the first poll on.
        :param delete_on_kill: delete the video when a user ends the task meanwhile.
        :raises VideoError: what the wait ended with.
        """

        def pause(step: PollOutcome) -> None:
            if deferrable:
                options = {"delete_on_kill": delete_on_kill, "wake_at_own_id": True}
                defer_wait(self._operator, wait, conn_id=conn_id, pause=step.pause, **options)
            time.sleep(step.pause)

        return wait_for_video(
            self._operator,
            self.context,
            wait,
            video=wait.video_id,
            conn_id=conn_id,
            pause=pause,
            described=described,
            on_own_id=self.replace_id,
        ).to_dict()

    def replace_id(self, own_id: str) -> None:
        """Go on with the id that the vendor has given the video in place of a provisional one."""
        OrderStore(self.context).replace_video_id(self.video_id, own_id)
        self.video_id = own_id
        self.push_id()

    def fail(self, error: BaseException) -> NoReturn:
        """Raise what the wait ended with, and say what that means for the bill."""
        if isinstance(error, VideoFailedError):
            self.vendor = error.video["vendor"]
            push(self._operator, self.context, failed_video_xcoms(error.video))
            OrderStore(self.context).report_failure(self.video_id, max_tries=self.context["ti"].max_tries)
            note = f"Video {self.video_id!r} was ordered and may be billed. Clear the task to order another one."
        else:
            note = may_be_billed(self.video_id)
        self._operator.log.error("%s", note)
        error.add_note(note)
        raise error
