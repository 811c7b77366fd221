#!/bin/sh
# Unpack, install and measure without a network and unattended; started again, it goes on.
# usage: sh run.sh [WORK [MINUTES]]     PYTHON names the Python to use
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$here/work}
mkdir -p "$work"
if [ ! -e "$work/kit/unpacked" ]; then
  # names every part that is damaged or missing
  (cd "$here" && sha256sum --check --strict --quiet SHA256SUMS)
  cat "$here"/part-* | tar -x -C "$work"
  touch "$work/kit/unpacked"
fi
exec "${PYTHON:-python3}" "$work/kit/unattended.py" "$work" "${2:-30}"
