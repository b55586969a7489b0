# SPDX-License-Identifier: Apache-2.0
"""Reading a list of videos out of whatever stands for one in a Dag."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow_provider_videos.exceptions import VideoIdError
from airflow_provider_videos.packing import unpack
from airflow_provider_videos.video_id import read_video_id


class VideoList:
    """The videos of a batch in their order, of which several may be the same.

    :param videos: a list of ids, or of dicts that tasks of this package returned; also as a text of JSON, or as Python
        writes a list. A dict of a video that was never ordered, as ``GenerateVideoBatchOperator`` returns it with
        ``on_failure="return"``, has no id: it has failed already.
    :param vendor: connection type of the vendor that will be asked; a dict of another vendor is refused.
    :raises VideoIdError: naming the place in the list.
    """

    def __init__(self, videos: object, *, vendor: str | None = None) -> None:
        self.given = _as_list(videos)
        self.ids: list[str | None] = []
        for place, video in enumerate(self.given):
            try:
                self.ids.append(None if was_never_ordered(video) else read_video_id(video, vendor=vendor))
            except VideoIdError as error:
                raise VideoIdError(f"video_ids[{place}]: {error.problem}") from None

    def replace(self, own_ids: Mapping[str, str]) -> None:
        """Go on with the ids that the vendor has given videos, by the provisional ones that they had."""
        self.ids = [None if video_id is None else own_ids.get(video_id, video_id) for video_id in self.ids]

    @property
    def different_ids(self) -> list[str]:
        """The ids, each once."""
        return list(dict.fromkeys(video_id for video_id in self.ids if video_id is not None))

    @property
    def number(self) -> int:
        """How many videos there are: each id once, and each that was never ordered."""
        return len(self.different_ids) + self.ids.count(None)

    def by_id(self) -> dict[str, Any]:
        """Return what was given for each id: the id, or the first dict of it."""
        by_id: dict[str, Any] = {}
        for video_id, given in zip(self.ids, self.given, strict=True):
            if video_id is not None and not isinstance(by_id.get(video_id), Mapping):
                by_id[video_id] = given if isinstance(given, Mapping) else video_id
        return by_id

    def records(self, record_of: Callable[[str], Any]) -> list[Any]:
        """Return what stands for each video, in the order of the list.

        :param record_of: returns it for an id. A video that was never ordered stands for itself.
        """
        pairs = zip(self.ids, self.given, strict=True)
        return [dict(given) if video_id is None else record_of(video_id) for video_id, given in pairs]


def _as_list(videos: object) -> list[Any]:
    if isinstance(videos, str):
        try:
            return unpack(videos)
        except ValueError:
            pass
        try:
            # A template renders a list as Python writes it.
            videos = ast.literal_eval(videos.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise VideoIdError(f"video_ids must be a list of videos, not the string {videos!r:.200}") from None
    # The outputs of a mapped task are a sequence of Airflow's own.
    if not isinstance(videos, Sequence) or isinstance(videos, str | bytes):
        raise VideoIdError(f"video_ids must be a list of videos, not {type(videos).__name__}")
    # Of such a sequence, a slice takes one request, and each of its members another one.
    return list(videos[:])


def was_never_ordered(video: object) -> bool:
    """Return whether an entry of a list stands for a video that was never ordered."""
    return isinstance(video, Mapping) and video.get("video_id") is None and isinstance(video.get("error_message"), str)
