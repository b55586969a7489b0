# SPDX-License-Identifier: Apache-2.0
"""The files that a video's URLs lead to."""

from __future__ import annotations

import html
import pathlib
import tempfile
import urllib.parse
from collections.abc import Mapping

from aiohttp import web

from airflow_provider_videos.simulator.state import State
from airflow_provider_videos.simulator.videos import Moment, SimulatedVideo, VendorName

CONTENT_TYPES: Mapping[str, str] = {
    "mp4": "video/mp4",
    "ts": "video/mp2t",
    "jpg": "image/jpeg",
    "gif": "image/gif",
}
PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
PLAYLIST = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:2
#EXT-X-PLAYLIST-TYPE:VOD
#EXTINF:2.0,
{segment}
#EXT-X-ENDLIST
"""
SUBTITLES_TYPE = "application/x-subrip"
SUBTITLES = """1
00:00:00,000 --> 00:00:02,000
Hello from the simulator.
"""
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>{head}</head>
<body><h1>{title}</h1>{content}</body>
</html>
"""


class MediaFile(web.FileResponse):
    """A file of this package, sent with ``Range``, ``ETag`` and ``Content-Length``.

    :param path: where the file is.
    """

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__(path, headers={"Content-Type": CONTENT_TYPES[path.suffix.removeprefix(".")]})
        self.path = path


class Media:
    """Serves each video a page of its own, and every ready one the same files."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._clip = pathlib.Path(__file__).with_name("clip")
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def send(self, vendor: VendorName, video_id: str, suffix: str) -> web.StreamResponse:
        """Return one file of one video, or a 404: no such video or file, or the video is not ready.

        :param vendor: connection type of the video's vendor.
        :param video_id: its id.
        :param suffix: which file, such as ``mp4``.
        """
        video = self._state.videos.get(vendor, video_id)
        if video is None:
            return web.Response(status=404)
        moment = video.moment
        if suffix == "html":
            return web.Response(body=_page(video, moment).encode(), content_type="text/html", charset="utf-8")
        if not moment.is_ready:
            return web.Response(status=404)
        if suffix == "m3u8":
            playlist = PLAYLIST.format(segment=_file_name(video, "ts"))
            return web.Response(body=playlist.encode(), content_type=PLAYLIST_TYPE)
        if suffix == "srt":
            return web.Response(body=SUBTITLES.encode(), content_type=SUBTITLES_TYPE)
        if suffix not in CONTENT_TYPES:
            return web.Response(status=404)
        if suffix == "mp4" and video.media_bytes is not None:
            return MediaFile(self._padded(video.media_bytes))
        return MediaFile(self._clip.with_suffix(f".{suffix}"))

    async def close(self, _app: web.Application) -> None:
        """Remove the files that were made."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _padded(self, size: int) -> pathlib.Path:
        """The clip in a file of another size. It ends in a box that players skip, which takes no room on the disk."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="video-simulator-")
        path = pathlib.Path(self._folder.name) / f"{size}.mp4"
        if not path.exists():
            clip = self._clip.with_suffix(".mp4").read_bytes()
            with path.open("wb") as file:
                # A size of 1 says that the real one follows, in 64 bits.
                file.write(clip + (1).to_bytes(4) + b"free" + (size - len(clip)).to_bytes(8))
                file.truncate(size)
        return path


def _file_name(video: SimulatedVideo, suffix: str) -> str:
    return f"{urllib.parse.quote(video.video_id, safe='')}.{suffix}"


def _page(video: SimulatedVideo, moment: Moment) -> str:
    title = html.escape(f"Video {video.video_id}")
    if moment.is_ready:
        source, poster = (html.escape(_file_name(video, suffix)) for suffix in ("mp4", "jpg"))
        return PAGE.format(
            title=title, head="", content=f'<video controls loop src="{source}" poster="{poster}"></video>'
        )
    head = '<meta http-equiv="refresh" content="2">' if moment.is_pending else ""
    return PAGE.format(title=title, head=head, content=f"<p>{moment.phase}</p>")
