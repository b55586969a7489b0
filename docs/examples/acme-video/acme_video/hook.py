# SPDX-License-Identifier: Apache-2.0
"""The hook of Acme."""

from acme_video.vendor import Acme
from airflow_provider_videos.hooks.video import VideoHook


class AcmeHook(VideoHook):
    """Calls the video API of Acme.

    :param conn_id: id of an Airflow connection of type ``acme``; ``acme_default`` if not given.
    """

    vendor = Acme()
