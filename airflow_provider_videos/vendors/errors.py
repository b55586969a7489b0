# SPDX-License-Identifier: Apache-2.0
"""What a vendor's file raises; a hook makes exceptions of :mod:`airflow_provider_videos.exceptions` of them."""

from __future__ import annotations

__all__ = ["MalformedIdError", "RequestFieldError", "UnreadableAnswerError"]


class RequestFieldError(ValueError):
    """The vendor's page forbids a field of a request, or asks for one that is missing.

    :param field: name of the field.
    :param problem: what is wrong with it, and what to do.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem


class UnreadableAnswerError(ValueError):
    """An answer is not what was asked for.

    :param problem: what is wrong with it.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class MalformedIdError(ValueError):
    """A text can't be the id of a video of this vendor.

    :param problem: what is wrong with it.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
