# SPDX-License-Identifier: Apache-2.0
"""What this package raises.

::

    VideoError
    ├── VideoConnectionError    the Airflow connection is missing, of another type, or has an invalid field
    ├── VideoParameterError     a parameter of a task can't be used (also a ValueError, *)
    ├── VideoIdError            what was given as a video has no id to ask for (also a ValueError, *)
    ├── VideoApiError           the vendor answered with an error
    │   ├── VideoAuthError          401 and 403
    │   ├── VideoOrderRefusedError  400 and 422 to an order (*)
    │   └── VideoUnavailableError   408, 425, 429 and 5xx, a limit of the account that passes: a transient error
    ├── VideoTransportError     no answer arrived: a transient error
    │   └── VideoTlsError           it is not trusted, or doesn't speak TLS
    ├── VideoAnswerError        an answer arrived that is not the record of the video: a transient error
    ├── VideoRequestError       a video can't be ordered like that (also a ValueError, *)
    ├── VideoUnsupportedError   the vendor has no such call (*)
    ├── VideoOrderLostError     a video may have been ordered, and is not known (*)
    ├── VideoRecordError        what was kept of an order can't be read (*)
    ├── VideoPathError          nothing can be kept at the path that was given (also a ValueError, *)
    ├── VideoApprovalError      an answer does not say that a person approves this video
    ├── VideoDownloadError      the video's file can't be had, or isn't one
    ├── VideoBatchDownloadError files of a batch of videos can't be had
    ├── VideoStorageError       the storage doesn't take it
    ├── VideoUnexpectedError    something else went wrong
    ├── VideoFailedError        the video ended without success (*)
    ├── VideoBatchError         videos of a batch failed, and all others have ended (*)
    └── VideoTimeoutError       the video was not finished in time (also an AirflowSensorTimeout)

(*) also an AirflowFailException: no retry can help, so Airflow makes none.

Of those that a sensor can meet, ``soft_fail`` skips on the last three only, and on a ``VideoBatchError`` only if each
video failed or timed out: a video that failed may be skipped, a refused key or a missing id never is.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from airflow_provider_videos.advice import advice
from airflow_provider_videos.retries import is_transient_status
from airflow_provider_videos.texts import shorten

__all__ = [
    "VideoAnswerError",
    "VideoApiError",
    "VideoApprovalError",
    "VideoAuthError",
    "VideoBatchDownloadError",
    "VideoBatchError",
    "VideoConnectionError",
    "VideoDownloadError",
    "VideoError",
    "VideoFailedError",
    "VideoIdError",
    "VideoOrderLostError",
    "VideoOrderRefusedError",
    "VideoParameterError",
    "VideoPathError",
    "VideoRecordError",
    "VideoRequestError",
    "VideoStorageError",
    "VideoTimeoutError",
    "VideoTlsError",
    "VideoTransportError",
    "VideoUnavailableError",
    "VideoUnexpectedError",
    "VideoUnsupportedError",
]

_MAX_REASON_CHARACTERS = 1000
#: Of a batch, so many videos are named in an error, each with a reason of so many characters.
_MAX_NAMED = 20
_MAX_BATCH_REASON_CHARACTERS = 800


class VideoError(Exception):
    """Base of all exceptions of this package.

    Its attributes are JSON values, so that an exception can travel from the triggerer to a worker.
    """

    #: Whether the same question may well be answered when it is asked again.
    is_transient: ClassVar[bool] = False
    #: How long the vendor asks to wait, in seconds; ``None`` if it doesn't.
    retry_after: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the exception as a JSON object, for :meth:`from_dict`."""
        # Notes are a part of vars().
        attributes = {name: value for name, value in vars(self).items() if not name.startswith("__")}
        return {"type": type(self).__name__, **attributes}

    @staticmethod
    def from_dict(record: dict[str, Any]) -> VideoError:
        """Make the exception that :meth:`to_dict` described."""
        attributes = dict(record)
        kind = attributes.pop("type", None)
        try:
            raised: type[VideoError] = {name: globals()[name] for name in __all__}[kind]
            return raised(**attributes)
        except (KeyError, TypeError):
            # Another package's vendor has exceptions of its own, and another version's have other attributes.
            return VideoUnexpectedError(problem=f"{kind}: {attributes}")

    def __reduce__(self) -> tuple[Any, ...]:
        return VideoError.from_dict, (self.to_dict(),)


