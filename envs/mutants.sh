#!/bin/bash
# Change a module line by line, list the changes that no test notices, and note the score in
# benchmarks/mutants.md. envs/mutants.sh MODULE [TEST ...]; MODULE below workflow/inference_energy.
# mutmut takes a package for one that lies in src/, so a copy of the repository has it there.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD bin=$PWD/.venv-mutants/bin module=$1
shift
room=$(dirname "$module")
tests=${*:-tests/library/${room#.}/test_$(basename "$module")}
rm -rf build/mutants
git clone --quiet . build/mutants
cd build/mutants
mv workflow src
ln -s src workflow
sed -i 's/pythonpath = \["workflow", "tests"\]/pythonpath = ["src", "tests"]/' pyproject.toml
{
  printf '[mutmut]\nsource_paths=\n    src\nonly_mutate=\n    src/inference_energy/%s\n' "$module"
  # a busy machine is no loop without an end
  printf 'timeout_constant=5\ntimeout_multiplier=30\nalso_copy=\n'
  printf '    %s\n' src workflow tests config data results Snakefile pyproject.toml
  printf 'pytest_add_cli_args_test_selection=\n'
  for test in $tests; do printf '    %s\n' "$test"; done
} > setup.cfg
export PATH=$bin:$PATH
mutmut run --max-children 2 > mutmut.log 2>&1 || { tail -c 2000 mutmut.log; exit 1; }
mutmut results
mutmut export-cicd-stats > /dev/null
python "$root/envs/mutants.py" "$module" mutants/mutmut-cicd-stats.json "$root/benchmarks/mutants.md"
