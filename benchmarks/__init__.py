# SPDX-License-Identifier: Apache-2.0
"""What the package costs, side by side with what one would use instead. README.md says how to run and read it."""

import sys
from pathlib import Path

# The harnesses of a real Airflow and of an S3 lie there.
sys.path.append(str(Path(__file__).parent.parent / "scripts"))
