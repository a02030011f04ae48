# lib.sh -- shared by the commands in script/. Sourced, never run.
# Gives: top (the repository), step/done_line/fail, as_root.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi

step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '    %s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Runs a command as root: directly, or through sudo, which may ask for a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo -- "$@"
    else fail "'$*' needs root and sudo is not installed: run this command as root once"
    fi
}

jobs=$(nproc 2>/dev/null || echo 2)

# Configures (once, and when the presets have changed) and builds a preset; quiet unless it fails.
build_preset() { # PRESET [TARGET...]
    local preset=$1; shift
    local log="$top/build/$preset.log"
    mkdir -p "$top/build"
    if [ ! "$top/build/$preset/build.ninja" -nt "$top/CMakePresets.json" ]; then
        cmake --preset "$preset" >"$log" 2>&1 || { tail -n 30 "$log" >&2; fail "cmake --preset $preset failed (whole log: build/$preset.log)"; }
    fi
    cmake --build --preset "$preset" --parallel "$jobs" ${@:+--target "$@"} >"$log" 2>&1 ||
        { grep -nE 'error|warning|FAILED' "$log" | head -n 30 >&2; tail -n 20 "$log" >&2; fail "the build failed (whole log: build/$preset.log)"; }
}
