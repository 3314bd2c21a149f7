#!/usr/bin/env bash
# scripts/setup where something is missing: one line that says what and what to do, and nothing half made.
# Each case runs the real script with a PATH that holds only the tools named here; apt-get, python3, dpkg-query, id
# and df are stand-ins that note their calls and fail as the case asks.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

stand_in() { printf '#!/bin/bash\n%s\n' "$2" >"$work/bin/$1" && chmod +x "$work/bin/$1"; }

# A machine that has all packages, no libtorch, and pip, apt-get that work without doing anything.
fresh_machine() {
  rm -rf "$work/bin" "$work/cache" "$work/calls"
  mkdir "$work/bin" "$work/cache"
  touch "$work/calls"
  local tool
  for tool in bash sed awk mkdir mktemp dirname touch rm cp env flock cat; do
    ln -s "$(command -v "$tool")" "$work/bin/$tool"
  done
  stand_in dpkg-query 'echo -n installed'
  stand_in apt-get "echo apt-get \"\$@\" >>'$work/calls'"
  stand_in id 'echo 0'
  stand_in df 'echo header; echo disk 9 9 99999 9 /'
  # pip download makes the folder of wheels, unpack_wheels.py a tree with one file.
  stand_in python3 "echo python3 \"\$@\" >>'$work/calls'
    case \$1 in -m) mkdir -p \"\${12}\" ;; *) mkdir -p \"\$3/torch\" && echo lib >\"\$3/torch/lib\" ;; esac"
}

run_setup() {
  env -i PATH="$work/bin" HOME="$work" KOI_LIBTORCH="$work/cache/libtorch" KOI_ORACLES="$work/cache/oracles" KOI_EVAL="$work/cache/eval" "$@" "$work/bin/bash" "$root/scripts/setup" ${run_setup_with:+"$run_setup_with"} \
    >"$work/out" 2>"$work/err"
  status=$?
}

check() {  # check WHAT COMMAND...
  local what=$1
  shift
  if ! "$@"; then
    printf 'FAILED: %s: %s\n--- status %s, stderr:\n' "$case_name" "$what" "$status"
    cat "$work/err"
    failures=$((failures + 1))
  fi
}

fails_with() {  # status 1, the words in the last line, no mark and no scratch folder
  check 'exit status 1' [ "$status" -eq 1 ]
  check "the last line has: $1" grep -qF -- "$1" <(tail -n 1 "$work/err")
  check 'no mark of completion' [ ! -e "$work/cache/libtorch/.done-cpu" ]
  check 'no scratch folder' [ -z "$(compgen -G "$work/cache/libtorch.tmp.*")" ]
}

case_name='all goes well'
fresh_machine
run_setup
check 'exit status 0' [ "$status" -eq 0 ]
check 'libtorch is there' [ -f "$work/cache/libtorch/torch/lib" ]
check 'three wheels are asked for' grep -q 'torch==.* nvidia-cuda-runtime==.* nvidia-cuda-cupti==' "$work/calls"
check 'the test oracles are asked for' grep -q 'tensorboard==.* numpy==' "$work/calls"
check 'nothing but the two folders stays' [ "$(ls -A "$work/cache" | tr '\n' ' ')" = 'libtorch oracles ' ]

case_name='a second run'
: >"$work/calls"
run_setup
check 'exit status 0' [ "$status" -eq 0 ]
check 'calls neither apt-get nor pip' [ ! -s "$work/calls" ]

case_name='the CUDA libraries on top'
run_setup KOI_CUDA=1
check 'exit status 0' [ "$status" -eq 0 ]
check 'torch and eleven nvidia wheels are asked for' \
  [ "$(grep -o 'nvidia-[a-z0-9-]*==\|torch==' <(grep download "$work/calls") | wc -l)" -eq 12 ]

case_name='the recognisers on top'
run_setup_with=--eval
: >"$work/calls"
run_setup
check 'exit status 0' [ "$status" -eq 0 ]
check 'their wheels are asked for' grep -q 'faster-whisper==.* pocketsphinx==.* resemblyzer==' "$work/calls"
check 'the programs lie beside them' [ -f "$work/cache/eval/koi/whisper.py" ]
run_setup_with=--evil
run_setup
check 'exit status 1' [ "$status" -eq 1 ]
check 'names the argument' grep -qF 'unknown argument --evil' "$work/err"
run_setup_with=

case_name='what a killed run left is cleared away'
fresh_machine
mkdir "$work/cache/libtorch.tmp.1"
run_setup
check 'exit status 0' [ "$status" -eq 0 ]
check 'only what was fetched is left' [ "$(ls -A "$work/cache" | tr '\n' ' ')" = 'libtorch oracles ' ]

case_name='not Debian'
fresh_machine
rm "$work/bin/dpkg-query"
run_setup
fails_with 'Debian 12'

case_name='no apt-get'
fresh_machine
stand_in dpkg-query 'exit 1'
rm "$work/bin/apt-get"
run_setup
fails_with 'apt-get is missing; install by hand: g++ cmake'

case_name='neither root nor sudo'
fresh_machine
stand_in dpkg-query 'exit 1'
stand_in id 'echo 1000'
run_setup
fails_with 'as root, run: apt-get install g++ cmake'
check 'apt-get is not called' [ ! -s "$work/calls" ]

case_name='not root, sudo at hand'
fresh_machine
stand_in dpkg-query 'exit 1'
stand_in id 'echo 1000'
stand_in sudo "echo sudo >>'$work/calls'; exec \"\$@\""
run_setup
check 'exit status 0' [ "$status" -eq 0 ]
check 'apt-get by sudo, twice' [ "$(grep -c sudo "$work/calls")" -eq 2 ]

case_name='no network for apt-get'
fresh_machine
stand_in dpkg-query 'exit 1'
stand_in apt-get '[ "$1" != update ]'
run_setup
fails_with 'apt-get update failed: is there a network?'

case_name='apt-get cannot install'
fresh_machine
stand_in dpkg-query 'exit 1'
stand_in apt-get '[ "$1" != install ]'
run_setup
fails_with 'apt-get could not install: g++ cmake'

case_name='no network for libtorch'
fresh_machine
stand_in python3 'exit 1'
run_setup
fails_with 'download failed: is there a network?'

case_name='no network for the test oracles'
fresh_machine
touch_libtorch='mkdir -p "$3/torch" && echo lib >"$3/torch/lib"'
stand_in python3 "case \"\$*\" in *tensorboard*) exit 1 ;; -m*) mkdir -p \"\${12}\" ;; *) $touch_libtorch ;; esac"
run_setup
check 'exit status 1' [ "$status" -eq 1 ]
check 'says which variable' grep -qF 'KOI_ORACLES may point' <(tail -n 1 "$work/err")
check 'libtorch stays' [ -e "$work/cache/libtorch/.done-cpu" ]

case_name='a broken wheel'
fresh_machine
stand_in python3 '[ "$1" = -m ]'
run_setup
fails_with 'unpacking the wheels failed'

case_name='no disk space'
fresh_machine
stand_in df 'echo header; echo disk 9 9 100 9 /'
run_setup
fails_with 'has 100 MiB free, 2000 are needed'
check 'nothing is downloaded' [ ! -s "$work/calls" ]

case_name='a cache folder that is a file'
fresh_machine
rm -r "$work/cache"
touch "$work/cache"
run_setup
check 'exit status 1' [ "$status" -eq 1 ]
check 'says what to set' grep -qF 'set KOI_LIBTORCH' <(tail -n 1 "$work/err")

[ "$failures" -eq 0 ] || exit 1
echo 'all cases of scripts/setup hold'