class VideoConnectionError(VideoError):
    """The Airflow connection can't be used. Raised before any request.

    :param conn_id: id of the connection.
    :param field: the connection's field that is wrong, such as ``password`` or ``extra.timeout``.
    :param problem: what is wrong with it, and what to do.
    """

    def __init__(self, *, conn_id: str, field: str, problem: str) -> None:
        super().__init__(f"Connection {conn_id!r}, field {field!r}: {_sentence(problem)}")
        self.conn_id = conn_id
        self.field = field
        self.problem = problem


class VideoParameterError(VideoError, ValueError, AirflowFailException):
    """A parameter of a task can't be used. Raised when the task is defined, or rendered, and before any request.

    :param parameter: name of the parameter.
    :param problem: what is wrong with it.
    """

    def __init__(self, *, parameter: str, problem: str) -> None:
        super().__init__(f"{parameter} {_sentence(problem)}")
        self.parameter = parameter
        self.problem = problem


class VideoIdError(VideoError, ValueError, AirflowFailException):
    """What was given as a video has no id that a vendor can be asked for. Raised before any request.

    :param problem: what is wrong with it, and what to do.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(f"video_id: {_sentence(problem)}")
        self.problem = problem


class VideoApiError(VideoError):
    """The vendor answered with an error.

    :param vendor: display name of the vendor.
    :param conn_id: id of the connection that the call was made with.
    :param video_id: id of the video that the call was about, ``None`` if it was about none.
    :param status_code: HTTP status code of the answer.
    :param message: the vendor's own message.
    :param retry_after: how long the vendor asks to wait, in seconds; ``None`` if it doesn't.
    :param call: what the call was for, a :data:`~airflow_provider_videos.vendors.answer.Purpose`.
    :param refusal: what the vendor's own words refuse, a
        :class:`~airflow_provider_videos.vendors.exchange.RefusalKind`; ``None`` if the status code says it all.
    """

    def __init__(
        self,
        *,
        vendor: str,
        conn_id: str,
        video_id: str | None,
        status_code: int,
        message: str,
        retry_after: float | None = None,
        call: str = "get",
        refusal: str | None = None,
    ) -> None:
        answer = f"{vendor} answered {status_code}{_about(video_id, call)} (connection {conn_id!r})"
        what_to_do = "" if self.is_transient else advice(call, status_code, refusal)
        super().__init__(f"{answer}: {_sentence(message)} {what_to_do}".strip())
        self.vendor = vendor
        self.conn_id = conn_id
        self.video_id = video_id
        self.status_code = status_code
        self.message = message
        self.retry_after = retry_after
        self.call = call
        self.refusal = refusal

    @property
    def is_unknown_video(self) -> bool:
        """Whether the vendor says that it has no such video."""
        says_so = self.refusal == "unknown_video" or (self.refusal is None and self.status_code in {404, 410})
        return self.video_id is not None and says_so

    @staticmethod
    def of_answer(status_code: int, call: str = "get", refusal: str | None = None) -> type[VideoApiError]:
        """Return the class for an answer, by what the call was for and what the vendor refuses.

        :param refusal: a :class:`~airflow_provider_videos.vendors.exchange.RefusalKind`, ``None`` if the status code
            says it all.
        """
        if refusal is not None:
            final = VideoOrderRefusedError if call == "order" else VideoApiError
            transient = VideoUnavailableError
            return {"key": VideoAuthError, "limit": transient, "unclear": transient, "final": final}.get(
                refusal, VideoApiError
            )
        if status_code in {401, 403}:
            return VideoAuthError
        if call == "order" and status_code in {400, 422}:
            return VideoOrderRefusedError
        return VideoUnavailableError if is_transient_status(status_code) else VideoApiError


class VideoAuthError(VideoApiError):
    """The vendor refused the API key (401) or what it was used for (403)."""


class VideoOrderRefusedError(VideoApiError, AirflowFailException):  # type: ignore[misc]
    """The vendor refused an order as it stands (400, 422): sent again, it would be refused again."""


class VideoUnavailableError(VideoApiError):
    """The vendor can't do it just now: 408, 425, 429, 5xx, or an order beyond a limit of the account that passes."""

    is_transient = True


class VideoTransportError(VideoError):
    """No answer arrived.

    :param vendor: display name of the vendor.
    :param conn_id: id of the connection that the call was made with.
    :param video_id: id of the video that the call was about, ``None`` if it was about none.
    :param host: host that was called, with its port.
    :param reason: what happened.
    :param maybe_received: whether the vendor may have received the call all the same.
    """

    is_transient = True

    def __init__(
        self, *, vendor: str, conn_id: str, video_id: str | None, host: str, reason: str, maybe_received: bool
    ) -> None:
        super().__init__(
            f"No answer from {vendor} at {host}{_about(video_id)} (connection {conn_id!r}): {_sentence(reason)}"
        )
        self.vendor = vendor
        self.conn_id = conn_id
        self.video_id = video_id
        self.host = host
        self.reason = reason
        self.maybe_received = maybe_received


