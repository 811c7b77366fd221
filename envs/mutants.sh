#!/bin/bash
# Change modules line by line, list the changes that no test notices, and note the scores in
# benchmarks/mutants.md. envs/mutants.sh MODULE ...; modules below workflow/inference_energy. Their
# tests are those of their names, or the TESTS that are named. A run that was stopped goes on.
# mutmut takes a package for one that lies in src/, so a copy of the repository has it there.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD bin=$PWD/.venv-mutants/bin
asked="$(git rev-parse HEAD) $* ${TESTS:-}"
if [ "$(cat build/mutants/asked 2>/dev/null)" != "$asked" ]; then
  rm -rf build/mutants
  git clone --quiet . build/mutants
  cd build/mutants
  mv workflow src
  ln -s src workflow
  sed -i 's/pythonpath = \["workflow", "tests"\]/pythonpath = ["src", "tests"]/' pyproject.toml
  {
    printf '[mutmut]\nsource_paths=\n    src\nonly_mutate=\n'
    printf '    src/inference_energy/%s\n' "$@"
    # a busy machine is no loop without an end
    printf 'timeout_constant=5\ntimeout_multiplier=30\nuse_git_change_detection=false\nalso_copy=\n'
    printf '    %s\n' workflow tests config data results docs README.md Snakefile pyproject.toml
    printf 'pytest_add_cli_args_test_selection=\n'
    for module in "$@"; do
      room=$(dirname "/$module")
      printf '    %s\n' ${TESTS:-tests/library${room%/}/test_$(basename "$module")}
    done | sort -u
  } > setup.cfg
  echo "$asked" > asked
else
  cd build/mutants
fi
export PATH=$bin:$PATH
mutmut run --max-children "${PROCESSES:-2}" > mutmut.log 2>&1 || { tail -c 2000 mutmut.log; exit 1; }
mutmut results --all true > results.txt
grep -v ': killed$' results.txt || true
python "$root/envs/mutants.py" results.txt "$root/benchmarks/mutants.md" "$@"
