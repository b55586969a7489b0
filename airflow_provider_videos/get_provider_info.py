# SPDX-License-Identifier: Apache-2.0
"""What Airflow discovers of this package, without importing any of it.

A vendor is an entry in ``_VENDORS``. Its ``key`` says what a key looks like and where it is made; ``login`` names the
first part of a key that may have two.
"""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_provider_videos"


def get_provider_info() -> dict[str, Any]:
    """Describe the package to Airflow, in the form of its ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-videos",
        "name": "Generative video",
        "description": "Order generated videos, wait for them, and pass their URLs on.",
        "integrations": [
            {
                "integration-name": vendor["hook-name"],
                "external-doc-url": vendor["external-doc-url"],
                "how-to-guide": [f"/docs/vendors/{vendor['connection-type']}.md"],
                "logo": "/docs/integration-logos/videos.svg",
                "tags": ["generative-ai", "service"],
            }
            for vendor in _VENDORS
        ],
        **{
            kind: [
                {
                    "integration-name": vendor["hook-name"],
                    "python-modules": [f"{_PACKAGE}.{name.format(vendor['connection-type'])}" for name in modules],
                }
                for vendor in _VENDORS
            ]
            for kind, modules in _MODULES.items()
        },
        "connection-types": [_connection_type(vendor) for vendor in _VENDORS],
        "extra-links": [f"{_PACKAGE}.links.video.WatchVideoLink", f"{_PACKAGE}.links.video.OpenAtVendorLink"],
        "task-decorators": [
            {"name": name, "class-name": f"{_PACKAGE}.decorators.generate.{name}_task"}
            for name in ("generate_video", "generate_video_batch")
        ],
        "config": {
            "videos": {
                "description": "How videos are shown in Airflow's pages.",
                "options": {
                    "show_tabs": {
                        "description": (
                            "Whether the page of every task instance has a tab 'Video', and that of every run a tab "
                            "'Videos'. Airflow can't limit a tab to some operators."
                        ),
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": "True",
                        "default": "False",
                    },
                    "playable_paths": {
                        "description": (
                            "Folders on the API server's disk, separated by commas, below which the pages may play "
                            "what DownloadVideoOperator kept. Every video below them can be seen by whoever may see "
                            "the XComs of some Dag, whose author chooses the path."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "/mnt/videos",
                        "default": "",
                    },
                },
            }
        },
    }


#: By what Airflow calls them; ``{}`` is a vendor's connection type.
_MODULES = {
    "hooks": ("hooks.{}",),
    "operators": (
        "operators.approve",
        "operators.download",
        "operators.generate",
        "operators.generate_batch",
        "operators.video",
    ),
    "sensors": ("sensors.video", "sensors.video_batch"),
    "triggers": ("triggers.account_videos", "triggers.video", "triggers.video_batch"),
}

_VENDORS = (
    {
        "connection-type": "d_id",
        "hook-name": "D-ID",
        "hook-class-name": f"{_PACKAGE}.hooks.d_id.DIdHook",
        "external-doc-url": "https://docs.d-id.com",
        "default-url": "https://api.d-id.com",
        "key": "name:password, made at https://studio.d-id.com, API keys",
    },
    {
        "connection-type": "fal",
        "hook-name": "fal",
        "hook-class-name": f"{_PACKAGE}.hooks.fal.FalHook",
        "external-doc-url": "https://fal.ai/docs",
        "default-url": "https://queue.fal.run",
        "key": "id:secret, made at https://fal.ai/dashboard/keys, scope API",
    },
    {
        "connection-type": "heygen",
        "hook-name": "HeyGen",
        "hook-class-name": f"{_PACKAGE}.hooks.heygen.HeyGenHook",
        "external-doc-url": "https://developers.heygen.com",
        "default-url": "https://api.heygen.com",
        "key": "made at https://app.heygen.com/settings, API",
    },
    {
        "connection-type": "kling",
        "hook-name": "Kling",
        "hook-class-name": f"{_PACKAGE}.hooks.kling.KlingHook",
        "external-doc-url": "https://kling.ai/document-api",
        "default-url": "https://api-singapore.klingai.com",
        "key": "API key, or the secret key of an access key, made at https://kling.ai",
        "login": "Access key (none with an API key)",
    },
    {
        "connection-type": "luma",
        "hook-name": "Luma",
        "hook-class-name": f"{_PACKAGE}.hooks.luma.LumaHook",
        "external-doc-url": "https://docs.agents.lumalabs.ai",
        "default-url": "https://agents.lumalabs.ai",
        "key": "luma-api-…, made at https://platform.lumalabs.ai",
    },
    {
        "connection-type": "minimax",
        "hook-name": "MiniMax",
        "hook-class-name": f"{_PACKAGE}.hooks.minimax.MiniMaxHook",
        "external-doc-url": "https://platform.minimax.io/docs",
        "default-url": "https://api.minimax.io",
        "key": "made at https://platform.minimax.io, API Keys; one of platform.minimaxi.com needs its own host",
    },
    {
        "connection-type": "replicate",
        "hook-name": "Replicate",
        "hook-class-name": f"{_PACKAGE}.hooks.replicate.ReplicateHook",
        "external-doc-url": "https://replicate.com/docs",
        "default-url": "https://api.replicate.com",
        "key": "r8_…, made at https://replicate.com/account/api-tokens",
    },
    {
        "connection-type": "runway",
        "hook-name": "Runway",
        "hook-class-name": f"{_PACKAGE}.hooks.runway.RunwayHook",
        "external-doc-url": "https://docs.dev.runwayml.com",
        "default-url": "https://api.dev.runwayml.com",
        "key": "key_…, made at https://dev.runwayml.com, API Keys",
    },
    {
        "connection-type": "tavus",
        "hook-name": "Tavus",
        "hook-class-name": f"{_PACKAGE}.hooks.tavus.TavusHook",
        "external-doc-url": "https://docs.tavus.io",
        "default-url": "https://tavusapi.com",
        "key": "made at https://platform.tavus.io, API Key",
    },
    {
        "connection-type": "together",
        "hook-name": "Together AI",
        "hook-class-name": f"{_PACKAGE}.hooks.together.TogetherHook",
        "external-doc-url": "https://docs.together.ai",
        "default-url": "https://api.together.ai",
        "key": "made at https://api.together.ai/settings/api-keys",
    },
)

#: Display names of the vendors, by connection type.
VENDOR_NAMES = {vendor["connection-type"]: vendor["hook-name"] for vendor in _VENDORS}


def _connection_type(vendor: dict[str, str]) -> dict[str, Any]:
    return {
        "connection-type": vendor["connection-type"],
        "hook-class-name": vendor["hook-class-name"],
        "hook-name": vendor["hook-name"],
        "ui-field-behaviour": {
            "hidden-fields": [*([] if "login" in vendor else ["login"]), "port", "schema", "extra"],
            "relabeling": {
                "password": "API key",
                "host": "Host (optional)",
                **({"login": vendor["login"]} if "login" in vendor else {}),
            },
            "placeholders": {
                "host": vendor["default-url"],
                "password": (
                    f"{vendor['key']}; 8 characters or more: a shorter one can't be masked where the vendor echoes it"
                ),
            },
        },
        "conn-fields": {
            "timeout": {
                "label": "Request timeout",
                "description": "Seconds that one request may take; 60 if empty.",
                "schema": {"type": ["number", "null"]},
            },
            "verify": {
                "label": "TLS verification",
                "description": "true, false, or the path of a CA file on every worker and triggerer; true if empty.",
                "schema": {"type": ["string", "null"]},
            },
            "proxy": {
                "label": "Proxy",
                "description": "URL of an HTTP proxy; if empty, what the environment says.",
                # It may hold a password.
                "schema": {"type": ["string", "null"], "format": "password"},
            },
            "max_concurrent_requests": {
                "label": "Concurrent requests",
                "description": "How many requests of one triggerer may be under way at once; 200 if empty.",
                "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000},
            },
            "public_addresses_only": {
                "label": "Public addresses only",
                "description": "Whether a download refuses URLs and redirects that lead into your own network.",
                "schema": {"type": ["boolean", "null"]},
            },
        },
    }
