#!/bin/bash
# run.sh [--quick] - installs what is missing, builds, runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."
./deploy/install-packages.sh build test
cmake -S . -B build -G Ninja -DAUTOMARK_WERROR=ON
cmake --build build
ctest --test-dir build --output-on-failure
