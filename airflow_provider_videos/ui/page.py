# SPDX-License-Identifier: Apache-2.0
"""Makes a page of a template."""

from __future__ import annotations

import secrets
from importlib import resources
from typing import Any

import jinja2
from fastapi.responses import HTMLResponse

from airflow_provider_videos.ui import addresses

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("airflow_provider_videos.ui", "pages"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
)


def make_page(template: str, *, status: int = 200, etag: str = "", **values: Any) -> HTMLResponse:
    """Fill a template in, with a policy that lets the page do no more than it must.

    :param template: name of its file.
    :param status: HTTP status code of the answer.
    :param etag: what changes with the page's content, if anybody asks for changes.
    :param values: what the template needs.
    """
    nonce = secrets.token_urlsafe(16)
    folder = resources.files("airflow_provider_videos.ui") / "pages"
    html = _templates.get_template(template).render(
        nonce=nonce,
        style=(folder / "page.css").read_text(),
        script=(folder / "page.js").read_text(),
        addresses=addresses,
        etag=etag,
        **values,
    )
    policy = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}'",
        "style-src": f"'nonce-{nonce}'",
        "connect-src": "'self'",
        "img-src": "http: https:",
        "media-src": "http: https:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        # The URLs in it open to whoever has them, and say nothing of the vendor's account to whom they lead.
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    if etag:
        headers["ETag"] = etag
    # XCom JSON may contain lone surrogates, which UTF-8 can't encode.
    return HTMLResponse(html.encode("utf-8", "replace"), status_code=status, headers=headers)
