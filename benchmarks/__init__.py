# SPDX-License-Identifier: Apache-2.0
"""What the package costs, side by side with what one would use instead. README.md says how to run and read it."""
