#!/bin/bash
# run.sh [--quick] - installs what is missing, builds, runs every test.
#
#   --quick   one build, unit tests, end-to-end tests that are not slow, format and
#             shell checks: two to three minutes. Without it: all of that, both compilers,
#             the whole suite again under ASan+UBSan, the threaded parts under TSan,
#             and the static analyser.
#
# Builds go to build-test/NAME (kept, so that the next run is fast). Each step's output is
# shown when it fails. The exit code is 0 only when every step passed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 3

quick=''
case "${1-}" in
'') ;;
--quick) quick=1 ;;
*)
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

./deploy/install-packages.sh build test || exit 3

export ASAN_OPTIONS=detect_stack_use_after_return=1
export TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp

out=build-test
jobs=$(nproc)
mkdir -p "$out"
passed=0
failed=0
failures=()

# step NAME COMMAND...: runs it with its output in a log, says how it went.
step() {
    local name=$1 log start
    shift
    log=$out/$(tr -c 'a-z0-9\n' - <<<"${name,,}").log
    start=$SECONDS
    if "$@" >"$log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        printf 'ok      %-44s %4ds  %s\n' "$name" $((SECONDS - start)) "$(closing "$log")"
        return 0
    fi
    failed=$((failed + 1))
    failures+=("$name")
    printf 'FAILED  %-44s %4ds  whole log: %s\n' "$name" $((SECONDS - start)) "$log"
    tail -n 60 "$log" | sed 's/^/        /'
    return 1
}

# The test runner's own closing words, where there are some.
closing() {
    grep -hoE '[0-9]+ passed.* in [0-9.]+s|[0-9]+% tests passed, .*' "$1" | tail -n 1
}

# build NAME COMPILER [CMAKE-OPTION...]
build() {
    local dir=$out/$1 compiler=$2
    shift 2
    cmake -S . -B "$dir" -G Ninja -DCMAKE_C_COMPILER="$compiler" -DAUTOMARK_WERROR=ON "$@" &&
        cmake --build "$dir" -j "$jobs"
}

unit() {
    (cd "$out/$1" && shift && ctest --output-on-failure --timeout 300 -j "$jobs" "$@")
}

# Debian's python, whatever else is first on PATH: the packages are installed for it.
e2e() {
    local dir=$PWD/$out/$1
    shift
    AUTOMARK_BUILD=$dir PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 -m pytest -q -p no:cacheprovider -n 4 tests/e2e "$@"
}

# Releases of clang-format disagree about macros: Debian 12's is the reference.
check_format() {
    if ! clang-format --version | grep -q 'version 14\.'; then
        echo "skipped: $(clang-format --version); 14 is the reference"
        return 0
    fi
    git ls-files 'src/*.[ch]' 'tests/*.[ch]' | xargs clang-format --dry-run -Werror
}

check_shell() {
    git ls-files '*.sh' .ci/run deploy/hooks | xargs shellcheck
}

# Each release finds, and imagines, other things: Debian 12's is the reference.
analyse() {
    if ! clang-tidy --version | grep -q 'version 14\.'; then
        echo "skipped: $(clang-tidy --version | head -n 1); 14 is the reference"
        return 0
    fi
    cmake -S . -B "$out/analyse" -G Ninja -DCMAKE_C_COMPILER=clang -DBUILD_TESTING=OFF &&
        git ls-files 'src/*.c' |
        xargs -P "$jobs" -n 4 clang-tidy -p "$out/analyse" --quiet --warnings-as-errors='*'
}

if step 'build (gcc)' build gcc gcc; then
    step 'unit tests' unit gcc
    step 'corpus is well formed' /usr/bin/python3 tests/corpus/check_corpus.py
    step "shipped rules' own tests" "$out/gcc/automark" test --coverage --min-coverage 100 rules
    step 'shipped rules are clean' "$out/gcc/automark" check --strict rules
    if [ -n "$quick" ]; then
        step 'end to end (quick)' e2e gcc --quick
    else
        step 'end to end' e2e gcc
    fi
fi
step 'format (clang-format)' check_format
step 'shell scripts (shellcheck)' check_shell

if [ -z "$quick" ]; then
    step 'build (clang)' build clang clang
    if step 'build (address and undefined sanitizers)' build asan gcc -DAUTOMARK_SANITIZE=address; then
        step 'unit tests (address, undefined)' unit asan
        step 'end to end (address, undefined)' e2e asan
    fi
    if step 'build (thread sanitizer)' build tsan gcc -DAUTOMARK_SANITIZE=thread; then
        step 'unit tests (thread)' unit tsan -R 'store|sender|listener|admin|log|reaper|serve|match'
        step 'end to end (thread)' e2e tsan -m threads
    fi
    step 'static analysis (clang-tidy)' analyse
fi

echo
[ "$failed" -eq 0 ] || printf 'failed: %s\n' "${failures[@]}"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