class VideoTlsError(VideoTransportError):
    """What answers is not trusted, or doesn't speak TLS: no second attempt would change that."""

    is_transient = False


class VideoAnswerError(VideoError):
    """An answer arrived that is not a video record, or that of another video than the one that was asked for.

    :param vendor: display name of the vendor.
    :param conn_id: id of the connection that the call was made with.
    :param video_id: id of the video that the call was about, ``None`` if it was about none.
    :param problem: what is wrong with the answer.
    """

    is_transient = True

    def __init__(self, *, vendor: str, conn_id: str, video_id: str | None, problem: str) -> None:
        answer = f"The answer of {vendor}{_about(video_id)} (connection {conn_id!r})"
        super().__init__(f"{answer} is not a video record: {_sentence(problem)}")
        self.vendor = vendor
        self.conn_id = conn_id
        self.video_id = video_id
        self.problem = problem


class VideoRequestError(VideoError, ValueError, AirflowFailException):
    """A video can't be ordered like that. Raised before any request.

    :param field: the field of the request that is wrong.
    :param problem: what is wrong with it, and what to do.
    :param place: which of a batch's requests it is, from 0; ``None`` if it is a single one.
    """

    def __init__(self, *, field: str, problem: str, place: int | None = None) -> None:
        request = "request" if place is None else f"requests[{place}]"
        super().__init__(f"{request}, field {field!r}: {_sentence(problem)}")
        self.field = field
        self.problem = problem
        self.place = place


class VideoUnsupportedError(VideoError, AirflowFailException):
    """The vendor has no such call. Raised before any request.

    :param vendor: display name of the vendor.
    :param call: what it has no call for, such as ``delete a video``.
    """

    def __init__(self, *, vendor: str, call: str) -> None:
        super().__init__(f"{vendor} has no call to {call}.")
        self.vendor = vendor
        self.call = call


class VideoOrderLostError(VideoError, AirflowFailException):
    """A video may have been ordered, and billed, but its id is not known. Ordering again could pay twice.

    :param vendor: display name of the vendor.
    :param conn_id: id of the connection that it was ordered with.
    :param reason: how that came.
    :param advice: what to look for, and how to go on.
    """

    def __init__(self, *, vendor: str, conn_id: str, reason: str, advice: str = "") -> None:
        super().__init__(
            f"{vendor} may have accepted the order of a video (connection {conn_id!r}), and bill it, but its id is not "
            f"known: {_sentence(reason)} {advice}".strip()
        )
        self.vendor = vendor
        self.conn_id = conn_id
        self.reason = reason
        self.advice = advice


class VideoRecordError(VideoError, AirflowFailException):
    """What was kept of an order can't be read, so nobody knows whether there was one. Raised before any request.

    :param key: of the task state store.
    :param problem: what is wrong with it.
    """

    def __init__(self, *, key: str, problem: str) -> None:
        super().__init__(
            f"The record of an earlier order, {key!r} in the task state store, can't be read: {_sentence(problem)} "
            "Nothing was ordered now. Check the vendor for a video of this task; delete the record to order one."
        )
        self.key = key
        self.problem = problem


class VideoPathError(VideoError, ValueError, AirflowFailException):
    """Nothing can be kept at the path that was given. Raised before any request to the vendor.

    :param path: the path, ``None`` if it is no text.
    :param problem: what is wrong with it, and what to do.
    """

    def __init__(self, *, path: str | None, problem: str) -> None:
        super().__init__(f"path{'' if path is None else f' {path!r}'}: {_sentence(problem)}")
        self.path = path
        self.problem = problem


class VideoDownloadError(VideoError):
    """The file of a video can't be had, or what came is none.

    :param vendor: display name of the vendor.
    :param conn_id: id of the vendor's connection.
    :param video_id: id of the video.
    :param problem: what is wrong.
    """

    def __init__(self, *, vendor: str, conn_id: str, video_id: str, problem: str) -> None:
        super().__init__(
            f"The file of video {video_id!r} of {vendor} (connection {conn_id!r}) can't be downloaded: "
            + _sentence(problem)
        )
        self.vendor = vendor
        self.conn_id = conn_id
        self.video_id = video_id
        self.problem = problem


class VideoStorageError(VideoError):
    """The storage doesn't take a file, or doesn't give one: it is full, read-only or out of reach.

    :param path: what was asked for.
    :param problem: what the storage says.
    """

    def __init__(self, *, path: str, problem: str) -> None:
        super().__init__(f"The storage at {path!r} failed: {_sentence(problem)} Nothing incomplete is left there.")
        self.path = path
        self.problem = problem


