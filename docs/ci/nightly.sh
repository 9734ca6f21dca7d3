#!/usr/bin/env bash
# One night: measures the models named, or the examples, on each emulated board, and compares.
# BASELINE names the baseline; HISTORY and OUTPUT say where measurements and reports go.
set -euo pipefail

: "${BASELINE:?name the baseline to compare with}"
HISTORY=${HISTORY:-build/nightly/history.sqlite}
OUTPUT=${OUTPUT:-build/nightly}
BOARDS=${BOARDS:-uno pico uno_q esp32}
models=("$@")
[ ${#models[@]} -gt 0 ] || models=(examples/*_int8.tflite)
mkdir -p "$(dirname "$HISTORY")" "$OUTPUT"

for model in "${models[@]}"; do
    for board in $BOARDS; do
        # A model may not fit a board. One that did is missed by the comparison.
        .venv/bin/host measure "$model" --board "$board" --profile --history "$HISTORY" \
            >>"$OUTPUT/measure.log" 2>&1 || echo "not measured: $model on $board ($?)"
    done
done
exec .venv/bin/host farm nightly --baseline "$BASELINE" --history "$HISTORY" --output "$OUTPUT" \
    ${BASELINES:+--baselines "$BASELINES"}
