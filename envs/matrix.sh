#!/bin/bash
# Run the workflow with another Python and the oldest or newest versions that pyproject.toml allows,
# and name every committed file that comes out with other bytes: tables, pages, figures, and what else
# a run writes. envs/matrix.sh PYTHON lowest-direct|highest [FILE ...]; all files, unless some are
# named, and then only what making those writes is compared.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/build/matrix/$1-$2
rm -rf "$folder"
git clone --quiet . "$folder/project"
uv venv --quiet --python "$1" "$folder/venv"
uv pip install --quiet --python "$folder/venv/bin/python" --resolution "$2" -r pyproject.toml
uv pip freeze --quiet --python "$folder/venv/bin/python" > "$folder/versions.txt"
cd "$folder/project"
PATH=$folder/venv/bin:$PATH snakemake --forceall -- "${@:3}" > "$folder/run.log" 2>&1 \
  || { tail -n 20 "$folder/run.log"; exit 1; }
compared=(results figures docs config/README.md README.md datapackage.json)
git status --short "${compared[@]}" | tee "$folder/differences.txt"
if [ -s "$folder/differences.txt" ]; then exit 1; fi
made=${*:3}
echo "Python $1, $2 versions: every byte of ${compared[*]} is the same (made: ${made:-all})"
