#!/bin/sh
# Stands in for a C compiler and an archiver where nothing is linked: makes the files asked for, empty.
case "$*" in
*-E* | *--version* | *-dumpmachine* | *-print*)
  echo "clang version 14.0.0"
  exit 0
  ;;
esac
output=""
previous=""
for argument in "$@"; do
  case "$previous" in -o) output=$argument ;; esac
  previous=$argument
done
if [ -n "$output" ]; then
  : >"$output"
else
  for argument in "$@"; do
    case "$argument" in *.a | *.lib) : >"$argument" ;; esac
  done
fi
