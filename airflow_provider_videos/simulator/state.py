# SPDX-License-Identifier: Apache-2.0
"""All that a simulator knows: its settings, its videos, its faults and its record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from airflow_provider_videos.simulator.faults import FaultPlan
from airflow_provider_videos.simulator.recorder import Recorder
from airflow_provider_videos.simulator.videos import (
    COMMON_OUTCOMES,
    EXAMPLE_ORDERS,
    FORMS,
    TEXTS,
    VENDORS,
    Form,
    Outcome,
    Texts,
    VendorName,
    Video,
    VideoStore,
    check_choice,
    check_seconds,
    new_video_id,
)

SETTINGS = ("key", "queued", "generating", "outcome", "listing_delay", "texts")
"""The settings that may be changed while the simulator serves."""


@dataclasses.dataclass(kw_only=True)
class State:
    """What one simulator knows.

    :param key: the key that opens both vendors' endpoints.
    :param queued: seconds that a video waits before it is generated.
    :param generating: seconds that generating it takes.
    :param form: whether answers look as documented or as observed.
    :param page_base: number of the first page of Tavus's list, 0 or 1.
    :param outcome: how a video ordered by POST ends; an outcome that both vendors know.
    :param listing_delay: seconds after its order from which on Tavus lists a video.
    :param texts: what Tavus makes of names and scripts: see :class:`~airflow_provider_videos.simulator.Simulator`.
    :raises ValueError: a setting is not usable; the message names it.
    """

    key: str = dataclasses.field(repr=False)
    queued: float
    generating: float
    form: Form
    page_base: int
    outcome: Outcome = "ready"
    listing_delay: float = 0.0
    texts: Texts = "kept"
    videos: VideoStore = dataclasses.field(default_factory=VideoStore)
    faults: FaultPlan = dataclasses.field(default_factory=FaultPlan)
    record: Recorder = dataclasses.field(default_factory=Recorder)

    def __post_init__(self) -> None:
        self.change({name: getattr(self, name) for name in SETTINGS})
        check_choice("form", self.form, FORMS)
        if self.page_base not in {0, 1}:
            raise ValueError(f"page_base must be 0 or 1, not {self.page_base!r}")

    def change(self, settings: Mapping[str, Any]) -> None:
        """Change some of the settings, or none at all if one of them is not usable.

        :raises ValueError: a setting is not usable; the message names it.
        """
        for name, value in settings.items():
            if name == "key":
                _check_key(value)
            elif name == "outcome":
                check_choice(name, value, COMMON_OUTCOMES)
            elif name == "texts":
                check_choice(name, value, TEXTS)
            else:
                check_seconds(name, value)
        for name, value in settings.items():
            setattr(self, name, value)

    def add_video(
        self, vendor: VendorName, options: Mapping[str, Any], order: Mapping[str, Any] | None = None
    ) -> Video:
        """Put a video there as if it had been ordered now.

        :param vendor: whose video it is.
        :param options: arguments of :class:`Video`; those that lack or are None are taken from the settings.
        :param order: the body of the request that ordered it; None (default): an example.
        :raises ValueError: an option is not usable; the message names it.
        """
        check_choice("vendor", vendor, VENDORS)
        given = {name: value for name, value in options.items() if value is not None}
        defaults: dict[str, Any] = {"queued": self.queued, "generating": self.generating, "form": self.form}
        if "video_id" not in given:
            defaults["video_id"] = new_video_id(vendor)
        given |= {"vendor": vendor, "order": EXAMPLE_ORDERS[vendor] if order is None else order}
        video = Video(**(defaults | given))
        self.videos.put(video)
        return video

    def forget(self) -> None:
        """Drop the videos, the faults and the record; keep the settings."""
        self.faults.clear()
        self.videos.clear()
        self.record.clear()


def _check_key(value: object) -> None:
    # The value is left out of the message: a wrong key may be a real one with a slip in it.
    usable = isinstance(value, str) and value and value.isascii() and value.isprintable()
    # A header's value comes without the spaces around it.
    if not usable or value != str(value).strip():
        raise ValueError("key must be a text of printable ASCII characters that no space begins or ends")
