# SPDX-License-Identifier: Apache-2.0
"""What Airflow discovers. It is loaded while Airflow is half imported, so it imports nothing."""


def get_provider_info():
    return {
        "package-name": "acme-video",
        "name": "Acme",
        "description": "Videos of Acme.",
        "connection-types": [
            {
                "connection-type": "acme",
                "hook-class-name": "acme_video.hook.AcmeHook",
                "hook-name": "Acme",
                "ui-field-behaviour": {
                    "hidden-fields": ["login", "port", "schema"],
                    "relabeling": {"password": "API key"},
                    "placeholders": {"host": "https://api.acme.example"},
                },
            }
        ],
    }
