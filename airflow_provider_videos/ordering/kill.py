# SPDX-License-Identifier: Apache-2.0
"""What becomes of a video when Airflow ends the task that has ordered it, on a worker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_videos.airflow_compat.tasks import tells_triggers_of_kills
from airflow_provider_videos.ordering.store import OrderStore

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context
    from airflow.sdk.types import Logger

#: Airflow kills a task some 5 seconds after it has asked it to end.
MAX_SECONDS = 4.0


def was_ended_by_a_user(context: Context, video_id: str, *, retries: int) -> bool:
    """Tell a user's mark or clear from what a scheduler does to a task whose worker it has lost.

    It is a user's if the task is cleared while it runs, or marked as successful, or marked as failed though a retry is
    left; but for a clear, only if no newer attempt has gone on with the video.

    :param context: of the task that is ended.
    :param video_id: of the video that it has ordered.
    :param retries: of the task.
    """
    ti: Any = context["ti"]

    def is_in(state: str) -> bool:
        query = {"dag_id": ti.dag_id, "run_ids": [ti.run_id], "task_ids": [ti.task_id], "map_index": ti.map_index}
        return bool(ti.get_ti_count(**query, states=[state]))

    if is_in("restarting"):
        return True
    if not OrderStore(context).is_of_this_attempt(video_id):
        return False
    dag = context.get("dag")
    would_be_retried = bool(retries) and ti.try_number <= ti.max_tries and not getattr(dag, "fail_fast", False)
    return is_in("success") or (would_be_retried and is_in("failed"))


def delete_if_ended_by_a_user(operator: BaseOperator, context: Context, video_id: str, *, conn_id: str) -> None:
    """Delete the video of a task that a user has ended, and leave that of any other.

    :param operator: the task.
    :param context: its context.
    :param video_id: of the video that it has ordered.
    :param conn_id: id of the vendor's connection.
    """
    if not was_ended_by_a_user(context, video_id, retries=operator.retries or 0):
        say_that_it_goes_on(operator.log, video_id)
        return
    from airflow_provider_videos.hooks.video import VideoHook

    VideoHook.get_hook(conn_id).delete_video(video_id)
    operator.log.info("Video %r was deleted at the vendor.", video_id)


def warn_of_an_old_airflow(operator: BaseOperator, context: Context, *, deletes_while_deferred: bool) -> None:
    """Log what a task that orders a video can't rely on before Airflow 3.3.

    :param operator: the task.
    :param context: its context.
    :param deletes_while_deferred: whether a trigger is to delete the video when a user ends the task.
    """
    if deletes_while_deferred and not tells_triggers_of_kills():
        operator.log.warning(
            "delete_on_kill has no effect while this task is deferred: Airflow tells a trigger of a user's mark or "
            "clear from 3.3 on. The video would continue at the vendor, and be billed."
        )
    if context.get("task_state_store") is None and operator.retries:
        operator.log.warning(
            "This Airflow has no task state store (it comes with 3.3), so a retry knows nothing of an order before "
            "it: it searches the vendor where that can be searched, and fails otherwise."
        )


def say_that_it_goes_on(log: Logger, video_id: str) -> None:
    """Log that a video was not deleted."""
    log.info("Video %r continues at the vendor, and is billed: nothing was deleted.", video_id)


def within_seconds(action: Callable[[], None], log: Logger) -> None:
    """Do something in a signal's handler, and log what goes wrong.

    The signal may have come in the middle of a request of the task's to Airflow, whose lock is free only after the
    handler: so the action has a thread of its own, and the handler does not wait for it for long.

    :param action: what to do.
    :param log: the task's log.
    """

    def act() -> None:
        try:
            action()
        except Exception:
            log.exception("Whether to delete the video can't be decided, so it continues at the vendor, and is billed")

    thread = threading.Thread(target=act, name="video-on-kill", daemon=True)
    thread.start()
    thread.join(MAX_SECONDS)
    if thread.is_alive():
        log.warning("Whether to delete the video was not decided in time; it may go on at the vendor, and be billed.")
