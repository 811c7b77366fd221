#!/bin/bash
# Change modules line by line and list the changes that no test notices.
# envs/mutants.sh "MODULES" "TESTS"; modules below workflow/inference_energy
# mutmut takes a package for one that lies in src/, so a copy of the repository has it there.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv-mutants/bin
rm -rf build/mutants
git clone --quiet . build/mutants
cd build/mutants
mv workflow src
ln -s src workflow
sed -i 's/pythonpath = \["workflow", "tests"\]/pythonpath = ["src", "tests"]/' pyproject.toml
{
  printf '[mutmut]\nsource_paths=\n    src\nonly_mutate=\n'
  for module in $1; do printf '    src/inference_energy/%s\n' "$module"; done
  printf 'also_copy=\n'
  printf '    %s\n' src workflow tests config data results Snakefile pyproject.toml
  printf 'pytest_add_cli_args_test_selection=\n'
  for test in $2; do printf '    %s\n' "$test"; done
} > setup.cfg
PATH=$bin:$PATH mutmut run --max-children 2 > mutmut.log 2>&1 || { tail -c 2000 mutmut.log; exit 1; }
tail -c 120 mutmut.log
PATH=$bin:$PATH mutmut results
