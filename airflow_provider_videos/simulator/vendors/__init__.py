# SPDX-License-Identifier: Apache-2.0
"""The vendors that the simulator plays: each is one file here, whose ``VENDOR`` says what it answers."""
