#!/bin/bash
# Change modules in one place at a time, list the changes that no test notices, and note the scores
# in benchmarks/mutants.md. envs/mutants.sh MODULE ...; modules below workflow/inference_energy, as
# committed. Their tests are those of their names, of a law those of all laws too, or the TESTS that
# are named. A run that was stopped goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
export PATH=$PWD/.venv-mutants/bin:$PATH OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
for module in "$@"; do
  commit=$(git rev-parse --short HEAD)
  own=tests/library/$(dirname "$module")/test_$(basename "$module")
  # what every law does is tested once for all of them
  if [[ $module == laws/* && $module != laws/base.py ]]; then own+=" tests/library/laws/test_base.py"; fi
  tests=${TESTS:-$own}
  name=$(echo "$commit-$module-$tests" | tr -c 'a-z0-9\n' -)
  copy=$root/build/mutants/$name
  rm -rf "$copy"
  git clone --quiet . "$copy"
  printf '[mutmut]\nsource_paths=\n    workflow\n' > "$copy/setup.cfg"
  # shellcheck disable=SC2086 # several tests are words
  if ! (cd "$copy" && python "$root/envs/trials.py" "$module" "$copy.txt" $tests > "$copy.log" 2>&1); then
    tail -c 2000 "$copy.log"
    exit 1
  fi
  grep -v ': killed$' "$copy.txt" || true
  file=$(git rev-parse --short=8 "HEAD:workflow/inference_energy/$module")
  python envs/mutants.py "$copy.txt" benchmarks/mutants.md "$module" "$file"
done
