# SPDX-License-Identifier: Apache-2.0
"""All that a simulator knows: its settings, its videos, its faults and its record."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal, get_args

from airflow_provider_videos.simulator.checks import check_choice, check_seconds
from airflow_provider_videos.simulator.faults import FaultPlan
from airflow_provider_videos.simulator.recorder import Recorder
from airflow_provider_videos.simulator.videos import COMMON_OUTCOMES, FORMS, Form, Outcome, VideoStore

SETTINGS = ("key", "queued", "generating", "outcome", "listing_delay", "texts")
"""The settings that may be changed while the simulator serves."""
Texts = Literal["kept", "trimmed", "cut", "normalised"]
TEXTS: tuple[Texts, ...] = get_args(Texts)
MAX_TEXT_CHARACTERS_IF_CUT = 40


@dataclasses.dataclass(kw_only=True)
class State:
    """What one simulator knows.

    :param key: the key that opens every vendor's endpoints.
    :param queued: seconds that a video waits before it is generated.
    :param generating: seconds that generating it takes.
    :param form: whether answers look as documented or as observed.
    :param page_base: number of the first page where a vendor's list counts pages, 0 or 1.
    :param outcome: how a video that is ordered ends; an outcome that all vendors know.
    :param listing_delay: seconds after its order from which on a vendor lists a video.
    :param texts: what vendors make of names and scripts: see :class:`~airflow_provider_videos.simulator.Simulator`.
    :raises ValueError: a setting is not usable; the message names it.
    """

    key: str = dataclasses.field(repr=False)
    queued: float = 0.0
    generating: float = 0.0
    form: Form = "documented"
    page_base: int = 0
    outcome: Outcome = "ready"
    listing_delay: float = 0.0
    texts: Texts = "kept"
    videos: VideoStore = dataclasses.field(default_factory=VideoStore)
    faults: FaultPlan = dataclasses.field(default_factory=FaultPlan)
    record: Recorder = dataclasses.field(default_factory=Recorder)
    replays: dict[tuple[str, ...], Any] = dataclasses.field(default_factory=dict)
    """What was answered to an order that came with an idempotency key."""

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

    def kept_text(self, text: str) -> str:
        """What a vendor keeps of a name or script that was sent to it."""
        match self.texts:
            case "trimmed":
                return text.strip()
            case "cut":
                return text[:MAX_TEXT_CHARACTERS_IF_CUT]
            case "normalised":
                return unicodedata.normalize("NFC", text).replace("\r\n", "\n")
        return text

    def forget(self) -> None:
        """Drop the videos, the faults and the record; keep the settings."""
        self.faults.clear()
        self.videos.clear()
        self.record.clear()
        self.replays.clear()


def _check_key(value: object) -> None:
    # The value is left out of the message: a wrong key may be a real one with a slip in it.
    usable = isinstance(value, str) and value and value.isascii() and value.isprintable()
    # A header's value comes without the spaces around it.
    if not usable or value != str(value).strip():
        raise ValueError("key must be a text of printable ASCII characters that no space begins or ends")
