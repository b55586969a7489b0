# SPDX-License-Identifier: Apache-2.0
from tests.waiting.conftest import pushed as pushed