class VideoUnexpectedError(VideoError):
    """Something went wrong that no other exception of this package stands for.

    :param problem: what it was; its traceback is in the task's log.
    """

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"Waiting failed unexpectedly: {_sentence(problem)}")
        self.problem = problem

    @classmethod
    def of(cls, error: Exception) -> VideoUnexpectedError:
        """Return this exception for one of any other kind."""
        return cls(problem=f"{type(error).__name__}: {error}")


class VideoFailedError(VideoError, AirflowFailException):
    """The video ended without success: asking again can't change that, so Airflow doesn't retry.

    :param video: the video's record, as :meth:`~airflow_provider_videos.video.Video.to_dict` gives it.
    """

    def __init__(self, *, video: dict[str, Any]) -> None:
        if video["state"] == "ready":
            reason = "it is ready without a URL"
            reason += f"; the vendor says: {video['error_message']}" if video["error_message"] else ""
        else:
            reason = video["error_message"] or "the vendor gives no reason"
        code = f" (code {video['error_code']})" if video["error_code"] else ""
        super().__init__(
            f"Video {video['video_id']!r} of {video['vendor']} ended with status {video['status']!r}{code}: "
            + _sentence(reason)
        )
        self.video = video


class VideoBatchError(VideoError, AirflowFailException):
    """Videos of a batch failed, after all others were brought to their ends. Airflow doesn't retry.

    :param failed: each as a list of what to call it and why it failed.
    :param videos: how many videos the batch has.
    :param kinds: how many failed with an exception of each name.
    """

    def __init__(self, *, failed: list[list[str]], videos: int, kinds: dict[str, int]) -> None:
        super().__init__(f"{len(failed):,} of {videos:,} videos failed. {_named(failed)}")
        self.failed = failed
        self.videos = videos
        self.kinds = kinds

    @property
    def is_of_videos(self) -> bool:
        """Whether each failed at the vendor or was not finished in time, and none could not be asked for."""
        return set(self.kinds) <= {VideoFailedError.__name__, VideoTimeoutError.__name__}


class VideoBatchDownloadError(VideoError):
    """Files of a batch of videos could not be kept. A retry transfers only those.

    :param failed: each as a list of what to call the video and why it could not be kept.
    :param videos: how many videos the batch has.
    """

    def __init__(self, *, failed: list[list[str]], videos: int) -> None:
        super().__init__(f"{len(failed):,} of {videos:,} videos could not be kept. {_named(failed)}")
        self.failed = failed
        self.videos = videos


class VideoApprovalError(VideoError):
    """An answer does not say that a person approves the video that the request is about. A retry asks again.

    :param video_id: id of the video that the request is about.
    :param problem: what is wrong with the answer.
    """

    def __init__(self, *, video_id: str, problem: str) -> None:
        super().__init__(
            f"Video {video_id!r} is not approved: {_sentence(problem)} Nothing was passed on. A retry or a clear "
            "of the task asks again."
        )
        self.video_id = video_id
        self.problem = problem


class VideoTimeoutError(VideoError, AirflowSensorTimeout):
    """The video was not finished in time.

    :param video_id: id of the video.
    :param waited: how long was waited, in words.
    :param last_seen: the last status and since when it was seen, in words.
    """

    def __init__(self, *, video_id: str, waited: str, last_seen: str) -> None:
        super().__init__(
            f"Video {video_id!r} is not finished after {waited}. {last_seen} "
            "The vendor may still finish it and bill it: nothing was cancelled, and you can wait for it again."
        )
        self.video_id = video_id
        self.waited = waited
        self.last_seen = last_seen


def _named(failed: list[list[str]]) -> str:
    named = [f"{name}: {_sentence(shorten(reason, _MAX_BATCH_REASON_CHARACTERS))}" for name, reason in failed]
    more = len(named) - _MAX_NAMED
    rest = [f"And {more:,} more: the log and the XCom 'videos' name them."] if more > 0 else []
    return " ".join([*named[:_MAX_NAMED], *rest])


def _about(video_id: str | None, call: str = "get") -> str:
    if video_id is None:
        return {"order": " to the order of a video", "list": " to a list of videos"}.get(call, "")
    doing = {"cancel": "cancelling ", "delete": "deleting ", "rename": "renaming "}.get(call, "")
    return f" for {doing}video {video_id!r}"


def _sentence(text: str) -> str:
    text = shorten(text, _MAX_REASON_CHARACTERS)
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
