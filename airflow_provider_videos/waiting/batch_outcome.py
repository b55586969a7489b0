# SPDX-License-Identifier: Apache-2.0
"""How a wait for many videos ended: what of it travels in an event, and which exception it means."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoBatchError,
    VideoError,
    VideoFailedError,
    VideoParameterError,
    VideoTimeoutError,
    VideoUnexpectedError,
)
from airflow_provider_videos.numeric import is_number
from airflow_provider_videos.video import VideoState
from airflow_provider_videos.waiting.batch_video import Counts

if TYPE_CHECKING:
    from airflow_provider_videos.waiting.batch import BatchWait


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchOutcome:
    """How a wait for many videos ended.

    :param counts: how the videos stand.
    :param kinds: how many videos ended with an exception of each name.
    :param error: what the wait ended with as a whole, where not one of the videos could be asked for.
    :param unanswered: how many ended with an error that says nothing of the video, such as an outage of the vendor.
    :param no_answer: the first of these.
    :param is_enough: whether as many are ready as were asked for.
    """

    counts: Counts
    kinds: Mapping[str, int] = dataclasses.field(default_factory=dict)
    error: VideoError | None = None
    unanswered: int = 0
    no_answer: str = ""
    is_enough: bool = False

    @classmethod
    def of(cls, batch: BatchWait, *, is_last: bool = False) -> BatchOutcome:
        """Return how a wait ended.

        :param is_last: whether it is for the last polls of videos whose time may be over: then one that was not seen in
            time is one that was not answered.
        """
        unanswered = [
            one.error
            for one in batch.videos.values()
            if one.error is not None
            and (
                _says_nothing_of_a_video(one.error)
                or (is_last and one.video is None and isinstance(one.error, VideoTimeoutError))
            )
        ]
        errors = [one.error for one in batch.videos.values() if one.error is not None]
        kinds = collections.Counter(type(error).__name__ for error in errors)
        is_alike = len(kinds) == 1 and len(errors) == len(batch.videos) and not batch.others.failed
        was_seen = any(one.video is not None for one in batch.videos.values())
        may_be_said_of_all = is_alike and not was_seen and not isinstance(errors[0], VideoTimeoutError)
        # Those that were never ordered have failed as a video does.
        kinds[VideoFailedError.__name__] += batch.others.failed
        error = errors[0] if may_be_said_of_all else None
        return cls(
            counts=batch.counts,
            kinds=+kinds,
            error=error,
            unanswered=len(unanswered),
            no_answer=str(unanswered[0]) if unanswered else "",
            is_enough=batch.is_ready_enough,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as a JSON object of counts, for :meth:`from_dict`."""
        error = {} if self.error is None else {"error": self.error.to_dict()}
        counts = dataclasses.asdict(self.counts)
        values = {"unanswered": self.unanswered, "no_answer": self.no_answer, "is_enough": self.is_enough}
        return {"counts": counts, "kinds": dict(self.kinds), **values, **error}

    @classmethod
    def from_dict(cls, event: object) -> BatchOutcome:
        """Read the payload of a trigger's event.

        :raises VideoError: what the trigger itself ended with.
        :raises VideoUnexpectedError: if it is no payload of :meth:`to_dict`.
        """
        if not isinstance(event, Mapping):
            raise VideoUnexpectedError(problem=f"the trigger's event is not an object but {event!r:.200}")
        error = VideoError.from_dict(dict(event["error"])) if isinstance(event.get("error"), Mapping) else None
        try:
            return cls(
                counts=Counts(**event["counts"]),
                kinds=event["kinds"],
                error=error,
                unanswered=event.get("unanswered", 0),
                no_answer=event.get("no_answer", ""),
                is_enough=event["is_enough"],
            )
        except (KeyError, TypeError):
            raise error or VideoUnexpectedError(
                problem=f"the trigger's event has neither an error nor counts; its keys are {sorted(map(str, event))}. "
                "Let triggerer and workers run the same version of this package"
            ) from None

    def failure(
        self, records: Sequence[Mapping[str, Any]], *, parameter: str, on_failure: str, has_retry: bool
    ) -> VideoError | None:
        """Return what the failures among the videos mean for the task, ``None`` if it succeeds.

        :param records: the videos, in their order.
        :param parameter: the task's parameter with the list, by which a video is named that has no id.
        :param on_failure: what a video that failed means: ``fail`` or ``return``.
        :param has_retry: whether a retry is left, which may see how those ended that were not answered for.
        """
        if self.is_enough or not self.counts.failed:
            return None
        if self.error is not None:
            return self.error
        if self.unanswered and has_retry:
            ended = f"how {self.unanswered:,} of {len(records):,} videos ended can't be asked for"
            return VideoUnexpectedError(problem=f"{ended}: {self.no_answer}")
        if on_failure == "return":
            return None
        failed = [
            [
                record["video_id"] or f"{parameter}[{place}]",
                record["error_message"] or f"its status is {record['status']!r}",
            ]
            for place, record in enumerate(records)
            if not is_ready(record)
        ]
        return VideoBatchError(failed=failed, videos=len(records), kinds=dict(self.kinds))


def _says_nothing_of_a_video(error: VideoError) -> bool:
    """Return whether an error leaves open how the video ended: no answer, a refused key, a lost connection."""
    is_final = isinstance(error, AirflowFailException | AirflowSensorTimeout)
    # Of its subclasses, each is about the account or the moment.
    return not is_final and type(error) is not VideoApiError


def is_ready(record: Mapping[str, Any]) -> bool:
    """Return whether a record is that of a video that is ready and has a URL."""
    urls = ("download_url", "stream_url", "hosted_url")
    return record.get("state") == VideoState.READY.value and any(record.get(url) for url in urls)


def number_of_ready(min_ready: float | None, videos: int) -> float:
    """Return how many videos have to be ready, infinitely many if each is to be brought to its end.

    :param min_ready: a number, a part of 1, or ``None``.
    :param videos: how many there are.
    :raises VideoParameterError: if there are fewer.
    """
    if min_ready is None:
        return math.inf
    needed = min_ready if is_number(min_ready, whole=True) else math.ceil(min_ready * videos)
    if needed > videos:
        raise VideoParameterError(parameter="min_ready", problem=f"is {needed}, and there are {videos} videos")
    return needed
